# What one fine-tuning answers is kept under .lmtopo/state/d90, so that a killed job goes on.
use rule downstream as d90 with:
    output:
        d90=f"{PAIR}/d90.parquet",
    log:
        f"{PAIR_LOGS}/d90.log",
    resources:
        **needed(lambda w: needs.d90(STUDY, checkpoint_of(w), w.dataset), "d90"),
    params:
        told=told("d90", lambda w: settings.d90(STUDY, checkpoint_of(w), w.dataset)),
        files=files,
