"""Seeds: each random stream of a session has its own, derived from the session's seed and the stream's name."""

from __future__ import annotations

import hashlib
import random


def stream_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called `names` in the session with `seed`; alike on every machine."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream(seed: int, *names: str | int) -> random.Random:
    """A Python generator of its own for the stream called `names`."""
    return random.Random(stream_seed(seed, *names))
