"""Layers of networks that more than one model could use.

A changed layer retrains the runs whose model imports it, and no others (:mod:`dgm.workflow.fingerprint`).
"""
