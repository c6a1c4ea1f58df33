ARCHIVE = f"{RESULTS}/{STUDY.name}.zip"
ARCHIVED = ["diagrams.npz", "curves.npz", "projection.npz"]


def recipe(figure):
    """What a figure is drawn from: what its rule is told, and the tables that it reads."""
    draw = getattr(rules, f"draw_{figure}")
    tables = {name: str(path) for name, path in draw.input.items()}
    return {**json.loads(draw.params.told({}))["arguments"], **tables}


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
                "figures": {figure: recipe(figure) for figure in FIGURES},
            },
        ),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule archive:
    input:
        lambda w: rules.all.input,
        [file for name in ARCHIVED for file in pair_files(name)],
    output:
        archive=ARCHIVE,
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
