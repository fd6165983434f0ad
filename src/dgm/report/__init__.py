"""The report: one source, set as HTML and as LaTeX."""
