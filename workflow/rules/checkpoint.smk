CHECKPOINT = f"{RESULTS}/checkpoints/{{model}}/{{checkpoint}}"


# Waiting for room on disk takes no core, so that what makes room can run (hub.slots).
rule checkpoint:
    input:
        tokenizer=lambda w: ancient(
            f"{RESULTS}/tokenizers/{STUDY.runs[w.model, 'released'].tokenizer}"
        ),
    output:
        folder=temp(directory(CHECKPOINT)),
    log:
        f"{LOGS}/checkpoints/{{model}}/{{checkpoint}}.log",
    localrule: True
    conda:
        "../../envs/lmtopo.yaml"
    threads: 0
    resources:
        downloads=1,
        mem_mb=2000,
        runtime=24 * 60,
    params:
        # no fingerprint of the code: what it makes is checked against the hub's hashes
        told=lambda w: call("checkpoint", "", settings.checkpoint(STUDY, released(w))),
        files=files_and(lambda w: settings.room(STUDY)),
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
