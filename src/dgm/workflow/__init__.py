"""What the workflow reads before a job starts: the plan of a build, its schema, resources and fingerprints of code.

Rules (``workflow/rules/*.smk``) have no logic. There is one rule a stage, and it asks :class:`dgm.workflow.plan.Plan`, which
reads the config and the registries and holds every decision. The plan imports no torch, and reports the faults of a config before
any job starts.

- *Which runs.* ``assignments:`` of the config says which assignments are built. A build trains the runs that these read, those
  that a chapter ``adds`` where the assignments read all that it ``needs``, and those that no assignment of the repository reads
  and no chapter adds. The ``judges`` are trained together: where a build trains one of them, it trains the other.
- *Config.* ``config.yaml``, whose keys ``config/README.md`` describes, is science only: data set, seed, limits, one block a run.
  ``settings_for.<dataset>`` is laid over ``settings``, and ``seed:`` gives a run a seed of its own. Threads and GPUs come from
  Snakemake (``threads``, ``resources.gpu``), so moving to another machine retrains nothing.
- *Limits.* ``limits:`` (see ``tests/smoke.yaml``) caps images, optimiser steps and samples of every run, and how often simulated
  experiments are repeated. ``variant:`` gives such a build a results folder of its own.
- *Seeds.* ``seeds: s`` trains each run of images s times: ``Plan.instances`` adds runs ``<run>-seed<i>`` with seed + i beside
  every run that has no ``seed:`` of its own and is neither classifier nor floor (``UNREPEATED``). The first seed is the run
  itself and keeps its files, so raising ``seeds`` trains nothing again. Figures and checks read the first seed.
- *Reruns.* :mod:`dgm.workflow.fingerprint` finds the source files that a job depends on, by following imports, and hashes their
  syntax trees: a changed layer in ``models/nice.py`` retrains NICE and nothing else, a changed comment retrains nothing. What it
  read of each file is kept beside Python's bytecode. The check of an assignment depends on the files of the runs that it names.
- *Paths* in params, inputs and commands are relative to the working directory, so that a build records the same in every clone
  and Snakemake finds nothing to do where its files are unpacked.
- *Commands.* Every value in a command of a rule is quoted (``:q``), and what comes from elsewhere is read as data:
  ``docs/security.md``.
- *Code.* The workflow puts the ``src`` of its own clone first on the path of its jobs, so that a copy of the repository, or a
  workflow that includes this one, runs its own code. The root ``Snakefile`` repeats the default target, because Snakemake ignores
  one that is set in an included file.
- *Size.* Nothing that Snakemake works through for each job grows with the number of jobs: ``Plan.pattern`` constrains the
  wildcard ``run`` by the names of runs and seeds and not of their pairs, and a digest of code is computed once for a stage and a
  kind (``benchmarks/dry_run.py``).
- *Resources.* ``workflow/resources.yaml`` says what each run's jobs ask of a scheduler (:mod:`dgm.workflow.resources`): by kind
  of model, and by run where one needs more. None of it enters a rerun decision. A job that is tried again asks for twice, thrice
  as much memory and time. ``threads_from`` gives the longest trainings more threads where ``--cores`` is large;
  ``benchmarks/replay.py`` says what that does to the time of a build. Equal bytes are promised for equal threads, which the
  record of each job has.
- *Failures.* :mod:`dgm.workflow.failures` shortens what Snakemake prints of a failed job and remembers which jobs failed. When a
  build that should make the report fails, the workflow calls :mod:`dgm.stages.rescue`. A build that was interrupted is left as it
  is.
- *Snakemake's own report.* ``workflow/report/*.rst`` are its captions. Those of figures come from the finished page through
  ``config["captions"]``, which no job reads; ``Plan.category`` says which part of the report a figure belongs to.
"""
