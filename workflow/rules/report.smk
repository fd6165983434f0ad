rule plot:
    input:
        sources=lambda wildcards: [
            f"{PLAN.results}/{path}" for path in PLAN.sources(wildcards.figure)
        ],
    output:
        svg=report(
            "<results>/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=category,
            labels={"figure": "{figure}"},
        ),
        pdf="<results>/figures/{figure}.pdf",
        record="<records>/plot/{figure}.json",
    log:
        "<logs>/plot/{figure}.log",
    localrule: True
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        entry=lambda wildcards: PLAN.drawing(wildcards.figure),
        figures=figures_file,
        results=results_folder,
        code=lambda wildcards: PLAN.drawing_code(wildcards.figure),
    shell:
        "python -m dgm.stages.plot --figure {wildcards.figure:q} --figures {params.figures:q} --results {params.results:q}"
        " --svg {output.svg:q} --pdf {output.pdf:q} --record {output.record:q} --log {log:q}"


rule export:
    input:
        sources=lambda wildcards: [
            f"{PLAN.results}/{path}"
            for path in PLAN.explored(wildcards.explorable).sources.values()
        ],
    output:
        data="<results>/explorables/{explorable}.json",
        record="<records>/export/{explorable}.json",
    log:
        "<logs>/export/{explorable}.log",
    localrule: True
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        entry=lambda wildcards: PLAN.exporting(wildcards.explorable),
        figures=lambda wildcards: PLAN.figures_file(wildcards.explorable),
        results=results_folder,
        code=lambda wildcards: PLAN.exporting_code(wildcards.explorable),
    shell:
        "python -m dgm.stages.export --figure {wildcards.explorable:q} --figures {params.figures:q} --results {params.results:q}"
        " --data {output.data:q} --record {output.record:q} --log {log:q}"


rule render:
    input:
        REPORT_SOURCES.values(),
        MADE,
    output:
        html=report(
            "<results>/report/index.html",
            caption="../report/page.rst",
            category="Report",
            labels={"document": "report", "format": "HTML"},
        ),
        tex="<results>/report/report.tex",
        checks="<results>/report/checks.tex",
        parts=expand("<results>/report/{assignment}.tex", assignment=PLAN.assignments),
        record="<records>/render/report.json",
    log:
        "<logs>/render/report.log",
    localrule: True
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        config=PLAN.config_json(),
        results=results_folder,
        report=report_folder,
        assignments=assignment_folders,
        code=PLAN.code("render"),
    shell:
        "python -m dgm.stages.render --config-json {params.config:q} --results {params.results:q} --report-dir {params.report:q}"
        " --assignments {params.assignments:q}"
        " --html {output.html:q} --tex {output.tex:q} --checks {output.checks:q} --parts {output.parts:q} --record {output.record:q} --log {log:q}"


rule typeset:
    input:
        tex="<results>/report/{document}.tex",
        figures=expand("<results>/figures/{figure}.pdf", figure=PLAN.figures),
    output:
        pdf=report(
            "<results>/report/{document}.pdf",
            caption="../report/document.rst",
            category="Report",
            labels={"document": "{document}", "format": "PDF"},
        ),
        record="<records>/typeset/{document}.json",
    log:
        "<logs>/typeset/{document}.log",
    localrule: True
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        code=PLAN.code("typeset"),
    shell:
        "python -m dgm.stages.typeset --tex {input.tex:q} --pdf {output.pdf:q} --record {output.record:q} --log {log:q}"


# The end of a build: what it has, and its failure where a claim that must hold is false, which the report shows by then.
rule conclude:
    input:
        REPORT,
        report="<results>/report/index.html",
        checks="<results>/tables/checks.csv",
        questions="<results>/tables/questions.csv",
    output:
        record="<records>/conclude/report.json",
    log:
        "<logs>/conclude/report.log",
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        assignments=assignment_folders,
        code=PLAN.code("conclude"),
    shell:
        "python -m dgm.stages.conclude --checks {input.checks:q} --questions {input.questions:q} --report {input.report:q}"
        " --assignments {params.assignments:q} --record {output.record:q} --log {log:q}"


rule manifest:
    input:
        MADE,
        REPORT,
        "<records>/conclude/report.json",
    output:
        manifest="<results>/manifest.json",
        record="<records>/manifest/manifest.json",
    log:
        "<logs>/manifest/manifest.log",
    localrule: True
    resources:
        mem_mb=500,
        runtime=10,
    params:
        results=results_folder,
        code=PLAN.code("manifest"),
    shell:
        "python -m dgm.stages.manifest --results {params.results:q} --manifest {output.manifest:q} --record {output.record:q}"
        " --log {log:q}"
