import pytest
import torch

from dgm.data.binariser import Binariser


def test_every_grey_level_becomes_a_one_with_its_own_probability():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    draw = Binariser(levels, torch.Generator().manual_seed(0))
    n = 20_000
    drawn = torch.stack([draw(torch.zeros(500, dtype=torch.int64)).mean(0) for _ in range(n // 500)]).mean(0)
    p = torch.arange(256) / 255
    assert ((drawn - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 1e-4).all()
    assert float(drawn[0]) == 0


def test_batches_are_the_images_asked_for_and_draws_differ():
    images = torch.zeros((3, 28, 28), dtype=torch.uint8)
    images[1], images[2, 3] = 255, 128
    draw = Binariser(images, torch.Generator().manual_seed(1))
    first, second = (draw(torch.tensor([1, 0, 2])) for _ in range(2))
    assert first.dtype == torch.float32
    assert first[0].mean() > 0.99
    assert first[1].sum() == 0
    assert not torch.equal(first[2], second[2])
    assert float(first[2].view(28, 28)[3].sum()) > 0
    assert float(first[2].sum()) == float(first[2].view(28, 28)[3].sum())


def test_neighbouring_pixels_are_independent():
    draw = Binariser(torch.full((1, 2, 2), 128, dtype=torch.uint8), torch.Generator().manual_seed(2))
    drawn = draw(torch.zeros(40_000, dtype=torch.int64))
    correlation = torch.corrcoef(drawn.T) - torch.eye(4)
    assert float(correlation.abs().max()) < 0.03


def test_images_whose_pixels_do_not_fill_words_are_refused():
    with pytest.raises(ValueError, match=r"images of 9 pixels; their number must be a multiple of 4"):
        Binariser(torch.zeros((1, 3, 3), dtype=torch.uint8), torch.Generator())
