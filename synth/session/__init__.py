"""The owner of time: a session of a preset, from its terms to its last frame."""

from __future__ import annotations

from synth.session.guests import GuestError
from synth.session.handout import Audio
from synth.session.session import REPORTS, SAMPLE_RATES, VERBS, Session, SessionError
from synth.session.terms import Terms, TermsError, agree

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
