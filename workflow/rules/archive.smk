from lmtopo.archive import OF_A_PAIR


def recipes_of_figures():
    """What each figure is drawn from: what its rule is told, and the tables that it reads."""
    return {
        figure: {**one.told, **{table: str(TABLES[table]) for table in one.tables}}
        for figure, one in FIGURES.items()
    }


rule recipes:
    output:
        recipes=f"{RESULTS}/recipes.json",
    log:
        f"{LOGS}/recipes.log",
    localrule: True
    conda:
        "../../envs/lmtopo.yaml"
    params:
        told=told(
            "recipes",
            lambda w: {
                "study": STUDY.name,
                "results": RESULTS,
                "figures": recipes_of_figures(),
            },
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule archive:
    input:
        [file for name in OF_A_PAIR for file in pair_files(name)],
        parts=lambda w: rules.all.input,
    output:
        archive=f"{RESULTS}/{STUDY.name}.zip",
    log:
        f"{LOGS}/archive.log",
    conda:
        "../../envs/lmtopo.yaml"
    resources:
        **needed(lambda w: needs.tables(STUDY)),
    params:
        told=told("archive", lambda w: {"results": RESULTS}),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
