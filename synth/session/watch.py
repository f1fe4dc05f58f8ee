"""What is watched besides the music: the output guard's work, the dose of sound, and whether signals still come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synth.controls import Request
from synth.engine import Engine
from synth.estimator.state import State
from synth.safety.dose import Dose

START_S = 4.0  # in which the output guard shapes the climb out of silence
GUARDED = {
    "not_a_number": "what was not a number was silenced",
    "rise": "a rise in loudness was held back",
    "attack": "a sudden onset was softened",
    "peak": "a peak was held under the ceiling",
}
APART_S = 60.0  # what the guard does again within this is one incident
DOSE_LINE_S = 60.0
Note = Callable[[dict[str, Any]], None]


class Watch:
    """Looks once a second and writes into the record by `note`; asks for what the dose wants."""

    def __init__(self, engine: Engine, dose: Dose, note: Note) -> None:
        self.dose = dose
        self._engine, self._note = engine, note
        self._guarded = dict.fromkeys(GUARDED, 0)
        self._guard_said_s = dict.fromkeys(GUARDED, -APART_S)
        self._next_dose_s = DOSE_LINE_S
        self._signals = False
        for text in dose.words:
            note({"type": "repair", "t_s": 0.0, "text": text})

    def tick(self, t_s: float, state: State | None, controls: Mapping[str, float]) -> list[Request]:
        """What was seen in the second up to `t_s`; what it asks for."""
        self._watch_signals(t_s, state)
        if not self._engine.audio:
            return []
        self._watch_guard(t_s)
        return self._watch_dose(t_s, controls["loudness_lufs"])

    def _watch_guard(self, t_s: float) -> None:
        counts = self._engine.output_guard.interventions
        for what, words in GUARDED.items():
            if counts[what] > self._guarded[what] and t_s > START_S:
                self._note({"type": "safety", "t_s": t_s, "text": words})
                if t_s - self._guard_said_s[what] >= APART_S:
                    self._incident(t_s, "guard", words)
                self._guard_said_s[what] = t_s
        self._guarded = counts

    def _watch_dose(self, t_s: float, loudness_lufs: float) -> list[Request]:
        mean_square = self._engine.output_guard.take_mean_square()
        requests, words = self.dose.step(1.0 if t_s else 0.0, mean_square, loudness_lufs)
        for text in words:
            self._note({"type": "safety", "t_s": t_s, "text": text})
            self._incident(t_s, "dose", text)
        if t_s >= self._next_dose_s:
            self._next_dose_s = t_s + DOSE_LINE_S
            if line := self.dose.take_line():
                self._note({"type": "dose", "t_s": t_s, **line})
        return requests

    def _watch_signals(self, t_s: float, state: State | None) -> None:
        """A sensor that was there and is not any more."""
        if state is None:
            return
        lost = bool(state.heart_trouble) and bool(state.skin_trouble)
        if lost and self._signals:
            self._incident(t_s, "sensor_loss", f"heart {state.heart_trouble}, skin {state.skin_trouble}")
        self._signals = not lost

    def _incident(self, t_s: float, kind: str, text: str) -> None:
        self._note({"type": "incident", "t_s": t_s, "kind": kind, "by": "safety", "text": text})
