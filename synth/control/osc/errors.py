"""What can go wrong before the first message is heard."""

from __future__ import annotations


class OscError(OSError):
    """OSC or OSCQuery cannot be had as asked; the message says what is wrong, where, and what to do."""
