"""Words for what was mended, kept to a bounded number however odd the input."""

from __future__ import annotations

from collections.abc import Mapping

MAX_WORDS = 64
OTHER = "other troubles, too many to name"


def within(repairs: Mapping[str, int], what: str) -> str:
    """`what`, or the words for all the rest when `repairs` holds enough different ones already."""
    return what if what in repairs or len(repairs) < MAX_WORDS else OTHER
