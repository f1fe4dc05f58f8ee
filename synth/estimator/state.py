"""The listener's state as believed at one moment, with how sure and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """One estimate. `arousal` -1..1 about the person's own baseline, `confidence` 0..1, `p_elevated` a probability.

    `valence` -1..1 is what the person told, never guessed from the body. `fits` is False when the person's body has
    hardly answered so far, so that the estimate may mean little. A measure that cannot be told is None.
    `heart_trouble` and `skin_trouble` say why a source is set aside: "missing", "frozen", "off", "disturbed" or "" when
    it is not. `reasons` are short sentences in plain words.
    """

    t_s: float
    arousal: float = 0.0
    confidence: float = 0.0
    p_elevated: float = 0.5
    fits: bool | None = None
    valence: float | None = None
    hr_bpm: float | None = None
    rmssd_ms: float | None = None
    scr_per_min: float | None = None
    scl_us: float | None = None
    resp_bpm: float | None = None
    motion: float | None = None
    hr_baseline_bpm: float | None = None
    scr_baseline_per_min: float | None = None
    heart_trouble: str = ""
    skin_trouble: str = ""
    reasons: tuple[str, ...] = ()
