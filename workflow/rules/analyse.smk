ANALYSED = STUDY.analysed
ANALYSED_LOGS = ANALYSED.replace("results", "logs", 1)


def measured(wildcards):
    """The study's tables; or a table from elsewhere (`--config table=FILE.csv`)."""
    if STUDY.file.table is not None:
        return {"table": STUDY.file.table.file}
    found = {
        "quality": rules.collate.output.quality,
        "signatures": rules.collate.output.signatures,
        "missing": rules.collate.output.missing,
        "noise": rules.noise.output.noise,
    }
    if STUDY.file.downstream.tasks:
        found["downstream"] = rules.collate.output.downstream
    if EXTERNAL:
        found["external"] = rules.external.output.external
    return found


rule analyse:
    input:
        unpack(measured),
    output:
        report(
            f"{ANALYSED}/tables/evidence.csv",
            caption="../report/tables/evidence.rst",
            category="Tables",
            labels={"table": "evidence"},
        ),
        report(
            f"{ANALYSED}/tables/phases.csv",
            caption="../report/tables/phases.rst",
            category="Tables",
            labels={"table": "phases"},
        ),
        report(
            f"{ANALYSED}/tables/redundancy.csv",
            caption="../report/tables/redundancy.rst",
            category="Tables",
            labels={"table": "redundancy"},
        ),
        evidence=f"{ANALYSED}/tables/evidence.parquet",
        phases=f"{ANALYSED}/tables/phases.parquet",
        redundancy=f"{ANALYSED}/tables/redundancy.parquet",
        findings=report(
            f"{ANALYSED}/findings.md",
            caption="../report/findings.rst",
            category="Findings",
            labels={"text": "findings"},
        ),
    log:
        f"{ANALYSED_LOGS}/analyse.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.tables(STUDY)),
    params:
        told=told("analyse", lambda w: settings.analyse(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule tables:
    input:
        rules.collate.output,
        rules.provenance.output,
        rules.noise.output,
        rules.external.output if EXTERNAL else [],
        # a table from elsewhere is analysed in a place of its own
        rules.analyse.output if STUDY.file.table is None else f"{RESULTS}/findings.md",
