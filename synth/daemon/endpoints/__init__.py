"""The table of endpoints, one file a group; `ALL` joins them when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.daemon.endpoints.table import Endpoint

    ALL: tuple[Endpoint, ...]

GROUPS = (
    "catalogue",
    "sessions",
    "hands",
    "signals",
    "events",
    "listen",
    "renders",
    "files",
    "records",
    "access",
    "service",
)


def __getattr__(name: str) -> Any:
    """The groups need more than their table does: audio, signals, renders. So they are not imported with it."""
    if name != "ALL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    groups = (import_module(f"{__name__}.{group}") for group in GROUPS)
    globals()["ALL"] = tuple(endpoint for group in groups for endpoint in group.ENDPOINTS)
    return globals()["ALL"]
