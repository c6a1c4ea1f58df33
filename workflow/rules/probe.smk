rule probe:
    input:
        dataset="datasets/{dataset}",
        tokenizer=f"{RESULTS}/tokenizers/{{tokenizer}}",
    output:
        probe=f"{PROBE}/probe.safetensors",
    log:
        f"{LOGS}/probes/{{tokenizer}}/{{dataset}}.log",
    params:
        call=call("probe", lambda w: settings.probe(STUDY, w.dataset)),
    resources:
        mem_mb=4000,
        runtime=60,
    priority: 20
    shell:
        "{JOB} {params.call:q}"
