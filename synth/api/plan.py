"""Phases of a plan, as in a preset."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from synth.api.model import Asks, Mood
from synth.api.names import CueKind, PhaseKind, StemName

MOST_PHASES = 50
MOST_CUES = 100


class CueAsked(Asks):
    """A small intervention at `at_minutes` of its phase, `seconds` long. `depth_db` is how far a breath comes forward,
    `percent` how far a tempo shifts, `stem` the one that comes or goes."""

    kind: CueKind
    at_minutes: float = Field(ge=0.0, le=240.0)
    seconds: float = Field(gt=0.0, le=3600.0)
    depth_db: float | None = Field(default=None, ge=0.0, le=8.0)
    percent: float | None = Field(default=None, ge=-50.0, le=50.0)
    stem: StemName | None = None


class PhaseAsked(Asks):
    """One phase: it reaches its targets at its end. What is left out stays as the phase before had it. With a `step` it
    moves in stages of that much arousal, and rests `dwell_s` at each. `scene` is the musical idea that begins with it.
    """

    kind: PhaseKind
    minutes: float = Field(ge=0.1, le=240.0)
    arousal: Mood | None = None
    valence: Mood | None = None
    tension: Mood | None = None
    breath_depth_db: float | None = Field(default=None, ge=0.0, le=8.0)
    breath_rate_bpm: float | None = Field(default=None, ge=4.5, le=20.0)
    step: float | None = Field(default=None, ge=0.0, le=1.0)
    dwell_s: float | None = Field(default=None, ge=0.0, le=600.0)
    cues: list[CueAsked] = Field(default=[], max_length=MOST_CUES)
    scene: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    def table(self) -> dict[str, Any]:
        """As `synth.preset.phases_from` takes it."""
        return self.model_dump(exclude_none=True)


class PlanAsked(Asks):
    """Other phases for a session that plays; they are scaled to its length, and it goes on at the time that it is."""

    phases: list[PhaseAsked] = Field(min_length=1, max_length=MOST_PHASES)
