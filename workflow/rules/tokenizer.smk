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
    params:
        call=call("tokenizer", lambda w: settings.tokenizer(STUDY, w.tokenizer)),
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "{JOB} {params.call:q}"
