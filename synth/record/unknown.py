"""What a session does not tell, in sentences, each from the record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from synth.record.conditions import calibrated, gates_of, not_answered, policy_of
from synth.record.lines import Line
from synth.record.plots import clock
from synth.record.reader import Record
from synth.record.setting import missing
from synth.record.told import on_the_way, worn

LEAST_CONFIDENCE = 0.3  # of a state, under which the loop takes it as unknown
MANY_REPORTS = 10  # under it, an estimate cannot be held against what a person told
CAUSE = (
    "Whether the music had an effect. People settle with time in silence too, and natural settling cannot be told from"
    " an effect: one session with nothing to compare it with says nothing about cause."
)
ESTIMATE = (
    "How true the estimate is for this person. It was learned from one study of 22 people with one wrist device and no"
    " music, and about one person in seven is told badly."
)


def not_known(record: Record) -> list[str]:
    """What is not known after this session, the weightiest first."""
    return [
        CAUSE,
        *_ended(record),
        *_whole(record),
        *_sensed(record),
        _mood(record),
        *_level(record),
        *_asked(record),
        *_setting(record),
    ]


def blind_s(record: Record) -> float:
    """Seconds in which the loop had no estimate to go by."""
    return _seconds(record, [line for line in record.of("state") if float(line["confidence"]) < LEAST_CONFIDENCE])


def _ended(record: Record) -> list[str]:
    if record.end is None:
        return [f"What came after {clock(record.length_s)}: the session broke off there, or is still playing."]
    planned_s = 60.0 * float(record.header["minutes"])
    if record.length_s < planned_s - 1.0:
        return [
            f"How the session would have gone on: it ended at {clock(record.length_s)} of {clock(planned_s)} planned."
        ]
    return []


def _whole(record: Record) -> list[str]:
    if record.breaks or record.cut:
        return ["What stood in the lines of the record that are broken or missing: this page tells what is left."]
    return []


def _sensed(record: Record) -> list[str]:
    states = record.of("state")
    if not worn(record) or not states:
        return ["How the body answered: nothing was sensed, and nothing is believed of it."]
    told = []
    blind = blind_s(record)
    if blind >= 1.0:
        told.append(f"How the person was for {clock(blind)} of {clock(record.length_s)}: the signals told too little.")
    for field, source in (("heart_trouble", "heart"), ("skin_trouble", "skin")):
        aside = _seconds(record, [line for line in states if line.get(field)])
        if aside >= 1.0:
            told.append(f"What the {source} did for {clock(aside)}: its signal was missing or set aside.")
    unfit = _seconds(record, [line for line in states if line.get("fits") is False])
    if unfit >= 1.0:
        told.append(f"What the estimate means for {clock(unfit)}: the body had hardly answered until then.")
    reports = len(on_the_way(record).get("self_arousal", ()))
    if reports == 0:
        told.append(f"{ESTIMATE} It was not checked against anything the person told.")
    elif reports < MANY_REPORTS:
        times = "once" if reports == 1 else f"{reports} times"
        told.append(f"{ESTIMATE} The person told how activated they felt {times}: too seldom to check it.")
    else:
        told.append(ESTIMATE)
    told.append(
        "What moved the signals. Posture, movement, talking, warmth and the time of day move the heart and the skin as"
        " strain does."
    )
    return told


def _mood(record: Record) -> str:
    never = "Mood is never guessed from the body"
    if on_the_way(record).get("self_valence"):
        return f"The person's mood between the moments they told it. {never}."
    return f"The person's mood. {never}, and it was not told."


def _level(record: Record) -> list[str]:
    if calibrated(record):
        return []
    return ["How loud it was at the ear, and the dose: the output was not calibrated."]


def _asked(record: Record) -> list[str]:
    told = []
    if not policy_of(record):
        told.append("By which policy the plan was paced: the record does not say.")
    gates = gates_of(record)
    if gates is None:
        told.append("What the safety questions left open: the record does not say.")
    elif unanswered := not_answered(gates):
        count = f"{len(unanswered)} are" if len(unanswered) > 1 else "one is"
        told.append(f"All the answers to the safety questions: {count} open and taken the cautious way.")
    when = {str(line["when"]) for line in record.of("scores")}
    for there, not_there in (("before", "after"), ("after", "before")):
        if there in when and not_there not in when:
            told.append(f"What changed in the person's answers: they answered {there} the session and not {not_there}.")
    if not when and not on_the_way(record):
        told.append("How the person found themselves before and after: they were not asked, or did not answer.")
    return told


def _setting(record: Record) -> list[str]:
    lacking = missing(record.header.get("setting"), record.header)
    things = f"{len(lacking)} things" if len(lacking) > 1 else "One thing"
    return [f"{things} about the setting that a report is asked to tell: see \u201cSetting\u201d."] if lacking else []


def _seconds(record: Record, states: Sequence[Line]) -> float:
    """How long these states lasted, each until the next of the record's."""
    times = [float(line["t_s"]) for line in record.of("state")]
    until = dict(pairwise([*times, max(record.length_s, times[-1] if times else 0.0)]))
    return sum(until[float(line["t_s"])] - float(line["t_s"]) for line in states)
