rule downstream:
    input:
        lambda w: checkpoint_of(w).inputs,
        tokenizer=lambda w: f"{RESULTS}/tokenizers/{STUDY.runs[w.model, w.budget].tokenizer}",
        dataset="datasets/{dataset}",
    output:
        downstream=f"{PAIR}/downstream.parquet",
    log:
        f"{PAIR_LOGS}/downstream.log",
    priority: 5
    conda:
        "../../envs/lmtopo.yaml"
    threads: lambda w: tasks.quality(STUDY, w.dataset).threads
    resources:
        **needed(
            lambda w: needs.downstream(STUDY, checkpoint_of(w), w.dataset),
            "downstream",
        ),
    params:
        told=told(
            "downstream",
            lambda w: settings.downstream(STUDY, checkpoint_of(w), w.dataset),
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


def task_files(wanted=lambda *pair: True):
    """What every checkpoint gave on every task; or those with a ``wanted(model, budget, task)``."""
    return [
        f"{RESULTS}/pairs/{model}/{budget}/step{step}/{dataset}/{name}"
        for model, budget, dataset, name, steps in tasks.files(STUDY)
        for step in steps
        if wanted(model, budget, dataset)
    ]
