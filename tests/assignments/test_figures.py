"""Every figure of the report is drawn from result files, byte by byte the same each time, and shows its data."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shipped import CONFIG, load

from assignments.dgm.drawings import cluster_samples, graphical_model, latent_map
from assignments.gdl.drawings import clusters, prototypes
from dgm.figures import learning_curves, likelihood_estimates, samples, scatter, style
from dgm.stages import plot

CATALOGUE = load()
FIGURES = CATALOGUE.figures


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn(name: str, tiny_results: Path, tmp_path: Path) -> None:
    command = ["--figure", name, "--figures", str(CATALOGUE.homes[name]), "--results", str(tiny_results)]
    command += ["--record", str(tmp_path / "r.json")]
    for turn in ("one", "two"):
        files = ["--svg", str(tmp_path / f"{turn}.svg"), "--pdf", str(tmp_path / f"{turn}.pdf")]
        assert plot.main([*command, *files]) == 0
    for suffix in ("svg", "pdf"):
        first = (tmp_path / f"one.{suffix}").read_bytes()
        assert first == (tmp_path / f"two.{suffix}").read_bytes()
        assert len(first) < 1_000_000  # the made-up images are noise, which no compression shortens


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_told_without_seeing_it(name: str) -> None:
    assert len(FIGURES[name].alt) > 60
    assert len(FIGURES[name].caption) > 60


def history() -> pd.DataFrame:
    rows = [(e, 10 * e, split, "log_likelihood", -100 / e - (e > 3) * e) for e in range(1, 8) for split in ("train", "test")]
    return pd.DataFrame(rows, columns=["epoch", "step", "split", "term", "value"])


def test_the_dot_lies_on_the_highest_point() -> None:
    curve = {"source": "run", "term": "log_likelihood", "split": "test", "label": "test", "peak": True}
    with style.context():
        drawn = learning_curves.draw({"run": history()}, panels=[{"title": "", "curves": [curve]}])
    _, dot = drawn.axes[0].get_lines()
    table = history().query("split == 'test'")
    assert dot.get_xdata()[0] == table.loc[table["value"].idxmax(), "epoch"]
    assert dot.get_ydata()[0] == table["value"].max()


def test_a_curve_without_rows_names_what_there_is() -> None:
    curve = {"source": "run", "term": "bound", "label": ""}
    with style.context(), pytest.raises(ValueError, match=r"'bound'.*log_likelihood"):
        learning_curves.draw({"run": history()}, panels=[{"curves": [curve]}])


def test_prototypes_are_shown_by_weight() -> None:
    images = np.arange(3)[:, None, None] * np.ones((3, 28, 28)) / 2
    with style.context():
        drawn = prototypes.draw({"samples": {"prototypes": images, "weights": np.array([0.2, 0.5, 0.3])}}, columns=2)
    shown = [axes for axes in drawn.axes if axes.images]
    assert [axes.get_title() for axes in shown] == ["0.500", "0.300", "0.200"]
    assert [float(axes.images[0].get_array().max()) for axes in shown] == [0.5, 1.0, 0.0]


def test_sample_panels_share_one_grey_scale() -> None:
    sources = {"data": {"images": np.full((9, 28, 28), 200, np.uint8)}, "model": {"samples": np.full((4, 28, 28), 0.25)}}
    panels = [
        {"source": "data", "array": "images", "title": "real", "threshold": 127},
        {"source": "model", "array": "samples", "title": "model"},
    ]
    with style.context():
        drawn = samples.draw(sources, panels=panels, images=9, columns=3)
    first, second = (axes.images[0] for axes in drawn.axes)
    assert first.get_array().max() == 1
    assert first.get_clim() == second.get_clim() == (0, 1)


def test_cluster_rows_add_up_to_the_digits() -> None:
    labels = np.repeat(np.arange(10), 5)
    sources = {"data": {"test_labels": labels}, "k": {"clusters_test": labels % 3}}
    with style.context():
        drawn = clusters.draw(sources, panels=[{"source": "k", "title": "K = 3"}])
    share = drawn.axes[0].images[0].get_array()
    assert share.shape == (3, 10)
    np.testing.assert_allclose(share.sum(0), 1)


def test_an_edge_of_a_graph_needs_both_its_nodes() -> None:
    panel = {"title": "", "size": [2, 1], "nodes": {"z": {"at": [0.5, 0.5], "label": "z"}}, "edges": [["z", "x"]]}
    with style.context(), pytest.raises(ValueError, match=r"edge \['z', 'x'\] names \['x'\]; the nodes are \['z'\]"):
        graphical_model.draw({}, panels=[panel])


def test_rows_of_cluster_samples_are_sorted_by_digit_and_name_empty_clusters() -> None:
    evaluations = {"cluster_samples": np.zeros((3, 4, 28, 28)), "cluster_digits": np.array([7, -1, 2])}
    described = {
        "cluster_means": np.ones((3, 28, 28)) * np.array([0.7, 0.1, 0.2])[:, None, None],
        "weights": np.array([0.5, 0.1, 0.4]),
    }
    with style.context():
        drawn = cluster_samples.draw({"evaluations": evaluations, "samples": described}, images=4)
    assert [axes.texts[0].get_text() for axes in drawn.axes] == ["most often 2\n0.400", "most often 7\n0.500", "empty\n0.100"]
    assert [float(axes.images[0].get_array()[5, 5]) for axes in drawn.axes] == [0.2, 0.7, 0.1]


def test_a_cluster_has_the_colour_of_its_majority_digit() -> None:
    found = {
        "codes": np.arange(8.0).reshape(4, 2),
        "cluster_codes": np.zeros((2, 2)),
        "cluster_digits": np.array([3, 1]),
        "clusters_test": np.array([0, 0, 1, 1]),
    }
    with style.context():
        drawn = latent_map.draw({"evaluations": found, "data": {"test_labels": np.array([3, 1, 1, 1])}})
    left, right = (axes.collections[0].get_facecolors()[np.argsort(axes.collections[0].get_offsets()[:, 0])] for axes in drawn.axes)
    np.testing.assert_array_equal(left[[0, 2, 3]], right[[0, 2, 3]])
    assert not np.array_equal(left[1], right[1])


def metrics() -> pd.DataFrame:
    rows = [
        ("flow", "nice", "quality", 3.0, 0.5, "samples"),
        ("flow", "nice", "seconds", 100.0, np.nan, "train"),
        ("flow", "nice", "quality", 7.0, 0.1, "low_temperature"),
        ("real", "resample", "quality", 1.0, 0.1, "samples"),
    ]
    return pd.DataFrame(rows, columns=["run", "kind", "metric", "value", "stderr", "split"])


PANEL = {
    "x": {"label": "seconds", "metric": "seconds", "split": "train", "scale": "log"},
    "y": {"label": "quality", "metric": "quality", "split": "samples"},
    "points": [
        {"run": "flow", "label": "flow"},
        {"run": "flow", "label": "flow, cold", "y": {"metric": "quality", "split": "low_temperature"}, "hollow": True},
    ],
    "lines": [{"run": "real", "label": "real digits"}],
}


def test_points_lie_at_their_numbers_with_two_standard_errors() -> None:
    with style.context():
        drawn = scatter.draw({"metrics": metrics()}, panels=[PANEL])
    (axes,) = drawn.axes
    first, second, across = axes.get_lines()
    assert (first.get_xdata()[0], first.get_ydata()[0]) == (100, 3) and (second.get_xdata()[0], second.get_ydata()[0]) == (100, 7)
    assert list(across.get_ydata()) == [1, 1] and axes.get_xscale() == "log"
    (low, high) = axes.collections[0].get_segments()[0][:, 1]
    assert (low, high) == (2, 4)  # 3 -+ 2 * 0.5; the time has no error, so there is no bar across
    assert len(axes.collections) == 2
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["real digits", "flow", "flow, cold"]


@pytest.mark.parametrize(("quickest", "slowest"), [(100.0, 260.0), (133.0, 7700.0), (150.0, 800.0), (9.0, 40000.0), (2.0, 3e6)])
def test_tick_labels_of_a_logarithmic_axis_are_apart_and_more_than_one(quickest: float, slowest: float) -> None:
    rows = metrics().replace({"value": {100.0: quickest}})
    rows.loc[len(rows)] = ["slow", "gan", "seconds", slowest, np.nan, "train"]
    rows.loc[len(rows)] = ["slow", "gan", "quality", 3.0, 0.5, "samples"]
    panel = PANEL | {"points": [{"run": run, "label": run} for run in ("flow", "slow")]}
    with style.context():
        drawn = scatter.draw({"metrics": rows}, panels=[panel, panel])
        drawn.draw_without_rendering()
        axis = drawn.axes[0].xaxis
        low, high = axis.get_view_interval()
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        shown = [tick.label1 for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_text()]
        boxes = sorted(label.get_window_extent().extents[[0, 2]].tolist() for label in shown)
    assert len(boxes) > 1
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(boxes))


@pytest.mark.parametrize("change", [{"run": "flows"}, {"y": {"metric": "quality", "split": "test"}}])
def test_a_point_without_a_number_is_refused(change: dict[str, object]) -> None:
    panel = PANEL | {"points": [{"run": "flow", "label": "flow"} | change]}
    with style.context(), pytest.raises(ValueError, match="0 rows for run"):
        scatter.draw({"metrics": metrics()}, panels=[panel])


def test_estimates_are_compared_on_the_same_images_with_paired_intervals() -> None:
    rng = np.random.default_rng(0)
    exact = rng.normal(-100, 30, 8)
    curve = np.stack([exact - 5, exact - 2])
    arrays = {
        "curve_sizes": np.array([1, 5000]),
        "iwae_curve": curve,
        "annealed": exact[:6] - np.array([0.0, 0.2, 0.1, 0.1, 0.0, 0.2]),
        "exact_log_likelihood": exact,
        "simulated_lower": np.array([-3.0, -4.0]),
        "simulated_upper": np.array([-1.0, -2.0]),
    }
    spec = [{"source": "a", "title": "model"}]
    with style.context():
        drawn = likelihood_estimates.draw({"a": arrays}, curves=spec, gaps=spec)
    estimates, gaps = drawn.axes
    encoder, annealed = (container for container in estimates.containers)
    np.testing.assert_allclose(encoder.lines[0].get_ydata(), curve[:, :6].mean(1))
    np.testing.assert_allclose(np.ptp(encoder.lines[2][0].get_segments()[0], 0)[1], 0, atol=1e-9)  # the difference is constant
    np.testing.assert_allclose(annealed.lines[0].get_ydata(orig=False), [exact[:6].mean() - 0.1])
    assert any(np.allclose(line.get_ydata(orig=False), exact[:6].mean()) for line in estimates.get_lines())
    np.testing.assert_allclose(gaps.containers[0].lines[0].get_ydata(orig=False), [2])


def test_the_components_of_the_figure_are_those_of_the_runs() -> None:
    runs = CONFIG["runs"]
    shown = FIGURES["mixture-components"].settings["runs"]
    assert shown == {name: run["settings"]["components"] for name, run in runs.items() if name.startswith("bmm_stored_k")}
