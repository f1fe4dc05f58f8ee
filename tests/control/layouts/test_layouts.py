"""Layouts hold to the table of controls, and to the formats of the programs that open them."""

from __future__ import annotations

import contextlib
import json
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from synth.control.layouts import KINDS, LayoutError, write_layout
from synth.control.layouts.surface import HEIGHT, TABS, TOP, WIDTH, Surface, Thing, surface
from synth.control.layouts.touchosc import RECEIVE_PORT, SCRIPT
from synth.control.osc.desk import Desk
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.controls import CONTROLS, STEMS, defaults
from synth.session import VERBS
from synth.wire.osc import Message, decode

TREE = Tree()
# Properties of each type of widget in the reference of Open Stage Control 1 ("Properties reference").
ALL = {
    "type",
    "id",
    "left",
    "top",
    "width",
    "height",
    "colorWidget",
    "address",
    "typeTags",
    "bypass",
    "default",
    "decimals",
}
WIDGETS = {
    "root": {"hideMenu", "onCreate", "widgets", "tabs"},
    "panel": {"widgets", "tabs"},
    "tab": {"label", "widgets"},
    "fader": {"range", "horizontal", "design"},
    "xy": {"rangeX", "rangeY"},
    "button": {"mode", "label", "on", "off"},
    "switch": {"layout", "values"},
    "text": {"wrap"},
}
# Nodes, and the properties of each that the program writes into its own files.
NODE = {"background", "color", "cornerRadius", "frame", "grabFocus", "interactive", "locked", "name", "orientation",
        "outline", "outlineStyle", "pointerPriority", "shape", "visible"}  # fmt: skip
DRAGGED = {"cursor", "response", "responseFactor"}
OWN = {
    "GROUP": set(),
    "PAGER": {"tabLabels", "tabbar", "tabbarDoubleTap", "tabbarSize", "textSizeOff", "textSizeOn"},
    "BUTTON": {"buttonType", "press", "release", "valuePosition"},
    "LABEL": {"font", "textAlignH", "textAlignV", "textClip", "textColor", "textLength", "textSize"},
    "FADER": DRAGGED | {"bar", "barDisplay", "cursorDisplay", "grid", "gridSteps"},
    "XY": DRAGGED | {"gridStepsX", "gridStepsY", "gridX", "gridY", "lines", "linesDisplay", "lockX", "lockY"},
}
VALUES = {"BUTTON": {"x"}, "FADER": {"x"}, "XY": {"x", "y"}, "LABEL": {"text"}, "PAGER": {"page"}, "GROUP": set()}


def things(drawn: Surface) -> list[Thing]:
    return [*drawn.always, *(thing for page in drawn.pages for thing in page.things)]


def test_panic_is_always_there_and_so_are_stop_and_every_verb() -> None:
    always = {thing.address for thing in surface().always}
    assert {"/transport/panic", "/transport/stop"} | {f"/verb/{verb}" for verb in VERBS if verb != "stop"} <= always


def test_every_control_and_every_strip_is_on_it() -> None:
    addresses = Counter(thing.address for thing in things(surface()))
    for row in CONTROLS:
        if row.choices or row.curve != "choice":
            assert addresses[f"/fader/{row.name}"] + addresses[row.osc] == 1, row.name
    assert addresses["/mood"] == 1
    for stem in STEMS:
        assert addresses[f"/stem/{stem}/mute"] == 1
        assert addresses[f"/stem/{stem}/solo"] == (stem != "reverb")


def test_nothing_lies_on_anything_or_outside() -> None:
    drawn = surface()
    for group, height in ((drawn.always, TOP), *((page.things, HEIGHT - TOP - TABS) for page in drawn.pages)):
        for i, one in enumerate(group):
            a = one.place
            assert a.x >= 0 and a.y >= 0 and a.x + a.w <= WIDTH and a.y + a.h <= height, one
            for other in group[i + 1 :]:
                b = other.place
                apart = a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y
                assert apart, (one, other)


class Willing:
    """A session that does all that is asked."""

    controls, held = defaults(), frozenset[str]()
    together = contextlib.nullcontext

    def __getattr__(self, name: str) -> Any:
        return lambda *asked: None


def refused(messages: list[Message]) -> list[Message]:
    """What a desk answers with an error."""
    heard: list[Message] = []
    desk = Desk(Willing(), TREE)  # type: ignore[arg-type]
    for i, message in enumerate(messages):
        end = Sender(f"10.0.0.{i}", 1, lambda packet, host, port: heard.extend(decode(packet)[0]))
        desk.take([message], end, 0.0, 0.0)
    return [message for message in heard if message.address == "/error"]


class TestOpenStageControl:
    """JSON."""

    @pytest.fixture
    def session(self, tmp_path: Path) -> dict[str, Any]:
        path = write_layout("open-stage-control", tmp_path / "room")
        assert path.name == "room.json"
        told = json.loads(path.read_text(encoding="utf-8"))
        assert (told["type"], told["createdWith"]) == ("session", "Open Stage Control")
        return told["content"]

    @staticmethod
    def widgets(widget: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield widget
        for inner in (*widget.get("widgets", ()), *widget.get("tabs", ())):
            yield from TestOpenStageControl.widgets(inner)

    def test_widgets_are_what_the_reference_knows(self, session: dict[str, Any]) -> None:
        assert session["type"] == "root"
        for widget in self.widgets(session):
            assert set(widget) - ALL <= WIDGETS[widget["type"]], widget["id"]
            assert not (widget.get("widgets") and widget.get("tabs")), "a container holds widgets or tabs"

    def test_ids_are_unique_and_addresses_are_there(self, session: dict[str, Any]) -> None:
        found = list(self.widgets(session))
        assert max(Counter(widget["id"] for widget in found).values()) == 1
        assert {widget["address"] for widget in found if "address" in widget} == {
            t.address for t in things(surface())
        } - {""}
        assert all("address" in widget or widget["type"] in ("root", "panel", "tab", "text") for widget in found)

    def test_what_it_sends_is_taken(self, session: dict[str, Any]) -> None:
        sent = [Message(None, "/subscribe", (), "")]
        for widget in self.widgets(session):
            match widget["type"]:
                case "button":
                    sent += [Message(None, widget["address"], (value,), "i") for value in (widget["on"], widget["off"])]
                case "switch":
                    sent += [Message(None, widget["address"], (value,), "s") for value in widget["values"]]
                case "fader":
                    sent += [Message(None, widget["address"], (widget["range"][end],), "f") for end in ("min", "max")]
                case "xy":
                    sent.append(
                        Message(None, widget["address"], (widget["rangeX"]["min"], widget["rangeY"]["max"]), "ff")
                    )
        assert len(sent) > 150 and refused(sent) == []
        assert "/subscribe" in session["onCreate"]


class TestTouchOsc:
    """XML, compressed."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> ElementTree.Element:
        path = write_layout("touchosc", tmp_path / "room")
        assert path.name == "room.tosc"
        document = ElementTree.fromstring(zlib.decompress(path.read_bytes()))
        assert (document.tag, document.attrib) == ("lexml", {"version": "3"}) and len(document) == 1
        return document[0]

    @staticmethod
    def properties(node: ElementTree.Element) -> dict[str, ElementTree.Element]:
        return {str(told.findtext("key")): told for told in node.findall("properties/property")}

    def test_nodes_are_what_the_program_writes(self, root: ElementTree.Element) -> None:
        seen = set()
        for node in root.iter("node"):
            kind = node.attrib["type"]
            assert uuid.UUID(node.attrib["ID"]) not in seen
            seen.add(uuid.UUID(node.attrib["ID"]))
            extra = {"script"} if node is root else set()
            if "tabLabel" in self.properties(node):
                extra = {"tabLabel", "tabColorOff", "tabColorOn", "textColorOff", "textColorOn"}
            assert set(self.properties(node)) == NODE | OWN[kind] | extra
            assert {value.findtext("key") for value in node.findall("values/value")} == VALUES[kind] | {"touch"}
            for told in self.properties(node).values():
                value = told.find("value")
                assert value is not None
                parts = {"r": ["x", "y", "w", "h"], "c": ["r", "g", "b", "a"]}.get(told.attrib["type"], [])
                assert [part.tag for part in value] == parts
                if told.attrib["type"] == "b":
                    assert value.text in ("0", "1")
        assert len(seen) > 200

    def test_what_it_sends_is_taken_and_what_it_shows_is_told(self, root: ElementTree.Element) -> None:
        sent, shown = [], set()
        for node in root.iter("node"):
            for osc in node.findall("messages/osc"):
                (path,) = [partial.findtext("value") for partial in osc.findall("path/partial")]
                assert path in TREE.nodes and osc.findtext("connections") == "00001"
                if osc.findtext("receive") == "1":
                    shown.add(path)
                    assert len(osc.findall("arguments/partial")) == len(TREE.nodes[path].types)
                if osc.findtext("send") == "1":
                    ends = [self.ends(partial) for partial in osc.findall("arguments/partial")]
                    sent += [Message(None, path, tuple(args), "") for args in zip(*ends, strict=True)]
        assert len(sent) > 150 and refused(sent) == []
        assert {"/mood", "/stem/pad/mute", "/fader/level_pad_db", "/session/phase"} <= shown
        assert not any(path.startswith(("/verb", "/transport")) for path in shown)

    @staticmethod
    def ends(partial: ElementTree.Element) -> list[Any]:
        """The values of an argument at both ends of what is moved."""
        text = str(partial.findtext("value"))
        if partial.findtext("type") == "CONSTANT":
            return [int(text) if partial.findtext("conversion") == "INTEGER" else text] * 2
        return [float(str(partial.findtext(name))) for name in ("scaleMin", "scaleMax")]

    def test_it_asks_for_changes_where_it_listens(self, root: ElementTree.Element) -> None:
        assert self.properties(root)["script"].findtext("value") == SCRIPT
        assert f"value = {RECEIVE_PORT}" in SCRIPT and "'/subscribe'" in SCRIPT
        assert refused([Message(None, "/subscribe", (RECEIVE_PORT,), "i")]) == []


def test_the_same_file_each_time(tmp_path: Path) -> None:
    for kind in KINDS:
        first, second = (write_layout(kind, tmp_path / name).read_bytes() for name in ("one.x", "two.x"))
        assert first == second


def test_a_kind_that_there_is_not() -> None:
    with pytest.raises(LayoutError, match="one of open-stage-control, touchosc"):
        write_layout("lemur", "room")
