"""Public-domain melodies out of music21's corpus, as notes relative to their tonic, split so that no tune leaks.

Two printed collections are used, O'Neill's Music of Ireland (1903) and Ryan's Mammoth Collection (1883). music21's
licence note asks to look for restrictions in each directory and file: these two have none. Left out: the Essen songs
(their licence: non-commercial), Bach's chorales (pages marked with a copyright), Aird's Airs and Northumbrian
Minstrelsy (an edition that is sold; terms not stated), American fife tunes (source lost), the Nottingham file
(informants, not dated), what names only Cole's reprint of 1940 as its book, and pieces of 1883 by a named author.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synth.composer.learned.events import IOIS, Event, Metre, letter_of

BASIS = {  # of the music; the ABC was given to open collections by volunteers, and neither folder nor file restricts it
    "oneills1850": "public domain: printed 1903, editors d. 1936 and 1949; encoding without restriction",
    "ryansMammoth": "public domain: printed 1883, editor d. 1910, author not named; encoding without restriction",
}
YEARS = {"oneills1850": 1903, "ryansMammoth": 1883}
_PLAIN_AUTHOR = re.compile(r"^\W*(|SCOTCH|IRISH|ENGLISH|TRAD.*|.*CAROLAN.*|.*COLLECTED.*|(F|J)\. ?O'NEILL)\W*$", re.I)
_METRES = {"4/4": (1.0, 4), "C": (1.0, 4), "C|": (1.0, 4), "2/2": (1.0, 4), "2/4": (2.0, 4), "3/4": (1.0, 3)}
_METRES |= {"6/8": (2.0, 6), "9/8": (2.0, 9), "12/8": (2.0, 12), "3/8": (2.0, 3), "6/4": (1.0, 6)}


@dataclass(frozen=True)
class Piece:
    """A tune: `parts` are its strains, each a list of events in metrical time; `family` is alike for its variants."""

    collection: str
    number: str
    title: str
    air: bool
    metre: Metre
    parts: tuple[tuple[Event, ...], ...]
    family: int = 0
    use: str = ""

    @property
    def notes(self) -> int:
        return sum(len(part) for part in self.parts)


def read(corpus: Path | None = None) -> list[Piece]:
    """Every usable piece of the two collections, with its family and use, in the order of the files."""
    if corpus is None:
        import music21

        corpus = Path(music21.__file__).parent / "corpus"
    pieces = [piece for collection in BASIS for piece in _collection(corpus / collection)]
    return split(pieces)


def _collection(folder: Path) -> Iterator[Piece]:
    from music21 import abcFormat

    for path in sorted(folder.glob("*.abc")):
        handler = abcFormat.ABCHandler()
        try:
            handler.process(path.read_text("utf-8", "replace"))
            tunes = handler.splitByReferenceNumber()
        except Exception:  # a file that music21 itself cannot read
            continue
        for number, tune in tunes.items():
            piece = _piece(folder.name, path.stem, number, tune.tokens)
            if piece is not None:
                yield piece


def _piece(collection: str, file: str, number: int | None, tokens: Sequence[Any]) -> Piece | None:
    head: dict[str, str] = {}
    for token in tokens:
        if type(token).__name__ == "ABCMetadata":
            if token.tag in head and token.tag in "MKL":
                return None  # changes metre or key
            head.setdefault(token.tag, token.data.split("%")[0].strip())
    source, author = head.get("B", ""), head.get("C", "")
    if collection == "ryansMammoth" and ("Ryan" not in source or not _PLAIN_AUTHOR.match(author)):
        return None
    metre = _METRES.get(head.get("M", "").replace(" ", ""))
    tonic = _tonic(tokens)
    if metre is None or tonic is None or "V" in head:
        return None
    scale, beats = metre
    parts = [_part(notes, scale, beats, tonic) for notes in _strains(tokens)]
    kept = tuple(part for part in parts if part is not None)
    if sum(len(part) for part in kept) < 24:
        return None
    name = f"{file}#{number}" if collection == "oneills1850" else file
    air = collection == "oneills1850" and number is not None and number <= 700
    return Piece(collection, name, head.get("T", ""), air, Metre(beats), kept)


def _tonic(tokens: Sequence[Any]) -> int | None:
    """Letter of the tonic, 0 (C) to 6, as the key line has it; whatever the mode."""
    for token in tokens:
        if type(token).__name__ == "ABCMetadata" and token.isKey():
            match = re.match(r"\s*([A-G])[#b]?", token.data)
            return "CDEFGAB".index(match[1]) if match else None
    return None


def _strains(tokens: Sequence[Any]) -> list[list[tuple[float, int | None, bool]]]:
    """The notes between double bars and repeats as (quarters, staff step from C0 or None for a rest, bar begins)."""
    strains: list[list[tuple[float, int | None, bool]]] = [[]]
    tied = begins = False
    for token in tokens:
        kind = type(token).__name__
        if kind == "ABCBar":
            begins = True
            if token.src.strip() not in ("|",) and not re.match(r"^\|?\[?[12]", token.src.strip()) and strains[-1]:
                strains.append([])
        elif kind in ("ABCNote", "ABCChord") and not token.inGrace:
            if kind == "ABCChord":
                if not token.subTokens:
                    continue
                top = max(token.subTokens, key=lambda t: letter_of(t.pitchName))
                name, rest = top.pitchName, False
            else:
                name, rest = token.pitchName, token.isRest
            step = None if rest or name is None else letter_of(name)
            length = float(token.quarterLength)
            if tied and strains[-1] and step is not None and strains[-1][-1][1] == step:
                last = strains[-1][-1]
                strains[-1][-1] = (last[0] + length, step, last[2])
            else:
                strains[-1].append((length, step, begins))
            tied = token.tie in ("start", "continue")
            begins = False
    return [strain for strain in strains if sum(step is not None for _, step, _ in strain) >= 8]


def _part(
    notes: Sequence[tuple[float, int | None, bool]], scale: float, beats: int, tonic: int
) -> tuple[Event, ...] | None:
    """Events of a strain, its first bar line at beat 0; None if its bars do not add up."""
    pickup = 0.0
    for i, (length, _, begins) in enumerate(notes):
        if begins and i > 0:
            break
        pickup += length * scale
    at = -pickup if pickup < beats - 1e-6 else 0.0
    events: list[Event] = []
    for i, (length, step, begins) in enumerate(notes):
        if begins and i > 0 and abs(at / beats - round(at / beats)) > 1e-6:
            return None
        if step is not None:
            events.append(Event(round(at, 4), length * scale, step - tonic))
        elif events:
            last = events[-1]
            events[-1] = Event(last.beat, last.ioi + length * scale, last.step)
        at += length * scale
    if at < 2 * beats:
        return None
    if max(event.ioi for event in events) > IOIS[-1] * 1.5:
        return None
    return tuple(events)


def split(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with `family` (they share a mark) and `use`: of families .8 train, .1 valid, .1 test."""
    parent = list(range(len(pieces)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    seen: dict[Any, int] = {}
    for i, piece in enumerate(pieces):
        for mark in _marks(piece):
            other = seen.setdefault(mark, i)
            parent[root(i)] = root(other)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(pieces)):
        groups[root(i)].append(i)
    result: list[Piece | None] = [None] * len(pieces)
    for family, (_, members) in enumerate(sorted(groups.items())):
        first = pieces[members[0]]
        roll = int(hashlib.sha256(f"{first.collection}/{first.number}".encode()).hexdigest(), 16) % 10
        use = "test" if roll == 0 else "valid" if roll == 1 else "train"
        if len(members) > 12:
            use = "train"
        for i in members:
            p = pieces[i]
            result[i] = Piece(p.collection, p.number, p.title, p.air, p.metre, p.parts, family, use)
    return [piece for piece in result if piece is not None]


_COMMON = re.compile(r"\b(the|a|an|reel|jig|hornpipe|strathspey|march|or|of|air|slip|clog|set|first|second|1st|2nd)\b")


def _marks(piece: Piece) -> Iterator[Any]:
    """What variants of a tune share: title words, a strain's first twelve tones on beats, or sixteen tones in a row."""
    words = _COMMON.sub(" ", re.sub(r"[^a-z ]", "", piece.title.lower()))
    if words.split():
        yield "title", "".join(sorted(words.split()))
    for part in piece.parts:
        strong = [e.step for e in part if e.beat >= 0.0 and abs(e.beat - round(e.beat)) < 1e-6]
        low = [step % 7 for step in strong[:12]]
        if len(low) == 12 and len(set(low)) > 3:
            yield "opening", tuple(low)
        steps = [e.step for e in part]
        for i in range(0, len(steps) - 16):
            run = steps[i : i + 16]
            if len(set(run)) > 4:
                yield "run", tuple(b - a for a, b in zip(run, run[1:], strict=False))


def bootstrap(pieces: Sequence[tuple[int, float, int]], draws: int = 2000) -> tuple[float, float, float]:
    """Bits a tone and its 95 % interval from (family, bits, tones) of each piece, families drawn again."""
    families: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for family, bits, tones in pieces:
        families[family][0] += bits
        families[family][1] += tones
    table = np.array(list(families.values()))
    rng = np.random.default_rng(1)
    sums = table[rng.integers(0, len(table), (draws, len(table)))].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], (2.5, 97.5))
    return float(table[:, 0].sum() / table[:, 1].sum()), float(low), float(high)
