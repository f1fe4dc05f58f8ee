"""The address space as a page for people, written from the table: `python -m synth.control.osc.page`."""

from __future__ import annotations

from pathlib import Path

from synth.control.layouts.touchosc import RECEIVE_PORT
from synth.control.osc.newest import WINDOW_S
from synth.control.osc.schedule import HORIZON_S
from synth.control.osc.server import PORT
from synth.control.osc.subscribers import LEASE_S, QUIET_S, RATE_HZ
from synth.control.osc.tree import READ, WRITE, Node, Tree
from synth.controls import CONTROLS, STEMS
from synth.session import VERBS

PAGE = Path(__file__).with_name("README.md")
_OWN_HELP = {
    "/control/<name>": "A control in its unit: it goes there and is held. Without an argument it is asked, and the "
    "answer comes on the same address.",
    "/fader/<name>": "The same for surfaces that know only faders.",
    "/verb/<name>": "Steer the plan: " + ", ".join(VERBS) + ".",
    "/stem/<stem>/level_db": "The control level_<stem>_db. In a muted stem it says where the mute goes back to.",
    "/stem/<stem>/pan": "The control pan_<stem>.",
    "/stem/<stem>/solo": "Only soloed stems and the reverb are heard; then those are muted again that were.",
}
_OWN_TAKES = {
    "/control/<name>": "a number in its unit, or a choice by name or index",
    "/fader/<name>": "0 to 1, along the control's curve",
    "/stem/<stem>/level_db": "-60 to 6 dB",
    "/stem/<stem>/pan": "-1 (left) to 1 (right)",
}


def page() -> str:
    """The page, Markdown."""
    return f"""\
# Playing a session over Open Sound Control

Written by `python -m synth.control.osc.page` from the table of controls; a test holds it to the table.

UDP port {PORT} on 127.0.0.1, unless told otherwise. On any other address the networks that may send must be named.
Numbers may come as any numeric OSC type; what is out of range is clamped, and recorded. What cannot be done is answered
with `/error address reason`, a few times a second at most.

| address | takes | tells | |
|---|---|---|---|
{_addresses()}

Stems: {", ".join(STEMS)}. The reverb has no pan and no solo.

## Rules

* **Patterns** as in OSC 1.0 (`?`, `*`, `[a-z]`, `{{pad,bass}}`) mean every address they match: `/stem/*/mute 0`.
  Without an argument a pattern only asks, so that it cannot press a button.
* **Bundles** are done together, at their time tag: late ones at once, those more than {HORIZON_S:g} s ahead after
  {HORIZON_S:g} s.
* **Bursts**: of values for one control that come within {1e3 * WINDOW_S:g} ms the newest counts. Different addresses
  keep their order.
* **Feedback**: `/subscribe` alone tells the sender of all changes, {RATE_HZ:g} times a second at most;
  `/subscribe "/stem/*/*" 9000 30.0` tells port 9000 of the sender's machine of the stems, 30 times a second. Who
  sets a value is not told of it for {QUIET_S:g} s, and then only if it became another. Whoever listens no more, or
  is not heard for {LEASE_S / 60:g} minutes, is told no more.
* **Buttons** send 1 when pressed and 0 when let go; 0 does nothing.
* **Samples** may be fed on any sensor channel (`hr`, `rr_ms`, `eda`, ...); `/feedback/self_valence -0.5` is what a
  person reports.

## From Python

```python
from pythonosc.udp_client import SimpleUDPClient

room = SimpleUDPClient("127.0.0.1", {PORT})
room.send_message("/control/brightness_oct", -0.5)
room.send_message("/control/key", "F#")
room.send_message("/verb/less", [])
room.send_message("/release", [])
```

With liblo: `oscsend 127.0.0.1 {PORT} /stem/pad/mute i 1`, and `oscdump 9000` shows what
`oscsend 127.0.0.1 {PORT} /subscribe i 9000` asks for.

## Surfaces

`synth.control.layouts.write_layout("touchosc", "room.tosc")` writes a layout for TouchOSC (send to port {PORT}, receive
on port {RECEIVE_PORT}), `write_layout("open-stage-control", "room.json")` a session for Open Stage Control
(`open-stage-control --load room.json --send 127.0.0.1:{PORT}`). Both subscribe by themselves. OSCQuery tells other
surfaces of all addresses.

## Controls

| name | unit | from | to | curve | |
|---|---|---|---|---|---|
{_controls()}
"""


def _addresses() -> str:
    shapes: dict[str, Node] = {}
    for node in Tree().nodes.values():
        shapes.setdefault(node.shape, node)
    rows = []
    for shape, node in shapes.items():
        takes = _OWN_TAKES.get(shape, node.takes) if node.access & WRITE else ""
        told = ("a value" if "<name>" in shape else _types(node)) if node.access & READ else ""
        rows.append(f"| `{shape}` | {takes} | {told} | {_OWN_HELP.get(shape, node.help)} |")
    return "\n".join(rows)


def _types(node: Node) -> str:
    words = {"f": "float", "i": "int", "s": "string"}
    return ", ".join(words[tag] for tag in node.types)


def _controls() -> str:
    return "\n".join(
        f"| `{c.name}` | {c.unit} | {c.text(c.low)} | {c.text(c.high)} | {c.curve} | {c.help} |" for c in CONTROLS
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
