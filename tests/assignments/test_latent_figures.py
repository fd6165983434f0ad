"""Figures of a latent plane show the arrays they are given, where they belong."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from assignments.vaegan.drawings import image_rows, interpolation, latent_plane
from dgm.figures import _classes, style


@pytest.fixture(autouse=True)
def styled():
    with style.context():
        yield


def test_a_column_of_the_table_is_one_index_of_all_rows():
    left = np.linspace(0, 1, 12)[:, None, None] * np.ones((12, 28, 28))
    right = 1 - left
    rows = [{"source": "a", "array": name, "title": name} for name in ("left", "right")]
    made = image_rows.draw({"a": {"left": left, "right": right}}, rows=rows, columns=10)
    shown = [axis.images[0] for axis in made.axes]
    assert [axis.get_ylabel() for axis in made.axes] == ["left", "right"]
    for column in range(10):
        for image, source in zip(shown, (left, right), strict=True):
            sheet = np.asarray(image.get_array())
            assert sheet[5, column * 30 + 5] == pytest.approx(source[column, 0, 0])
    assert all(image.get_clim() == (0, 1) for image in shown)


def test_too_few_images_for_the_columns_are_named():
    rows = [{"source": "a", "array": "few", "title": ""}]
    with pytest.raises(ValueError, match="few of a has 3 images; 10 columns are asked for"):
        image_rows.draw({"a": {"few": np.zeros((3, 28, 28))}}, rows=rows)


def test_an_interpolation_starts_at_b_and_ends_at_a():
    steps = np.arange(3 * 11).reshape(3, 11)[:, :, None, None] / 33 * np.ones((3, 11, 28, 28))
    arrays = {
        "interpolation": steps,
        "interpolation_alpha": np.linspace(0, 1, 11),
        "interpolation_labels": np.array([[9, 7], [6, 4], [1, 5]]),
    }
    panel = interpolation.draw({"measured": arrays}).axes[0]
    sheet = np.asarray(panel.images[0].get_array())
    assert sheet[2 * 30 + 3, 10 * 30 + 3] == pytest.approx(steps[2, 10, 0, 0])
    texts = {text.get_text(): text.get_position() for text in panel.texts}
    assert texts["7"][0] < 0 < 11 * 28 < texts["9"][0]
    assert texts["7"][1] == texts["9"][1] < texts["4"][1] < texts["5"][1]
    assert texts["0.0"][0] < texts["0.5"][0] < texts["1.0"][0]


def test_every_point_is_drawn_in_the_colour_of_its_class():
    rng = np.random.default_rng(1)
    points, labels = rng.normal(size=(500, 2)), rng.integers(0, 10, 500)
    made = latent_plane.draw({"measured": {"train_means": points, "train_labels": labels}})
    (panel,) = made.axes
    drawn = panel.collections[0]
    offsets, colours = np.asarray(drawn.get_offsets()), drawn.get_facecolors()
    assert len(offsets) == 500
    assert drawn.get_rasterized()
    assert panel.get_aspect() == 1
    (legend,) = made.legends
    shown = {text.get_text(): line.get_color() for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)}
    assert list(shown) == [str(label) for label in range(10)]
    for point, colour in zip(offsets[:50], colours[:50], strict=True):
        label = labels[np.abs(points - point).sum(1).argmin()]
        np.testing.assert_allclose(colour[:3], to_rgb(shown[str(label)]))


def test_labels_that_would_lie_on_each_other_are_pushed_apart_and_others_stay() -> None:
    points = np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 0.0], [5.0, 5.0]])
    moved = _classes.apart(points, 0.5)
    distances = np.linalg.norm(moved[:, None] - moved[None], axis=-1)[~np.eye(4, dtype=bool)]
    assert distances.min() >= 0.5
    assert (moved[3] == points[3]).all()
    np.testing.assert_allclose(moved.mean(0), points.mean(0))
