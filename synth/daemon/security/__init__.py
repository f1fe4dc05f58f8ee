"""Who may do what: roles, keys, tokens, tickets, and the shield in front of the app."""

from __future__ import annotations

from synth.daemon.security.exposure import check_exposure
from synth.daemon.security.gate import Gate
from synth.daemon.security.keys import Key, new_key
from synth.daemon.security.roles import Caller, Role

__all__ = ["Caller", "Gate", "Key", "Role", "check_exposure", "new_key"]
