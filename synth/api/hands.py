"""What people do with a session that plays, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from synth.api.model import Asks, Mood, Told, Unit
from synth.api.names import ControlName
from synth.api.new_session import Value
from synth.controls import TABLE

Verb = Literal["more", "less", "hold", "advance", "pull_back", "ground", "like", "skip", "stop"]

PlayedStem = Literal["pad", "drone", "bass", "melody", "percussion", "bells"]


class ControlRow(Told):
    """A control: its unit, range (`low` to `high`), `default`, curve ("linear", "log" or "choice"), where in the music
    a change of it lands (`grain`), the longest it waits for that (`defer_s`), and what it does. `choices` are the names
    of its values."""

    name: str
    unit: str
    low: float
    high: float
    default: float
    curve: str
    grain: str
    defer_s: float
    choices: list[str]
    osc: str
    midi_cc: int | None
    help: str


class ControlTable(Told):
    """Every control there is."""

    controls: list[ControlRow]


class ControlView(Told):
    """A control of a session: its value now, as people write it, and whether a person or safety holds it."""

    name: str
    value: float
    text: str
    held: bool


class ControlsView(Told):
    """All controls of a session now."""

    controls: list[ControlView]


class ControlAsked(Asks):
    """A value for a control: a number in its unit, or a name ("F#", "dorian") where it has choices."""

    value: Value


class ControlsAsked(Asks):
    """Values for several controls."""

    controls: dict[ControlName, Value] = Field(
        min_length=1, max_length=len(TABLE), json_schema_extra={"propertyNames": {"enum": list(TABLE)}}
    )


class ControlTaken(Told):
    """What came of asking for a control. `taken`: the value that it goes to now, at the speed that the control has;
    None while that is not known. `clamped` where it is not what was asked; `why` then says what stands in the way."""

    name: str
    asked: float
    taken: float | None
    text: str
    unit: str
    clamped: bool
    accepted: bool
    why: str
    t_s: float | None


class ControlsTaken(Told):
    """What came of each."""

    controls: list[ControlTaken]


class VerbAsked(Asks):
    """A word for the music: more, less, hold (again: go on), advance, pull_back, ground (something to hold on to),
    like, skip, stop."""

    verb: Verb


class Done(Told):
    """What was asked, whether it is known to have been done, and at what time of the session."""

    asked: str
    done: bool
    t_s: float | None = None


class FeedbackAsked(Asks):
    """What the person says of how they feel (`valence`, `arousal`) or how they like what is played (`liked`), each -1
    to 1; `words` are read for their valence and not kept."""

    valence: Mood | None = None
    arousal: Mood | None = None
    liked: Mood | None = None
    words: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _something(self) -> FeedbackAsked:
        if self.valence is None and self.arousal is None and self.liked is None and self.words is None:
            raise ValueError("give valence, arousal, liked or words")
        return self


class FeedbackTaken(Told):
    """What was taken: by name, from -1 to 1. `words` without a word that tells leave nothing."""

    taken: dict[str, float]
    note: str = ""


class NoteAsked(Asks):
    """A note that a person plays: MIDI note number `pitch` (fractions bend it), `velocity` 0 to 1, 0 where it ends."""

    pitch: float = Field(ge=0.0, le=127.0)
    velocity: Unit
    stem: PlayedStem = "melody"


class NotesAsked(Asks):
    """Notes to be played now, in this order."""

    notes: list[NoteAsked] = Field(min_length=1, max_length=32)


class PresetRow(Told):
    """A preset. `policy` L0 goes by time, L1 from where the person says they are, L2 by their signals too. With
    `supervision` someone must be with the person; `wearable` "refused" takes no signals of the body."""

    name: str
    title: str
    summary: str
    goal: str
    goal_words: str
    minutes: float
    policy: str
    profile: str
    wearable: Literal["welcome", "refused"]
    supervision: bool
    stems: list[str]
    palettes: list[str]
    scenes: list[str]
    constraints: list[str]


class PresetList(Told):
    """Every preset there is."""

    presets: list[PresetRow]
