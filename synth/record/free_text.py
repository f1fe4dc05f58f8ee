"""What people wrote in their own words: left out of a record unless it is allowed there.

Numbers, choices and the engine's own sentences are not free text. These are: a note; the text of an incident that a
person reports; the reason that a person gives for moving a control, which becomes "asked for".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ASKED = "asked for"
_OWN_REASONS = (ASKED, "set at the start")
_OURS = ("hand:clock", "hand:link", "hand:midi", "hand:osc", "hand:played")  # hands whose reasons we word ourselves


def by_a_person(line: Mapping[str, Any]) -> bool:
    """Whether a line says that a person is behind it: "hand" or "hand:<who>"."""
    return str(line.get("by", "")).partition(":")[0] == "hand"


def without_free_text(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """`line` with what people wrote left out."""
    match line["type"]:
        case "note":
            return _without(line, "text")
        case "incident" if by_a_person(line) or line.get("kind") == "harm":
            return _without(line, "text", "done")
        case "commit" if by_a_person(line) and line["by"] not in _OURS and line.get("reason") not in _OWN_REASONS:
            return {**line, "reason": ASKED}
    return line


def _without(line: Mapping[str, Any], *fields: str) -> Mapping[str, Any]:
    return {name: value for name, value in line.items() if name not in fields}
