"""Drawings: each module turns saved arrays into one matplotlib figure and computes nothing."""
