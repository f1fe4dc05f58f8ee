"""Why the estimate is what it is, in plain words, most telling first."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 4
HEART_NOTE_BPM = 3.0
TREND_NOTE = 0.75
LEVEL_NOTE = 0.3


@dataclass(frozen=True, slots=True)
class Facts:
    """What may be worth telling. Rates and features are None when not known."""

    warm_up_left_s: float = 0.0
    settled: bool = True
    hr_above_bpm: float | None = None
    trend: float | None = None
    level: float | None = None
    scr_change: float | None = None
    heart: str = ""  # why the heart has no say: "missing", "frozen"
    skin: str = ""  # why the skin has no say: "missing", "off", "frozen", "disturbed"
    moving: bool = False
    slow_breath: bool = False
    swapped: bool = False
    corrected: bool = False
    told: float | None = None
    valence: float | None = None
    fits: bool | None = None
    began_above_bpm: float | None = None


_HEART = {
    "missing": "heart rate missing",
    "frozen": "heart rate stands still, so it is set aside",
}
_SKIN = {
    "missing": "skin conductance missing",
    "off": "skin sensor not in contact, so it is set aside",
    "frozen": "skin conductance stands still, so it is set aside",
    "disturbed": "skin conductance disturbed, waiting a few seconds",
}


def explain(facts: Facts) -> tuple[str, ...]:
    """Up to four short sentences."""
    body = _body(facts)
    trouble = _trouble(facts)
    if facts.warm_up_left_s > 0.0 and not (facts.heart and facts.skin):
        body.insert(0, f"getting to know your baseline, {_round_up(facts.warm_up_left_s)} s to go")
    elif not body and not (facts.heart and facts.skin):
        body.append("close to your baseline")
    if facts.valence is not None:
        body.insert(0, f"mood {facts.valence:+.1f} is what you told, none is guessed from the body")
    if facts.told is not None:
        body.insert(0, f"you told {facts.told:+.1f}")
    if trouble:
        body = body[: MOST - min(len(trouble), 2)]
    return tuple((body + trouble)[:MOST])


def _round_up(seconds: float) -> int:
    return int(-(-seconds // 5) * 5)


def _body(facts: Facts) -> list[str]:
    said = []
    if facts.trend is not None and abs(facts.trend) >= TREND_NOTE:
        said.append(f"skin conductance {'rising' if facts.trend > 0 else 'falling'} over two minutes")
    elif facts.level is not None and abs(facts.level) >= LEVEL_NOTE:
        said.append(f"skin conductance {'above' if facts.level > 0 else 'below'} your baseline")
    if facts.scr_change is not None and facts.scr_change >= 2.0:
        said.append("skin conductance responses doubled in 60 s")
    elif facts.scr_change is not None and facts.scr_change <= 0.5:
        said.append("skin conductance responses halved in 60 s")
    if facts.hr_above_bpm is not None and abs(facts.hr_above_bpm) >= HEART_NOTE_BPM:
        where = "above" if facts.hr_above_bpm > 0 else "below"
        said.append(f"heart rate {abs(facts.hr_above_bpm):.0f} {where} your baseline")
    if facts.began_above_bpm is not None:
        where = "above" if facts.began_above_bpm > 0 else "below"
        said.append(f"you began with a heart rate {abs(facts.began_above_bpm):.0f} {where} your earlier sessions")
    return said


def _trouble(facts: Facts) -> list[str]:
    said = []
    if facts.moving:
        said.append("you are moving, so heart rate counts less")
    if facts.slow_breath:
        said.append("you breathe slowly, so a raised heart rate is not taken for strain")
    if facts.swapped:
        said.append("heart rate stepped all at once, taken for a change of sensor")
    if facts.heart and facts.skin == facts.heart == "missing":
        said.append("no signal from heart or skin")
    else:
        said += [_HEART[facts.heart]] if facts.heart else []
        said += [_SKIN[facts.skin]] if facts.skin else []
    if facts.corrected:
        said.append("many beats had to be left out")
    if not facts.settled and facts.warm_up_left_s <= 0.0:
        said.append("baseline still settling")
    if facts.fits is False:
        said.append("your body has hardly answered so far, so this may not fit you")
    return said
