include: "workflow/Snakefile"


# An included file cannot set the default target, so it is said again here.
rule build:
    default_target: True
    input:
        rules.all.input,
    localrule: True
