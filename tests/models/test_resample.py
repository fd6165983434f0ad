import numpy as np
import pytest
import torch

from dgm.models import load_model, save_model
from dgm.models.resample import Config, fit


def keys(images):
    """Each image as bytes."""
    return [np.asarray(image).astype(np.float32).tobytes() for image in images]


def draw(model, *sizes):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([model.sample(size, generator)["samples"] for size in sizes])


def test_grey_samples_are_training_images_each_once(images, context):
    drawn = draw(fit(Config(), images, context).model, 60, 90, 50)
    assert sorted(keys(drawn)) == sorted(keys(images.train_images / 255))


def test_no_image_comes_again_before_all_have_come(images, context):
    drawn = keys(draw(fit(Config(distinct=20), images, context).model, 30, 30, 40))
    assert len(set(drawn)) == 20
    assert all(sorted(drawn[at : at + 20]) == sorted(drawn[:20]) for at in range(0, 100, 20))


def test_another_generator_starts_anew_and_one_seed_gives_one_order(images, context):
    model = fit(Config(), images, context).model
    whole = draw(model, 100)
    assert torch.equal(draw(model, 40, 60), whole)


def test_a_digit_is_left_out(images, context):
    model = fit(Config(without_digit=9), images, context).model
    nines = set(keys(images.train_images[images.train_labels == 9] / 255))
    drawn = keys(draw(model, 180))
    assert len(set(drawn)) == 180
    assert not nines & set(drawn)


@pytest.mark.parametrize("treatment", ["thresholded", "dynamically binarised"])
def test_binary_treatments_give_binary_pixels(images, context, treatment):
    model = fit(Config(treatment=treatment), images, context).model
    assert model.sample_treatment == treatment
    drawn = draw(model, 200)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    known = set(keys((images.train_images > 127.5).float()))
    assert (set(keys(drawn)) <= known) == (treatment == "thresholded")


def test_images_survive_saving(images, context, tmp_path):
    fitted = fit(Config(distinct=30), images, context)
    save_model(tmp_path / "model.pt", "resample", {"distinct": 30}, fitted.model)
    assert torch.equal(draw(load_model(tmp_path / "model.pt"), 50), draw(fitted.model, 50))
    assert fitted.history == [(1, 1, "train", "images", 30.0)]


def test_more_images_than_there_are_cannot_be_asked_for(images, context):
    with pytest.raises(ValueError, match="run made-up: distinct = 201, but there are 200 images to draw from"):
        fit(Config(distinct=201), images, context)
