# What single checkpoints give, and no table: all of it, or a part (section `only`, or --batch).
rule pairs:
    input:
        pair_files("quality.json", STUDY.wanted),
        pair_files("signatures.parquet", STUDY.wanted),
        task_files(STUDY.wanted),


rule collate:
    input:
        pair_files("quality.json"),
        pair_files("signatures.parquet"),
        task_files(),
        compared=comparisons(),
    output:
        report(
            f"{RESULTS}/tables/quality.csv",
            caption="../report/tables/quality.rst",
            category="Tables",
            labels={"table": "quality"},
        ),
        report(
            f"{RESULTS}/tables/downstream.csv",
            caption="../report/tables/downstream.rst",
            category="Tables",
            labels={"table": "downstream"},
        ),
        report(
            f"{RESULTS}/tables/missing.csv",
            caption="../report/tables/missing.rst",
            category="Tables",
            labels={"table": "missing"},
        ),
        quality=f"{RESULTS}/tables/quality.parquet",
        signatures=report(
            f"{RESULTS}/tables/signatures.parquet",
            caption="../report/tables/signatures.rst",
            category="Tables",
            labels={"table": "signatures"},
        ),
        downstream=f"{RESULTS}/tables/downstream.parquet",
        distances=report(
            f"{RESULTS}/tables/distances.parquet",
            caption="../report/tables/distances.rst",
            category="Tables",
            labels={"table": "distances"},
        ),
        missing=f"{RESULTS}/tables/missing.parquet",
    log:
        f"{LOGS}/collate.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.tables(STUDY)),
    params:
        told=told("collate", lambda w: settings.collate(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule provenance:
    input:
        datasets=expand("datasets/{dataset}", dataset=STUDY.datasets_used),
    output:
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"{LOGS}/provenance.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.Need(2000, 30)),
    params:
        told=told(
            "provenance",
            lambda w: {"config": STUDY.file.model_dump(mode="json", exclude={"only"})},
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
