"""How score, says and confidence move: held still when evidence thins out, and never by a step."""

from __future__ import annotations

import math

SCORE_AT_HALF = 3.0  # arousal is the hyperbolic tangent of the score over twice this
SCORE_PER_S = 0.12  # fastest change of the score; arousal then moves at most 0.02 a second
INTERCEPT_PER_S = 0.02  # of the log-odds at baseline, when other sources come to speak
HOLD_S = 10.0  # how long the last score is held without any evidence
GLIDE_TAU_S = 30.0  # and how it then returns to the baseline

LOSE_S = 3.0  # a source that fails loses its say within this
GAIN_S = 20.0  # and gains it back within this
CONFIDENCE_TAU_S = 20.0

HEART_TRUST = 0.45
SKIN_TRUST = 0.65
SELF_TRUST = 0.5
SELF_LIMIT = 0.95
UNSETTLED = 0.5  # most confidence before the baseline has settled
DOUBTFUL = 0.4  # and for a while after a sensor was changed


def confidence(heart: float, skin: float, told: float) -> float:
    """Confidence 0..1 from how far heart, skin and a report can be trusted, each 0..1, as independent witnesses."""
    return 1.0 - (1.0 - HEART_TRUST * heart) * (1.0 - SKIN_TRUST * skin) * (1.0 - SELF_TRUST * told)


def arousal_of(score: float) -> float:
    """Arousal -1..1 of a score; 0 is the baseline."""
    return math.tanh(score / (2.0 * SCORE_AT_HALF))


def score_of(arousal: float) -> float:
    """The score of an arousal -1..1, for self-reports."""
    return 2.0 * SCORE_AT_HALF * math.atanh(min(max(arousal, -SELF_LIMIT), SELF_LIMIT))


class Say:
    """How much a source has to say, 0..1: lost quickly, gained back slowly."""

    def __init__(self) -> None:
        self.value = 0.0

    def move(self, towards: float, dt_s: float) -> None:
        """One step towards what the source deserves now."""
        step = towards - self.value
        self.value += min(max(step, -dt_s / LOSE_S), dt_s / GAIN_S)


class Score:
    """The score over time: follows evidence at a bounded rate, holds without any, then glides to the baseline."""

    def __init__(self) -> None:
        self.value = 0.0
        self.evidence_s = float("-inf")

    def follow(self, target: float, now_s: float, dt_s: float) -> None:
        """Evidence says `target`."""
        self.evidence_s = now_s
        bound = SCORE_PER_S * dt_s
        self.value += min(max(target - self.value, -bound), bound)

    def wait(self, now_s: float, dt_s: float) -> None:
        """There is no evidence."""
        if now_s - self.evidence_s > HOLD_S:
            self.follow_home(dt_s)

    def follow_home(self, dt_s: float) -> None:
        """Glide towards the baseline."""
        step = self.value * math.expm1(-dt_s / GLIDE_TAU_S)
        bound = SCORE_PER_S * dt_s
        self.value += min(max(step, -bound), bound)


class Confidence:
    """How sure the estimate is, 0..1, smoothed so that it never steps and falls by half in well under 30 s."""

    def __init__(self) -> None:
        self.value = 0.0

    def move(self, target: float, dt_s: float) -> None:
        """One step towards `target`."""
        self.value -= (target - self.value) * math.expm1(-dt_s / CONFIDENCE_TAU_S)
        if target == 0.0 and self.value < 0.005:
            self.value = 0.0
