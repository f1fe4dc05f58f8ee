"""What may be asked of a session, and how it says no. Loads nothing of the engine, so that those can use it who only
pass on what a session far away is asked."""

from __future__ import annotations

SAMPLE_RATES = (22_050, 192_000)
VERBS = ("more", "less", "hold", "advance", "pull_back", "ground", "like", "skip", "stop")


class SessionError(ValueError):
    """A session that cannot be made as asked; the message says what to change."""


class TermsError(ValueError):
    """Terms under which there is no session; the message says what to change."""
