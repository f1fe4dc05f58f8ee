"""What is known of a person before the session: their heart rate at rest in earlier ones, at which time of day.

A session's own baseline cannot tell that somebody came in strained already; earlier sessions can. So the heart rate at
which this one settles is compared with those, the ones at a like time of day counting most, and the difference moves
the score a little. It is a prior, weak with few sessions, and is left out by giving no context.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LIKE_HOURS = 3.0  # sessions so many hours apart still speak for each other
FEW = 3.0  # so many sessions carry half the weight
SPREAD_BPM = 3.0  # added to the spread between sessions, as for the heart's feature
MOST = 2.0  # deviations
WEIGHT = 0.5  # log-odds a deviation
MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier session: heart rate at rest, beats a minute, and local time of day, 0..24 (None: not known)."""

    hr_bpm: float
    hour: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Earlier sessions of one person, and the local time of day 0..24 at which this one begins."""

    earlier: tuple[Earlier, ...] = ()
    hour: float | None = None

    def usual_bpm(self) -> tuple[float, float, float] | None:
        """Usual heart rate at rest at this time of day, its deviation between sessions, their number; None of none."""
        if not self.earlier:
            return None
        shares = [self._like(session) for session in self.earlier]
        count = sum(shares)
        mean = sum(share * session.hr_bpm for share, session in zip(shares, self.earlier, strict=True)) / count
        square = sum(share * (session.hr_bpm - mean) ** 2 for share, session in zip(shares, self.earlier, strict=True))
        return mean, math.sqrt(square / count), count

    def _like(self, session: Earlier) -> float:
        if self.hour is None or session.hour is None:
            return 1.0
        apart = abs(self.hour - session.hour) % 24.0
        return 0.1 + 0.9 * math.exp(-0.5 * (min(apart, 24.0 - apart) / LIKE_HOURS) ** 2)

    def score(self, anchor_bpm: float) -> float:
        """What a session that settles at `anchor_bpm` adds to the score, within -1..1."""
        usual = self.usual_bpm()
        if usual is None:
            return 0.0
        mean, deviation, count = usual
        apart = (anchor_bpm - mean) / (deviation + SPREAD_BPM)
        return WEIGHT * min(max(apart, -MOST), MOST) * count / (count + FEW)


def read_context(path: str | Path, hour: float | None = None) -> Context:
    """The sessions kept in a JSON-lines file, the latest 200; none when it is not there yet.

    ValueError names the line that is no session.
    """
    path = Path(path)
    if not path.exists():
        return Context((), hour)
    earlier = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found = json.loads(line)
            session = Earlier(float(found["hr_bpm"]), None if found.get("hour") is None else float(found["hour"]))
            if not (20.0 <= session.hr_bpm <= 260.0 and (session.hour is None or 0.0 <= session.hour <= 24.0)):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f'{path}, line {number}: not an earlier session: it looks like {{"hr_bpm": 68.2, "hour": 20.5}}'
            ) from None
        earlier.append(session)
    return Context(tuple(earlier[-MOST_KEPT:]), hour)


def append_session(path: str | Path, session: Earlier) -> None:
    """Add a session to the file, which only its owner may read."""
    path = Path(path)
    if not path.exists():
        path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(session)) + "\n")


def context_of(line: Mapping[str, Any]) -> Context:
    """A context as a record keeps it."""
    return Context(tuple(Earlier(one["hr_bpm"], one["hour"]) for one in line["earlier"]), line["hour"])
