"""Mathematics in NumPy and PyTorch: densities, divergences, bounds, estimators. It needs nothing else of this project.

No module reads or writes a file, and none draws a plot. :mod:`dgm.maths.measured` holds a number with its standard error; models
import it for their own numbers, so that a changed metric trains no model again. :mod:`dgm.maths.significance` summarises values
over seeds (mean, standard deviation, 95 % interval) and decides which of two runs is better:

- one seed each: the difference exceeds three standard errors, those of paired differences where both runs were measured on the
  same images; the scatter of training is added where it is known;
- several seeds each: Welch's t-test at the 5 % level;
- several seeds on one side: a prediction interval for one more value.
"""
