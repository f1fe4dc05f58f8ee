"""The score as MusicXML 4.0: melody, bells, chords and bass in note values, with chord symbols, keys and phrases.

Percussion and nature are not written. What rings on after the bar of the last chord has a fermata there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from synth.composer.scales import Scale
from synth.output.notation.beams import beams
from synth.output.notation.quantise import UNITS
from synth.output.notation.spelling import Key, Name, altered, key_of, key_text, name_of, root_name, scale_of, signature
from synth.output.notation.staff import Item, Staff, staves
from synth.output.notation.values import VALUES, in_triplet
from synth.score.clock import Clock
from synth.score.model import TICKS_PER_BEAT, Score
from synth.score.outline import Measure, Outline, outline

_DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">'
)
_KINDS = {
    "": "major",
    "m": "minor",
    "5": "power",
    "dim": "diminished",
    "sus2": "suspended-second",
    "sus4": "suspended-fourth",
    "6": "major-sixth",
    "m6": "minor-sixth",
    "7": "dominant",
    "m7": "minor-seventh",
    "maj7": "major-seventh",
    "m7b5": "half-diminished",
    "9": "dominant-ninth",
    "m9": "minor-ninth",
    "maj9": "major-ninth",
}
_ADDED = {"add9": "major", "madd9": "minor"}
_ACCIDENTALS = {
    -2: "flat-flat",
    -1.5: "three-quarters-flat",
    -1: "flat",
    -0.5: "quarter-flat",
    0: "natural",
    0.5: "quarter-sharp",
    1: "sharp",
    1.5: "three-quarters-sharp",
    2: "double-sharp",
}
_CHORD = re.compile(r"([A-G][b#]?)([^/]*)(?:/([A-G][b#]?))?$")
_TEMPO_TOLD = 0.06  # a change of tempo smaller than this is not written
_LINE = 12 * TICKS_PER_BEAT  # a phrase of this length begins a line
_SLOWING = 0.9  # of the tempo at a bar's start: less within the bar is a ritardando


class NotationError(ValueError):
    """A score that cannot be written in notes; the message says why."""


def write_musicxml(score: Score, path: Path, title: str = "", subtitle: str = "") -> str:
    """Write `score` to `path` in one step; the document. NotationError when it holds no pitched notes."""
    document = musicxml(score, title, subtitle)
    partial = path.with_name(path.name + ".part")
    partial.write_text(document, encoding="utf-8")
    os.replace(partial, path)
    return document


def musicxml(score: Score, title: str = "", subtitle: str = "") -> str:
    """`score` as a MusicXML document. NotationError when it holds no pitched notes."""
    lines = staves(score)
    if not lines:
        raise NotationError("there is nothing to engrave: the score holds no pitched notes")
    root = ET.Element("score-partwise", version="4.0")
    _add(_add(root, "work"), "work-title", title)
    _add(_add(root, "identification"), "creator", subtitle, type="composer")
    listed = _add(root, "part-list")
    _add(_add(listed, "part-group", type="start", number="1"), "group-symbol", "bracket")
    for number, staff in enumerate(lines, 1):
        part = _add(listed, "score-part", id=f"P{number}")
        _add(part, "part-name", staff.name)
        _add(part, "part-abbreviation", staff.name[:3] + ".")
    _add(listed, "part-group", type="stop", number="1")
    plan = outline(score)
    writer = _Writer(score, plan)
    for number, staff in enumerate(lines, 1):
        part = _add(root, "part", id=f"P{number}")
        writer.write(part, staff, top=number == 1, bottom=number == len(lines))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_DOCTYPE}\n{ET.tostring(root, encoding="unicode")}\n'


class _Writer:
    """Writes staff after staff of one score."""

    def __init__(self, score: Score, plan: Outline) -> None:
        self._score = score
        self._clock = Clock(score)
        self._plan = plan
        after = [m for m in plan.measures if m.tick <= plan.last]
        self._measures = tuple(after) or plan.measures
        self._lines = {phrase.tick for phrase in plan.phrases if phrase.end - phrase.tick >= _LINE}
        self._scales = {m: self._scale(m) for m in self._measures}

    def write(self, part: ET.Element, staff: Staff, top: bool, bottom: bool) -> None:
        """Fill `part` with the bars of `staff`; words stand above the top one and below the bottom one."""
        beats, scale, self._told_bpm = 0, None, 0.0
        for number, measure in enumerate(self._measures, 1):
            bar = _add(part, "measure", number=str(number))
            now = self._scales[measure]
            if number > 1 and measure.tick in self._lines:
                _add(bar, "print", **{"new-system": "yes"})
            attributes = ET.Element("attributes")
            if number == 1:
                _add(attributes, "divisions", str(UNITS))
            if now != scale:
                if scale is not None:
                    _add(ET.SubElement(bar, "barline", location="left"), "bar-style", "light-light")
                _add(_add(attributes, "key"), "fifths", str(signature(now)))
            if measure.beats != beats:
                time = _add(attributes, "time")
                _add(time, "beats", str(measure.beats))
                _add(time, "beat-type", "4")
            if number == 1:
                clef = _add(attributes, "clef")
                _add(clef, "sign", staff.clef.sign)
                _add(clef, "line", str(staff.clef.line))
                if staff.clef.octaves:
                    _add(clef, "clef-octave-change", str(staff.clef.octaves))
            if len(attributes):
                bar.append(attributes)
            if top:
                self._above(bar, measure, now if now != scale else None)
            if bottom:
                self._below(bar, measure)
            final = measure is self._measures[-1]
            _Bar(bar, key_of(now), measure, final).write(staff.bar(measure, self._measures[-1].end))
            if final:
                _add(_add(bar, "barline", location="right"), "bar-style", "light-heavy")
            beats, scale = measure.beats, now

    def _scale(self, measure: Measure) -> Scale:
        found = [change for tick, _, change in self._plan.keys if tick <= measure.tick]
        return scale_of(self._score, found[-1]) if found else Scale(0, 1)

    def _above(self, bar: ET.Element, measure: Measure, changed: Scale | None) -> None:
        for phrase in _within(self._plan.phrases, measure):
            _direction(bar, measure, phrase.tick, "rehearsal", phrase.text.replace("'", "\u2032"))
        bpm = self._clock.bpm(measure.tick)
        if not self._told_bpm or abs(bpm / self._told_bpm - 1.0) > _TEMPO_TOLD:
            self._told_bpm = bpm
            direction = _add(bar, "direction", placement="above")
            metronome = _add(_add(direction, "direction-type"), "metronome")
            _add(metronome, "beat-unit", "quarter")
            _add(metronome, "per-minute", f"{bpm:.0f}")
            _add(direction, "sound", tempo=f"{bpm:.2f}")
        if self._clock.bpm(measure.end - 1) < _SLOWING * bpm:
            _direction(bar, measure, measure.tick, "words", "rit.", style="italic")
        words = [scene.text.replace("_", " ") for scene in _within(self._plan.scenes, measure)]
        words += [key_text(changed)] if changed else []
        if words:
            _direction(bar, measure, measure.tick, "words", ", ".join(words), weight="bold")
        key = key_of(self._scales[measure])
        for chord in _within(self._plan.chords, measure):
            _harmony(bar, measure, chord.tick, chord.text, key)

    def _below(self, bar: ET.Element, measure: Measure) -> None:
        for cadence in _within(self._plan.cadences, measure):
            text = f"{cadence.text} cad."
            _direction(bar, measure, cadence.tick, "words", text, placement="below", style="italic")


class _Bar:
    """Writes the notes of one bar; accidentals hold for a staff until its end."""

    def __init__(self, bar: ET.Element, key: Key, measure: Measure, final: bool) -> None:
        self._bar, self._key, self._measure, self._final = bar, key, measure, final
        self._altered: dict[tuple[str, int], float] = {}

    def write(self, voices: list[list[Item]]) -> None:
        """All voices, the second and third after going back to the bar line."""
        signs = self._signs(voices)
        length = self._measure.beats * UNITS
        for number, items in enumerate(voices, 1):
            if number > 1:
                _add(_add(self._bar, "backup"), "duration", str(length))
            if not any(item.pitches for item in items):
                note = _add(self._bar, "note")
                _add(note, "rest", measure="yes")
                _add(note, "duration", str(length))
                _add(note, "voice", str(number))
                continue
            marks = beams(items, self._measure.beats)
            brackets = _brackets(items)
            for item, mark, bracket in zip(items, marks, brackets, strict=True):
                self._item(item, number, mark, bracket, signs)

    def _signs(self, voices: list[list[Item]]) -> dict[tuple[int, Name], str]:
        """The accidental before each note that needs one, by its place."""
        signs = {}
        struck = ((item, pitch) for items in voices for item in items for pitch in item.pitches)
        for item, pitch in sorted(struck, key=lambda place: place[0].start):
            name = name_of(pitch, self._key)
            place = name.step, name.octave
            if pitch in item.before:
                continue
            if self._altered.get(place, altered(name.step, self._key.sharps)) != name.alter:
                signs[item.start, name] = _ACCIDENTALS[name.alter]
                self._altered[place] = name.alter
        return signs

    def _item(
        self,
        item: Item,
        voice: int,
        mark: tuple[str, ...],
        bracket: str,
        signs: dict[tuple[int, Name], str],
    ) -> None:
        value = VALUES[item.length]
        heads: dict[Name, float] = {name_of(pitch, self._key): pitch for pitch in item.pitches}
        for i, (name, pitch) in enumerate(heads.items() or [(None, -1.0)]):
            note = _add(self._bar, "note") if item.shown else _add(self._bar, "note", **{"print-object": "no"})
            if i:
                _add(note, "chord")
            if name is None:
                _add(note, "rest")
            else:
                _pitch(_add(note, "pitch"), name)
            _add(note, "duration", str(item.length))
            ties = ["stop"] * (pitch in item.before) + ["start"] * (pitch in item.after)
            for kind in ties:
                _add(note, "tie", type=kind)
            _add(note, "voice", str(voice))
            _add(note, "type", value.type)
            for _ in range(value.dots):
                _add(note, "dot")
            if name is not None and pitch not in item.before and (item.start, name) in signs:
                _add(note, "accidental", signs[item.start, name])
            if in_triplet(item.start, item.length):
                three = _add(note, "time-modification")
                _add(three, "actual-notes", "3")
                _add(three, "normal-notes", "2")
                _add(three, "normal-type", "eighth")
            if not i:
                for level, kind in enumerate(mark, 1):
                    _add(note, "beam", kind, number=str(level))
            self._notations(note, ties, bracket if not i else "", item, i)

    def _notations(self, note: ET.Element, ties: list[str], bracket: str, item: Item, i: int) -> None:
        holds = self._final and item.pitches and not item.after and not i
        if not (ties or bracket or holds):
            return
        notations = _add(note, "notations")
        for kind in ties:
            _add(notations, "tied", type=kind)
        for kind in bracket.split():
            _add(notations, "tuplet", type=kind, bracket="yes" if kind == "start" else "no")
        if holds:
            _add(notations, "fermata", type="upright")


def _brackets(items: list[Item]) -> list[str]:
    """Where triplets start and stop, a beat each."""
    beat_of = [item.start // UNITS if in_triplet(item.start, item.length) else None for item in items]
    marks = []
    for i, beat in enumerate(beat_of):
        first = beat is not None and (i == 0 or beat_of[i - 1] != beat)
        last = beat is not None and (i + 1 == len(items) or beat_of[i + 1] != beat)
        marks.append(" ".join(["start"] * first + ["stop"] * last))
    return marks


def _pitch(pitch: ET.Element, name: Name) -> None:
    _add(pitch, "step", name.step)
    if name.alter:
        _add(pitch, "alter", f"{name.alter:g}")
    _add(pitch, "octave", str(name.octave))


def _harmony(bar: ET.Element, measure: Measure, tick: int, text: str, key: Key) -> None:
    """A chord symbol; what is not known is written as it stands."""
    match = _CHORD.match(text)
    if not match:
        _direction(bar, measure, tick, "words", text)
        return
    harmony = _add(bar, "harmony")
    step, alter = root_name(match[1], key)
    root = _add(harmony, "root")
    _add(root, "root-step", step)
    if alter:
        _add(root, "root-alter", str(alter))
    kind = _KINDS.get(match[2]) or _ADDED.get(match[2]) or "other"
    _add(harmony, "kind", kind, text=match[2].removesuffix("add9"))
    if match[3]:
        step, alter = root_name(match[3], key)
        bass = _add(harmony, "bass")
        _add(bass, "bass-step", step)
        if alter:
            _add(bass, "bass-alter", str(alter))
    if match[2] in _ADDED:
        degree = _add(harmony, "degree")
        _add(degree, "degree-value", "9")
        _add(degree, "degree-alter", "0")
        _add(degree, "degree-type", "add")
    if tick > measure.tick:
        _add(harmony, "offset", str(_units(tick - measure.tick)))


def _direction(
    bar: ET.Element,
    measure: Measure,
    tick: int,
    kind: str,
    text: str,
    placement: str = "above",
    style: str = "",
    weight: str = "",
) -> None:
    direction = _add(bar, "direction", placement=placement)
    looks = {name: value for name, value in (("font-style", style), ("font-weight", weight)) if value}
    _add(_add(direction, "direction-type"), kind, text, **looks)
    if tick > measure.tick:
        _add(direction, "offset", str(_units(tick - measure.tick)))


def _within(placed: Iterable, measure: Measure) -> list:
    return [item for item in placed if measure.tick <= item.tick < measure.end]


def _units(ticks: int) -> int:
    return round(ticks * UNITS / TICKS_PER_BEAT)


def _add(parent: ET.Element, tag: str, text: str = "", /, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    if text:
        child.text = text
    return child
