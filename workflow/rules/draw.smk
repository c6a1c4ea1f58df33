FIGURES = ["perplexity", "signatures", "diagrams", "layers"]
OF_TASKS = ["downstream", "downstream_signature"] if STUDY.file.downstream.tasks else []
OF_EVIDENCE = ["evidence", "skill"]
FIGURES += OF_TASKS + OF_EVIDENCE


def shown_diagrams(figure):
    """The diagrams that a figure shows, beside the tables."""
    if figure != "diagrams":
        return []
    return [shown["diagrams"] for shown in settings.diagrams_shown(STUDY)]


def shown_tables(figure):
    """Those that a figure shows, beside quality and signatures."""
    if figure in OF_EVIDENCE:
        return {"evidence": rules.analyse.output.evidence}
    return {"downstream": rules.collate.output.downstream} if figure in OF_TASKS else {}


# one rule a figure, since captions take no wildcards
for FIGURE in FIGURES:

    rule:
        name:
            f"draw_{FIGURE}"
        input:
            shown_diagrams(FIGURE),
            **shown_tables(FIGURE),
            quality=rules.collate.output.quality,
            signatures=rules.collate.output.signatures,
        output:
            figure=[
                report(
                    f"{RESULTS}/figures/{FIGURE}.{extension}",
                    caption=f"../report/{FIGURE}.rst",
                    category="Figures",
                    labels={"figure": FIGURE, "format": extension},
                )
                for extension in STUDY.file.figures.formats
            ],
        log:
            f"{LOGS}/figures/{FIGURE}.log",
        conda:
            "../../envs/lmtopo.yaml"
        resources:
            **needed(lambda w: needs.tables(STUDY)),
        params:
            told=told("draw", lambda w, figure=FIGURE: settings.draw(STUDY, figure)),
            files=files,
        shell:
            "{JOB} {params.told:q} {params.files:q} {log:q}"


rule figures:
    input:
        expand(
            f"{RESULTS}/figures/{{figure}}.{{extension}}",
            figure=FIGURES,
            extension=STUDY.file.figures.formats,
        ),
