"""The figure of a metric against a number: points at their numbers, and the numbers those of the config."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dgm.figures import style, sweep

ROOT = Path(__file__).parents[2]


def metrics() -> pd.DataFrame:
    rows = [
        ("big", "score", "test", -1.0, 0.25),
        ("small", "score", "test", -3.0, 0.5),
        ("small", "score", "train", -2.0, np.nan),
        ("big", "score", "train", -0.5, np.nan),
    ]
    return pd.DataFrame(rows, columns=["run", "metric", "split", "value", "stderr"])


LABELS = {"xlabel": "K", "ylabel": "score"}
CURVES = [{"metric": "score", "split": split, "label": split} for split in ("train", "test")]


def test_points_stand_in_order_with_two_standard_errors() -> None:
    with style.context():
        drawn = sweep.draw({"metrics": metrics()}, runs={"big": 100, "small": 10}, curves=CURVES, **LABELS)
    (axes,) = drawn.axes
    train, test = (container for container in axes.containers)
    for container, values in ((train, [-2.0, -0.5]), (test, [-3.0, -1.0])):
        assert list(container.lines[0].get_xdata()) == [10, 100]
        assert list(container.lines[0].get_ydata()) == values
    ends = [segment[:, 1].tolist() for segment in test.lines[2][0].get_segments()]
    assert ends == [[-4.0, -2.0], [-1.5, -0.5]]
    assert [segment[:, 1].tolist() for segment in train.lines[2][0].get_segments()] == [[-2.0, -2.0], [-0.5, -0.5]]
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize("table", [metrics().query("run != 'big'"), pd.concat([metrics(), metrics()])])
def test_a_number_that_is_missing_or_double_is_refused(table: pd.DataFrame) -> None:
    with style.context(), pytest.raises(ValueError, match=r"sweep: [02] rows for run '(big|small)', metric 'score'"):
        sweep.draw({"metrics": table}, runs={"big": 100, "small": 10}, curves=CURVES, **LABELS)
