"""One seed for every named use of randomness, so that adding a draw in one place changes no draw in another."""

import hashlib

__all__ = ["derived_seed"]


def derived_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream ``name``: the first bytes of SHA-256 of seed and name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1
