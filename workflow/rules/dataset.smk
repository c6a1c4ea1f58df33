rule dataset:
    output:
        folder=directory("datasets/{dataset}"),
    log:
        f"{LOGS}/datasets/{{dataset}}.log",
    params:
        call=call("dataset", lambda w: settings.dataset(STUDY, w.dataset)),
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "{JOB} {params.call:q}"


rule datasets:
    input:
        expand("datasets/{dataset}", dataset=STUDY.datasets_used),
