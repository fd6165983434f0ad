"""Verdicts: three errors on either side of a threshold, with the scatter of training in the error."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.claims.verdicts import COLUMNS, ENOUGH, Trial, Trials, decide, load
from dgm.maths.significance import DECISIVE
from dgm.runtime.files import Damaged

numbers = st.floats(-1e6, 1e6)
errors = st.floats(0, 1e6)
OPPOSITE = {"shown": "contradicted", "contradicted": "shown", "not decided": "not decided"}


def trials(*estimates: float, stderr: float = 0.0, n: int = 100) -> Trials:
    return Trials(tuple(Trial(seed, "float32", "a processor", value, stderr, n) for seed, value in enumerate(estimates)))


@given(numbers, errors, numbers)
def test_above_and_below_are_opposites(estimate: float, error: float, threshold: float) -> None:
    assert decide(estimate, error, threshold, above=True) == OPPOSITE[decide(estimate, error, threshold, above=False)]


@given(numbers, errors, numbers)
def test_exchanged_signs_exchange_the_verdict(estimate: float, error: float, threshold: float) -> None:
    assert decide(-estimate, error, -threshold, above=True) == OPPOSITE[decide(estimate, error, threshold, above=True)]


@given(numbers, errors, st.floats(0, 1e6), numbers)
def test_a_larger_error_never_decides_more(estimate: float, error: float, more: float, threshold: float) -> None:
    smaller, larger = (decide(estimate, value, threshold, above=True) for value in (error, error + more))
    assert larger in (smaller, "not decided")


def test_three_errors_decide_and_less_do_not() -> None:
    assert decide(3.0, 1.0, 0.0, above=True) == "shown"
    assert decide(2.999, 1.0, 0.0, above=True) == "not decided"
    assert decide(-3.0, 1.0, 0.0, above=True) == "contradicted"
    assert decide(0.0, 0.0, 0.0, above=True) == "not decided"
    assert decide(math.nan, 1.0, 0.0, above=True) == decide(1.0, math.nan, 0.0, above=True) == "not decided"


def test_chance_alone_shows_about_one_in_seven_hundred() -> None:
    draws = np.random.default_rng(0).normal(0, 1, 200_000)
    shown = np.mean([decide(value, 1.0, 0.0, above=True) == "shown" for value in draws])
    expected = 0.5 * math.erfc(DECISIVE / math.sqrt(2))
    assert abs(shown - expected) < 5 * math.sqrt(expected / len(draws))


def test_the_scatter_of_training_widens_the_error() -> None:
    repeated = trials(1.0, 2.0, 3.0)
    assert repeated.scatter == pytest.approx(1.0)
    assert repeated.error(0.75) == pytest.approx(1.25)
    assert math.isnan(trials(1.0, 9.0).scatter) and trials(1.0, 9.0).error(0.5) == 0.5
    assert Trials().judge(3.5, 1.0, 100, 0.0, above=True) == "shown"
    assert repeated.judge(3.5, 1.0, 100, 0.0, above=True) == "not decided"


def test_a_number_of_the_parameters_is_decided_by_repeated_trainings_alone() -> None:
    assert Trials().judge(5.0, 0.0, 0, 0.0, above=True) == "not decided"
    assert trials(5.0, 5.5, 6.0).judge(5.0, 0.0, 0, 0.0, above=True) == "shown"
    assert trials(5.0, 5.5, 6.0).judge(-5.0, 0.0, 0, 0.0, above=True) == "contradicted"


def test_what_fewer_than_nine_in_ten_trainings_show_is_not_decided() -> None:
    steady = trials(*([10.0] * ENOUGH), stderr=1.0)
    assert steady.counts(0.0, above=True) == {"shown": ENOUGH, "not decided": 0, "contradicted": 0}
    assert steady.judge(10.0, 1.0, 100, 0.0, above=True) == "shown"
    unsteady = trials(*([10.0] * (ENOUGH - 2)), 5.0, 5.0, stderr=1.0)
    assert unsteady.counts(0.0, above=True)["not decided"] == 2
    assert unsteady.judge(10.0, 1.0, 100, 0.0, above=True) == "not decided"
    few = trials(10.0, 10.0, 5.0, 5.0)
    assert few.judge(100.0, 1.0, 100, 0.0, above=True) == "shown"  # fewer than ten trainings do not outvote


def test_trials_are_read_for_one_data_set(tmp_path: Path) -> None:
    path = tmp_path / "stability.csv"
    rows = [
        "mnist-5k,0,float32,cpu,gdl-1,rises,1.5,0.5,100",
        "mnist-5k,1,float32,cpu,gdl-1,rises,2.5,0.5,100",
        "mnist,0,float32,cpu,gdl-1,rises,9,1,100",
    ]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    found = load(path, "mnist-5k")
    assert list(found) == [("gdl-1", "rises")]
    assert [trial.estimate for trial in found["gdl-1", "rises"].trials] == [1.5, 2.5] and found["gdl-1", "rises"].seeds == 2
    assert load(path, "kmnist") == {}


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stability.csv"
    path.write_text(",".join(COLUMNS) + "\nmnist-5k,0,float32,cpu,gdl-1,rises,much,0.5,100\n")
    with pytest.raises(Damaged, match=r"stability\.csv: row 2"):
        load(path, "mnist-5k")
