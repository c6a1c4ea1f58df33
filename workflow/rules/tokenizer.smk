def tokenizer_dataset(wildcards):
    dataset = STUDY.tokenizers[wildcards.tokenizer].get("dataset")
    return {"dataset": f"datasets/{dataset}"} if dataset else {}


rule tokenizer:
    input:
        unpack(tokenizer_dataset),
    output:
        folder=directory(f"{RESULTS}/tokenizers/{{tokenizer}}"),
    log:
        f"{LOGS}/tokenizers/{{tokenizer}}.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.Need(4000, 60)),
    params:
        told=told("tokenizer", lambda w: settings.tokenizer(STUDY, w.tokenizer)),
        files=files_and(lambda w: STUDY.tokenizer_source(w.tokenizer)),
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
