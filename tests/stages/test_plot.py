"""Figures: drawn from every kind of source, the same twice, readable files, and errors that name the entry."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.figures import style
from dgm.runtime.files import save_arrays
from dgm.stages import plot

ENTRY = """
curve:
  draw: probe_figure
  from: {samples: samples/a.npz, history: history/a.csv, facts: data/facts.json}
  settings: {columns: 3}
  caption: c
  alt: a
"""


DRAWING = """
from dgm.figures import style

SEEN = {}


def draw(sources, *, columns):
    SEEN.update(sources)
    made, axes = style.figure(1, 2)
    axes[0, 0].plot(sources["history"]["step"], sources["history"]["value"], label="$x^2$")
    axes[0, 0].legend()
    style.show_images(axes[0, 1], sources["samples"]["samples"], columns)
    style.label_panels(axes)
    return made
"""


def seen() -> dict[str, Any]:
    """What the drawing was given."""
    given_: dict[str, Any] = sys.modules["assignments.probe.drawings.probe_figure"].SEEN  # type: ignore[attr-defined]
    return given_


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "history").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "probe" / "drawings").mkdir(parents=True)
    (tmp_path / "probe" / "drawings" / "probe_figure.py").write_text(DRAWING)
    (tmp_path / "probe" / "assignment.yaml").write_text("")
    (tmp_path / "probe" / "figures.yaml").write_text(ENTRY)
    (tmp_path / "history" / "a.csv").write_text("step,value\n0,1.5\n1,2.5\n")
    (tmp_path / "data" / "facts.json").write_text('{"n": 3}')
    save_arrays(tmp_path / "samples" / "a.npz", {"samples": np.random.default_rng(0).random((6, 784))})
    return tmp_path


def run(folder: Path, out: str = "out", figure: str = "curve") -> int:
    words = ["--figure", figure, "--figures", folder / "probe" / "figures.yaml", "--results", folder]
    words += ["--svg", folder / out / "a.svg", "--pdf", folder / out / "a.pdf", "--record", folder / out / "a.json"]
    return plot.main([str(word) for word in words])


def test_every_kind_of_source_reaches_draw_and_both_files_appear(folder: Path) -> None:
    assert run(folder) == 0
    assert seen()["samples"]["samples"].shape == (6, 784)
    assert list(seen()["history"]["value"]) == [1.5, 2.5]
    assert seen()["facts"] == {"n": 3}
    root = ElementTree.fromstring((folder / "out" / "a.svg").read_text())
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(style.TEXT * style.SHARE * 72)
    assert not [node for node in root.iter() if node.tag.endswith("}text")]  # text is drawn, so no font is needed
    assert (folder / "out" / "a.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((folder / "out" / "a.json").read_text())["sources"]["samples"] == "samples/a.npz"


def test_equal_sources_give_equal_bytes_whatever_the_users_settings(folder: Path) -> None:
    assert run(folder, "one") == 0
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "axes.grid": False}):
        assert run(folder, "two") == 0
    for name in ("a.svg", "a.pdf"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("curve:", "other:", "no figure 'curve'; there are: 'other'"),
        (
            "probe_figure",
            "probe_figur",
            "named 'probe_figur'; nearest: 'probe_figure'",
        ),
        ("samples/a.npz", "samples/b.npz", "curve: from.samples: {folder}/samples/b.npz: no such file"),
        ("history/a.csv", "probe/figures.yaml", "curve: from.history: {folder}/probe/figures.yaml: got suffix '.yaml'"),
        ("data/facts.json", "history/bad.json", "curve: from.facts: {folder}/history/bad.json: "),
        ("samples/a.npz", "history/bad.npz", "curve: from.samples: "),
    ],
)
def test_messages_name_the_entry(folder: Path, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bad.json", "bad.npz"):
        (folder / "history" / name).write_text("{")
    path = folder / "probe" / "figures.yaml"
    path.write_text(path.read_text().replace(old, new))
    assert run(folder) == 1
    said = capsys.readouterr().err
    assert message.format(folder=folder) in said and said.startswith(f"plot: {folder}/probe/figures.yaml")
    assert not (folder / "out" / "a.svg").exists() and not (folder / "out" / "a.json").exists()


def test_a_missing_array_names_the_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_arrays(folder / "samples" / "a.npz", {"other": np.zeros(1)})
    assert run(folder) == 1
    assert "curve: assignments.probe.drawings.probe_figure.draw failed: KeyError('samples')" in capsys.readouterr().err


@given(st.integers(1, 12), st.integers(1, 7), st.integers(0, 3))
def test_a_tile_holds_every_image_once_in_reading_order(count: int, columns: int, gap: int) -> None:
    images = np.arange(count * 6, dtype=float).reshape(count, 2, 3)
    sheet = style.tile(images, columns, gap, background=-1.0)
    assert sheet.shape == (-(-count // columns) * (2 + gap) - gap, columns * (3 + gap) - gap)
    for index, image in enumerate(images):
        top, left = index // columns * (2 + gap), index % columns * (3 + gap)
        np.testing.assert_array_equal(sheet[top : top + 2, left : left + 3], image)
    assert (sheet >= 0).sum() == images.size


def test_a_tile_takes_flat_and_one_channel_images() -> None:
    images = np.random.default_rng(0).random((5, 4, 4))
    for shaped in (images, images.reshape(5, 16), images[:, None]):
        np.testing.assert_array_equal(style.tile(shaped, 2), style.tile(images, 2))
    for wrong in (np.zeros((0, 4, 4)), np.zeros((3, 5)), np.zeros(4)):
        with pytest.raises(ValueError, match="got images of shape"):
            style.tile(wrong, 2)
    with pytest.raises(ValueError, match="columns=0"):
        style.tile(images, 0)


def test_impossible_figures_are_refused() -> None:
    for arguments in ({"rows": 0}, {"width": 1.2}, {"aspect": 0.0}):
        with pytest.raises(ValueError, match="figure: got"):
            style.figure(**arguments)


def test_the_colours_stay_apart_for_colour_blind_readers() -> None:
    """Any two colours differ clearly in lightness or hue as seen with each kind of dichromacy (Viénot et al.'s projection)."""
    projections = {
        "none": np.eye(3),
        "red": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
        "green": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
    }
    colours = [np.array(matplotlib.colors.to_rgb(code)) for code in style.CYCLE[:5]]
    for projection in projections.values():
        perceived = [np.clip(projection @ colour**2.2, 0, 1) ** (1 / 2.2) for colour in colours]
        for one, other in combinations(perceived, 2):
            assert np.linalg.norm(one - other) > 0.1
