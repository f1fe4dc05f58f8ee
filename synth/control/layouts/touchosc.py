"""A layout for TouchOSC (hexler.net): a tree of XML, compressed with zlib.

The format is nowhere published by its makers; what is written here is what the files that TouchOSC 1 saves hold, as
tosclib (github.com/AlbertoV5/tosclib, MIT) and py2tosc describe it: version 3, which newer ones read too. Names and
meanings of properties are those of the manual ("Script: Properties & Values").

Connection 1 must send to the session's port, and receive on RECEIVE_PORT, to which the layout has changes sent.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from synth.control.layouts.surface import HEIGHT, TABS, TOP, WIDTH, Place, Surface, Thing

RECEIVE_PORT = 9000
AGAIN_MS = 5000
# Asks for changes when the layout starts, and again while it is open, for the session may come later.
SCRIPT = f"""\
local asked = 0
function subscribe()
  sendOSC({{ '/subscribe', {{ {{ tag = 'i', value = {RECEIVE_PORT} }} }} }})
  asked = getMillis()
end
function init()
  subscribe()
end
function update()
  if getMillis() - asked > {AGAIN_MS} then
    subscribe()
  end
end
"""
_SPACE = uuid.UUID("6f0f6a3e-2a6f-5b0e-9c55-6f2f6f736321")
_RGB = {
    "plain": (0.42, 0.55, 0.69), "quiet": (0.2, 0.22, 0.25), "panic": (0.88, 0.13, 0.13), "stop": (0.82, 0.54, 0.13),
    "mood": (0.6, 0.44, 0.75), "level": (0.29, 0.65, 0.48), "mute": (0.82, 0.54, 0.13), "solo": (0.82, 0.75, 0.13),
    "pan": (0.42, 0.55, 0.69),
}  # fmt: skip
_EAST = 1  # an orientation
_RECTANGLE = 1  # a shape
_MIDDLE = 2  # an alignment
_MOMENTARY, _TOGGLE = 0, 1  # types of button
_Property = tuple[str, str, object]
_DRAGGED: tuple[_Property, ...] = (("b", "cursor", 1), ("i", "response", 0), ("i", "responseFactor", 100))
_BAR: tuple[_Property, ...] = (
    *_DRAGGED, ("b", "bar", 1), ("i", "barDisplay", 0), ("i", "cursorDisplay", 0), ("b", "grid", 1),
    ("i", "gridSteps", 13),
)  # fmt: skip
_PAD: tuple[_Property, ...] = (
    *_DRAGGED, ("i", "gridStepsX", 4), ("i", "gridStepsY", 4), ("b", "gridX", 1), ("b", "gridY", 1), ("b", "lines", 1),
    ("i", "linesDisplay", 0), ("b", "lockX", 0), ("b", "lockY", 0),
)  # fmt: skip


def layout(drawn: Surface) -> bytes:
    """The file for `drawn`."""
    document = Element("lexml", version="3")
    whole = Place(0, 0, WIDTH, HEIGHT)
    root = _node(document, "GROUP", "isotone", whole, "black", [("b", "grabFocus", 0), ("s", "script", SCRIPT)])
    children = SubElement(root, "children")
    for thing in drawn.always:
        _draw(children, thing, "top")
    pages = Place(0, TOP, WIDTH, HEIGHT - TOP)
    pager = _node(
        children, "PAGER", "pages", pages, "black",
        [("b", "grabFocus", 0), ("b", "tabLabels", 1), ("b", "tabbar", 1), ("b", "tabbarDoubleTap", 0),
         ("i", "tabbarSize", TABS), ("i", "textSizeOff", 14), ("i", "textSizeOn", 14)],
        [("page", "0")],
    )  # fmt: skip
    tabs = SubElement(pager, "children")
    for page in drawn.pages:
        place = Place(0, TABS, WIDTH, HEIGHT - TOP - TABS)
        colours = [("c", name, (0.25, 0.25, 0.25)) for name in ("tabColorOff", "tabColorOn")]
        colours += [("c", name, (1.0, 1.0, 1.0)) for name in ("textColorOff", "textColorOn")]
        group = _node(
            tabs, "GROUP", page.name, place, "black", [("b", "grabFocus", 0), ("s", "tabLabel", page.name), *colours]
        )
        inside = SubElement(group, "children")
        for thing in page.things:
            _draw(inside, thing, page.name)
    return zlib.compress(tostring(document, encoding="UTF-8", xml_declaration=True))


def _draw(parent: Element, thing: Thing, page: str) -> None:
    """The nodes of a thing: buttons have no words of their own, so a label lies over them."""
    path = f"{page}{thing.address}:{thing.text}"
    match thing.kind:
        case "fader":
            flat = thing.place.w > thing.place.h
            own = [*_BAR, ("i", "orientation", _EAST if flat else 0)]
            node = _node(parent, "FADER", path, thing.place, thing.colour, own, [("x", "0")])
            _message(node, thing.address, ["x"], [_variable("x", "FLOAT", 0, 1)])
        case "pad":
            node = _node(parent, "XY", path, thing.place, thing.colour, _PAD, [("x", "0.5"), ("y", "0.5")])
            both = [_variable(name, "FLOAT", -1, 1) for name in ("x", "y")]
            _message(node, thing.address, ["x", "y"], both)
        case "toggle":
            node = _button(parent, path, thing.place, thing.colour, _TOGGLE)
            _message(node, thing.address, ["x"], [_variable("x", "INTEGER", 0, 1)])
            _words(parent, path, thing.text, thing.place)
        case "button":
            node = _button(parent, path, thing.place, thing.colour, _MOMENTARY)
            _message(node, thing.address, ["x"], [_constant(str(thing.sends), "INTEGER")], "RISE", receive=False)
            _words(parent, path, thing.text, thing.place)
        case "choice":
            wide = thing.place.w / len(thing.choices)
            for i, choice in enumerate(thing.choices):
                place = Place(thing.place.x + i * wide, thing.place.y, wide - 4, thing.place.h)
                node = _button(parent, f"{path}:{choice}", place, thing.colour, _MOMENTARY)
                _message(node, thing.address, ["x"], [_constant(choice, "STRING")], "RISE", receive=False)
                _words(parent, f"{path}:{choice}", choice, place)
        case "value" | "label":
            node = _words(parent, path, "" if thing.address else thing.text, thing.place, thing.colour)
            if thing.address:
                _message(node, thing.address, [], [_variable("text", "STRING", 0, 1)], send=False)


def _button(parent: Element, path: str, place: Place, colour: str, kind: int) -> Element:
    told: list[_Property] = [
        ("i", "buttonType", kind),
        ("b", "press", 1),
        ("b", "release", 1),
        ("b", "valuePosition", 0),
    ]
    return _node(parent, "BUTTON", path, place, colour, told, [("x", "0")])


def _words(parent: Element, path: str, text: str, place: Place, colour: str | None = None) -> Element:
    told: list[_Property] = [
        ("i", "font", 0), ("b", "interactive", 0), ("i", "textAlignH", _MIDDLE), ("i", "textAlignV", _MIDDLE),
        ("b", "textClip", 1), ("c", "textColor", (1.0, 1.0, 1.0)), ("i", "textLength", 0), ("i", "textSize", 14),
        ("b", "background", int(colour is not None)), ("b", "outline", 0),
    ]  # fmt: skip
    return _node(parent, "LABEL", f"{path}:words", place, colour or "quiet", told, [("text", text)])


def _node(
    parent: Element, kind: str, path: str, place: Place, colour: str, own: Iterable[_Property],
    values: Sequence[tuple[str, str]] = (),
) -> Element:  # fmt: skip
    node = SubElement(parent, "node", ID=str(uuid.uuid5(_SPACE, path)), type=kind)
    common: list[_Property] = [
        ("b", "background", 1), ("c", "color", _RGB.get(colour, (0.0, 0.0, 0.0))), ("f", "cornerRadius", 1),
        ("r", "frame", place), ("b", "grabFocus", 1), ("b", "interactive", int(kind != "GROUP")), ("b", "locked", 0),
        ("s", "name", path), ("i", "orientation", 0), ("b", "outline", 1), ("i", "outlineStyle", 0),
        ("i", "pointerPriority", 0), ("i", "shape", _RECTANGLE), ("b", "visible", 1),
    ]  # fmt: skip
    told = {key: (tag, value) for tag, key, value in (*common, *own)}
    properties = SubElement(node, "properties")
    for key in sorted(told):
        _property(properties, key, *told[key])
    kept = SubElement(node, "values")
    for key, default in (*values, ("touch", "false")):
        value = SubElement(kept, "value")
        fixed = int(key == "text")  # the words stay as they are drawn
        for name, text in (("key", key), ("locked", "0"), ("lockedDefaultCurrent", str(fixed)), ("default", default),
                           ("defaultPull", "0")):  # fmt: skip
            SubElement(value, name).text = text
    return node


def _property(properties: Element, key: str, tag: str, value: object) -> None:
    told = SubElement(properties, "property", type=tag)
    SubElement(told, "key").text = key
    inner = SubElement(told, "value")
    if isinstance(value, Place):
        for name in ("x", "y", "w", "h"):
            SubElement(inner, name).text = f"{getattr(value, name):.6g}"
    elif isinstance(value, tuple):
        for name, share in zip("rgba", (*value, 1.0), strict=True):
            SubElement(inner, name).text = f"{share:g}"
    else:
        inner.text = str(value)


_Partial = tuple[str, str, str, int, int]


def _variable(name: str, conversion: str, low: int, high: int) -> _Partial:
    return ("VALUE", conversion, name, low, high)


def _constant(text: str, conversion: str) -> _Partial:
    return ("CONSTANT", conversion, text, 0, 1)


def _message(
    node: Element, address: str, triggers: Sequence[str], arguments: Sequence[_Partial], condition: str = "ANY", *,
    send: bool = True, receive: bool = True,
) -> None:  # fmt: skip
    osc = SubElement(SubElement(node, "messages"), "osc")
    for name, flag in (("enabled", True), ("send", send), ("receive", receive), ("feedback", False)):
        SubElement(osc, name).text = str(int(flag))
    SubElement(osc, "connections").text = "00001"
    if triggers:
        inner = SubElement(osc, "triggers")
        for variable in triggers:
            trigger = SubElement(inner, "trigger")
            SubElement(trigger, "var").text = variable
            SubElement(trigger, "condition").text = condition
    _partials(SubElement(osc, "path"), [_constant(address, "STRING")])
    _partials(SubElement(osc, "arguments"), arguments)


def _partials(parent: Element, partials: Sequence[_Partial]) -> None:
    for kind, conversion, text, low, high in partials:
        partial = SubElement(parent, "partial")
        for name, value in (("type", kind), ("conversion", conversion), ("value", text), ("scaleMin", low),
                            ("scaleMax", high)):  # fmt: skip
            SubElement(partial, name).text = str(value)
