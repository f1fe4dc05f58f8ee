"""The table of endpoints, one file a group; `ALL` joins them when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.daemon.endpoints.table import Endpoint

    ALL: tuple[Endpoint, ...]

GROUPS = ("catalogue", "sessions", "hands", "signals", "events", "listen", "renders", "files", "access", "service")


def _group(name: str) -> tuple[Endpoint, ...]:
    """The endpoints of a group; none while its file is still to be written."""
    home = f"{__name__}.{name}"
    try:
        endpoints: tuple[Endpoint, ...] = import_module(home).ENDPOINTS
    except ModuleNotFoundError as error:
        if error.name != home:
            raise
        return ()
    return endpoints


def __getattr__(name: str) -> Any:
    if name != "ALL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["ALL"] = tuple(endpoint for group in GROUPS for endpoint in _group(group))
    return globals()["ALL"]
