"""Constraints in a person's own words: "no percussion", "no birds", "nothing above 70 bpm".

Each only narrows what the session may do, for the plan, the loop and every hand alike. The sentences understood:

- "no WORD", for a stem, an instrument or a kind of sound (`SOUNDS`): it does not sound;
- "no THING changes", for key, mode, tempo, loudness or mood: it stays as it starts;
- "no breath wave", "no silences", "no landmarks";
- "nothing above N bpm" (or below; also N LUFS, and "louder than N LUFS");
- "CONTROL at most N", "CONTROL at least N", for any control by its name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synth.controls import STEMS, TABLE, Control, ControlError

SOUNDS = (
    "bells", "birds", "breath", "clicks", "crackle", "drips", "drums", "fire", "flutes", "glass", "haptic", "insects",
    "metal", "piano", "plucks", "pulse", "rain", "shaker", "strings", "thunder", "voices", "water", "waves", "wind",
    "wood",
)  # fmt: skip

_UNITS = {"bpm": "tempo_bpm", "lufs": "loudness_lufs"}
_STAYS = {
    "key": ("key",),
    "mode": ("mode",),
    "tempo": ("tempo_bpm",),
    "loudness": ("loudness_lufs", "dynamics_db"),
    "mood": ("arousal", "valence", "tension"),
}
_OFF = {"breath wave": "breath_depth_db", "silences": "rest", "silence": "rest", "landmarks": "landmark"}

_NO_CHANGES = re.compile(r"no (\w+) changes?")
_NOTHING = re.compile(r"nothing (above|over|faster than|louder than|below|under|slower than) (-?\d+(?:\.\d+)?) ?(\w+)")
_ONLY = {"faster than": "bpm", "slower than": "bpm", "louder than": "lufs"}
_AT = re.compile(r"(\w+) at (most|least) (-?\d+(?:\.\d+)?)")
_NO = re.compile(r"no ([\w ]+)")


class ConstraintError(ValueError):
    """A constraint that is not understood, or that cannot be kept; the message says what is."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One sentence as understood: `spans` where controls must stay, `still` controls that may not move at all, and
    `silent` words for what may not sound (stems, instruments, kinds of sound)."""

    text: str
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    still: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def parse(text: str, instruments: Sequence[str] = ()) -> Constraint:
    """The constraint that `text` says; `instruments` are the names of those there are.

    ConstraintError with the nearest thing that is understood.
    """
    words = " ".join(text.split()).casefold().removesuffix(".")
    if found := _NO_CHANGES.fullmatch(words):
        if found[1] not in _STAYS:
            raise ConstraintError(f"{text!r}: what may not change is one of {', '.join(_STAYS)}")
        return Constraint(text, still=_STAYS[found[1]])
    if found := _NOTHING.fullmatch(words):
        if found[3] not in _UNITS or _ONLY.get(found[1], found[3]) != found[3]:
            raise ConstraintError(f"{text!r}: give a number of bpm or LUFS, as in 'nothing above 70 bpm'")
        return _span(
            text, TABLE[_UNITS[found[3]]], float(found[2]), most=found[1] not in ("below", "under", "slower than")
        )
    if found := _AT.fullmatch(words):
        if found[1] not in TABLE:
            raise ConstraintError(f"{text!r}: no control called {found[1]}{_near(found[1], list(TABLE))}")
        return _span(text, TABLE[found[1]], float(found[3]), most=found[2] == "most")
    if found := _NO.fullmatch(words):
        word = found[1]
        if word in _OFF:
            return Constraint(text, {_OFF[word]: (0.0, 0.0)})
        known = (*STEMS, *instruments, *SOUNDS)
        for name in (word, word.replace(" ", "_"), word + "s"):
            if name in known:
                return Constraint(text, silent=(name,))
        raise ConstraintError(f"{text!r}: no sound called {word!r} is known{_near(word, known)}")
    raise ConstraintError(
        f"{text!r} is not understood: write it as 'no percussion', 'no key changes', 'nothing above 70 bpm' or"
        " 'density_hz at most 2'"
    )


def _span(text: str, row: Control, value: float, most: bool) -> Constraint:
    try:
        row.check(value)
    except ControlError as error:
        raise ConstraintError(f"{text!r}: {error}") from None
    return Constraint(text, {row.name: (row.low, value) if most else (value, row.high)})


def _near(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, 3)
    return f"; near it: {', '.join(close)}" if close else f"; there are {', '.join(sorted(set(known)))}"
