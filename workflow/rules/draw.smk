FIGURES = ("perplexity", "signatures", "diagrams", "layers")


def drawn_diagrams(wildcards):
    """The diagrams that a figure shows, beside the tables."""
    if wildcards.figure != "diagrams":
        return []
    return [shown["diagrams"] for shown in settings.diagrams_shown(STUDY)]


rule draw:
    input:
        drawn_diagrams,
        quality=rules.collate.output.quality,
        signatures=rules.collate.output.signatures,
    output:
        figure=[
            report(
                f"{RESULTS}/figures/{{figure}}.{extension}",
                caption="../report/{figure}.rst",
                category="Figures",
                labels={"figure": "{figure}", "format": extension},
            )
            for extension in STUDY.file.figures.formats
        ],
    log:
        f"{LOGS}/figures/{{figure}}.log",
    params:
        call=call("draw", lambda w: settings.draw(STUDY, w.figure)),
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "{JOB} {params.call:q}"


rule figures:
    input:
        expand(
            f"{RESULTS}/figures/{{figure}}.{{extension}}",
            figure=FIGURES,
            extension=STUDY.file.figures.formats,
        ),
