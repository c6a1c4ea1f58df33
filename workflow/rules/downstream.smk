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
    threads: lambda w: tasks.quality(STUDY, w.dataset).threads
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        told=told(
            "downstream",
            lambda w: settings.downstream(STUDY, checkpoint_of(w), w.dataset),
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


def task_files():
    """A file of every checkpoint and task of the study."""
    return [
        f"{STUDY.pair_folder(*pair)}/downstream.parquet" for pair in tasks.pairs(STUDY)
    ]
