"""Builds made again: manifest, comparison, archive."""
