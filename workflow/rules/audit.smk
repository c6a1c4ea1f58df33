# These ask, say and write a file of their own; having no output, they run whenever they are named.
rule revisions:
    log:
        f"{LOGS}/revisions.log",
    localrule: True
    conda:
        "../../envs/lmtopo.yaml"
    params:
        told=told("revisions", lambda w: settings.revisions(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule audit:
    log:
        f"{LOGS}/audit.log",
    localrule: True
    conda:
        "../../envs/lmtopo.yaml"
    params:
        told=told("audit", lambda w: settings.audit(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule plan:
    log:
        f"{LOGS}/plan.log",
    localrule: True
    conda:
        "../../envs/lmtopo.yaml"
    params:
        told=told("plan", lambda w: settings.plan(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
