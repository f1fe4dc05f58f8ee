"""How pleasant a person's own words sound, -1..1, read off a published word list; the words themselves are not kept.

VADER (Hutto & Gilbert 2014, ICWSM 8:216), English only, by the package vaderSentiment (extra `text`). It was made for
short posts: a sentence or two tell more than a page.
"""

from __future__ import annotations

import functools
from typing import Any

from synth.wearables.packet import SourceError

LONGEST = 2000  # characters; what is beyond is not read


@functools.cache
def _reader() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise SourceError("reading words needs the package vaderSentiment: pip install 'isotone[text]'") from None
    return SentimentIntensityAnalyzer()


def valence_of(text: str) -> float | None:
    """Valence of a text, -1 unpleasant to 1 pleasant; None when no word in it tells.

    Raises SourceError when the package is not installed.
    """
    scores = _reader().polarity_scores(text[:LONGEST])
    return None if scores["neu"] == 1.0 or not any(scores.values()) else float(scores["compound"])
