"""One seed, many named random streams.

Every use of randomness asks for a generator by name, so adding a draw in one place changes no draw in another, and the state
of all streams can be saved with a checkpoint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from dgm.runtime.seeds import derived_seed

__all__ = ["Generators"]


class Generators:
    """Named :class:`torch.Generator` objects on one device, all derived from one seed."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self.device = torch.device(device)
        self._made: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        """The stream ``name``; the same object at every call."""
        if name not in self._made:
            self._made[name] = torch.Generator(self.device).manual_seed(derived_seed(self.seed, name))
        return self._made[name]

    def made(self) -> list[torch.Generator]:
        """The streams used so far that a checkpoint keeps."""
        return list(self._made.values())

    def seed_of(self, name: str) -> int:
        """The seed of the stream ``name``, for code that makes its own generator."""
        return derived_seed(self.seed, name)

    def fresh(self, name: str) -> torch.Generator:
        """A new generator at the start of the stream ``name``; no checkpoint keeps it.

        For draws that must be the same at every call, such as the noise behind a learning curve: evaluating more or less often
        then changes neither the curve nor the training.
        """
        return torch.Generator(self.device).manual_seed(derived_seed(self.seed, name))

    def permutation(self, n: int, name: str) -> torch.Tensor:
        """A permutation of 0..n-1 that depends on seed and name alone, not on earlier draws. Shape [n], int64."""
        generator = torch.Generator().manual_seed(derived_seed(self.seed, name))
        return torch.randperm(n, generator=generator).to(self.device)

    @contextmanager
    def default(self, name: str) -> Iterator[None]:
        """Let code that draws from torch's default generator (layer initialisation) draw from the stream ``name``."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(self.seed, name))
            yield

    def state_dict(self) -> dict[str, Any]:
        """The state of every stream used so far."""
        return {name: generator.get_state() for name, generator in self._made.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue every stream where :meth:`state_dict` was taken."""
        for name, value in state.items():
            self[name].set_state(value.cpu())
