"""From heart and skin to a score of arousal: one small logistic model for each set of sources that may speak.

The weights lie in `weights.toml`, in natural units of the features, and are fitted by `bench/train_estimator.py`;
`MODEL_CARD.md` tells from whom, how well it does on people left out, and where it fails. Movement and wrist heart
rate variability have no vote: movement only gates, and variability from a wrist tells next to nothing of strain.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib import resources

BOUND = 3.0  # of each feature; beyond, it counts as this


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of; 0 is usual, None is not known.

    `recent`, `longer` and `level` are of skin conductance (`eda.Eda`), `heart` is of heart rate (`heart.Heart`) less
    the share that movement explains.
    """

    recent: float | None = None
    longer: float | None = None
    level: float | None = None
    heart: float | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights for one set of sources, log-odds a unit of each feature; `intercept` holds for a person at baseline."""

    recent: float = 0.0
    longer: float = 0.0
    level: float = 0.0
    heart: float = 0.0
    intercept: float = 0.0

    def score(self, features: Features) -> float:
        """Log-odds of strain against the same at baseline."""
        return (
            self.recent * bounded(features.recent)
            + self.longer * bounded(features.longer)
            + self.level * bounded(features.level)
            + self.heart * bounded(features.heart)
        )


def bounded(feature: float | None) -> float:
    """A feature as the model takes it: within `BOUND`, 0 for what is not known."""
    return min(max(feature or 0.0, -BOUND), BOUND)


def read_weights() -> tuple[int, dict[str, Weights]]:
    """Version and weights by the sources they are for: "both", "skin", "heart"."""
    text = resources.files("synth.estimator").joinpath("weights.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return int(table["version"]), {name: Weights(**table[name]) for name in ("both", "skin", "heart")}


VERSION, WEIGHTS = read_weights()


def shares(heart_say: float, skin_say: float) -> dict[str, float]:
    """How far each set of weights counts, by how far heart and skin have a say, each 0..1; {} when neither has.

    Says count relative to each other, so that losing both alike changes nothing, and as chances that a source
    speaks, so that fading in or out never steps.
    """
    most = max(heart_say, skin_say)
    if most <= 0.0:
        return {}
    heart, skin = heart_say / most, skin_say / most
    return {"both": heart * skin, "skin": skin * (1.0 - heart), "heart": heart * (1.0 - skin)}


def body_score(features: Features, heart_say: float, skin_say: float) -> float | None:
    """Score of heart and skin together, None when neither has a say."""
    parts = shares(heart_say, skin_say)
    return sum(part * WEIGHTS[name].score(features) for name, part in parts.items()) if parts else None


def intercept(heart_say: float, skin_say: float) -> float:
    """Log-odds of strain at baseline for what has a say; that of both while neither has."""
    parts = shares(heart_say, skin_say) or {"both": 1.0}
    return sum(part * WEIGHTS[name].intercept for name, part in parts.items())


def p_elevated(score: float, at_baseline: float) -> float:
    """Probability of elevated arousal for a score, `at_baseline` the log-odds of score 0."""
    return 1.0 / (1.0 + math.exp(-(score + at_baseline)))
