rule tabulate:
    input:
        expand("<results>/metrics/{name}.csv", name=PLAN.tabulated),
        expand("<results>/estimates/{run}.csv", run=PLAN.estimated_runs),
    output:
        table="<results>/tables/metrics.csv",
        record="<records>/tabulate/metrics.json",
    log:
        "<logs>/tabulate/metrics.log",
    benchmark:
        "<benchmarks>/tabulate/metrics.jsonl"
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=PLAN.code("tabulate"),
    shell:
        "python -m dgm.stages.tabulate --metrics {input} --table {output.table} --record {output.record} --log {log}"


rule check:
    input:
        "<results>/data/images.npz",
        "<results>/data/provenance.json",
        expand("<results>/data/{ring}.npz", ring=PLAN.rings),
        "<results>/tables/metrics.csv",
        expand("<results>/models/{run}.pt", run=PLAN.runs),
        expand("<results>/history/{run}.csv", run=PLAN.runs),
        expand("<results>/samples/{run}.npz", run=PLAN.sampled_runs),
        expand("<results>/evaluations/{run}.npz", run=PLAN.runs),
        expand("<results>/estimates/{run}.npz", run=PLAN.estimated_runs),
        expand(
            "<results>/arrays/{demonstration}.npz", demonstration=PLAN.demonstrations
        ),
    output:
        checks="<results>/checks/{assignment}.csv",
        record="<records>/check/{assignment}.json",
    log:
        "<logs>/check/{assignment}.log",
    benchmark:
        "<benchmarks>/check/{assignment}.jsonl"
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        results=results_folder,
        limits=PLAN.limits_of("check"),
        code=lambda wildcards: PLAN.code("check", f"checks.{wildcards.assignment}"),
    shell:
        "python -m dgm.stages.check --assignment {wildcards.assignment} --results {params.results}"
        " --limits {params.limits:q} --checks {output.checks} --record {output.record} --log {log}"


rule collect:
    input:
        [REPORT_SOURCES[name] for name in ("questions", "answers", "lists")],
        checks=expand("<results>/checks/{assignment}.csv", assignment=PLAN.assignments),
    output:
        checks="<results>/tables/checks.csv",
        questions="<results>/tables/questions.csv",
        corrections="<results>/tables/corrections.csv",
        record="<records>/collect/questions.json",
    log:
        "<logs>/collect/questions.log",
    benchmark:
        "<benchmarks>/collect/questions.jsonl"
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        report=report_folder,
        code=PLAN.code("collect"),
    shell:
        "python -m dgm.stages.collect --checks {input.checks} --report-dir {params.report:q}"
        " --checks-table {output.checks} --questions-table {output.questions}"
        " --corrections-table {output.corrections} --record {output.record} --log {log}"
