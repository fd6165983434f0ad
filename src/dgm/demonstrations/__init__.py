"""Illustrations that need neither data set nor training.

A module offers ``compute(seed) -> dict[str, np.ndarray]``, the arrays behind figures and checks, and, where a table shows
numbers of it, ``measure(arrays) -> list[Reading]`` (:mod:`dgm.maths.measured`): its rows of the metrics table, under its own name.
"""
