"""The address space as JSON, after the OSCQuery proposal (github.com/Vidvox/OSCQueryProposal, revision 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synth.control.osc.tree import READ, Node, Range, Tree
from synth.control.osc.view import View

EXTENSIONS = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "OVERLOADS")
NOT_HERE = ("TAGS", "EXTENDED_TYPE", "CRITICAL", "HTML")  # of the proposal
ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", *EXTENSIONS)
_UNITS = {"dB": "gain.db", "bpm": "time.bpm", "1/s": "time.hz", "ms": "time.ms", "MIDI note": "time.midinote",
          "s": "time.second", "Hz": "time.hz"}  # fmt: skip
_CONTAINERS = {
    "/": "A session that is played.",
    "/control": "Every control in its unit.",
    "/fader": "Every control from 0 to 1.",
    "/verb": "What steers the plan.",
    "/stem": "The strips of a mixing desk.",
    "/transport": "Stop, panic, and begin again.",
    "/session": "What can be seen of the session.",
    "/feed": "Samples of sensors.",
    "/feedback": "What the person reports.",
}


class Described:
    """A tree as nested JSON objects."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._below: dict[str, dict[str, None]] = {"/": {}}
        for address in tree.nodes:
            at = ""
            for name in address[1:].split("/"):
                self._below.setdefault(at or "/", {})[name] = None
                at = f"{at}/{name}"

    def __contains__(self, path: str) -> bool:
        return path in self.tree.nodes or path in self._below

    def whole(self, path: str, view: View) -> dict[str, Any]:
        """Everything about `path` and what is below it."""
        return {name: value for name in ATTRIBUTES if (value := self.attribute(path, name, view)) is not None}

    def attribute(self, path: str, name: str, view: View) -> Any:
        """One attribute, None when the node has none such."""
        node = self.tree.nodes.get(path)
        match name:
            case "FULL_PATH":
                return path
            case "CONTENTS" if path in self._below:
                at = path.rstrip("/")
                return {inner: self.whole(f"{at}/{inner}", view) for inner in self._below[path]}
            case "ACCESS":
                return node.access if node else 0
            case "DESCRIPTION":
                return node.help if node else _CONTAINERS.get(path)
        return _attribute(node, name, view) if node else None

    def is_readable(self, path: str) -> bool:
        """Whether there is a VALUE to be asked."""
        return path in self.tree.nodes and bool(self.tree.nodes[path].access & READ)


def _attribute(node: Node, name: str, view: View) -> Any:
    match name:
        case "TYPE":
            return node.types
        case "VALUE" if node.access & READ:
            return list(node.value(view) or ())
        case "RANGE" if node.ranges:
            return [_range(one) for one in node.ranges]
        case "UNIT" if any(node.units):
            return [_UNITS.get(unit, unit) or None for unit in node.units]
        case "CLIPMODE" if node.clips:
            return ["none" if one is None or one.choices else "both" for one in node.ranges]
        case "OVERLOADS" if node.overloads:
            return [{"FULL_PATH": node.address, "TYPE": types, "RANGE": [_range(one)]} for types, one in node.overloads]
    return None


def _range(one: Range | None) -> dict[str, Any] | None:
    if one is None:
        return None
    if one.choices:
        return {"VALS": list(one.choices)}
    return {"MIN": one.low, "MAX": one.high}


def host_info(name: str, osc_host: str, osc_port: int, http_port: int | None) -> Mapping[str, Any]:
    """HOST_INFO. An `osc_host` that stands for all addresses is left out: it is that of the request, then."""
    told: dict[str, Any] = {
        "NAME": name,
        "EXTENSIONS": dict.fromkeys((*EXTENSIONS, "LISTEN", "PATH_CHANGED"), True),
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
    }
    if osc_host not in ("0.0.0.0", "::"):
        told["OSC_IP"] = osc_host
    if http_port is not None:
        told["WS_PORT"] = http_port
    return told


def unknown(attributes: Iterable[str]) -> list[str]:
    """Those that the proposal does not know."""
    return [name for name in attributes if name not in (*ATTRIBUTES, *NOT_HERE, "HOST_INFO")]
