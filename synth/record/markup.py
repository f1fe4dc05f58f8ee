"""How a page is set: the document around it, sections, tables and lists of events, everything from a record escaped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from synth.record.plots import clock
from synth.record.story import Event

SHOWN_EVENTS = 60


def document(title: str, styles: Iterable[str], body: str) -> str:
    """A page that stands alone, with the style sheets named `styles` of this folder."""
    css = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in styles)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{css}</style></head><body><main>{body}</main></body></html>\n"
    )


def write_page(text: str, out: Path) -> None:
    """Write a page to `out`, readable by its owner only as the record is. OSError when that fails."""
    write_private(text.encode(), out)


def write_private(data: bytes, out: Path) -> None:
    """Write `data` to `out`, readable by its owner only. OSError when that fails."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.chmod(out, 0o600)  # a file that was there keeps its old mode otherwise
        file.write(data)


def section(name: str, title: str, body: str, intro: str = "") -> str:
    """A section called `name` with a heading; `body` is HTML, `intro` plain words."""
    said = f'<p class="soft">{escape(intro)}</p>' if intro else ""
    return f'<section id="{name}"><h2>{escape(title)}</h2>{said}{body}</section>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names with what is known of each, as a list of two columns."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    return f'<dl class="rows">{cells}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column names its row."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def sentences(texts: Iterable[str]) -> str:
    """Sentences as a list."""
    return f'<ul class="plain">{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul>'


def event_list(events: Sequence[Event], none: str, shown: int = SHOWN_EVENTS, alert: bool = False) -> str:
    """Events, the first `shown` of them open; the sentence `none` when there are none."""
    if not events:
        return f"<p>{escape(none)}</p>"
    items = [_item(event, alert) for event in events]
    text = f'<ol class="events">{"".join(items[:shown])}</ol>'
    if len(items) > shown:
        rest = f'<ol class="events">{"".join(items[shown:])}</ol>'
        text += f"<details><summary>{len(items) - shown} more</summary>{rest}</details>"
    return text


def sentence(text: str) -> str:
    """`text` with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def _item(event: Event, alert: bool) -> str:
    span = clock(event.start_s)
    if clock(event.end_s) != span:
        span += f" to {clock(event.end_s)}"
    moves = "".join(f"<span>{escape(move.text)}</span> " for move in event.moves.values())
    moved = f'<div class="moves">{moves}</div>' if moves else ""
    text = event.text if event.who == "Repair" else sentence(event.text)  # a name comes first in a repair
    times = f' <small class="times">{event.times} times</small>' if event.counted and event.times > 1 else ""
    return (
        f'<li><time>{span}</time><span class="who{" alert" if alert else ""}">{escape(event.who)}</span>'
        f"<p>{escape(text)}{times}</p>{moved}</li>"
    )
