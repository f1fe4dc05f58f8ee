"""A tune to start from: the melody of a MIDI file as phrases of (beat, beats, scale step) in its own key.

The melody is the skyline of one track or channel (Uitdenbogerd & Zobel 1998): the highest note at each moment. The key
is the file's signature where the notes bear it out, else the best of the 24 profiles of Krumhansl & Kessler (1982).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

import mido
from mido.midifiles.meta import KeySignatureError

from synth.controls import KEYS

LARGEST_BYTES = 1_000_000
LONGEST_S = 1800.0
DRUMS = 9
MOST_PHRASES = 8
BROKEN = (OSError, EOFError, ValueError, LookupError, TypeError, KeySignatureError)  # what mido raises
MODES = {"ionian": (0, 2, 4, 5, 7, 9, 11), "aeolian": (0, 2, 3, 5, 7, 8, 10)}
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_GRIDS = (1 / 4, 1 / 6)  # beats: straight, triplets
_TRIPLETS = 0.7  # a tune is in triplets when these fit so much better
_BORNE_OUT = 0.9  # share of the notes in the signature's scale
_FINAL = 0.2  # what a last note adds to its key's correlation
_FAR_BELOW = 14  # semitones
_LEGATO = 0.15  # of a note that may sound on into the next
_REST = 1.0  # beats between phrases
_LONGEST = 8.0  # beats of a note
_MELODY = ("melody", "tune", "lead", "vocal", "voice", "solo", "soprano", "right")


class TuneError(ValueError):
    """A file that no tune can be taken from; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Motif:
    """A tune in its own key: `phrases` of notes (beat, beats, step), beats counted from the phrase's first bar.

    Step 0 is the tonic at or under the middle of the tune, 7 the one above; `mode` is "ionian" or "aeolian". A bar has
    `beats` quarter notes. `altered` tells how many notes lay outside that scale and were put on the nearest degree.
    """

    title: str
    key: int
    mode: str
    beats: int
    phrases: tuple[tuple[tuple[float, float, int], ...], ...]
    altered: int = 0

    @property
    def text(self) -> str:
        """Such as "Sarabande, D aeolian, 4 phrases, 31 notes"."""
        notes = sum(map(len, self.phrases))
        return f"{self.title}, {KEYS[self.key]} {self.mode}, {len(self.phrases)} phrases, {notes} notes"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        phrases = [[list(note) for note in phrase] for phrase in self.phrases]
        told = {"title": self.title, "key": self.key, "mode": self.mode, "beats": self.beats, "altered": self.altered}
        return {**told, "phrases": phrases}

    @classmethod
    def of(cls, tune: Motif | Mapping[str, Any] | str | Path | None) -> Motif | None:
        """`tune` itself, what `as_dict` gave, or the tune of a MIDI file; TuneError as `read_tune`."""
        if tune is None or isinstance(tune, Motif):
            return tune
        if not isinstance(tune, Mapping):
            return read_tune(tune)
        try:
            phrases = tuple(tuple((float(b), float(n), int(s)) for b, n, s in phrase) for phrase in tune["phrases"])
            return cls(
                str(tune["title"]),
                int(tune["key"]) % 12,
                str(tune["mode"]),
                int(tune["beats"]),
                phrases,
                int(tune.get("altered", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TuneError(f"this is no tune as a record keeps it ({error!r})") from None


@dataclass(frozen=True, slots=True)
class _Voice:
    """The notes (begin, end, pitch), in beats, of one channel of one track."""

    track: str
    number: int
    channel: int
    notes: list[tuple[float, float, int]]

    @property
    def told(self) -> str:
        return f"{self.track or f'track {self.number}'} (channel {self.channel + 1})"


def read_tune(
    path: str | Path, *, track: str | int | None = None, channel: int | None = None, phrase_bars: int = 4
) -> Motif:
    """The tune of the MIDI file at `path`, its first phrases of up to `phrase_bars` bars each.

    `track` is the name of the melody's track, or its number from 0, `channel` its channel 1..16 (None: the voice that
    is most like a melody). Raises TuneError.
    """
    path = Path(path)
    midi = _opened(path)
    voices = _voices(midi)
    if not voices:
        raise TuneError(f"{path} holds no notes: give a MIDI file with a melody")
    tuned = [voice for voice in voices if voice.channel != DRUMS]
    if not tuned:
        raise TuneError(f"{path} holds drums only (channel 10): give a MIDI file with a melody")
    voice = _chosen(path, tuned, track, channel)
    line = _quantized(skyline(voice.notes))
    beats = _metre(midi)
    key, mode = _signature(midi, line) or key_of([(pitch, end - begin) for begin, end, pitch in line])
    tonic = _tonic(line, key)
    scale = MODES[mode]
    altered = sum((pitch - key) % 12 not in scale for _, _, pitch in line)
    phrases = tuple(
        tuple((begin - start, end - begin, _step(pitch - tonic, scale)) for begin, end, pitch in notes)
        for start, notes in _phrases(line, beats, phrase_bars)
    )
    return Motif(path.stem.replace("_", " "), key, mode, beats, phrases, altered)


def skyline(notes: Iterable[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """Of notes (begin, end, pitch) those that no higher one covers when they begin, each cut where the next begins.

    What sounds far below the rest of them fills a pause of the melody, and is no part of it.
    """
    line = _covering(notes)
    middle = median_low([pitch for _, _, pitch in line])
    return _covering(note for note in line if note[2] >= middle - _FAR_BELOW)


def _covering(notes: Iterable[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    line: list[tuple[float, float, int]] = []
    for begin, end, pitch in sorted(notes, key=lambda note: (note[0], -note[2])):
        if line:
            before, its_end, higher = line[-1]
            if begin - before < 1e-6 or (pitch < higher and its_end - begin > _LEGATO * (its_end - before)):
                continue
            line[-1] = (before, min(its_end, begin), higher)
        line.append((begin, end, pitch))
    return line


def key_of(line: Sequence[tuple[int, float]]) -> tuple[int, str]:
    """The key and mode whose profile a line of (pitch, length) correlates with best; its last note counts for more."""
    heard = [0.0] * 12
    for pitch, length in line:
        heard[pitch % 12] += length
    last = line[-1][0] % 12

    def fit(found: tuple[int, str]) -> float:
        key, mode = found
        profile = MAJOR if mode == "ionian" else MINOR
        return correlation(heard, key, profile) + _FINAL * (key == last)

    return max(((key, mode) for mode in MODES for key in range(12)), key=fit)


def correlation(heard: Sequence[float], key: int, profile: Sequence[float]) -> float:
    """How well a tally of twelve pitch classes agrees with the `profile` of a key on `key`, -1..1."""
    return _correlation([*heard[key:], *heard[:key]], profile)


def _correlation(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return both / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b) or 1.0)


def _opened(path: Path) -> mido.MidiFile:
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise TuneError(f"{path} has {size / 1e6:.1f} MB: cut the tune out and give that")
        midi = mido.MidiFile(str(path), clip=True)
    except FileNotFoundError:
        raise TuneError(f"there is no file {path}") from None
    except TuneError:
        raise
    except BROKEN as error:
        why = str(error) or "it ends too soon"
        raise TuneError(f"{path} cannot be read as a MIDI file ({why}): give a .mid file") from None
    if midi.ticks_per_beat < 1:
        raise TuneError(f"{path} counts in film frames, not in beats: save it with ticks a quarter note")
    length_s = _length_s(midi)
    if length_s > LONGEST_S:
        raise TuneError(
            f"{path} lasts {length_s / 3600:.1f} hours, and a tune may last {LONGEST_S / 60:.0f} minutes: "
            "cut the tune out and give that"
        )
    return midi


def _length_s(midi: mido.MidiFile) -> float:
    """Its longest track at its mean tempo."""
    tempos = [m.tempo for track in midi.tracks for m in track if m.type == "set_tempo"]
    ticks = max((sum(m.time for m in track) for track in midi.tracks), default=0)
    return ticks / midi.ticks_per_beat * (sum(tempos) / len(tempos) if tempos else 500_000) / 1e6


def _voices(midi: mido.MidiFile) -> list[_Voice]:
    voices: dict[tuple[int, int], _Voice] = {}
    for number, track in enumerate(midi.tracks):
        tick = 0
        sounding: dict[tuple[int, int], list[int]] = {}
        for message in track:
            tick += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            key = message.channel, message.note
            if message.type == "note_on" and message.velocity:
                sounding.setdefault(key, []).append(tick)
            elif sounding.get(key):
                begin = sounding[key].pop(0)
                if tick > begin:
                    voice = voices.setdefault(
                        (number, message.channel), _Voice(track.name.strip(), number, message.channel, [])
                    )
                    voice.notes.append((begin / midi.ticks_per_beat, tick / midi.ticks_per_beat, message.note))
    return list(voices.values())


def _chosen(path: Path, voices: list[_Voice], track: str | int | None, channel: int | None) -> _Voice:
    asked = [
        voice
        for voice in voices
        if (channel is None or voice.channel == channel - 1)
        and (track is None or voice.number == track or str(track).lower() == voice.track.lower())
    ]
    if not asked:
        there = ", ".join(voice.told for voice in voices)
        raise TuneError(f"{path} has no such melody; there are {there}")
    named = [voice for voice in asked if any(word in voice.track.lower() for word in _MELODY)]
    return max(named or asked, key=_likeness)


def _likeness(voice: _Voice) -> float:
    """How much like a melody a voice is: one note at a time, high, and there for much of the piece."""
    line = skyline(voice.notes)
    alone = len(line) / len(voice.notes)
    height = sum(pitch for _, _, pitch in line) / len(line)
    return 24.0 * alone + min(height, 84.0) + 12.0 * min(len(line) / 16.0, 1.0)


def _quantized(line: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """On the grid of sixteenths or of triplets, whichever the tune is nearer to; never two notes on one place."""

    def error(grid: float) -> float:
        return sum(abs(begin / grid - round(begin / grid)) * grid for begin, _, _ in line)

    grid = _GRIDS[1] if error(_GRIDS[1]) < _TRIPLETS * error(_GRIDS[0]) else _GRIDS[0]
    places: list[tuple[int, int, int]] = []
    for begin, end, pitch in line:
        place = round(begin / grid)
        if not places or place > places[-1][0]:
            places.append((place, max(round(end / grid), place + 1), pitch))
    ends = [place for place, _, _ in places[1:]] + [places[-1][1]]
    return [
        (round(place * grid, 4), round(min(end * grid, most * grid, place * grid + _LONGEST), 4), pitch)
        for (place, end, pitch), most in zip(places, ends, strict=True)
    ]


def _metre(midi: mido.MidiFile) -> int:
    """Quarter notes in a bar, by the first signature."""
    for track in midi.tracks:
        for message in track:
            if message.type == "time_signature":
                return max(round(message.numerator * 4 / message.denominator), 1)
    return 4


def _signature(midi: mido.MidiFile, line: list[tuple[float, float, int]]) -> tuple[int, str] | None:
    """The first key signature, where nearly all of the line lies in it."""
    names = {"C#": "Db", "D#": "Eb", "G#": "Ab", "A#": "Bb", "Cb": "B", "F#": "Gb", "E#": "F", "B#": "C", "Fb": "E"}
    written = next((m.key for track in midi.tracks for m in track if m.type == "key_signature"), None)
    if written is None:
        return None
    tonic = written.removesuffix("m")
    key = KEYS.index(names.get(tonic, tonic))
    mode = "aeolian" if written.endswith("m") else "ionian"
    length = sum(end - begin for begin, end, _ in line)
    inside = sum(end - begin for begin, end, pitch in line if (pitch - key) % 12 in MODES[mode])
    return (key, mode) if inside >= _BORNE_OUT * length else None


def _tonic(line: list[tuple[float, float, int]], key: int) -> int:
    """The tonic at or under the middle of the tune."""
    middle = median_low([pitch for _, _, pitch in line])
    return middle - (middle - key) % 12


def _step(semitones: int, scale: Sequence[int]) -> int:
    """The scale step nearest to `semitones` above the tonic, the lower of two."""
    octave, above = divmod(semitones, 12)
    degree = min(range(len(scale) + 1), key=lambda i: (abs((*scale, 12)[i] - above), i))
    return octave * len(scale) + degree


def _phrases(
    line: list[tuple[float, float, int]], beats: int, bars: int
) -> list[tuple[float, list[tuple[float, float, int]]]]:
    """The line's first phrases, each with the beat of its first bar: they end at a rest or a long note, or are full."""
    longest = bars * beats
    typical = median_low([end - begin for begin, end, _ in line])
    found: list[tuple[float, list[tuple[float, float, int]]]] = []
    for note in line:
        if found:
            start, notes = found[-1]
            before, end, _ = notes[-1]
            rests = note[0] - end >= _REST
            settles = end - before >= max(2.0 * typical, 1.0) and note[0] - start >= 0.5 * longest
            if not rests and not settles and note[0] - start < longest:
                notes.append(note)
                continue
            if len(found) == MOST_PHRASES:
                return found
        found.append((note[0] // beats * beats, [note]))
    return found
