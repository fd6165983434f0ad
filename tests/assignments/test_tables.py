"""Every cell of every table finds its number in the metrics of a build."""

import math
from pathlib import Path

import pytest
from shipped import load

from dgm.report.results import Results

TABLES = load().tables


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_has_a_number(name: str, tiny_results: Path) -> None:
    results = Results(tiny_results, {})
    for row in TABLES[name].rows:
        for column in TABLES[name].columns:
            split = row.split or column.split
            if column.metric and not column.optional:
                assert results.has_metric(row.run, column.metric, split), (row.run, column.metric, split)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_column_promises_is_kept_somewhere(name: str, tiny_results: Path) -> None:
    results = Results(tiny_results, {})
    for column in TABLES[name].columns:
        if column.text:
            assert any(column.text in row.texts for row in TABLES[name].rows)
            continue
        keys = [(row.run, column.metric, row.split or column.split) for row in TABLES[name].rows]
        found = [results.metric(*key) for key in keys if results.has_metric(*key)]
        assert found, "an optional column has a value in some row"
        if column.stderr:
            assert any(math.isfinite(metric.stderr) for metric in found)
