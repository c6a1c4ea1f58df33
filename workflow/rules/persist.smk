rule persist:
    input:
        clouds=f"{PAIR}/clouds.safetensors",
    output:
        diagrams=f"{PAIR}/diagrams.npz",
    log:
        f"{PAIR_LOGS}/persist.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.persist(STUDY, checkpoint_of(w), w.dataset)),
    params:
        told=told("persist", lambda w: settings.persist(STUDY, w.dataset)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
