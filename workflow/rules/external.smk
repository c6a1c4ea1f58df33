rule external:
    input:
        file=EXTERNAL.file if EXTERNAL else [],
        quality=rules.collate.output.quality,
    output:
        report(
            f"{RESULTS}/tables/external.csv",
            caption="../report/tables/external.rst",
            category="Tables",
            labels={"table": "external"},
        ),
        external=f"{RESULTS}/tables/external.parquet",
    log:
        f"{LOGS}/external.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.Need(2000, 30)),
    params:
        told=told("external", lambda w: settings.external(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
