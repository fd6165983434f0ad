"""The illustrations of the evidence lower bound: what they claim to show, and that the drawings show it."""

import numpy as np
import pytest

from assignments.elbo.demonstrations import prior_divergence, tight_bound
from assignments.elbo.drawings import prior_divergence as map_of_prior
from assignments.elbo.drawings import tight_bound as touching
from dgm.figures import style


def test_the_gap_vanishes_at_the_posterior_only():
    arrays = tight_bound.compute()
    assert arrays["laws"].sum(1) == pytest.approx(1)
    assert arrays["gap"].min() >= 0
    posterior = arrays["marks"][0]
    nearest = np.abs(arrays["laws"] - posterior).sum(1).argmin()
    assert arrays["gap"].argmin() == nearest
    assert arrays["mark_gaps"][0] == pytest.approx(0, abs=1e-12)
    assert arrays["mark_gaps"][1:].min() > 0.01


def test_held_bounds_touch_the_log_evidence_and_the_restricted_one_peaks_early():
    arrays = tight_bound.compute()
    for place, held in zip(arrays["touch"], arrays["held"], strict=True):
        distance = arrays["log_evidence"] - held
        assert distance.min() > -1e-12
        assert arrays["scale"][distance.argmin()] == pytest.approx(place, abs=0.02)
    assert np.all(np.diff(arrays["log_evidence"] - arrays["restricted"]) > 0)  # tight at scale 0 only
    for (scale, value), curve in zip(arrays["peaks"], (arrays["log_evidence"], arrays["restricted"]), strict=True):
        assert arrays["scale"][curve.argmax()] == pytest.approx(scale, abs=0.02)
        assert value >= curve.max()


def test_the_divergence_is_lowest_at_the_prior_and_its_slopes_are_those_of_the_map():
    arrays = prior_divergence.compute()
    row, column = np.unravel_index(arrays["divergence"].argmin(), arrays["divergence"].shape)
    assert arrays["mean"][column] == pytest.approx(0, abs=1e-9)
    assert arrays["log_variance"][row] == pytest.approx(0, abs=0.06)
    s = np.log(arrays["variance"])
    centre = arrays["divergence"][:, len(arrays["mean"]) // 2]
    inside = (s > -8.5) & (s < 2.2)
    slopes = np.interp(s[inside], arrays["log_variance"], np.gradient(centre, arrays["log_variance"]))
    assert arrays["slope_log_variance"][inside] == pytest.approx(slopes, abs=0.02)
    assert arrays["slope_variance"] == pytest.approx(arrays["slope_log_variance"] / arrays["variance"])


def test_the_drawings_mark_their_points():
    with style.context():
        arrays = prior_divergence.compute()
        surface, slopes = map_of_prior.draw({"arrays": arrays}).axes[:2]
        marks = [tuple(float(v[0]) for v in line.get_data()) for line in surface.get_lines()]
        assert marks == [(0.0, 0.0), tuple(arrays["example"])]
        assert [line.get_label() for line in slopes.get_lines()] == ["in the variance", "in the log-variance"]
        np.testing.assert_array_equal(slopes.get_lines()[0].get_ydata(), arrays["slope_variance"])
        arrays = tight_bound.compute()
        triangle, bounds = touching.draw({"arrays": arrays}).axes[:2]
        assert {"posterior", "prior"} <= {line.get_label() for line in triangle.get_lines()}
        assert len(triangle.get_lines()) == len(arrays["marks"])
        curves = [line for line in bounds.get_lines() if len(line.get_xdata()) == len(arrays["scale"])]
        assert len(curves) == 5
        star = triangle.get_lines()[0].get_data()
        q1, q2, q3 = arrays["marks"][0]
        assert float(star[0][0]) == pytest.approx(q2 + q3 / 2)
        assert float(star[1][0]) == pytest.approx(q3 * 0.75**0.5)
        assert q1 == pytest.approx(5 / 29)
