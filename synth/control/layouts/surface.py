"""What is on a control surface, and where: one drawing for every program that shows it.

Positions are in a frame of WIDTH by HEIGHT. What is `always` there stands above the pages: panic is never more than one
touch away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synth.control.osc.tree import PLAYED, Tree
from synth.controls import CONTROLS, STEMS, TABLE
from synth.session import VERBS

WIDTH, HEIGHT = 1024, 768
TOP = 136  # where the pages begin
TABS = 40  # height of their tabs, inside
GAP = 4
UNITS = ("bpm", "db", "hz", "lu", "lufs", "ms", "note", "oct")  # at the end of a control's name
_TREE = Tree()


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing to touch or to read. `kind`: fader, pad, toggle, button, choice, value or label.

    `address` is where it sends to and hears from; a button sends `sends`, a choice one of `choices`; a fader goes from
    0 to 1, both ways of a pad from -1 to 1.
    """

    kind: str
    address: str
    text: str
    place: Place
    colour: str = "plain"
    sends: int | str = 1
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Things under a tab; positions count from the page's own corner."""

    name: str
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Surface:
    """All of it."""

    always: tuple[Thing, ...]
    pages: tuple[Page, ...]


def surface() -> Surface:
    """The surface of the controls, stems and verbs that there are."""
    drawn = Surface(tuple(_always()), (Page("mix", tuple(_mix())), Page("music", tuple(_music()))))
    for thing in (*drawn.always, *(thing for page in drawn.pages for thing in page.things)):
        assert thing.kind == "label" or thing.address in _TREE.nodes, thing.address
    return drawn


def _always() -> list[Thing]:
    verbs = [verb for verb in VERBS if verb != "stop"]  # stop has a button of its own
    buttons = [Thing("button", f"/verb/{verb}", verb.replace("_", " "), Place(0, 0, 0, 0)) for verb in verbs]
    stop = Thing("button", "/transport/stop", "stop", Place(0, 0, 0, 0), "stop")
    things = _in_columns([*buttons, stop], Place(GAP, GAP, 800, 72))
    things.append(Thing("button", "/transport/panic", "PANIC", Place(808, GAP, WIDTH - 808 - GAP, 124), "panic"))
    told = [("phase", 200), ("key", 60), ("mode", 120), ("tempo", 90), ("held", 322)]
    x = float(GAP)
    for name, width in told:
        things.append(Thing("value", f"/session/{name}", name, Place(x, 80, width - GAP, 48), "quiet"))
        x += width
    return things


def _mix() -> list[Thing]:
    """A pad for the mood, and a strip for each stem."""
    height = HEIGHT - TOP - TABS
    pad = Place(GAP, GAP, 300, 300)
    things = [
        Thing("pad", "/mood", "valence, arousal", pad, "mood"),
        Thing("label", "", "valence to the right, arousal up", Place(GAP, 308, 300, 28), "quiet"),
        Thing("button", "/control/valence/release", "give valence back", Place(GAP, 340, 148, 48)),
        Thing("button", "/control/arousal/release", "give arousal back", Place(156, 340, 148, 48)),
        Thing("button", "/release", "give everything back", Place(GAP, 392, 300, 48)),
        Thing("value", "/session/reasons", "reasons", Place(GAP, 444, 300, height - 448), "quiet"),
    ]
    wide = (WIDTH - 312) / len(STEMS)
    for i, stem in enumerate(STEMS):
        x, w = 312 + i * wide, wide - GAP
        things.append(Thing("label", "", stem, Place(x, GAP, w, 28), "quiet"))
        things.append(Thing("fader", f"/fader/level_{stem}_db", stem, Place(x, 36, w, height - 204), "level"))
        things.append(Thing("toggle", f"/stem/{stem}/mute", "mute", Place(x, height - 164, w, 52), "mute"))
        if stem in PLAYED:
            things.append(Thing("toggle", f"/stem/{stem}/solo", "solo", Place(x, height - 108, w, 52), "solo"))
            things.append(Thing("fader", f"/fader/pan_{stem}", "pan", Place(x, height - 52, w, 48), "pan"))
    return things


def _music() -> list[Thing]:
    """Every other control: a fader each, and buttons for choices by name."""
    of_stems = {f"level_{stem}_db" for stem in STEMS} | {f"pan_{stem}" for stem in STEMS}
    rest = [row for row in CONTROLS if row.name not in of_stems]
    things: list[Thing] = []
    faders = [row.name for row in rest if row.curve != "choice"]
    half = (len(faders) + 1) // 2
    for row_number, names in enumerate((faders[:half], faders[half:])):
        top = GAP + row_number * 190.0
        wide = (WIDTH - 2 * GAP) / half
        for i, name in enumerate(names):
            x, w = GAP + i * wide, wide - GAP
            things.append(Thing("fader", f"/fader/{name}", name, Place(x, top, w, 120)))
            things.append(
                Thing("label", "", name.rsplit("_", 1)[0].replace("_", " "), Place(x, top + 122, w, 28), "quiet")
            )
            things.append(Thing("button", f"/control/{name}/release", "back", Place(x, top + 152, w, 30)))
    at = GAP + 2 * 190.0
    for name in (row.name for row in rest if row.choices):
        row = TABLE[name]
        things.append(Thing("label", "", name.replace("_", " "), Place(GAP, at, 120, 40), "quiet"))
        things.append(Thing("choice", row.osc, name, Place(128, at, WIDTH - 132, 40), "plain", choices=row.choices))
        at += 44
    return things


def _plain(name: str) -> str:
    """A control's name without its unit."""
    words = name.split("_")
    return " ".join(words[:-1] if words[-1] in UNITS else words)


def _in_columns(things: Sequence[Thing], into: Place) -> list[Thing]:
    """The things side by side in a place."""
    wide = into.w / len(things)
    return [
        Thing(t.kind, t.address, t.text, Place(into.x + i * wide, into.y, wide - GAP, into.h), t.colour, t.sends)
        for i, t in enumerate(things)
    ]
