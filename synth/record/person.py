"""The page for the person: one sheet in plain words about their own session, with no clinical score on it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from synth.record import account
from synth.record.conditions import calibrated, constraints_of
from synth.record.figure import Played, column, ends, heart, over, read_controls
from synth.record.markup import document, sentence, write_page
from synth.record.plots import Line, Panel, clock, panel, time_axis
from synth.record.reader import Record
from synth.record.story import Event, plain_name, sayings, who
from synth.record.told import answers, on_the_way, slider_name, told, worn

MOST_SENTENCES = 5  # about how the music moved
MOST_TEXT, MOST_ROWS, MOST_EVENTS = 140, 3, 2  # what one sheet has room for, in small type
LINE = 66  # letters of a line in large type
SIZES = ("large", "full", "dense", "least")  # of type, as in person.css
_HOLDS = (18, 24, 36)  # such lines that a sheet has room for in each size but the last
ALONE = (
    "It cannot tell whether the music did it. People settle in quiet too, and one session has nothing to be compared"
    " with."
)
FEELING = "It cannot tell how you felt. A body shows at best how activated it is; only you know the rest."
UNSENSED = "It cannot tell how your body answered: nothing you wore was listened to."
LOUDNESS = "It cannot tell how loud it was for you: that was set by your own volume control."
NO_HEALTH = "Nothing on this page is a measure of health. isotone makes music to settle, focus, pace and rest by."

_PHASES = {
    "baseline": "settling in",
    "match": "meeting you where you were",
    "lead": "leading on",
    "plateau": "staying there",
    "return": "coming back",
}
_DECISIONS = (  # how the loop says it, and how it is told here
    ("holding here for a while", "it waited where it was"),
    ("slowed the arc", "it took more time"),
    ("quickened the arc", "it went on a little sooner"),
)
_NOT_BEGUN = re.compile(r" ends$| is left out: ")  # how a cue's other lines read
_CUES = {
    "breath": ("a breathing cue", "breathing cues"),
    "ground": ("a grounding motif", "grounding motifs"),
    "tempo": ("a change of pace", "changes of pace"),
    "stem_in": ("a voice that came in", "voices that came in"),
    "stem_out": ("a voice that went out", "voices that went out"),
    "silence": ("a silence", "silences"),
}
_PLAIN = (
    (re.compile(r"skin conductance responses?"), "your skin's responses"),
    (re.compile(r"skin conductance"), "your skin's response"),
    (re.compile(r"(your|its|their) own resting rate"), "your rate at rest"),
    (re.compile(r"(your|the) (own )?baseline"), "your usual"),
    (
        re.compile(r"arousal rose by [\d.]+ in ([\d.]+) s while the plan asks for no rise"),
        r"your signals rose for \1 seconds",
    ),
    (re.compile(r"arousal"), "how activated you seemed"),
    (re.compile(r"the listener is"), "you were"),
    (re.compile(r"the listener"), "you"),
    (re.compile(r"\bbpm\b"), "beats a minute"),
    (re.compile(r"their own rate"), "your usual"),
)
_MOODS = {
    "self_valence": ("your mood was", "low", "middling", "good"),
    "self_arousal": ("you felt", "calm", "neither calm nor stirred", "stirred"),
}


def write_person(record: Record, controls_csv: Path, out: Path) -> None:
    """Write the person's page for `record` to `out`; `controls_csv` is the session's controls as heard.

    Raises OSError when a file cannot be read or written.
    """
    write_page(person_page(record, read_controls(controls_csv)), out)


def person_page(record: Record, played: Played, size: str = "") -> str:
    """The page as HTML, for screen and paper; on paper in a `size` of SIZES, chosen by how much there is to tell."""
    preset = record.header["preset"]
    title = _short(str(preset.get("title") or preset.get("name") or "Your session"), 40)
    lead = _short(str(preset.get("summary") or ""))
    chosen, moved, told = _chosen(record, title), how_it_moved(record, played), _told(record)
    safety, cannot = _safety(record), _cannot(record)
    lines = sum(math.ceil(len(text) / LINE) for text in (lead, *chosen, *moved, *told, *safety, *cannot))
    body = (
        f"<header><p class='kind'>Your session</p><h1>{escape(title)}</h1><p class='lead'>{escape(lead)}</p></header>"
        + _part("chosen", "What you chose, and how long it was", chosen)
        + _part("moved", "How the music moved", moved)
        + _plot(record)
        + _part("told", "What you told", told)
        + _part("safety", "What stepped in to keep it gentle", safety)
        + _part("cannot", "What this page cannot tell", cannot)
        + f"<footer><p>{NO_HEALTH}</p></footer>"
    )
    size = size or next((name for name, most in zip(SIZES, _HOLDS, strict=False) if lines <= most), SIZES[-1])
    return document(f"{title} \u00b7 your session", ("person.css",), f'<div class="{size}">{body}</div>')


def how_it_moved(record: Record, played: Played) -> list[str]:
    """How the music moved and why, in at most MOST_SENTENCES, each drawn from the record."""
    parts = (_path(record), _pulse(record, played), _listening(record), _asked(record), _cued(record))
    return [_short(text) for text in parts if text][:MOST_SENTENCES]


def _chosen(record: Record, title: str) -> list[str]:
    constraints = constraints_of(record)
    wished = f", with these wishes: {'; '.join(constraints)}" if constraints else ""
    minutes, planned = record.length_s / 60.0, float(record.header["minutes"])
    length = f"It was {_minutes(minutes)} long."
    if record.end is None:
        length = f"It broke off after {_minutes(minutes)}."
    elif math.isfinite(planned) and minutes < planned - 0.1:
        length = f"It was planned for {_minutes(planned)} and ended after {_minutes(minutes)}."
    return [_short(f"You chose {title}{wished}") + ".", length]


def _minutes(minutes: float) -> str:
    rounded = f"{minutes:.0f}" if minutes >= 10 or abs(minutes - round(minutes)) < 0.05 else f"{minutes:.1f}"
    return f"{rounded} minute{'' if rounded == '1' else 's'}"


def _path(record: Record) -> str:
    names = [_PHASES.get(str(line["text"]), str(line["text"])) for line in record.of("phase")]
    steps = [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
    if not steps:
        return ""
    more = f" and {len(steps) - MOST_SENTENCES} more steps" if len(steps) > MOST_SENTENCES else ""
    return f"It went by a plan: {', then '.join(steps[:MOST_SENTENCES])}{more}."


def _pulse(record: Record, played: Played) -> str:
    if "tempo_bpm" not in played:
        return ""
    first, last = ends(column(played, "t_s"), column(played, "tempo_bpm"), record.length_s)
    if "\u2013" in (first, last):
        return ""
    if first == last:
        return f"Its pulse stayed at about {first} beats a minute."
    return (
        f"Its pulse {'slowed' if int(last) < int(first) else 'quickened'} from about {first} to {last} beats a minute."
    )


def _listening(record: Record) -> str:
    """The first decision of the loop for what was sensed, and how many there were."""
    if not worn(record):
        return "Nothing you wore was listened to: it went by the clock."
    said = sayings((line["t_s"], "Plan", line.get("words") or ()) for line in record.of("plan"))
    found = [(event, words) for event in said for start, words in _DECISIONS if event.text.startswith(start)]
    if not found:
        return "What you wore was listened to all along."
    event, words = found[0]
    cause = event.text.partition(": ")[2]
    why = f": {plain(cause)}" if cause else ""
    more = f" (the first of {len(found)} such moments)" if len(found) > 1 else ""
    return f"What you wore was listened to. At {clock(event.start_s)} {words}{why}{more}."


def _asked(record: Record) -> str:
    verbs = Counter(plain_name(str(line["verb"])) for line in record.of("verb"))
    hands = {
        line["control"]
        for line in record.of("commit")
        if who(line["by"]).startswith("Person") and line.get("accepted", True)
    }
    told = []
    if verbs:
        told.append("asked for " + _and(f"\u201c{verb}\u201d {_times(count)}" for verb, count in verbs.items()))
    if hands:
        told.append(f"moved {len(hands)} control{'s' if len(hands) > 1 else ''} by hand")
    return f"You, or someone with you, {_and(told)}." if told else ""


def _cued(record: Record) -> str:
    begun = [line for line in record.of("cue") if not _NOT_BEGUN.search(str(line.get("text") or ""))]
    counts = Counter(str(line["kind"]) for line in begun)
    parts = []
    for kind, count in counts.items():
        one, many = _CUES.get(kind, (plain_name(kind), f"times {plain_name(kind)}"))
        parts.append(one if count == 1 else f"{count} {many}")
    return (
        f"On the way there {'was' if len(parts) == 1 and sum(counts.values()) == 1 else 'were'} {_and(parts)}."
        if parts
        else ""
    )


def _plot(record: Record) -> str:
    """Heart rate over the session; the plan where no heart was heard."""
    length_s = max(record.length_s, 1.0)
    sensed = heart(record)
    if sensed is not None and np.isfinite(sensed[1]).any():
        line = Line("heart rate", sensed[0], sensed[1], "two", "beats a minute", 0, 6.0)
        chart = Panel("Your heart rate", "beats a minute", (line,))
    else:
        t_s, aim = over(record.of("plan"), "arousal")
        if not t_s.size:
            return ""
        line = Line("plan", t_s, aim, "two", "", 1)
        chart = Panel("How lively the music was meant to be", "from calm below to lively above", (line,), -1, 1, "bare")
    return f'<section class="drawn">{panel(chart, length_s, ())}{time_axis(length_s)}</section>'


def _told(record: Record) -> list[str]:
    """Own sliders before and after, and moods told on the way; scores of questionnaires are not for this page."""
    texts = []
    for row in answers(record):
        parts = [f"{told(row.scores[when])} {when}" for when in ("before", "after") if when in row.scores]
        if row.own and parts:
            span = f", from {row.span}" if row.span else ""
            texts.append(_short(f"{sentence(slider_name(row.name))}: {_and(parts)}{span}") + ".")
    for channel, said in on_the_way(record).items():
        if channel in _MOODS and said:
            begin, *levels = _MOODS[channel]
            words = [
                f"{levels[_level(value)]} at {clock(t_s)}" for t_s, value in ([said[0], said[-1]] if said[1:] else said)
            ]
            texts.append(f"You said {begin} {' and '.join(words)}.")
    return texts[:MOST_ROWS] or ["You were not asked how you felt, or did not say."]


def _level(value: float) -> int:
    return 0 if value < -1 / 3 else 1 if value <= 1 / 3 else 2


def _safety(record: Record) -> list[str]:
    events = account.safety(record)
    told = [_short(_stepped(event)) for event in events[:MOST_EVENTS]]
    if len(events) > MOST_EVENTS:
        told.append(f"And {_times(len(events) - MOST_EVENTS)} more.")
    return told or ["Nothing had to step in."]


def _stepped(event: Event) -> str:
    times = f" ({event.times} times)" if event.counted and event.times > 1 else ""
    return f"At {clock(event.start_s)} {plain(event.text).rstrip('.')}{times}."


def _cannot(record: Record) -> list[str]:
    return [ALONE, FEELING if worn(record) else UNSENSED, *([] if calibrated(record) else [LOUDNESS])]


def plain(text: str) -> str:
    """The engine's words as one would say them to the person."""
    for pattern, words in _PLAIN:
        text = pattern.sub(words, text)
    return text


def _part(name: str, title: str, texts: Sequence[str]) -> str:
    said = "".join(f"<p>{escape(text)}</p>" for text in texts)
    return f'<section id="{name}"><h2>{escape(title)}</h2>{said}</section>'


def _short(text: str, most: int = MOST_TEXT) -> str:
    """`text` on one line, cut where it is too long for the sheet."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "\u2026"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _and(parts: Iterable[str]) -> str:
    *most, last = list(parts)
    return f"{', '.join(most)} and {last}" if most else last
