rule probe:
    input:
        dataset="datasets/{dataset}",
        tokenizer=f"{RESULTS}/tokenizers/{{tokenizer}}",
    output:
        probe=PROBE,
    log:
        f"{LOGS}/probes/{{tokenizer}}/{{dataset}}.log",
    priority: 20
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.Need(4000, 60)),
    params:
        told=told("probe", lambda w: settings.probe(STUDY, w.dataset)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
