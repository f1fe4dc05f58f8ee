"""Shows sessions: what the daemon holds of one, as the models of the HTTP contract."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from synth.api.hands import ControlView
from synth.api.views import (
    Beat,
    Believed,
    Links,
    Load,
    Playback,
    SessionSummary,
    SessionView,
    StateView,
    Stream,
    Targets,
)
from synth.controls import CONTROLS, KEYS, MODES, TABLE
from synth.daemon.choosing import presets

if TYPE_CHECKING:
    from synth.daemon.sessions import Hosted

ROOT = "/api/v1/sessions"
PCM_MEDIA, OPUS_MEDIA = "application/octet-stream", "audio/ogg; codecs=opus"
SOON_S = 0.5  # until a session sounds that is still being prepared


def links(session_id: str) -> Links:
    """Where the rest of a session is."""
    here = f"{ROOT}/{session_id}"
    return Links(
        session=here,
        controls=f"{here}/controls",
        signals=f"{here}/signals",
        events=f"{here}/events",
        audio=f"{here}/audio",
        opus=f"{here}/audio.ogg",
        record=f"{here}/record",
        report=f"{here}/report.html",
        page=f"/?session={session_id}",
    )


def summary(hosted: Hosted) -> SessionSummary:
    """A session in short."""
    return SessionSummary(**_in_short(hosted))


def view(hosted: Hosted) -> SessionView:
    """A session."""
    hands, head = hosted.hands, _head(hosted)
    seen = hands.seen
    return SessionView(
        **_in_short(hosted),
        goal=_goal(hosted),
        minutes=_finite(head.get("minutes")),
        seed=head.get("seed"),
        planned=_planned(hosted),
        state=believed(hosted),
        controls=_controls(hosted),
        held=sorted(hands.held),
        beat=_beat(hosted),
        reasons=list(hands.reasons),
        load=Load(share=_finite(seen.load) or 0.0, blocks=int(seen.blocks), late=int(seen.late)),
        stems=list(hosted.sound.stems),
        trouble=hosted.trouble,
    )


def state(hosted: Hosted) -> StateView:
    """What is believed and planned."""
    believes = believed(hosted)
    return StateView(
        status=hosted.status,
        time_s=hosted.hands.time_s,
        phase=hosted.hands.phase,
        confidence=believes.confidence if believes else 0.0,
        state=believes,
        planned=_planned(hosted),
        reasons=list(hosted.hands.reasons),
    )


def believed(hosted: Hosted) -> Believed | None:
    """What is believed of the listener; None while nothing is sensed."""
    line = hosted.latest.get("state")
    if line is None:
        return None
    known = {name: line.get(name) for name in Believed.model_fields}
    known = {name: _finite(value) if isinstance(value, float) else value for name, value in known.items()}
    return Believed.model_validate({name: value for name, value in known.items() if value is not None})


def control_view(hosted: Hosted, name: str) -> ControlView:
    """A control of a session now."""
    value = _controls(hosted)[name]
    return ControlView(name=name, value=value, text=TABLE[name].text(value), held=name in hosted.hands.held)


def control_views(hosted: Hosted) -> list[ControlView]:
    """All of them."""
    values, held = _controls(hosted), hosted.hands.held
    return [
        ControlView(name=row.name, value=values[row.name], text=row.text(values[row.name]), held=row.name in held)
        for row in CONTROLS
    ]


def playback(hosted: Hosted, request: Request, minutes: float) -> Playback:
    """How to play a session of so many minutes, with the addresses by which `request` came in."""
    here, controls, sound = links(hosted.id), _controls(hosted), hosted.sound
    base = str(request.base_url).rstrip("/")
    begins_in_s = SOON_S if hosted.status == "starting" else max(sound.play_time_s(0) - time.monotonic(), 0.0)
    return Playback(
        streams=[
            Stream(protocol="websocket", media_type=PCM_MEDIA, url="ws" + base.removeprefix("http") + here.audio),
            Stream(protocol="http", media_type=OPUS_MEDIA, url=base + here.opus),
        ],
        page=base + here.page,
        sample_rate=sound.sample_rate,
        stems=list(sound.stems),
        loudness_lufs=controls["loudness_lufs"],
        tempo_bpm=controls["tempo_bpm"],
        key=KEYS[int(controls["key"])],
        mode=MODES[int(controls["mode"])],
        begins_in_s=round(begins_in_s, 3),
        lasts_s=_finite(minutes * 60.0),
    )


def _controls(hosted: Hosted) -> dict[str, float]:
    """Values now, without the digits that single precision has too many."""
    return {name: round(value, 5) for name, value in hosted.hands.controls.items()}


def _in_short(hosted: Hosted) -> dict[str, Any]:
    return {
        "id": hosted.id,
        "preset": hosted.preset,
        "title": _told(hosted, "title"),
        "status": hosted.status,
        "created": hosted.created,
        "phase": hosted.hands.phase,
        "time_s": hosted.hands.time_s,
        "links": links(hosted.id),
    }


def _head(hosted: Hosted) -> Mapping[str, Any]:
    """The first line of its record, empty until it is there."""
    return hosted.latest.get("session", {})


def _told(hosted: Hosted, field: str) -> str:
    """What the preset as played says of itself, or the one of that name."""
    played = _head(hosted).get("preset") or {}
    return str(played.get(field) or getattr(presets().get(hosted.preset), field, hosted.preset))


def _goal(hosted: Hosted) -> str:
    return _told(hosted, "goal")


def _planned(hosted: Hosted) -> Targets:
    arousal, valence, tension = hosted.hands.planned
    return Targets(arousal=arousal, valence=valence, tension=tension)


def _beat(hosted: Hosted) -> Beat:
    pulse = hosted.hands.pulse
    return Beat(
        number=pulse.number,
        start_s=pulse.start_s,
        bpm=pulse.bpm,
        index=pulse.index,
        beats=pulse.beats,
        key=KEYS[pulse.key],
        mode=MODES[pulse.mode],
    )


def _finite(value: Any) -> float | None:
    """`value` where JSON has a number for it."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
