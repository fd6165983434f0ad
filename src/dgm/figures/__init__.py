"""Drawings: each module turns saved arrays into one matplotlib figure and computes nothing.

The modules here serve all ``figures.yaml``. An assignment has further ones in its ``drawings/``; where both have a module of one
name, its own is taken. :mod:`dgm.figures.style` has the sizes, colours and fonts, and is no drawing itself.

An entry of ``figures.yaml`` names the module (``draw``), its files (``from``), its settings, caption and alt text. The files of
an assignment's figures are those of its own runs, rings and demonstrations, and the prepared images. A figure of a chapter
(``report/figures.yaml``) may be drawn from all runs of the build and from the tables of metrics, seeds and costs. The files of a
run are those of its first seed. The stage ``plot`` writes the same drawing as SVG and PDF.
"""
