"""Steering: the lead and how it sounds, as requests with reasons, once a second."""

from __future__ import annotations

import math
from collections.abc import Mapping as Values

from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Preset, bounds_of
from synth.safety.bounds import Bounds
from synth.steering.lead import MOODS, Lead
from synth.steering.mapping import Mapping
from synth.steering.meeting import starting_controls
from synth.steering.plan import Target


class Steering(Lead):
    """A `Lead` whose `tick` also asks for the controls that express it."""

    def __init__(
        self,
        preset: Preset,
        duration_s: float | None,
        *,
        policy: str | None = None,
        bounds: Bounds | None = None,
        start: Target | None = None,
        landmark_every_s: float | None = None,
    ) -> None:
        bounds = bounds or bounds_of(preset)
        super().__init__(
            preset, duration_s, policy=policy, bounds=bounds, start=start, landmark_every_s=landmark_every_s
        )
        controls = None if start is None else starting_controls(preset, bounds, start)
        self._mapping = Mapping(preset, bounds, controls)
        self._matched_db = bounds.limits["matched_dynamics_db"]

    def tick(self, t_s: float, state: State | None, values: Values[str, float], held: frozenset[str]) -> list[Request]:
        """Requests for the second from `t_s` on, those of the lead first."""
        seconds = max(t_s - self._t_s, 0.0)
        taken = self.taken
        people = held - taken
        requests = super().tick(t_s, state, values, held)
        if self.remap:
            self._mapping.forget()
        if not self.grounded or not people.isdisjoint(MOODS):
            requests += self._mapping.requests(
                values,
                people | taken,
                seconds,
                tempo_ratio=self.cues.tempo_ratio,
                most_db=self._matched_db if self.matched and self.phase in ("baseline", "match") else math.inf,
            )
        return requests
