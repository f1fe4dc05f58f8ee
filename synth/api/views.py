"""What is told of sessions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from synth.api.model import SESSION_NAME, Told

Status = Literal["starting", "playing", "resuming", "finished", "failed"]


class Links(Told):
    """Where the rest of a session is, as paths of this service. `audio` is a WebSocket (PCM), `opus` an HTTP stream
    (Ogg Opus)."""

    session: str
    controls: str
    signals: str
    events: str
    audio: str
    opus: str
    record: str
    report: str
    page: str


class Targets(Told):
    """Where the plan wants the music now, each -1 to 1."""

    arousal: float
    valence: float
    tension: float


class Believed(Told):
    """What is believed of the listener at `t_s` of the session. `arousal` -1 to 1 is about the person's own baseline;
    `valence` is what they told, never guessed; `p_elevated` is how likely they are over their baseline. `fits` False:
    the body has hardly answered, so this may mean little. `heart_trouble` and `skin_trouble` say why a sensor is set
    aside."""

    t_s: float
    arousal: float
    valence: float | None = None
    confidence: float = Field(ge=0.0, le=1.0)
    p_elevated: float = Field(ge=0.0, le=1.0)
    fits: bool | None = None
    hr_bpm: float | None = None
    rmssd_ms: float | None = None
    resp_bpm: float | None = None
    scr_per_min: float | None = None
    motion: float | None = None
    still_s: float | None = None
    heart_trouble: str = ""
    skin_trouble: str = ""
    reasons: list[str] = []


class Beat(Told):
    """The beat that is rendered: its number in the session, its start in session time, tempo, place in the bar (from 0)
    and the bar's beats, key and mode."""

    number: int
    start_s: float
    bpm: float
    index: int
    beats: int
    key: str
    mode: str


class Load(Told):
    """What the session costs: the share of a block's time that rendering it takes, blocks so far, and how many were
    late."""

    share: float
    blocks: int
    late: int


class SessionSummary(Told):
    """A session in short. `time_s` was rendered so far."""

    id: str = Field(pattern=SESSION_NAME)
    preset: str
    title: str
    status: Status
    created: str
    phase: str
    time_s: float
    links: Links


class SessionList(Told):
    """The sessions that the caller may reach, newest first."""

    sessions: list[SessionSummary]


class SessionView(SessionSummary):
    """A session. `minutes` is its length (None: until it is stopped), `planned` what the plan wants now, `state` what
    is believed of the listener (None while nothing is sensed), `held` the controls that a person or safety holds,
    `reasons` why the music is as it is, `trouble` why it failed."""

    goal: str
    minutes: float | None
    seed: int | None
    planned: Targets
    state: Believed | None
    controls: dict[str, float]
    held: list[str]
    beat: Beat
    reasons: list[str]
    load: Load
    stems: list[str]
    trouble: str


class StateView(Told):
    """What is believed of the listener, what the plan wants, and why the music is as it is."""

    status: Status
    time_s: float
    phase: str
    confidence: float = Field(ge=0.0, le=1.0)
    state: Believed | None
    planned: Targets
    reasons: list[str]


class Stream(Told):
    """One way to hear the session. `protocol` "websocket": binary messages of a 16-byte header and interleaved
    samples; "http": a stream that plays in a browser or player."""

    protocol: Literal["websocket", "http"]
    media_type: str
    url: str


class Playback(Told):
    """How to play it: there are no tracks, the music is made while it plays. `begins_in_s` is until the first sound,
    which fades in; `lasts_s` the whole (None: until stopped); `loudness_lufs` what the master holds (BS.1770).
    Where callers sign in, what cannot send a header opens these with a one-time `?ticket=`."""

    kind: Literal["live_stream"] = "live_stream"
    streams: list[Stream]
    page: str
    sample_rate: int
    channels: Literal[2] = 2
    stems: list[str]
    loudness_lufs: float
    tempo_bpm: float
    key: str
    mode: str
    begins_in_s: float = Field(ge=0.0)
    lasts_s: float | None


class Started(Told):
    """A session that was started. `chosen` says whether the preset was chosen here; `confidence` is how sure the
    service is of what it believes of the listener, and `reasons` tell why all this."""

    session_id: str = Field(pattern=SESSION_NAME)
    preset: str
    title: str
    goal: str
    chosen: bool
    seed: int
    status: Status
    playback: Playback
    confidence: float = Field(ge=0.0, le=1.0)
    reasons: list[str]
    links: Links
