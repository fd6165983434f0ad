"""Columns of the tables of checks; standard library only."""

__all__ = ["CHECKED", "COLUMNS", "CORRECTIONS", "QUESTIONS", "STOPPED"]

STOPPED = "check-runs"
"""Id of the claim that is written down, as a false one, when a check stops at an exception."""

COLUMNS = (
    "question", "id", "claim", "method", "stated", "found", "error", "tolerance", "passed", "verdict", "threshold", "stderr",
    "n", "unit", "scatter", "trainings", "shown", "undecided", "contradicted", "function",
)  # fmt: skip
"""Of ``tables/checks.csv``. ``id`` names a claim or finding within its question. Claims fill the columns up to ``passed`` (True,
False, skipped or missing). Findings leave ``stated`` to ``passed`` empty, but ``found`` is their estimate; ``stderr`` is its own
standard error over ``n`` images, points or draws, ``threshold`` reads ``above 0.0``, ``verdict`` is shown, not decided,
contradicted or skipped; ``scatter`` is the standard deviation of the estimate over ``trainings`` repeated trainings, of which so
many showed, did not decide and contradicted it. ``function`` is where the check stands: file, line and name."""

CHECKED = (*COLUMNS, "published", "source")
"""Of ``checks/<assignment>.csv``: the same with the published value that a claim rejects, and whether that value was ``printed`` or
``follows`` from what was printed; both are empty where there is none."""

QUESTIONS = ("id", "assignment", "answered", "checks", "passed", "findings", "shown", "corrected")
"""Of ``tables/questions.csv``: ``checks`` and ``passed`` count claims, ``findings`` and ``shown`` what training showed."""

CORRECTIONS = ("question", "fault", "printed", "id", "claim", "method", "published", "source", "found", "tolerance")
"""Of ``tables/corrections.csv``: ``printed`` is what the published answer printed, in words."""
