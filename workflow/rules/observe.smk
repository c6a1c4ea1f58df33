def kept(path):
    return path if STUDY.file.clouds.keep == "all" else temp(path)


rule observe:
    input:
        lambda w: checkpoint_of(w).inputs,
        probe=lambda w: PROBE.format(
            tokenizer=STUDY.runs[w.model, w.budget].tokenizer, dataset=w.dataset
        ),
    output:
        clouds=kept(f"{PAIR}/clouds.safetensors"),
        quality=f"{PAIR}/quality.json",
        provenance=f"{PAIR}/provenance.json",
    log:
        f"{PAIR_LOGS}/observe.log",
    priority: 5
    conda:
        "../../envs/lmtopo.yaml"
    threads: lambda w: STUDY.quality(w.dataset).threads
    resources:
        **needed(lambda w: needs.observe(STUDY, checkpoint_of(w), w.dataset), "observe"),
    params:
        told=told(
            "observe", lambda w: settings.observe(STUDY, checkpoint_of(w), w.dataset)
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
