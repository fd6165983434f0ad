import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from dgm.runtime.device import STAGE_ENVIRONMENT, gpu_ids, jobs_per_gpu
from dgm.workflow.failures import Failures, name_of
from dgm.runtime.fork_server import start
from dgm.runtime.interruption import WITH_PARENT, hand_on_to_jobs
from dgm.runtime.locks import hold_build
from dgm.workflow.plan import Plan, flags, gpu_limit
from dgm.workflow.progress import Job, Progress

try:
    PLAN = Plan(config, REPOSITORY)
    GPUS = gpu_limit(workflow.global_resources, len(gpu_ids()), jobs_per_gpu())
except ValueError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=PLAN.results,
    logs="<results>/logs",
    records="<results>/records",


wildcard_constraints:
    run=PLAN.pattern,
    ring="|".join(PLAN.rings) or "none",
    figure="|".join(PLAN.figures) or "none",
    explorable="|".join(PLAN.explorables) or "none",
    assignment="|".join(PLAN.assignments),
    demonstration="|".join(PLAN.demonstrations) or "none",
    document="|".join(PLAN.documents),


# Local jobs share the GPUs of this machine; on a cluster the request goes to the scheduler and this machine's number is no limit.
resource_scopes:
    gpu="local",


if GPUS is not None:
    workflow.register_resource("gpu", GPUS)

# The stages run with the Python and the code of this workflow, wherever --directory points.
OF_STAGES = {
    "PYTHONPATH": str(SRC),
    WITH_PARENT: "1",
    **STAGE_ENVIRONMENT,
}
PROGRAMS = str(Path(sys.executable).parent)
ENVIRONMENT = {
    **os.environ,
    **OF_STAGES,
    "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}",
}
shell.prefix(
    f"set -euo pipefail; export PATH={shlex.quote(PROGRAMS)}:$PATH "
    + " ".join(f"{name}={shlex.quote(value)}" for name, value in OF_STAGES.items())
    + "; "
)

# What is said of a failed job, and which jobs failed.
FAILURES = Failures()
logger.addFilter(FAILURES)
PROGRESS = Progress(logger.info)
logger.addFilter(PROGRESS)

LATEX = shutil.which("pdflatex") is not None
REPORT = [
    "<results>/report/index.html",
    expand(
        "<results>/report/{document}.{suffix}",
        document=PLAN.documents,
        suffix=["tex", *(["pdf"] if LATEX else [])],
    ),
]
# What the report is written from, and what it shows.
REPORT_SOURCES = PLAN.report_sources()
MADE = [
    "<results>/data/provenance.json",
    "<results>/tables/metrics.csv",
    "<results>/tables/seeds.csv",
    "<results>/tables/costs.csv",
    "<results>/tables/checks.csv",
    "<results>/tables/questions.csv",
    "<results>/tables/corrections.csv",
    expand(
        "<results>/figures/{figure}.{suffix}",
        figure=PLAN.figures,
        suffix=["svg", "pdf"],
    ),
    expand(
        "<results>/explorables/{explorable}.json",
        explorable=PLAN.explorables,
    ),
    expand("<results>/history/{run}.csv", run=PLAN.runs),
    expand("<records>/{name}.json", name=PLAN.records()),
]


# What workflow/report/*.rst may show; read only when Snakemake's own report is made, and no job knows of it.
config["captions"] = PLAN.captions()


def category(wildcards):
    """Part of the report that shows a figure."""
    return PLAN.category(wildcards.figure)


def code_of(stage, wildcards):
    """Digest of the code of a stage together with the model of its run."""
    return PLAN.code(stage, f"models.{PLAN.kind(wildcards.run)}")


def data_dir(wildcards, output):
    """Where the published files lie.

    The same files elsewhere, or downloaded, are the same data, so the folder must not decide about reruns. It takes the output
    because Snakemake leaves out of that decision what is computed from it.
    """
    return PLAN.data_dir


def data_of_run(wildcards):
    """The data that a run is fitted to and measured on."""
    return f"{PLAN.results}/data/{PLAN.data(wildcards.run)}.npz"


def evidence_of_run(wildcards):
    """What evaluate reads beside the model: samples where the model draws them, the classifiers that measure them, and what these
    make of real images."""
    return {
        option: [f"{PLAN.results}/{path}" for path in paths]
        for option, paths in PLAN.evidence(wildcards.run).items()
    }


def asked(stage, what):
    """What a job of a run asks of a scheduler, as a function for `resources:`."""
    return lambda wildcards: getattr(PLAN.request(stage, wildcards.run), what)


def threads_asked(stage):
    """Threads of a job of a run, as a function for `threads:`; a long training has more where this machine has many cores."""
    cores = workflow.resource_settings.cores if workflow.local_exec else None
    return lambda wildcards: PLAN.request(stage, wildcards.run).threads_with(cores)


def asked_anew(stage, what):
    """The same, twice, thrice ... as much of it where the job failed and is tried again."""
    return lambda wildcards, attempt: attempt * asked(stage, what)(wildcards)


def asked_for_report():
    """Whether this call of Snakemake was to make the report, and not single files alone."""
    return any(job.rule.name == "conclude" for job in workflow.dag.jobs)


def job_of(job):
    """A job as lines of progress name it."""
    logs = [Path(path) for path in job.log]
    return Job(
        job.rule.name, name_of(job.wildcards_dict, logs), logs[0] if logs else None
    )


def read_summary():
    """What the last job of a build said of it."""
    from dgm.runtime.files import load_record

    record = Path(PLAN.results, "records", "conclude", "report.json")
    return load_record(record, ("summary",))["summary"]


def results_folder(wildcards, output):
    """Folder of this build, below the working directory, as the outputs of a job tell it: a `prefix:` of a module lies before it."""
    return str(output[0]).partition(PLAN.results)[0] + PLAN.results


def report_folder(wildcards):
    """Folder of the repository that holds what belongs to no assignment."""
    return str(PLAN.report)


def assignment_folders(wildcards):
    """Folders of the assignments that are built."""
    return [str(folder) for folder in PLAN.folders.values()]


def figures_file(wildcards):
    """The file that declares a figure."""
    return PLAN.figures_file(wildcards.figure)


# So many jobs start sooner without a process that imports the libraries for all of them.
FEW = 4

# Snakemake's own lock outlives a killed build and would have to be removed by hand, so profiles/ turn it off in favour of
# this one, which is held until the process ends.
HELD = []


onstart:
    try:
        HELD.append(hold_build(Path.cwd()))
    except ValueError as error:
        raise WorkflowError(str(error)) from None
    hand_on_to_jobs()
    PROGRESS.begin(
        {
            job.jobid: job_of(job)
            for job in workflow.dag.needrun_jobs()
            if not job.is_norun
        },
        Path(PLAN.results, "records"),
    )
    if workflow.local_exec:
        # Under its limit of jobs a second, meant for schedulers, Snakemake looks at all inputs of all waiting jobs once a second
        # for each job that has ended: in a build of 200 jobs, two minutes of processor time.
        workflow.scheduler.job_rate_limiter = None
        if len(list(workflow.dag.needrun_jobs())) > FEW:
            start(ENVIRONMENT)
    if PLAN.left_out:
        logger.info(
            f"Not trained, as the assignments of this build do not read them: {', '.join(PLAN.left_out)}."
        )
    if GPUS is None:
        logger.info(
            "No GPU of this machine is shared out: local jobs use the CPU, or the GPU that torch finds by itself."
        )
    else:
        logger.info(
            f"GPUs shared out: {GPUS} at most of the jobs that train, sample, measure or estimate hold one at a time."
        )


onsuccess:
    if asked_for_report() and not workflow.touch:
        logger.info(read_summary())
        logger.info(f"The report: {PLAN.results}/report/index.html")
        if not LATEX:
            logger.info(
                "pdflatex is not installed: the .tex files are written, the PDFs are skipped "
                "(Debian and Ubuntu: apt-get install texlive-latex-base texlive-latex-recommended lmodern)."
            )


onerror:
    made = Path(PLAN.results, "report", "index.html")
    failed = {
        name: said
        for name, said in FAILURES.jobs.items()
        if not name.startswith("conclude")
    }
    if asked_for_report() and failed and not FAILURES.interrupted:
        logger.info("Writing the report of what there is.")
        words = [f"{name}: {said}" for name, said in failed.items()]
        rescued = subprocess.run(
            [sys.executable, "-m", "dgm.stages.rescue", "--results", PLAN.results]
            + [
                "--report-dir",
                str(PLAN.report),
                "--config-json",
                PLAN.config_json(),
            ]
            + ["--parts", PLAN.parts_json(), "--failed", *words]
            + ["--record", f"{PLAN.results}/logs/rescue/report.json"]
            + ["--log", f"{PLAN.results}/logs/rescue/report.log"],
            env=ENVIRONMENT,
        )
        if rescued.returncode:
            made = None
    for name, said in FAILURES.jobs.items():
        logger.error(f"Failed: {name}: {said}")
    if asked_for_report() and not FAILURES.interrupted and made and made.exists():
        logger.error(f"The report, with what failed marked in it: {made}")
