"""Batch renders: whole sessions into files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from synth.api.model import SESSION_NAME, Asks, Told, Unit, one_of
from synth.api.new_session import Answers, Delivery, Feeling, Settings, Value, Words
from synth.api.plan import MOST_PHASES, PhaseAsked
from synth.controls import TABLE
from synth.preset import GOALS, POLICIES
from synth.wearables.samples import CHANNELS

MOST_MINUTES = 480.0
MOST_SAMPLES = 100_000  # of one run
RENDER_ID = r"^r-[0-9a-f]{24}$"

RenderStatus = Literal["queued", "running", "finished", "failed", "cancelled"]
AudioFormat = Literal["flac", "wav", "ogg"]
ExportFormat = Literal["dawproject", "reaper", "ardour", "wav", "midi"]
Number = Annotated[float, Field(ge=-1e12, le=1e12)]


class ScriptLine(Asks):
    """A request at `t_s` of the session, as a hand would ask: `value` in the control's unit, or a name where it has
    choices."""

    t_s: float = Field(ge=0.0, le=MOST_MINUTES * 60.0)
    control: one_of(TABLE, "control")  # type: ignore[valid-type]
    value: Value


class SignalRun(Asks):
    """Samples of one channel, recorded beforehand: `t_s` seconds from the start, `value` in the channel's unit, and
    perhaps how good each is (`quality` 0 to 1)."""

    channel: one_of(CHANNELS, "channel")  # type: ignore[valid-type]
    t_s: list[Number] = Field(min_length=1, max_length=MOST_SAMPLES)
    value: list[Number] = Field(min_length=1, max_length=MOST_SAMPLES)
    quality: list[Unit] | None = Field(None, max_length=MOST_SAMPLES)

    @model_validator(mode="after")
    def _alike(self) -> SignalRun:
        if len(self.value) != len(self.t_s) or len(self.quality or self.t_s) != len(self.t_s):
            raise ValueError("give as many values (and qualities) as times")
        return self


class NewRender(Asks):
    """A session to be rendered into files.

    `preset`, or a `goal` for its usual preset; `plan` are phases in place of the preset's own. `minutes` None: the
    preset's own length. `seed`: the same seed, the same music. `settings` are controls held from the start, `script`
    those asked for on the way, `signals` what a wearable recorded. `constraints` are sentences, as "no percussion".
    `delivery` makes it for what plays it. `formats` of the audio: flac and wav (24-bit), ogg (Opus). `stems` False: the
    mix alone. `mastered_stems`: stems after the master, which sum to the mix. `spatial` adds a file of sound all round.
    `exports` are projects for DAWs; they need stems, all but "midi".
    """

    preset: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] | None = None
    goal: one_of(GOALS, "goal") | None = None  # type: ignore[valid-type]
    plan: list[PhaseAsked] | None = Field(None, min_length=1, max_length=MOST_PHASES)
    minutes: float | None = Field(None, ge=0.1, le=MOST_MINUTES)
    seed: int = Field(0, ge=0, le=2**53 - 1)
    sample_rate: Literal[44_100, 48_000, 96_000] = 48_000
    settings: Settings = {}
    script: list[ScriptLine] = Field(default=[], max_length=10_000)
    signals: list[SignalRun] = Field(default=[], max_length=100, repr=False)
    constraints: list[Words] = Field(default=[], max_length=40)
    screening: Answers | None = Field(None, repr=False)
    self_report: Feeling | None = Field(None, repr=False)
    supervised: bool = False
    policy: one_of(POLICIES, "policy") | None = None  # type: ignore[valid-type]
    palette: Words | None = None
    delivery: Delivery | None = None
    calibration_db_spl: float | None = Field(None, ge=30.0, le=110.0)
    haptic: bool = False
    spatial: Literal["ambix", "binaural"] | None = None
    stems: bool = True
    mastered_stems: bool = False
    formats: list[AudioFormat] = Field(default=["flac"], min_length=1, max_length=3)
    exports: list[ExportFormat] = Field(default=[], max_length=5)

    @model_validator(mode="after")
    def _fits(self) -> NewRender:
        if self.preset is None and self.goal is None:
            raise ValueError("give a preset, or a goal")
        if not self.stems and (self.mastered_stems or set(self.exports) - {"midi"}):
            raise ValueError("mastered_stems and every export but midi need stems")
        if self.delivery and self.spatial:
            raise ValueError("spatial sound is for any loudspeakers, delivery for one kind of them: give one of them")
        return self

    def session(self) -> dict[str, Any]:
        """What the session is made with, as plain JSON; what was left out is not in it."""
        own = {"goal", "formats", "exports", "stems", "script", "calibration_db_spl"}
        asked = self.model_dump(exclude=own, exclude_none=True)
        asked["script"] = [[line.t_s, line.control, line.value] for line in self.script]
        if self.calibration_db_spl is not None:
            asked["calibration"] = self.calibration_db_spl
        return asked


class NewExport(Asks):
    """A live session, as far as it has got, rendered again from its record and handed `to` a DAW. `formats` of its
    audio; "midi" makes none."""

    to: ExportFormat
    formats: list[AudioFormat] = Field(default=["flac"], min_length=1, max_length=3)


class RendersAsked(Asks):
    """How many at most."""

    limit: int = Field(100, ge=1, le=1000)


class RenderFile(Told):
    """A file that a render made. `href` is where it can be had, in parts too (Range)."""

    name: str
    size_bytes: int = Field(ge=0)
    media_type: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    href: str


class RenderView(Told):
    """A render. `progress` 0 to 1, `seconds` of music done of `total_s`, `words` what is being done. `begun`: how
    often, more than once where the service was restarted. `session_id` of an export is the session it was made of.
    `cause` and `trouble` say why it failed: "refused" is for the caller to mend, "disk" for the operator, "broken" for
    us. `files` are there when it is finished."""

    id: str = Field(pattern=RENDER_ID)
    status: RenderStatus
    progress: float = Field(ge=0.0, le=1.0)
    seconds: float = Field(ge=0.0)
    total_s: float = Field(ge=0.0)
    words: str
    begun: int = Field(ge=0)
    created: str
    started: str | None
    ended: str | None
    session_id: str | None = Field(None, pattern=SESSION_NAME)
    formats: list[str]
    exports: list[str]
    cause: Literal["", "refused", "disk", "broken"] = ""
    trouble: str = ""
    files: list[RenderFile] = []
    href: str

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ("finished", "failed", "cancelled")


class RenderList(Told):
    """The renders that the caller may see, newest first."""

    renders: list[RenderView]


class RenderFiles(Told):
    """The files of one render."""

    files: list[RenderFile]
