def compared(runs, dataset):
    """What the checkpoints of some runs gave on a dataset."""
    names = ["quality.json", "diagrams.npz"]
    if STUDY.file.clouds.keep == "all":
        names.append("clouds.safetensors")
    return [
        f"{STUDY.pair_folder(checkpoint, dataset)}/{name}"
        for run in runs
        for checkpoint in STUDY.observed(run, dataset)
        for name in names
    ]


rule compare:
    input:
        lambda w: compared([STUDY.runs[w.model, w.budget]], w.dataset),
    output:
        distances=f"{RESULTS}/compare/{{model}}/{{budget}}/{{dataset}}/distances.parquet",
    log:
        f"{LOGS}/compare/{{model}}/{{budget}}/{{dataset}}.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(
            lambda w: needs.compare(STUDY, [STUDY.runs[w.model, w.budget]], w.dataset)
        ),
    params:
        told=told(
            "compare",
            lambda w: settings.compare(
                STUDY, [STUDY.runs[w.model, w.budget]], w.dataset
            ),
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule compare_runs:
    input:
        lambda w: compared(STUDY.runs_on(w.dataset), w.dataset),
    output:
        distances=f"{RESULTS}/compare/across/{{dataset}}/distances.parquet",
    log:
        f"{LOGS}/compare/across/{{dataset}}.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.compare(STUDY, STUDY.runs_on(w.dataset), w.dataset)),
    params:
        told=told(
            "compare",
            lambda w: settings.compare(STUDY, STUDY.runs_on(w.dataset), w.dataset),
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


def comparisons():
    """Each run with itself, and all runs with each other, on each dataset."""
    found = []
    for dataset in STUDY.evaluations:
        runs = STUDY.runs_on(dataset)
        found += [
            rules.compare.output.distances.format(
                model=run.model, budget=run.budget, dataset=dataset
            )
            for run in runs
        ]
        if len(runs) > 1:
            found.append(rules.compare_runs.output.distances.format(dataset=dataset))
    return found
