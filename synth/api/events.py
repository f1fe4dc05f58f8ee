"""Events: what happens in a session, as it happens."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from synth.api.model import Asks, Told

KINDS = (
    "status", "phase", "plan", "state", "commit", "release", "verb", "cue", "marker", "edit", "leap", "incident",
    "safety", "repair", "refusal", "stop", "panic", "end",
)  # fmt: skip
NOTICES = ("missed", "slow")  # of the stream itself
_KIND = f"({'|'.join(KINDS)})"


def _kinds(types: str) -> str:
    if strange := [kind for kind in types.split(",") if kind not in KINDS]:
        raise ValueError(f"there is no kind of event called {strange[0][:32]!r}: give some of {', '.join(KINDS)}")
    return types


class EventsAsked(Asks):
    """`after`: the id of the last event that was heard, as Last-Event-ID is for SSE; what is kept from there on comes
    first. None: all that is kept. `types`: kinds to be told, with commas between; none: all of them."""

    after: Annotated[str, Field(max_length=40, pattern=r"^[0-9a-z.]*$")] | None = None
    types: (
        Annotated[
            str,
            AfterValidator(_kinds),
            WithJsonSchema({"type": "string", "pattern": f"^{_KIND}(,{_KIND})*$", "examples": ["phase,plan"]}),
        ]
        | None
    ) = None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds to be told; none: all."""
        return frozenset(self.types.split(",")) if self.types else frozenset()


class Event(Told):
    """One event, as the WebSocket sends it; with SSE `id` and `event` are fields of the stream, and `data` its data.

    Kinds: `status` (starting, playing, resuming, finished, failed), lines of the record that are of use to others
    ("phase", "plan", "state", "commit", "release", "verb", "cue", "marker", "edit", "leap", "incident", "safety",
    "repair", "refusal", "stop", "panic", "end"), with their session time `t_s`; "missed" where events between were
    kept no more, "slow" before a connection is closed that does not keep up. What a person wrote, what they reported
    and what was measured at their body is not in them.
    """

    id: str
    event: str
    data: dict[str, Any]
