"""A session for Open Stage Control (openstagecontrol.ammd.net), version 1: JSON as its documentation describes it
("Widgets", "Properties reference").

Start it with `open-stage-control --load isotone.json --send 127.0.0.1:9100`. It subscribes by itself, from the port
that it sends from, and again every few seconds, so it may be started first.
"""

from __future__ import annotations

import json
from typing import Any

from synth.control.layouts.surface import HEIGHT, TABS, TOP, WIDTH, Place, Surface, Thing

VERSION = "1.16.0"
SUBSCRIBE = "setInterval('subscribe', function() { send('/subscribe') }, 5000)\nsend('/subscribe')"
_COLOURS = {
    "plain": "#6a8caf", "quiet": "#8a8f98", "panic": "#e02020", "stop": "#d08a20", "mood": "#9a6fc0",
    "level": "#4aa57a", "mute": "#d08a20", "solo": "#d0c020", "pan": "#6a8caf",
}  # fmt: skip


def session(drawn: Surface) -> bytes:
    """The file for `drawn`."""
    page_height = HEIGHT - TOP - TABS
    tabs = [
        {
            "type": "tab",
            "id": page.name,
            "label": page.name,
            "widgets": [_widget(thing, page.name, page_height) for thing in page.things],
        }
        for page in drawn.pages
    ]
    pages = {
        "type": "panel", "id": "pages", "bypass": True, **_at(Place(0, TOP, WIDTH, HEIGHT - TOP), HEIGHT),
        "tabs": tabs,
    }  # fmt: skip
    content = {
        "type": "root",
        "id": "root",
        "hideMenu": False,
        "onCreate": SUBSCRIBE,
        "widgets": [*(_widget(thing, "top", HEIGHT) for thing in drawn.always), pages],
        "tabs": [],
    }
    told = {"createdWith": "Open Stage Control", "version": VERSION, "type": "session", "content": content}
    return (json.dumps(told, indent=2) + "\n").encode()


def _widget(thing: Thing, page: str, height: float) -> dict[str, Any]:
    """A widget in a frame of that height."""
    name = (thing.address or thing.text).strip("/").replace("/", "_").replace(" ", "_")
    common: dict[str, Any] = {
        "id": f"{page}_{thing.kind}_{name}",
        **_at(thing.place, height),
        "colorWidget": _COLOURS[thing.colour],
    }
    if thing.address:
        common["address"] = thing.address
    return common | _own(thing)


def _own(thing: Thing) -> dict[str, Any]:
    """What its kind needs besides."""
    match thing.kind:
        case "fader":
            return {"type": "fader", "range": {"min": 0, "max": 1}, "horizontal": thing.place.w > thing.place.h,
                    "decimals": 4, "design": "compact"}  # fmt: skip
        case "pad":
            both = {"min": -1, "max": 1}
            return {"type": "xy", "rangeX": both, "rangeY": both, "decimals": 3, "default": [0, 0]}
        case "toggle":
            return {"type": "button", "mode": "toggle", "label": thing.text, "on": 1, "off": 0, "typeTags": "i"}
        case "button":
            return {"type": "button", "mode": "tap", "label": thing.text, "on": thing.sends, "off": 0, "typeTags": "i"}
        case "choice":
            return {"type": "switch", "layout": "horizontal", "values": list(thing.choices), "typeTags": "s"}
        case "value":
            return {"type": "text", "wrap": "soft", "decimals": 1}
        case "label":
            return {"type": "text", "default": thing.text, "wrap": "soft"}
    raise AssertionError(thing.kind)


def _at(place: Place, height: float) -> dict[str, str]:
    """Where it stands, in shares of what it stands in."""
    shares = {"left": place.x / WIDTH, "top": place.y / height, "width": place.w / WIDTH, "height": place.h / height}
    return {name: f"{100 * share:.2f}%" for name, share in shares.items()}
