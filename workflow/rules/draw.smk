FIGURES = shown.figures(STUDY)
TABLES = dict(rules.collate.output.items()) | dict(rules.analyse.output.items())

# one rule a figure, since captions take no wildcards
for FIGURE, SHOWN in FIGURES.items():

    rule:
        name:
            f"draw_{FIGURE}"
        input:
            SHOWN.files,
            **{table: TABLES[table] for table in SHOWN.tables},
        output:
            figure=[
                report(
                    f"{RESULTS}/figures/{FIGURE}.{extension}",
                    caption=f"../report/figures/{FIGURE}.rst",
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
            told=told("draw", lambda w, told=SHOWN.told: told, module=f"draw.{FIGURE}"),
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
