"""The report: one source, set as HTML and as LaTeX.

What it is written from:

- ``assignments/<id>/assignment.yaml`` has title, introduction, runs and questions. ``answers/*.md`` answer the questions: the
  header says which figures and tables an answer shows, what is at fault in the published one (``correction:``), and what rests on
  argument alone (``argued:``). ``figures.yaml`` and ``tables.yaml`` say what each figure and table is made from.
- ``report/`` has what belongs to no assignment. ``chapters/<name>.md`` stand before the assignments, after them, or at the end
  (``place:``). A chapter is left out, with its figures and tables, where the build lacks a run that it ``needs`` or ``adds``, or
  all assignments that it is ``about``.
- ``report/bibliography.yaml`` lists the papers; an assignment may add a ``bibliography.yaml`` of its own.
- The templates put together corrections, the making of the report, the checks and the bibliography.

How it is made:

- :mod:`dgm.report.catalogue` reads all declarations and refuses what does not fit together; it is light, and the plan uses it
  too.
- :mod:`dgm.report.macros` has the calls of answers and captions. An answer binds its words to a finding by a block with three
  texts, ``<% finding "toy-1/rises" %> … <% undecided %> … <% contradicted %> … <% endfinding %>``;
  ``<< found("toy-1/rises") >>`` prints the estimate with its error. ``<< better(…) >>`` compares two runs image by image
  where both were measured on the same images, and adds the scatter of training from ``report/scatter.csv``. With ``seeds`` above
  1 numbers are means over seeds with 95 % intervals.
- :mod:`dgm.report.build` renders the whole and each assignment. In the document of one assignment a reference to the rest is
  words without a link; so is one to an assignment or a chapter that the build lacks.
- :mod:`dgm.report.captions` reads the captions of the finished page for Snakemake's own report.
- ``render --incomplete`` marks what a failed build lacks at its place, and lists it at the top (:mod:`dgm.stages.rescue`).

``tests/assignments/test_answers.py`` keeps the written text to one notation and free of numbers typed by hand.
``tests/sentences.py`` finds comparing words beside numbers of trained models outside the blocks of findings.
"""
