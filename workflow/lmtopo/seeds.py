"""Random streams that depend on what they are for, and on nothing else."""

import hashlib

import numpy as np


def seed_of(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the purpose ``names``: SHA-256 of the study's seed and the names.

    Streams for different purposes are independent, and adding a purpose moves no other stream.
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for the purpose ``names``; see `seed_of`."""
    return np.random.default_rng(seed_of(seed, *names))
