rule train:
    input:
        data=data_of_run,
    output:
        model="<results>/models/{run}.pt",
        history="<results>/history/{run}.csv",
        record="<records>/train/{run}.json",
    log:
        "<logs>/train/{run}.log",
    priority: lambda wildcards: PLAN.priority(wildcards.run)
    threads: threads_asked("train")
    resources:
        gpu=asked("train", "gpu"),
        mem_mb=asked_anew("train", "mem_mb"),
        runtime=asked_anew("train", "runtime"),
    params:
        kind=lambda wildcards: PLAN.kind(wildcards.run),
        settings=lambda wildcards: PLAN.settings(wildcards.run),
        limits=PLAN.limits_of("train"),
        seed=lambda wildcards: PLAN.seed_of(wildcards.run),
        code=lambda wildcards: code_of("train", wildcards),
        # no output: a training that was interrupted finds it again and continues
        checkpoint=lambda wildcards, output: f"{results_folder(wildcards, output)}/checkpoints/{wildcards.run}.pt",
    shell:
        "python -m dgm.stages.train --run {wildcards.run:q} --kind {params.kind:q} --settings {params.settings:q}"
        " --limits {params.limits:q} --seed {params.seed:q} --code {params.code:q} --data {input.data:q} --model {output.model:q}"
        " --history {output.history:q} --checkpoint {params.checkpoint:q} --threads {threads} --gpu {resources.gpu}"
        " --record {output.record:q} --log {log:q}"


rule sample:
    input:
        model="<results>/models/{run}.pt",
    output:
        samples="<results>/samples/{run}.npz",
        record="<records>/sample/{run}.json",
    log:
        "<logs>/sample/{run}.log",
    threads: threads_asked("sample")
    resources:
        gpu=asked("sample", "gpu"),
        mem_mb=asked_anew("sample", "mem_mb"),
        runtime=asked_anew("sample", "runtime"),
    params:
        draws=lambda wildcards: PLAN.draws(wildcards.run),
        limits=PLAN.limits_of("sample"),
        seed=lambda wildcards: PLAN.seed_of(wildcards.run),
        code=lambda wildcards: code_of("sample", wildcards),
    shell:
        "python -m dgm.stages.sample --run {wildcards.run:q} --model {input.model:q} --count {params.draws:q}"
        " --limits {params.limits:q} --seed {params.seed:q} --samples {output.samples:q} --threads {threads} --gpu {resources.gpu}"
        " --record {output.record:q} --log {log:q}"


rule reference:
    input:
        model="<results>/models/{run}.pt",
        data=data_of_run,
    output:
        references="<results>/references/{run}.npz",
        record="<records>/reference/{run}.json",
    log:
        "<logs>/reference/{run}.log",
    threads: threads_asked("reference")
    resources:
        gpu=asked("reference", "gpu"),
        mem_mb=asked_anew("reference", "mem_mb"),
        runtime=asked_anew("reference", "runtime"),
    params:
        limits=PLAN.limits_of("reference"),
        seed=PLAN.seed,
        code=lambda wildcards: code_of("reference", wildcards),
    shell:
        "python -m dgm.stages.reference --run {wildcards.run:q} --model {input.model:q} --data {input.data:q}"
        " --limits {params.limits:q} --seed {params.seed:q} --references {output.references:q} --threads {threads}"
        " --gpu {resources.gpu} --record {output.record:q} --log {log:q}"


rule evaluate:
    input:
        unpack(evidence_of_run),
        model="<results>/models/{run}.pt",
        data=data_of_run,
        train_record="<records>/train/{run}.json",
    output:
        metrics="<results>/metrics/{run}.csv",
        evaluations="<results>/evaluations/{run}.npz",
        record="<records>/evaluate/{run}.json",
    log:
        "<logs>/evaluate/{run}.log",
    threads: threads_asked("evaluate")
    resources:
        gpu=asked("evaluate", "gpu"),
        mem_mb=asked_anew("evaluate", "mem_mb"),
        runtime=asked_anew("evaluate", "runtime"),
    params:
        files=lambda wildcards, input: flags(dict(input.items())),
        scale=lambda wildcards: PLAN.scale(wildcards.run),
        limits=PLAN.limits_of("evaluate"),
        seed=PLAN.seed,
        code=lambda wildcards: code_of("evaluate", wildcards),
    shell:
        "python -m dgm.stages.evaluate --run {wildcards.run:q} {params.files:q} {params.scale:q} --limits {params.limits:q} --seed {params.seed:q}"
        " --metrics {output.metrics:q} --evaluations {output.evaluations:q} --threads {threads} --gpu {resources.gpu}"
        " --record {output.record:q} --log {log:q}"


rule estimate:
    input:
        model="<results>/models/{run}.pt",
        data=data_of_run,
    output:
        metrics="<results>/estimates/{run}.csv",
        estimates="<results>/estimates/{run}.npz",
        record="<records>/estimate/{run}.json",
    log:
        "<logs>/estimate/{run}.log",
    threads: threads_asked("estimate")
    resources:
        gpu=asked("estimate", "gpu"),
        mem_mb=asked_anew("estimate", "mem_mb"),
        runtime=asked_anew("estimate", "runtime"),
    params:
        settings=lambda wildcards: PLAN.estimates(wildcards.run),
        limits=PLAN.limits_of("estimate"),
        seed=PLAN.seed,
        code=lambda wildcards: code_of("estimate", wildcards),
    shell:
        "python -m dgm.stages.estimate --run {wildcards.run:q} --model {input.model:q} --data {input.data:q}"
        " --settings {params.settings:q} --limits {params.limits:q} --seed {params.seed:q} --metrics {output.metrics:q}"
        " --estimates {output.estimates:q} --threads {threads} --gpu {resources.gpu} --record {output.record:q} --log {log:q}"
