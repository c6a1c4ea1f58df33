# What is observed again takes the rules of the study's own pairs, in other folders and with
# another seed or dtype.
AGAIN = f"{RESULTS}/noise/{{variant}}/{{model}}/{{budget}}/{{checkpoint}}/{{dataset}}"
AGAIN_LOGS = f"{LOGS}/noise/{{variant}}/{{model}}/{{budget}}/{{checkpoint}}/{{dataset}}"
PROBE_AGAIN = (
    f"{RESULTS}/noise/{{variant}}/probes/{{tokenizer}}/{{dataset}}/probe.safetensors"
)


def variant_of(wildcards):
    return again.variants(STUDY, wildcards.dataset)[wildcards.variant]


def probe_read(wildcards):
    """The probe of another seed; another dtype reads the study's own."""
    place = PROBE if variant_of(wildcards).seed is None else PROBE_AGAIN
    tokenizer = STUDY.runs[wildcards.model, wildcards.budget].tokenizer
    return place.format(tokenizer=tokenizer, **wildcards)


use rule probe as probe_again with:
    output:
        probe=PROBE_AGAIN,
    log:
        f"{LOGS}/noise/{{variant}}/probes/{{tokenizer}}/{{dataset}}.log",
    params:
        told=told(
            "probe", lambda w: settings.probe_again(STUDY, w.dataset, variant_of(w))
        ),
        files=files,


use rule observe as observe_again with:
    input:
        lambda w: checkpoint_of(w).inputs,
        probe=probe_read,
    output:
        clouds=kept(f"{AGAIN}/clouds.safetensors"),
        quality=f"{AGAIN}/quality.json",
        provenance=f"{AGAIN}/provenance.json",
    log:
        f"{AGAIN_LOGS}/observe.log",
    params:
        told=told(
            "observe",
            lambda w: settings.observe_again(
                STUDY, checkpoint_of(w), w.dataset, variant_of(w)
            ),
        ),
        files=files,


use rule persist as persist_again with:
    input:
        clouds=f"{AGAIN}/clouds.safetensors",
    output:
        diagrams=f"{AGAIN}/diagrams.npz",
    log:
        f"{AGAIN_LOGS}/persist.log",
    params:
        told=told("persist", lambda w: settings.persist_again(STUDY, w.dataset)),
        files=files,


use rule describe as describe_again with:
    input:
        clouds=f"{AGAIN}/clouds.safetensors",
        diagrams=f"{AGAIN}/diagrams.npz",
        quality=f"{AGAIN}/quality.json",
    output:
        signatures=f"{AGAIN}/signatures.parquet",
        draws=f"{AGAIN}/nulls.parquet",
        curves=f"{AGAIN}/curves.npz",
        projection=f"{AGAIN}/projection.npz",
    log:
        f"{AGAIN_LOGS}/describe.log",
    params:
        told=told("describe", lambda w: settings.describe_again(STUDY, w.dataset)),
        files=files,


rule noise:
    input:
        signatures=rules.collate.output.signatures,
        again=[
            f"{again.pair_folder(STUDY, *pair)}/signatures.parquet"
            for pair in again.pairs(STUDY)
        ],
    output:
        report(
            f"{RESULTS}/tables/noise.csv",
            caption="../report/tables/noise.rst",
            category="Tables",
            labels={"table": "noise"},
        ),
        noise=f"{RESULTS}/tables/noise.parquet",
    log:
        f"{LOGS}/noise.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.tables(STUDY)),
    params:
        told=told("noise", lambda w: settings.noise(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
