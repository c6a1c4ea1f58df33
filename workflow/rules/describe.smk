rule describe:
    input:
        clouds=f"{PAIR}/clouds.safetensors",
        diagrams=f"{PAIR}/diagrams.npz",
        quality=f"{PAIR}/quality.json",
    output:
        signatures=f"{PAIR}/signatures.parquet",
        draws=f"{PAIR}/nulls.parquet",
        curves=f"{PAIR}/curves.npz",
        projection=f"{PAIR}/projection.npz",
    log:
        f"{PAIR_LOGS}/describe.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.describe(STUDY, checkpoint_of(w), w.dataset)),
    params:
        told=told("describe", lambda w: settings.describe(STUDY, w.dataset)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
