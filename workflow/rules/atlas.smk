def probes_read():
    """The probe files of all pairs: what points of clouds stand for."""
    runs = {
        (STUDY.runs[one.model, one.budget].tokenizer, dataset)
        for one, dataset in STUDY.pairs
    }
    return [
        PROBE.format(tokenizer=tokenizer, dataset=dataset)
        for tokenizer, dataset in sorted(runs)
    ]


rule atlas:
    input:
        pair_files("diagrams.npz"),
        pair_files("projection.npz"),
        probes_read(),
        quality=rules.collate.output.quality,
        signatures=rules.collate.output.signatures,
        missing=rules.collate.output.missing,
    output:
        page=report(
            f"{RESULTS}/atlas/index.html",
            caption="../report/atlas.rst",
            category="Atlas",
            labels={"page": "atlas"},
        ),
    log:
        f"{LOGS}/atlas.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.tables(STUDY)),
    params:
        told=told("atlas", lambda w: shown.atlas(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
