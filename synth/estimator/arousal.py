"""From heart and skin to arousal: a logistic model of three features, held still when evidence thins out.

The weights were fitted by `bench/estimator.py --fit` on 22 people of Stress-Predict (Iqbal et al. 2022, Sensors
22:8135, MIT), each feature computed by this package second by second from the raw streams: half the weight on
interview against the rest before and after it (balanced in time), half on all tasks against rest. With each
person left out once, mean area under the curve and Brier score a person are 0.78 and 0.20 for the balanced task,
0.84 and 0.19 for it without the first minute of each part, 0.71 and 0.20 for the authors' labels of the whole
session; heart rate alone (`--withhold eda`) reaches 0.64. About one person in ten stays at or below chance.

Wrist intervals cover a third of the time and tell next to nothing of strain, so heart rate variability has no vote
here; nor has movement, which only gates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TREND_WEIGHT = 1.20
LEVEL_WEIGHT = 1.45
HEART_WEIGHT = 0.30
INTERCEPT = -0.66

TREND_RANGE = 3.0
HEART_RANGE = 2.5

SCORE_AT_HALF = 2.5  # arousal is the hyperbolic tangent of the score over twice this
SCORE_PER_S = 0.12  # fastest change of the score; arousal then moves at most 0.024 a second
HOLD_S = 10.0  # how long the last score is held without any evidence
GLIDE_TAU_S = 30.0  # and how it then returns to the baseline

LOSE_S = 3.0  # a source that fails loses its say within this
GAIN_S = 20.0  # and gains it back within this
CONFIDENCE_TAU_S = 20.0

HEART_TRUST = 0.45
SKIN_TRUST = 0.65
SELF_TRUST = 0.5
SELF_WEIGHT = 2.0  # of a fresh self-report, against 1 for the body
SELF_TAU_S = 150.0
SELF_LEAST = 0.02  # of a fresh report; less is forgotten
ABSENT_WEIGHT = 0.3  # of the baseline against a report, while the body says nothing
SELF_LIMIT = 0.95
UNSETTLED = 0.5  # most confidence before the baseline has settled
DOUBTFUL = 0.4  # and for a while after a sensor was changed


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of; 0 is the baseline, None is not known.

    `trend` and `level` are of skin conductance (`eda.Trend`, `Eda.level_feature`), `heart` is of heart rate
    (`Heart.feature`) less the share that movement explains.
    """

    trend: float | None = None
    level: float | None = None
    heart: float | None = None


def inputs(features: Features) -> tuple[float, float, float]:
    """The features as the model takes them: bounded, 0 for what is not known."""
    trend = min(max(features.trend or 0.0, -TREND_RANGE), TREND_RANGE)
    heart = min(max(features.heart or 0.0, -HEART_RANGE), HEART_RANGE)
    return trend, features.level or 0.0, heart


def body_score(features: Features, heart_say: float, skin_say: float) -> float | None:
    """Score of heart and skin together, None when neither has a say.

    Says count relative to each other, so that losing both alike holds the score.
    """
    most = max(heart_say, skin_say)
    if most <= 0.0:
        return None
    trend, level, heart = inputs(features)
    skin = TREND_WEIGHT * trend + LEVEL_WEIGHT * level
    return (skin_say * skin + heart_say * HEART_WEIGHT * heart) / most


def with_report(body: float | None, told_score: float, told: float) -> float:
    """The body's score (None: no say) and a self-report's, weighed by the freshness `told` 0..1 of the report."""
    told_weight = SELF_WEIGHT * told
    body_weight = ABSENT_WEIGHT if body is None else 1.0
    return (body_weight * (body or 0.0) + told_weight * told_score) / (body_weight + told_weight)


def confidence(heart: float, skin: float, told: float) -> float:
    """Confidence 0..1 from how far heart, skin and a report can be trusted, each 0..1, as independent witnesses."""
    return 1.0 - (1.0 - HEART_TRUST * heart) * (1.0 - SKIN_TRUST * skin) * (1.0 - SELF_TRUST * told)


def p_elevated(score: float) -> float:
    """Probability of elevated arousal for a score, log-odds about the baseline."""
    return 1.0 / (1.0 + math.exp(-(score + INTERCEPT)))


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
