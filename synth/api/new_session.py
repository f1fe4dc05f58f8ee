"""What a session is asked for with: as the engine has it, or as teams of health apps send it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from synth.api.model import Asks, Mood, SessionName
from synth.api.names import ControlName, GoalName, PolicyName
from synth.api.plan import MOST_PHASES, PhaseAsked
from synth.controls import TABLE
from synth.safety.screening import OLDEST, QUESTIONS

Delivery = Literal["headphones", "phone", "smart_speaker", "hearing_aid", "tactile"]
HOURS = {"night": 23.0, "early_morning": 5.0, "morning": 8.0, "midday": 12.0, "afternoon": 15.0, "evening": 20.0}
MOST_VALUES = 3600
_G = 9.80665  # m/s2, standard gravity (ISO 80000-3)

Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
HeartRate = Annotated[float, Field(ge=20.0, le=260.0)]
Rmssd = Annotated[float, Field(ge=0.0, le=1000.0)]
Axis = Annotated[float, Field(ge=-400.0, le=400.0)]
Vector = Annotated[list[Axis], Field(min_length=3, max_length=3)]
Value = float | Annotated[str, StringConstraints(max_length=20)]


def _hour(text: str) -> str:
    if text not in HOURS and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"give a time as 21:30, or one of {', '.join(HOURS)}")
    return text


TimeOfDay = Annotated[
    str,
    AfterValidator(_hour),
    WithJsonSchema(
        {"anyOf": [{"enum": list(HOURS)}, {"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}], "type": "string"}
    ),
]

_ANSWERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{q.key: {"type": ["boolean", "null"], "description": q.text} for q in QUESTIONS},
        "age": {"type": ["number", "null"], "minimum": 1, "maximum": OLDEST},
        "none_of_these": {"type": ["boolean", "null"], "description": '"No" to all that is not answered otherwise.'},
    },
    "additionalProperties": False,
}
Answers = Annotated[dict[str, bool | float | None], Field(max_length=20), WithJsonSchema(_ANSWERS)]
Settings = Annotated[
    dict[ControlName, Value],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"enum": list(TABLE)},
            "additionalProperties": {"type": ["number", "string"]},
        }
    ),
]


class Acceleration(Asks):
    """One measurement of an accelerometer."""

    x: Axis
    y: Axis
    z: Axis


class Signals(Asks):
    """What a wearable says when a session begins; what it says later goes to the session's own signals.

    `hr`: heart rate in beats a minute, the latest or those of the last minutes. `hrv`: RMSSD in ms. `accelerometer`:
    x, y, z, one or many, in `accelerometer_unit`. Of many the latest reach the session.
    """

    hr: HeartRate | Annotated[list[HeartRate], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    hrv: Rmssd | Annotated[list[Rmssd], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    accelerometer: (
        Acceleration
        | Vector
        | Annotated[list[Acceleration], Field(min_length=1, max_length=MOST_VALUES)]
        | Annotated[list[Vector], Field(min_length=1, max_length=MOST_VALUES)]
        | None
    ) = None
    accelerometer_unit: Literal["g", "m/s2"] = "g"

    @property
    def hr_bpm(self) -> list[float]:
        """Heart rates, oldest first."""
        return _listed(self.hr)

    @property
    def rmssd_ms(self) -> list[float]:
        """Heart rate variabilities, oldest first."""
        return _listed(self.hrv)

    @property
    def lengths_g(self) -> list[float]:
        """Lengths of the acceleration vectors, in g."""
        given: Any = self.accelerometer
        if given is None:
            return []
        if isinstance(given, Acceleration) or isinstance(given[0], float | int):
            given = [given]
        scale = 1.0 if self.accelerometer_unit == "g" else _G
        vectors = ([one.x, one.y, one.z] if isinstance(one, Acceleration) else one for one in given)
        return [float(sum(axis * axis for axis in vector) ** 0.5) / scale for vector in vectors]


def _listed(given: float | list[float] | None) -> list[float]:
    return [] if given is None else given if isinstance(given, list) else [given]


class EarlierAsked(Asks):
    """An earlier session of the person: their heart rate at rest, and the hour of the day it was, 0 to 24."""

    hr_bpm: HeartRate
    hour: float | None = Field(default=None, ge=0.0, le=24.0)


class ContextAsked(Asks):
    """What is known before the first sound. `time_of_day` (a word or a time), or `hour` 0 to 24, is local to the
    person; `earlier` are sessions they had."""

    time_of_day: TimeOfDay | None = None
    hour: float | None = Field(default=None, ge=0.0, le=24.0)
    earlier: list[EarlierAsked] = Field(default=[], max_length=200)

    @property
    def local_hour(self) -> float | None:
        """Hour of the day, where it is told."""
        if self.hour is not None or self.time_of_day is None:
            return self.hour
        if self.time_of_day in HOURS:
            return HOURS[self.time_of_day]
        hours, minutes = self.time_of_day.split(":")
        return int(hours) + int(minutes) / 60.0


class Feeling(Asks):
    """How the person says they feel, each from -1 to 1."""

    arousal: Mood | None = None
    valence: Mood | None = None


class NewSession(Asks):
    """A session to be started. All of it may be left out.

    Without a `preset` one is chosen by `goal`, time of day and signals, and the answer says why. `plan`: phases in
    place of the preset's own. `minutes`: how long, or "endless" (None: the preset's own length). `constraints`:
    sentences, as "no percussion" or "nothing above 70 bpm". `settings`: controls set by hand from the start.
    `stems`: they can be heard one by one. `name` or `session_id`: the id it is to have. `user_id` is read and
    forgotten: nothing of it is kept or logged. `calibration_db_spl`: how loud -20 LUFS is at the ear.
    `end_when_left`: fade out once nobody has listened, followed or asked about it for as long as the service is set
    to wait (`sessions.abandoned_after_s`).
    """

    preset: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    goal: GoalName | None = None
    plan: list[PhaseAsked] | None = Field(default=None, min_length=1, max_length=MOST_PHASES)
    minutes: Annotated[float, Field(ge=0.1, le=1440.0)] | Literal["endless"] | None = None
    seed: int | None = Field(default=None, ge=0, le=2**53 - 1)
    constraints: list[Words] = Field(default=[], max_length=40)
    settings: Settings = {}
    screening: Answers | None = None
    self_report: Feeling | None = None
    supervised: bool = False
    policy: PolicyName | None = None
    palette: Words | None = None
    played: Literal["as_played", "in_scale"] = "as_played"
    delivery: Delivery | None = None
    calibration_db_spl: float | None = Field(default=None, ge=30.0, le=110.0)
    stems: bool = False
    end_when_left: bool = False
    name: SessionName | None = None
    user_id: Annotated[str, StringConstraints(max_length=256)] | None = Field(default=None, repr=False)
    session_id: SessionName | None = None
    signals: Signals = Signals()
    context: ContextAsked = ContextAsked()

    @model_validator(mode="after")
    def _one_name(self) -> NewSession:
        if self.name and self.session_id and self.name != self.session_id:
            raise ValueError("name and session_id are the same thing: give one of them")
        return self

    @property
    def asked_name(self) -> str | None:
        """The id that it is to have."""
        return self.name or self.session_id
