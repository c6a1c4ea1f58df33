# These ask, say and write a file of their own; having no output, they run whenever they are named.
rule revisions:
    localrule: True
    log:
        f"{LOGS}/revisions.log",
    params:
        told=told("revisions", lambda w: settings.revisions(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule audit:
    localrule: True
    log:
        f"{LOGS}/audit.log",
    params:
        told=told("audit", lambda w: settings.audit(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"


rule plan:
    localrule: True
    log:
        f"{LOGS}/plan.log",
    params:
        told=told("plan", lambda w: settings.plan(STUDY)),
        files=files,
    shell:
        "{JOB} {params.told:q} {params.files:q} {log:q}"
