"""One seed for every named use of randomness, so that adding a draw in one place changes no draw in another."""

import hashlib

__all__ = ["derived_seed", "repeats"]


def derived_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream ``name``: the first bytes of SHA-256 of seed and name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def repeats(run: str, seeds: int) -> list[str]:
    """Names of a run's trainings beyond the first when there are ``seeds`` of them, the second first."""
    return [f"{run}-seed{i}" for i in range(1, seeds)]
