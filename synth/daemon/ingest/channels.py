"""Names of channels and units as apps send them."""

from __future__ import annotations

from synth.wearables.channels import ALIASES, KINDS, Unit
from synth.wearables.samples import CHANNELS, REPORTS

VECTORS = ("acc",)  # channels that may come as [x, y, z]
_UNCLEAR = {
    "hrv": "it may be any of a dozen measures: send the beat intervals, rr_ms",
    "rmssd": "send the beat intervals, rr_ms: the session works it out itself",
    "sdnn": "send the beat intervals, rr_ms: the session works it out itself",
    "stress": "it has no unit: send the signals that it is made of",
    "steps": "send the acceleration, acc",
    "spo2": "the session makes no use of it",
    "eeg": "name the site, as eeg_tp9, or the band, as eeg_alpha",
}


class UnknownName(ValueError):
    """A channel or unit that there is not. `code` names the reason in the outcome log."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def channel_named(name: str) -> str:
    """The channel of `synth.wearables.samples.CHANNELS` that `name` or an alias of it means.

    UnknownName where there is none, or where the name may mean more than one thing, with what to send instead.
    """
    bare = name.strip().lower()
    channel = ALIASES.get(bare, bare)
    if channel in CHANNELS:
        return channel
    why = _UNCLEAR.get(bare) or f"one of {', '.join(CHANNELS)}"
    raise UnknownName("unknown_channel", f"no channel called {name[:64]!r}: {why}")


def unit_named(channel: str, name: str | None) -> Unit:
    """The unit `name` of `channel`, its own for None. UnknownName with those there are."""
    units = KINDS[channel].units
    if name is None:
        return units[0]
    wanted = name.strip().lower()
    for unit in units:
        if wanted == unit.name.lower() or wanted in unit.suffixes:
            return unit
    known = ", ".join(unit.name for unit in units)
    raise UnknownName("unknown_unit", f"{channel} comes in {known}, not in {name[:32]!r}")


def is_of_the_body(channel: str) -> bool:
    """Whether it is measured at a body, and not said by a person."""
    return channel not in REPORTS
