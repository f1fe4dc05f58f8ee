"""How pictures of scores look: colours of stems and ideas, the strips of phrases and keys they share."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

from synth.output.notation.spelling import key_text, scale_of
from synth.output.pictures.svg import Drawing, text_width
from synth.score.model import KeyChange, Score
from synth.score.outline import Outline, Span, family_of

INK, GREY, FAINT, HAIR = "#222", "#6b6f76", "#d5d8dd", "#eceef1"
TENSION, TEMPO = "#b4432f", "#4c7a5d"
STEMS = {
    "melody": "#c8374d",
    "bells": "#dd9a1b",
    "pad": "#7d9cc4",
    "bass": "#4b3f8f",
    "drone": "#8a6d3b",
    "percussion": "#595e66",
    "nature": "#5f9e8f",
}
_OTHERS = ("#3d8a63", "#a0559b", "#7a7f35")
_GOLDEN = 0.61803398875  # of the circle from one idea's hue to the next

Place = Callable[[int], float]  # tick to pixels from the left


def stem_colour(score: Score, stem: str) -> str:
    """The colour of a stem."""
    return STEMS.get(stem) or _OTHERS[score.stems.index(stem) % len(_OTHERS)]


def idea_colours(plan: Outline) -> dict[str, str]:
    """A colour for each family of ideas, in the order they are heard."""
    families = dict.fromkeys(family_of(phrase.text) for phrase in plan.phrases)
    return {family: _hex((0.58 + i * _GOLDEN) % 1.0) for i, family in enumerate(families)}


def clock_text(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def ideas_strip(drawing: Drawing, plan: Outline, span: Span, place: Place, y: float, height: float) -> None:
    """A box for each phrase with its idea's letter, its cadence at the end, pale where the idea is varied."""
    colours = idea_colours(plan)
    cadences = {c.tick: c.text for c in plan.cadences}
    for phrase in plan.phrases:
        if phrase.end <= span.tick or phrase.tick >= span.end:
            continue
        left, right = place(max(phrase.tick, span.tick)), place(min(phrase.end, span.end))
        family = family_of(phrase.text)
        pale = 0.45 if phrase.text != family else 0.9
        drawing.begin(class_="phrase", data_idea=phrase.text)
        drawing.rect(left + 0.5, y, right - left - 1.0, height, colours[family], fill_opacity=pale, rx=3)
        letter = phrase.text.replace("'", "\u2032")
        size = min(14.0, 0.62 * height)
        middle = y + height / 2 + 0.36 * size
        room = right - left - 10.0
        if text_width(letter, size) < room + 4.0 and phrase.tick >= span.tick:
            drawing.text(left + 6.0, middle, letter, size, font_weight="700")
            closes = [text for tick, text in cadences.items() if phrase.tick <= tick < phrase.end]
            closing = closes[-1] if closes and phrase.end <= span.end else ""
            if closing and text_width(letter, size) + text_width(closing, 10.0) + 8.0 < room:
                drawing.text(right - 6.0, middle, closing, 10, "#333", text_anchor="end", font_style="italic")
        drawing.end()


def keys_strip(
    drawing: Drawing, score: Score, plan: Outline, span: Span, place: Place, y: float, height: float
) -> None:
    """A band for each key and mode, named where there is room."""
    for tick, end, change in plan.keys:
        if end <= span.tick or tick >= span.end:
            continue
        left, right = place(max(tick, span.tick)), place(min(end, span.end))
        drawing.rect(left, y, right - left, height, _key_colour(change), class_="key")
        name = key_text(scale_of(score, change))
        if text_width(name, 10.0) + 8.0 < right - left:
            drawing.text(left + 5.0, y + height / 2 + 3.6, name, 10, "#333")


def names_strip(drawing: Drawing, spans: tuple[Span, ...], span: Span, place: Place, y: float) -> None:
    """The names of scenes or phases where they begin."""
    free = -1e9
    for named in spans:
        if span.tick <= named.tick < span.end and place(named.tick) >= free:
            words = named.text.replace("_", " ")
            drawing.text(place(named.tick), y, words, 10.5, GREY, font_style="italic")
            free = place(named.tick) + text_width(words, 10.5) + 6.0


def curve(points: list[tuple[float, float]], until: float) -> str:
    """A line of steps through points, held to `until`; empty without points."""
    if not points:
        return ""
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
    return f"M{points[0][0]:.1f} {points[0][1]:.1f}{steps}H{until:.1f}"


def legend(drawing: Drawing, score: Score, right: float, y: float) -> None:
    """The colours of the stems that play, from the right."""
    played = {note.stem for note in score.notes}
    for stem in reversed([stem for stem in score.stems if stem in played]):
        right -= text_width(stem, 12.0)
        drawing.text(right, y, stem, 12, INK)
        drawing.rect(right - 16.0, y - 8.5, 11.0, 8.0, stem_colour(score, stem), rx=2)
        right -= 32.0


def _hex(hue: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue, 0.7, 0.55)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _key_colour(change: KeyChange) -> str:
    """Pale, round the circle of fifths, darker the darker the mode."""
    hue = change.key * 7 % 12 / 12
    light = max(0.93 - 0.018 * min(change.mode, 6), 0.8)
    red, green, blue = colorsys.hls_to_rgb(hue, light, 0.5)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
