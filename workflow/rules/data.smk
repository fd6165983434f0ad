rule prepare:
    output:
        images="<results>/data/images.npz",
        provenance="<results>/data/provenance.json",
        record="<records>/prepare/images.json",
    log:
        "<logs>/prepare/images.log",
    localrule: True
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        dataset=PLAN.dataset,
        data_dir=data_dir,
        content=PLAN.data_content,
        limits=PLAN.limits_of("prepare"),
        code=PLAN.code("prepare"),
    shell:
        "python -m dgm.stages.prepare --dataset {params.dataset:q} --data-dir={params.data_dir:q} --limits {params.limits:q}"
        " --images {output.images:q} --provenance {output.provenance:q} --record {output.record:q} --log {log:q}"


rule simulate:
    output:
        points="<results>/data/{ring}.npz",
        metrics="<results>/metrics/{ring}.csv",
        record="<records>/simulate/{ring}.json",
    log:
        "<logs>/simulate/{ring}.log",
    localrule: True
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: PLAN.ring(wildcards.ring),
        seed=PLAN.seed,
        code=PLAN.code("simulate"),
    shell:
        "python -m dgm.stages.simulate --name {wildcards.ring:q} --settings {params.settings:q} --seed {params.seed:q}"
        " --points {output.points:q} --metrics {output.metrics:q} --record {output.record:q} --log {log:q}"


rule demonstrate:
    output:
        arrays="<results>/arrays/{demonstration}.npz",
        metrics="<results>/metrics/{demonstration}.csv",
        record="<records>/demonstrate/{demonstration}.json",
    log:
        "<logs>/demonstrate/{demonstration}.log",
    localrule: True
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=PLAN.seed,
        folder=lambda wildcards: PLAN.demonstrated_in(wildcards.demonstration),
        code=lambda wildcards: PLAN.demonstration_code(wildcards.demonstration),
        limits=PLAN.limits_of("demonstrate"),
    shell:
        "python -m dgm.stages.demonstrate --assignment {params.folder:q} --name {wildcards.demonstration:q} --seed {params.seed:q} --limits {params.limits:q}"
        " --arrays {output.arrays:q} --metrics {output.metrics:q} --record {output.record:q} --log {log:q}"
