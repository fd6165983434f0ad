rule tabulate:
    input:
        expand("<results>/{path}", path=PLAN.metric_files()),
    output:
        table=report(
            "<results>/tables/metrics.csv",
            caption="../report/metrics.rst",
            category="Tables",
            labels={"table": "metrics"},
        ),
        seeds=report(
            "<results>/tables/seeds.csv",
            caption="../report/seeds.rst",
            category="Tables",
            labels={"table": "seeds"},
        ),
        record="<records>/tabulate/metrics.json",
    log:
        "<logs>/tabulate/metrics.log",
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        repeated=PLAN.repeated,
        seeds=PLAN.seeds,
        code=PLAN.code("tabulate"),
    shell:
        "python -m dgm.stages.tabulate --metrics {input:q} --repeated {params.repeated:q} --seeds {params.seeds:q}"
        " --table {output.table:q} --seeds-table {output.seeds:q} --record {output.record:q} --log {log:q}"


rule costs:
    input:
        expand("<records>/{job}.json", job=PLAN.jobs()),
    output:
        table=report(
            "<results>/tables/costs.csv",
            caption="../report/costs.rst",
            category="Tables",
            labels={"table": "costs"},
        ),
        record="<records>/costs/jobs.json",
    log:
        "<logs>/costs/jobs.log",
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        jobs=PLAN.jobs(),
        results=results_folder,
        code=PLAN.code("costs"),
    shell:
        "python -m dgm.stages.costs --results {params.results:q} --jobs {params.jobs:q} --table {output.table:q}"
        " --record {output.record:q} --log {log:q}"


rule check:
    input:
        stability=REPORT_SOURCES["trainings"][0],
        evidence=lambda wildcards: [
            f"{PLAN.results}/{path}" for path in PLAN.files_read(wildcards.assignment)
        ],
    output:
        checks="<results>/checks/{assignment}.csv",
        record="<records>/check/{assignment}.json",
    log:
        "<logs>/check/{assignment}.log",
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        results=results_folder,
        limits=PLAN.limits_of("check"),
        folder=lambda wildcards: PLAN.folder(wildcards.assignment),
        reads=lambda wildcards: PLAN.reads(wildcards.assignment),
        about=lambda wildcards: PLAN.about(wildcards.assignment),
        code=lambda wildcards: PLAN.check_code(wildcards.assignment),
    shell:
        "python -m dgm.stages.check --assignment {params.folder:q} --reads {params.reads:q} --about {params.about:q}"
        " --results {params.results:q} --limits {params.limits:q} --stability {input.stability:q} --checks {output.checks:q} --record {output.record:q}"
        " --log {log:q}"


rule collect:
    input:
        [REPORT_SOURCES[name] for name in ("assignments", "answers", "lists")],
        checks=expand("<results>/checks/{assignment}.csv", assignment=PLAN.assignments),
    output:
        checks=report(
            "<results>/tables/checks.csv",
            caption="../report/checks.rst",
            category="Tables",
            labels={"table": "checks"},
        ),
        questions=report(
            "<results>/tables/questions.csv",
            caption="../report/questions.rst",
            category="Tables",
            labels={"table": "questions"},
        ),
        corrections=report(
            "<results>/tables/corrections.csv",
            caption="../report/corrections.rst",
            category="Tables",
            labels={"table": "corrections"},
        ),
        record="<records>/collect/questions.json",
    log:
        "<logs>/collect/questions.log",
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        report=report_folder,
        assignments=assignment_folders,
        code=PLAN.code("collect"),
    shell:
        "python -m dgm.stages.collect --checks {input.checks:q} --report-dir {params.report:q}"
        " --assignments {params.assignments:q}"
        " --checks-table {output.checks:q} --questions-table {output.questions:q}"
        " --corrections-table {output.corrections:q} --record {output.record:q} --log {log:q}"
