rule train:
    input:
        dataset=lambda w: f"datasets/{STUDY.trained[w.model].dataset}",
        tokenizer=lambda w: f"{RESULTS}/tokenizers/{STUDY.runs[w.model, w.budget].tokenizer}",
    output:
        run=directory(RUN),
    log:
        f"{LOGS}/runs/{{model}}/{{budget}}.log",
    priority: 10
    conda:
        "../../envs/lmtopo.yaml"
    threads: STUDY.file.train.threads
    resources:
        **needed(lambda w: needs.train(STUDY, w.model, w.budget), "train"),
    params:
        told=told("train", lambda w: settings.train(STUDY, w.model, w.budget)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
