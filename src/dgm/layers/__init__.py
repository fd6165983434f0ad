"""Layers of networks that more than one model could use."""
