"""Closed-form illustrations: a module offers ``compute(seed) -> dict[str, np.ndarray]``, the numbers behind a figure."""
