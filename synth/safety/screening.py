"""Screening: a few questions to a person before the first session, and what each answer opens or closes.

The questions ask of what happens to the person, never for a diagnosis. A question that was not answered is taken the
cautious way: breath not paced under 6 a minute, nothing that pulses, nothing that shakes. Answers only ever close
what would be open, or make it narrower. The sources are the contra-indications and practice texts named with each row
(project: a default of ours, to be tuned by evidence).
"""

# ruff: noqa: E501 (the questions read best one a line)
from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from synth.safety.limits import PROFILES

CHILD_UNDER = 16  # years; WHO-ITU H.870 gives children the quieter dose
OLDEST = 125
DROWSY = ("settle", "sleep", "gentle", "drift", "breathe")  # goals that take attention from the road


class ScreeningError(ValueError):
    """Answers that cannot be used, or a session they do not allow; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, what "yes" closes, and whether no answer closes it too (`cautious`)."""

    key: str
    text: str
    closes: tuple[str, ...]
    cautious: bool
    source: str


# fmt: off
QUESTIONS: tuple[Question, ...] = (
    Question("pulse_sensitive", "Has flicker, a strobe or pulsing sound ever brought on a fit or a blackout?", ("pulse",), True, "photic and musicogenic triggers: project"),
    Question("loses_touch", "Do you at times lose touch with where you are, or see or hear what others do not?", ("pulse", "long", "alone", "unmarked"), False, "20 minutes, landmarks, company: project, after MTHM 2021"),
    Question("startles", "Do sudden sounds upset you, or does strong music bring hard memories back?", ("strong",), False, "trauma-informed music therapy texts; profile sensitive"),
    Question("sounds_hurt", "Are everyday sounds often painfully loud to you, or certain small sounds hard to bear?", ("strong", "loud_week"), False, "reduced loudness tolerance; profile sensitive"),
    Question("ringing", "Do your ears ring?", ("loud_week",), False, "WHO-ITU H.870, sensitive listeners"),
    Question("implant", "Do you have an implanted device, a blood clot, or a recent operation or bleeding?", ("haptic",), True, "Skille and Wigram, vibroacoustic practice"),
    Question("pregnant", "Are you pregnant?", ("haptic", "slow_breath"), True, "Skille and Wigram; Lehrer et al. 2000"),
    Question("breath_trouble", "Do you have lung or heart trouble, or grow dizzy when you breathe slowly?", ("slow_breath",), True, "Lehrer et al. 2000"),
    Question("driving", "Will you drive, cycle or work with machines while you listen?", ("drowsy",), False, "project"),
)
# fmt: on

_KEYS = tuple(question.key for question in QUESTIONS)


@dataclass(frozen=True, slots=True)
class Gates:
    """What the answers leave open. `profile` is the widest one allowed; `most_minutes` and `landmark_every_s` are None
    without such a limit; `weekly_dba` is the level that 40 hours a week may have; `words` tell each closed gate."""

    profile: str = "default"
    slow_breath: bool = False
    pulse: bool = False
    haptic: bool = False
    drowsy: bool = True
    alone: bool = True
    most_minutes: float | None = None
    landmark_every_s: float | None = None
    weekly_dba: float = 80.0
    words: tuple[str, ...] = ()

    @classmethod
    def kept(cls, values: Mapping[str, Any]) -> Gates:
        """The gates that a record kept (`dataclasses.asdict`); ScreeningError when they are none."""
        if unknown := values.keys() - {gate.name for gate in fields(cls)}:
            raise ScreeningError(f"no gate called {', '.join(sorted(unknown))}: these are no kept gates")
        kept = cls(**{**values, "words": tuple(values.get("words", ()))})
        if kept.profile not in PROFILES:
            raise ScreeningError(f"profile = {kept.profile!r}: these are no kept gates")
        return kept

    @property
    def silent(self) -> Mapping[str, str]:
        """Kinds of sound that stay off, each with why."""
        closed = {"pulse": self.pulse, "haptic": self.haptic}
        return MappingProxyType({kind: "the safety questions" for kind, is_open in closed.items() if not is_open})


_CLOSED: Mapping[str, tuple[dict[str, Any], str]] = MappingProxyType(
    {
        "pulse": ({"pulse": False}, "nothing pulses"),
        "haptic": ({"haptic": False}, "nothing shakes"),
        "slow_breath": ({"slow_breath": False}, "breath is not paced under 6 a minute"),
        "strong": ({"profile": "sensitive"}, "the limits are those of the profile sensitive"),
        "loud_week": ({"weekly_dba": 75.0}, "a week of sound is counted at 75 dBA"),
        "long": ({"most_minutes": 20.0}, "a session lasts 20 minutes at most"),
        "unmarked": ({"landmark_every_s": 240.0}, "a landmark sounds every four minutes"),
        "alone": ({"alone": False}, "someone is with the person"),
        "drowsy": ({"drowsy": False}, "nothing that makes drowsy"),
    }
)


def gates(answers: Mapping[str, Any] | None = None) -> Gates:
    """What `answers` leave open: True or False by `Question.key`, None or nothing where unanswered; `age` in years;
    `none_of_these` True for "no" to every question not answered otherwise.

    ScreeningError on an unknown question, an answer that is none, or answers that contradict each other.
    """
    answers = dict(answers or {})
    age = _age(answers.pop("age", None))
    given = {key: _answer(key, value) for key, value in answers.items()}
    if given.pop("none_of_these", None):
        if yes := [key for key, answer in given.items() if answer]:
            raise ScreeningError(f"none_of_these is answered yes, and so is {', '.join(yes)}: one of them is wrong")
        given = {**dict.fromkeys(_KEYS, False), **given}
    if age is not None and given.get("pregnant") and not 9 <= age <= 65:
        raise ScreeningError(f"pregnant is answered yes with an age of {age:g}: one of them is wrong")
    open_gates, words = Gates(slow_breath=True, pulse=True, haptic=True), []
    for question in QUESTIONS:
        answer = given.get(question.key)
        if answer or (answer is None and question.cautious):
            why = question.key.replace("_", " ") + ("" if answer else " not answered")
            for gate in question.closes:
                changes, told = _CLOSED[gate]
                open_gates = replace(open_gates, **changes)
                words.append(f"{told} ({why})")
    if age is not None and age < CHILD_UNDER:
        open_gates = replace(open_gates, weekly_dba=75.0, slow_breath=False)
        words += [f"{_CLOSED[gate][1]} (under {CHILD_UNDER})" for gate in ("loud_week", "slow_breath")]
    return replace(open_gates, words=tuple(dict.fromkeys(words)))


def allow(gate: Gates, goal: str, minutes: float, supervised: bool) -> None:
    """ScreeningError when the answers do not allow a session with this goal and length."""
    if not gate.drowsy and goal in DROWSY:
        raise ScreeningError(
            f"{goal} may make drowsy, and driving is answered yes: choose focus or energise, or stop first"
        )
    if not gate.alone and not supervised:
        raise ScreeningError(
            "loses_touch is answered yes: someone must be with the person; say so with supervised=True"
        )
    if gate.most_minutes is not None and minutes > gate.most_minutes:
        raise ScreeningError(f"minutes = {minutes:g}: with the answers given at most {gate.most_minutes:g}")


def stricter_profile(one: str, other: str) -> str:
    """The narrower of two profiles."""
    return max(one, other, key=PROFILES.index)


def _age(value: Any) -> float | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0 <= value <= OLDEST
    ):
        raise ScreeningError(f"age = {value!r}: give years, 0 to {OLDEST}")
    if value < 1:
        raise ScreeningError("nothing here is made for babies under a year: no session is given")
    return float(value)


def _answer(key: str, value: Any) -> bool | None:
    if key not in (*_KEYS, "none_of_these"):
        close = difflib.get_close_matches(key, _KEYS, 1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ScreeningError(f"no question called {key!r}{hint}; there are {', '.join(_KEYS)}, age and none_of_these")
    if value is not None and not isinstance(value, bool):
        raise ScreeningError(f"{key} = {value!r}: answer true or false, or leave it out")
    return value
