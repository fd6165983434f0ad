"""Treatments of the pixels: what each does to the grey levels, and that the stored draw is one draw."""

import typing

import numpy as np
import pytest
import torch

from dgm.data.tensors import TREATMENTS, Treatment, treat
from dgm.runtime.streams import Generators

STORED: Treatment = "statically binarised"


def noise_images(n: int, seed: int = 0) -> torch.Tensor:
    """Images in which every grey level occurs."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, 28, 28), dtype=np.uint8))


def test_the_stored_draw_is_the_same_for_every_seed_and_run() -> None:
    images = noise_images(20)
    one, two = (treat(images, STORED, Generators(seed)[name]) for seed, name in ((0, "a"), (7, "b")))
    assert torch.equal(one, two)


def test_the_stored_draw_of_an_image_is_the_same_in_every_subset_and_order() -> None:
    images = noise_images(4200)  # more than are drawn at once
    whole = treat(images, STORED, torch.Generator())
    chosen = torch.tensor([4150, 3, 77, 3])
    assert torch.equal(treat(images[chosen], STORED, torch.Generator()), whole[chosen])
    assert len(treat(images[:0], STORED, torch.Generator())) == 0


def test_the_stored_draw_touches_no_generator() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    treat(noise_images(3), STORED, generator)
    assert torch.equal(generator.get_state(), before)


def test_the_stored_draw_has_the_law_it_says() -> None:
    """Every grey level g is on in a share g / 255 of its pixels, and neighbouring pixels and images share no noise."""
    images = noise_images(2000)
    drawn = treat(images, STORED, torch.Generator()).double()
    grey = images.flatten(1).double()
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    counts = torch.zeros(256, dtype=torch.float64).index_add_(
        0, grey.flatten().long(), torch.ones(grey.numel(), dtype=torch.float64)
    )
    on = torch.zeros(256, dtype=torch.float64).index_add_(0, grey.flatten().long(), drawn.flatten())
    p = torch.arange(256, dtype=torch.float64) / 255
    assert on[0] == 0
    assert on[255] == counts[255]
    z = (on - counts * p)[1:255] / (counts * p * (1 - p)).sqrt()[1:255]
    assert float(z.abs().max()) < 4.5
    assert float(z.square().mean()) == pytest.approx(1, abs=0.35)
    centred = (drawn - grey / 255) / (grey / 255 * (1 - grey / 255)).sqrt().clamp_min(0.06)
    pairs = len(images) * 783
    assert abs(float((centred[:, 1:] * centred[:, :-1]).sum())) < 4.5 * pairs**0.5
    assert abs(float((centred[1:] * centred[:-1]).sum())) < 4.5 * pairs**0.5


def test_equal_grey_levels_in_different_images_get_different_noise() -> None:
    images = torch.full((2, 28, 28), 128, dtype=torch.uint8)
    images[1, 0, 0] = 127
    first, second = treat(images, STORED, torch.Generator())
    assert 250 < int((first != second).sum()) < 530


def test_the_other_treatments_draw_what_they_drew_before() -> None:
    """Written out again: their streams must not change, because every trained model hangs on them."""
    images = noise_images(5)
    grey = images.flatten(1).float()
    for treatment, expected in {
        "thresholded": lambda u: (grey > 127.5).float(),
        "dynamically binarised": lambda u: (u * 255 < grey).float(),
        "dequantised": lambda u: (grey + u) / 256,
        "grey": lambda u: grey / 255,
    }.items():
        u = torch.rand(grey.shape, generator=torch.Generator().manual_seed(3))
        assert torch.equal(treat(images, treatment, torch.Generator().manual_seed(3)), expected(u)), treatment


def test_treatments_are_listed_and_others_refused() -> None:
    assert set(TREATMENTS) == set(typing.get_args(Treatment))
    with pytest.raises(ValueError, match=r"unknown treatment 'stored'; known: .*'statically binarised'"):
        treat(noise_images(1), "stored", torch.Generator())
    with pytest.raises(ValueError, match="dequantised pixels are drawn: give a generator"):
        treat(noise_images(1), "dequantised")
