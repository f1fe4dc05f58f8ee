"""What the person says of themselves: evidence of arousal beside the body's, and all there is of valence.

No recording with labels of valence while music plays is openly to be had, and wearables tell little of it (Shui et al.
2024, arXiv 2401.05408, F1 0.65 on 15 people): so no valence is guessed from a body here.
"""

from __future__ import annotations

import math

from synth.estimator.arousal import score_of

TOLD_TAU_S = 150.0  # a report of arousal fades with this
LEAST = 0.02  # of a fresh report; less is forgotten
TOLD_WEIGHT = 2.0  # of a fresh report, against 1 for the body
ABSENT_WEIGHT = 0.3  # of the baseline against a report, while the body says nothing
VALENCE_TAU_S = 300.0
LIKING_WEIGHT = 0.5  # of liking what is played, against 1 for a report of how one feels


class Told:
    """Reports as they fade. Values are -1..1."""

    def __init__(self) -> None:
        self._arousal: tuple[float, float] | None = None
        self._valence: tuple[float, float] | None = None
        self._liking: tuple[float, float] | None = None

    def add(self, channel: str, t_s: float, value: float, quality: float = 1.0) -> None:
        """A report: `channel` is self_arousal, self_valence or feedback. What is no number is passed over."""
        if not math.isfinite(value) or quality < 0.5:
            return
        report = (t_s, min(max(value, -1.0), 1.0))
        if channel == "self_arousal":
            self._arousal = report
        elif channel == "self_valence":
            self._valence = report
        else:
            self._liking = report

    def freshness(self, now_s: float) -> float:
        """How much a report of arousal still counts, 1 just told to 0."""
        if self._arousal is None:
            return 0.0
        fresh = math.exp(-max(now_s - self._arousal[0], 0.0) / TOLD_TAU_S)
        return fresh if fresh > LEAST else 0.0

    def with_body(self, body: float | None, now_s: float) -> float | None:
        """The body's score (None: no say) and the report's together; None when there is neither."""
        weight = TOLD_WEIGHT * self.freshness(now_s)
        if self._arousal is None or weight == 0.0:
            return body
        body_weight = ABSENT_WEIGHT if body is None else 1.0
        return (body_weight * (body or 0.0) + weight * score_of(self._arousal[1])) / (body_weight + weight)

    def arousal(self, now_s: float) -> float | None:
        """The latest report of arousal, None when long ago."""
        return self._arousal[1] if self._arousal and now_s - self._arousal[0] < TOLD_TAU_S else None

    def valence(self, now_s: float) -> float | None:
        """Valence as told, fading to 0 with its age; None when nothing was."""
        parts = []
        for report, weight in ((self._valence, 1.0), (self._liking, LIKING_WEIGHT)):
            fresh = weight * math.exp(-max(now_s - report[0], 0.0) / VALENCE_TAU_S) if report else 0.0
            if report and fresh > LEAST:
                parts.append((fresh, report[1]))
        if not parts:
            return None
        told = sum(fresh * value for fresh, value in parts) / sum(fresh for fresh, _ in parts)
        return told * min(sum(fresh for fresh, _ in parts), 1.0)
