"""The owner of time: a session of a preset, from its terms to its last frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synth.lazily import lazily
from synth.session.asking import SAMPLE_RATES, VERBS, SessionError, TermsError
from synth.wearables.samples import REPORTS

if TYPE_CHECKING:
    from synth.session.guests import GuestError
    from synth.session.handout import Audio
    from synth.session.session import Session
    from synth.session.terms import Terms, agree
else:
    # With the engine behind them, which takes its time to load.
    __getattr__ = lazily(
        __name__,
        {
            "Audio": "synth.session.handout",
            "GuestError": "synth.session.guests",
            "Session": "synth.session.session",
            "Terms": "synth.session.terms",
            "agree": "synth.session.terms",
        },
    )

__all__ = [
    "REPORTS",
    "SAMPLE_RATES",
    "VERBS",
    "Audio",
    "GuestError",
    "Session",
    "SessionError",
    "Terms",
    "TermsError",
    "agree",
]
