"""Mathematics in NumPy and PyTorch: densities, divergences, bounds, estimators. It needs nothing else of this project."""
