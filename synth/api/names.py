"""Names that are told in requests: each is a string, and one of those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synth.api.model import one_of
from synth.controls import STEMS, TABLE
from synth.preset import CUES, GOALS, PHASES, POLICIES

if TYPE_CHECKING:
    ControlName = str
    StemName = str
    GoalName = str
    PolicyName = str
    PhaseKind = str
    CueKind = str
else:
    ControlName = one_of(TABLE, "control")
    StemName = one_of(STEMS, "stem")
    GoalName = one_of(GOALS, "goal")
    PolicyName = one_of(POLICIES, "policy")
    PhaseKind = one_of(PHASES, "kind of phase")
    CueKind = one_of(CUES, "kind of cue")
