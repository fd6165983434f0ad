"""Every cell of every table finds its number in the metrics of a build."""

from pathlib import Path

import pytest

from dgm.provenance import PACKAGE
from dgm.report.catalogue import load_tables
from dgm.report.results import Results

TABLES = load_tables(PACKAGE.parents[1] / "report" / "tables.yaml")


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_has_a_number(name: str, tiny_results: Path) -> None:
    results = Results(tiny_results, {})
    for row in TABLES[name].rows:
        for column in TABLES[name].columns:
            split = row.split or column.split
            if not column.optional:
                assert results.has_metric(row.run, column.metric, split), (row.run, column.metric, split)


@pytest.mark.parametrize("name", TABLES)
def test_an_optional_column_is_filled_somewhere(name: str, tiny_results: Path) -> None:
    results = Results(tiny_results, {})
    for column in TABLES[name].columns:
        assert any(results.has_metric(row.run, column.metric, row.split or column.split) for row in TABLES[name].rows)
