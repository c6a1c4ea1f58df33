rule dataset:
    input:
        lambda w: STUDY.source_files(w.dataset),
    output:
        folder=directory("datasets/{dataset}"),
    log:
        f"{LOGS}/datasets/{{dataset}}.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.Need(4000, 60)),
    params:
        told=told("dataset", lambda w: settings.dataset(STUDY, w.dataset)),
        files=files_and(
            lambda w: {"study": STUDY.name, "patience": STUDY.file.hub.patience}
        ),
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule datasets:
    input:
        expand("datasets/{dataset}", dataset=STUDY.datasets_used),
