"""Entry points, one a rule: each takes files and returns files."""
