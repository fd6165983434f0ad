"""Claims that answers make, tested by code, and findings, judged by their error; nothing here knows a question.

The checks stand in ``claims/*.py`` of each assignment: one function a question, registered by ``@question``, which yields
:class:`~dgm.claims.claim.Claim` and :class:`~dgm.claims.claim.Finding`.

- A *claim* is mathematics, or a number of the build that a second route gives again. The stage ``check`` writes down what is
  false; the stage ``conclude`` fails then, once the report is written. ``published`` is what a published answer has in the place
  of ours: the claim passes only if it would reject that. :mod:`dgm.claims.methods` says which kind of evidence each method gives:
  proved, computed, sampled, measured, reread.
- A *finding* is what training showed: an estimate with its standard error (of pairs wherever both sides saw the same images) and
  a threshold. One without an error model cannot be made. :mod:`dgm.claims.verdicts` joins the error with the standard deviation
  over the repeated trainings of ``report/stability.csv`` and decides: shown, not decided, contradicted. A finding never fails a
  build.
- ``benchmarks/stability.py`` repeats the trainings and writes that table. It holds for the budgets and models that the trainings
  were made with: after a change of either, make them again, and commit ``report/stability.csv`` and ``report/scatter.csv``.
- A check reads the build through :class:`~dgm.claims.evidence.Evidence` alone. It may read the runs that ``assignment.yaml``
  names, the rings that these are fitted to, the demonstrations of the assignment and the prepared images. ``Evidence`` refuses
  whatever else is asked for. The check of an assignment waits for these files and ``report/stability.csv`` alone, so another run
  never makes it run again.
- Builds with ``limits``, or on images that the assignment is not about (``datasets``), skip findings and the claims with
  ``needs_full_budget``.
"""
