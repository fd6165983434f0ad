"""Which metrics a fitted model gets: every one whose protocol it meets. One module a group of metrics.

Evaluation runs in float32 (float64 for the mixtures) whatever precision the training used. Axis letters: n images, d pixels.

- Functions of arrays stand in :mod:`dgm.evaluation.image_scores` and :mod:`dgm.evaluation.sample_quality`. The modules of the
  groups (likelihoods, clusters, points, samples, scores, size) call them.
- ``judges:`` of the config names at most two classifiers, which measure the samples of all other runs: the first by its
  predictions and features, the second by its features once more. :mod:`dgm.evaluation.references` has what they make of real
  images, once for all models. A build without classifiers has no scores of samples.
- :mod:`dgm.evaluation.registry` declares for each metric its unit, its better direction, if it has one, and what it means. A
  comparison by a metric that is not declared, or has no direction, is an error.
- :mod:`dgm.evaluation.costs` reads what a job cost from its record. :mod:`dgm.evaluation.evaluate` knows no times, so that
  ``tables/metrics.csv`` is the same in two builds; ``tables/costs.csv`` differs from build to build.
- :mod:`dgm.evaluation.likelihood_estimates` estimates the likelihood of the decoder of a run with a block ``estimates``: by
  importance sampling, annealing and quadrature. The block lists the budgets; ``estimates_for.<dataset>`` is laid over them. The
  plan refuses a model without ``log_likelihood_given`` or ``observed`` before any job.
"""
