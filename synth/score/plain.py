"""The score as plain JSON, for programs that read neither MIDI nor NoteSequence.

    {"format": "isotone-score", "version": 1, "title": "settle", "ticks_per_beat": 960, "seconds": 240.0,
     "beats": 264.0, "stems": ["pad", ...],
     "tempos":  [{"beat": 0.0, "time_s": 0.0, "bpm": 66.0}],
     "metres":  [{"beat": 0.0, "time_s": 0.0, "beats": 4}],
     "keys":    [{"beat": 0.0, "time_s": 0.0, "tonic": "D", "scale": "ionian"}],
     "markers": [{"beat": 0.0, "time_s": 0.0, "kind": "phrase", "text": "phrase 1 A"}],
     "notes":   [{"stem": "pad", "beat": 0.002083, "beats": 19.997917, "time_s": 0.0019, "seconds": 18.18,
                  "pitch": 57.0, "velocity": 0.34}]}

A beat is a quarter note. `pitch` is a MIDI note with its fraction (60.5: a quarter tone above middle C), `velocity`
0 to 1. A note that slides has "slides": [{"beat": after its start, "beats": as long, "pitch": where to}]. What has a
tempo, metre, key or marker has it from its beat on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synth.controls import KEYS
from synth.score.clock import Clock
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Slide, Tempo

FORMAT, VERSION = "isotone-score", 1
_LISTS = ("tempos", "metres", "keys", "markers", "notes")


def score_to_dict(score: Score, title: str = "") -> dict[str, Any]:
    """`score` in the plain form."""
    clock = Clock(score)

    def at(tick: int) -> dict[str, float]:
        return {"beat": round(tick / TICKS_PER_BEAT, 6), "time_s": round(clock.seconds(tick), 4)}

    return {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "ticks_per_beat": TICKS_PER_BEAT,
        "seconds": round(clock.seconds(score.end_tick), 4),
        "beats": score.end_tick / TICKS_PER_BEAT,
        "stems": list(score.stems),
        "tempos": [{**at(t.tick), "bpm": round(t.bpm, 6)} for t in score.tempos],
        "metres": [{**at(m.tick), "beats": m.beats} for m in score.metres],
        "keys": [{**at(k.tick), "tonic": KEYS[k.key], "scale": score.scales[k.mode]} for k in score.keys],
        "markers": [{**at(m.tick), "kind": m.kind, "text": m.text} for m in score.markers],
        "notes": [_note(note, at, clock) for note in score.notes],
    }


def write_json(score: Score, path: Path, title: str = "") -> None:
    """Write `score` to `path` in one step, a note a line."""
    plain = score_to_dict(score, title)
    lines = []
    for name, value in plain.items():
        if name in _LISTS and value:
            rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f" {json.dumps(name)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    partial = path.with_name(path.name + ".part")
    partial.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path) -> Score:
    """The score that `write_json` wrote, pitches and velocities to four places. ValueError when it is not one."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] != FORMAT or plain["version"] != VERSION:
            raise ValueError(f"format {plain['format']!r}, version {plain['version']!r}")
        score = Score(tuple(plain["stems"]), end_tick=_tick(plain["beats"]))
        score.scales = tuple(dict.fromkeys((*score.scales, *(k["scale"] for k in plain["keys"]))))
        score.notes = [
            Note(n["stem"], _tick(n["beat"]), _tick(n["beats"]), float(n["pitch"]), float(n["velocity"]), _slides(n))
            for n in plain["notes"]
        ]
        score.tempos = [Tempo(_tick(t["beat"]), round(60e6 / t["bpm"])) for t in plain["tempos"]]
        score.keys = [
            KeyChange(_tick(k["beat"]), KEYS.index(k["tonic"]), score.scales.index(k["scale"])) for k in plain["keys"]
        ]
        score.metres = [Metre(_tick(m["beat"]), int(m["beats"])) for m in plain["metres"]]
        score.markers = [Marker(_tick(m["beat"]), m["kind"], m["text"]) for m in plain["markers"]]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a score in {FORMAT} version {VERSION}: {error}") from None
    return score


def _note(note: Note, at: Callable[[int], dict[str, float]], clock: Clock) -> dict[str, Any]:
    lasts_s = clock.seconds(note.tick + note.duration) - clock.seconds(note.tick)
    placed = at(note.tick)
    plain = {
        "stem": note.stem,
        "beat": placed["beat"],
        "beats": _beats(note.duration),
        "time_s": placed["time_s"],
        "seconds": round(lasts_s, 4),
        "pitch": round(note.pitch, 4),
        "velocity": round(note.velocity, 4),
    }
    if note.slides:
        plain["slides"] = [
            {"beat": _beats(slide.after), "beats": _beats(slide.ticks), "pitch": round(slide.pitch, 4)}
            for slide in note.slides
        ]
    return plain


def _beats(ticks: int) -> float:
    return round(ticks / TICKS_PER_BEAT, 6)


def _slides(note: dict[str, Any]) -> tuple[Slide, ...]:
    return tuple(Slide(_tick(s["beat"]), float(s["pitch"]), _tick(s["beats"])) for s in note.get("slides", ()))


def _tick(beats: float) -> int:
    return round(beats * TICKS_PER_BEAT)
