rule persist:
    input:
        clouds=f"{PAIR}/clouds.safetensors",
    output:
        diagrams=f"{PAIR}/diagrams.npz",
    log:
        f"{PAIR_LOGS}/persist.log",
    params:
        call=call("persist", lambda w: settings.persist(STUDY)),
    resources:
        mem_mb=4000,
        runtime=120,
    shell:
        "{JOB} {params.call:q}"
