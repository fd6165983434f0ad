"""Fixtures shared by all tests, and the run-time check of shape annotations."""

import os

# one thread: a test must not depend on how many cores the machine has, nor slow its neighbours down
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch

from dgm import ring
from dgm.dataset import ImageData, PointData
from dgm.loop import Context
from dgm.rng import Generators

torch.set_num_threads(1)
torch.set_warn_always(True)  # else a warning, which is an error here, shows in the first test alone and depends on the order


@pytest.fixture
def images() -> ImageData:
    """Three hundred made-up digits: a bright bar whose place depends on the label."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = np.arange(n) % 10
        pictures = rng.integers(0, 60, (n, 28, 28))
        for i, label in enumerate(labels):
            pictures[i, 4:24, 2 * label + 2 : 2 * label + 6] = rng.integers(200, 256, (20, 4))
        return torch.from_numpy(pictures.astype(np.uint8)), torch.from_numpy(labels)

    return ImageData(*draw(200), *draw(100))


@pytest.fixture
def points() -> PointData:
    """Three times 200 points of the ring mixture with ten components and radius 10."""
    rng = np.random.default_rng(0)
    train, validation, test = (torch.from_numpy(ring.sample(200, 10, 10.0, rng)[0]).float() for _ in range(3))
    return PointData(train, validation, test, components=10, radius=10.0)


@pytest.fixture
def context() -> Context:
    """A training context without checkpoint, seed 0."""
    return Context(run="made-up", generators=Generators(0))
