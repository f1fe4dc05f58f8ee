"""Layouts for control surfaces, drawn from the table of controls: `write_layout("touchosc", "isotone.tosc")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from synth.control.layouts.open_stage_control import session
from synth.control.layouts.surface import surface
from synth.control.layouts.touchosc import layout

SUFFIXES: Mapping[str, str] = {"open-stage-control": ".json", "touchosc": ".tosc"}
_WRITERS: Mapping[str, Callable[..., bytes]] = {"open-stage-control": session, "touchosc": layout}

KINDS = tuple(SUFFIXES)


class LayoutError(ValueError):
    """A kind of layout that there is not; the message lists those that there are."""


def write_layout(kind: str, path: str | Path) -> Path:
    """Write a layout of `kind` (one of KINDS) and tell where; a path without a suffix gets the usual one.

    LayoutError for another kind, OSError when it cannot be written.
    """
    if kind not in _WRITERS:
        raise LayoutError(f"no layout for {kind!r}: one of {', '.join(KINDS)}")
    path = Path(path)
    path = path if path.suffix else path.with_suffix(SUFFIXES[kind])
    path.write_bytes(_WRITERS[kind](surface()))
    return path
