"""Where a session begins when the person said how they feel: with them, but never louder or denser than is kind.

The iso principle matches a mood before it leads away from it (Davis, Gfeller & Thaut 2008; Starcke et al. 2021).
Agitation is met half-way: of what a person reports above 0.5 only 0.6 counts, and neither tension nor level follows.
Only a report is met, never a heart rate: a body's signals alone are a biased guess of how someone feels.
"""

from __future__ import annotations

import math

from synth.preset import Preset
from synth.safety.bounds import Bounds
from synth.steering.mapping import CueMap, loop_range
from synth.steering.plan import Target

HALF_ABOVE, SHARE = 0.5, 0.6  # of arousal: what is reported above the first counts by the second


class MeetingError(ValueError):
    """A report that is no number; the message says what to give."""


def meet(preset: Preset, bounds: Bounds, arousal: float, valence: float | None) -> Target | None:
    """The start that meets a report of `arousal` and `valence`, -1..1 each; None in a profile that meets nobody."""
    for name, value in (("arousal", arousal), ("valence", valence)):
        if value is not None and not (math.isfinite(value) and -1.0 <= value <= 1.0):
            raise MeetingError(f"{name} = {value}: give how one feels from -1 to 1")
    if bounds.profile == "sensitive":
        return None
    if arousal > HALF_ABOVE:
        arousal = HALF_ABOVE + SHARE * (arousal - HALF_ABOVE)
    most = bounds.limits["matched_arousal"]
    c = preset.controls
    wanted = {
        "arousal": min(max(arousal, -most), most),
        "valence": c["valence"] if valence is None else valence,
        "tension": min(c["tension"], bounds.limits["matched_tension"]),
    }
    within = {}
    for name, value in wanted.items():
        low, high = loop_range(preset, name, bounds)
        within[name] = min(max(value, low), high)
    return Target(**within, breath_depth_db=c["breath_depth_db"])


def starting_controls(preset: Preset, bounds: Bounds, start: Target) -> dict[str, float]:
    """The preset's starting controls as they express `start`; none is louder than a matched start may be."""
    moods = {name: getattr(start, name) for name in ("arousal", "valence", "tension")}
    wanted = CueMap(preset, bounds).wanted(**moods)
    wanted["dynamics_db"] = min(
        wanted["dynamics_db"], max(bounds.limits["matched_dynamics_db"], preset.controls["dynamics_db"])
    )
    wanted["mode"] = preset.controls["mode"]  # the key of a piece is not a mood's to begin with
    return {**preset.controls, **moods, **wanted}
