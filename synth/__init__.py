"""isotone: adaptive generative music, synthesized while it plays.

from synth import Session

session = Session("settle", seed=1, minutes=5)
session.feed("hr", 72.0)
block = session.render(256)  # (256, 2) float32
"""

from __future__ import annotations

from synth.lazily import lazily

__version__ = "0.1.0"

_HOMES = {
    "Audio": "synth.session",
    "CONTROLS": "synth.controls",
    "ConstraintError": "synth.safety.constraints",
    "Context": "synth.estimator.context",
    "Control": "synth.controls",
    "ControlError": "synth.controls",
    "Earlier": "synth.estimator.context",
    "Estimator": "synth.estimator.estimator",
    "OutputError": "synth.output.folder",
    "Packet": "synth.wearables.packet",
    "Preset": "synth.preset",
    "PresetError": "synth.preset",
    "RecordError": "synth.record.reader",
    "Recording": "synth.wearables.recording",
    "RecordingError": "synth.wearables.recording",
    "Samples": "synth.wearables.samples",
    "Score": "synth.score.model",
    "Session": "synth.session",
    "ScreeningError": "synth.safety.screening",
    "SessionError": "synth.session",
    "SourceError": "synth.wearables.packet",
    "State": "synth.estimator.state",
    "TermsError": "synth.session",
    "compose_session": "synth.output.render",
    "load_preset": "synth.preset",
    "open_live": "synth.wearables.live",
    "open_recording": "synth.wearables.recording",
    "preset_names": "synth.preset",
    "read_record": "synth.record.reader",
    "render_session": "synth.output.render",
    "replay_session": "synth.output.replay",
}

__all__ = [*_HOMES, "__version__"]
__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
