"""`synth listen`: what a live source says and how well it is heard, and what is believed of it, once a second."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from synth.cli.arguments import add_command
from synth.cli.estimate import tell_repairs

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from synth.cli.arguments import Commands
    from synth.cli.listening import Listening, Meter
    from synth.estimator.state import State
    from synth.wearables.packet import Clock

_EXAMPLES = """\
  synth listen ble                                  the first heart rate sensor heard over Bluetooth
  synth listen "ble:Polar H10" --save heard.jsonl   this one; `synth estimate heard.jsonl` reads it again
  synth listen lsl --seconds 60
  synth listen osc:5000 --dialect muse --host 0.0.0.0
  my-sensor | synth listen - --plain                a line a second, KEY=VALUE, for people and scripts

SOURCE is - (JSON lines on standard input, such as {"t": 12.5, "hr": 71}), ble or ble:NAME-OR-ADDRESS, lsl or lsl:NAME,
osc or osc:PORT, or the path of a named pipe or of a file that JSON lines are being written to

Ctrl-C ends it; a recording that is finished is for `synth estimate`
"""
LOGS = (".jsonl", ".ndjson")
MOST_ROWS = 20  # channels shown
MOST_REPAIRS = 4
BAR = 31  # characters

Show = Callable[["Listening"], object]


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "listen", "show what a live sensor says and what is believed of it", _EXAMPLES)
    command.add_argument("source", metavar="SOURCE", help="-, ble, lsl, osc or a path, as told below")
    command.add_argument("--seconds", type=_seconds, default=math.inf, metavar="N", help="end after so long")
    command.add_argument("--dialect", metavar="D", help="of OSC: a name or a TOML file (default generic)")
    command.add_argument(
        "--host", metavar="H", help="address to hear OSC on: 127.0.0.1, this machine (default), or 0.0.0.0, the network"
    )
    command.add_argument("--plain", action="store_true", help="a line a second even in a terminal")
    command.add_argument("--save", type=_log, metavar="FILE.jsonl", help="keep what is received in a new file")
    command.set_defaults(run=listen)


def listen(arguments: argparse.Namespace) -> int:
    """Listen until the source ends, the time is over or Ctrl-C, then say what it came to."""
    from synth.cli.listening import Listening
    from synth.wearables.live import open_live

    began_s = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began_s

    live = open_live(arguments.source, clock, arguments.dialect, host=arguments.host)
    with live, _saving(arguments.save) as file:
        listening = Listening(live, None if file is None else file.write)
        with contextlib.suppress(KeyboardInterrupt), _shown(arguments.plain) as show:
            follow(listening, clock, time.sleep, show, arguments.seconds)
        listening.finish()
        status = live.status
    _tell(listening, status)
    if listening.lines and arguments.save:
        print(f"{arguments.save}: {listening.lines} lines; `synth estimate {arguments.save} --out CSV` reads them")
    return 0


def follow(
    listening: Listening, clock: Clock, wait: Callable[[float], object], show: Show, seconds: float = math.inf
) -> None:
    """Hear and show once a second, waiting in between, until the source ends or `seconds` of `clock` are over."""
    from synth.wearables.live import has_ended

    due_s = 0.0
    while True:
        wait(max(min(due_s, seconds) - clock(), 0.0))
        ended = has_ended(listening.live)
        listening.hear()
        while (next_s := listening.next_s) is not None and next_s <= clock():
            listening.tick()
        over = ended or clock() >= seconds
        if over:
            listening.finish()
        show(listening)
        if over:
            return
        due_s = due_s + 1.0 if next_s is None else next_s


@contextlib.contextmanager
def _saving(path: Path | None) -> Iterator[TextIO | None]:
    """A new file that only its owner may read, written line by line; None for no path."""
    if path is None:
        yield None
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n", buffering=1) as file:
        yield file


@contextlib.contextmanager
def _shown(plain: bool) -> Iterator[Show]:
    """How to show what is heard: a table that stays where it is in a terminal, else lines."""
    from rich.console import Console

    console = Console()
    if plain or not console.is_terminal:
        yield _Lines().show
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as table:
        ascii_only = console.options.ascii_only
        yield lambda listening: table.update(screen(listening, ascii_only), refresh=True)


class _Lines:
    """Prints a line a second, and before anything is heard only how the connection stands, when that changes."""

    def __init__(self) -> None:
        self._told = ("", -1)

    def show(self, listening: Listening) -> None:
        """Print what is new."""
        status = printable(listening.live.status) if listening.state is None else ""
        if self._told == (status, listening.seconds):
            return
        self._told = (status, listening.seconds)
        print(f"status={_quoted(status)}" if status else plain(listening), flush=True)


def plain(listening: Listening) -> str:
    """One second as KEY=VALUE: estimate, then each channel's last value, samples a second, share of use and age."""
    state = listening.state
    assert state is not None
    words = [
        f"t_s={state.t_s:.0f}",
        f"arousal={state.arousal:+.2f}",
        f"confidence={state.confidence:.2f}",
        f"p_elevated={state.p_elevated:.2f}",
        f"hr_bpm={_number(state.hr_bpm)}",
        f"resp_bpm={_number(state.resp_bpm)}",
        f"heart={state.heart_trouble or 'ok'}",
        f"skin={state.skin_trouble or 'ok'}",
    ]
    rows = _rows(listening)
    for channel, device, meter in rows:
        alone = sum(channel == other for other, _, _ in rows) == 1
        name = channel if alone else f"{channel}@{_quoted(device)}"
        words.append(f"{name}={_value(meter)},{meter.rate_hz:.1f}/s,{_share(meter)},{_age(state, meter)}")
    words += [
        f"why={_quoted('; '.join(state.reasons))}",
        f"status={_quoted(printable(listening.live.status))}",
        f"repairs={sum(listening.repairs.values())}",
    ]
    return " ".join(words)


def screen(listening: Listening, ascii_only: bool = False) -> Group:
    """One second as a table of channels, with what is believed below."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    state = listening.state
    if state is None:
        return Group(Text(printable(listening.live.status)), *_repaired(listening))
    channels = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("channel", "device"):
        channels.add_column(title)
    for title in ("samples/s", "age", "good", "last value"):
        channels.add_column(title, justify="right")
    rows = _rows(listening)
    for channel, device, meter in rows[:MOST_ROWS]:
        said = f"{_value(meter)} {_unit(channel)}".rstrip()
        style = "" if meter.good is not None and meter.good >= 0.8 else "yellow" if meter.good else "red"
        cells = (channel, device, f"{meter.rate_hz:.1f}", _age(state, meter), _share(meter), said)
        channels.add_row(*map(Text, cells), style=style)
    if len(rows) > MOST_ROWS:
        channels.add_row(Text(f"and {len(rows) - MOST_ROWS} more"))
    believed = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, what in _believed(state, ascii_only):
        believed.add_row(Text(name, style="bold"), what)
    believed.add_row(Text("connection", style="bold"), Text(printable(listening.live.status)))
    return Group(channels, Text(), believed, *_repaired(listening))


def _believed(state: State, ascii_only: bool) -> Iterator[tuple[str, Text]]:
    from rich.text import Text

    yield "arousal", Text(f"{bar(state.arousal, ascii_only)} {state.arousal:+.2f} about the baseline")
    sure = "" if state.fits is not False else ", this body has hardly answered so far"
    yield "confidence", Text(f"{state.confidence:.2f}{sure}")
    yield "chance elevated", Text(f"{state.p_elevated:.2f}")
    heart = _known(state.hr_bpm, "bpm")
    if state.hr_bpm is not None and state.hr_baseline_bpm is not None:
        heart += f", baseline {state.hr_baseline_bpm:.0f}"
    yield "heart rate", Text(f"set aside: {state.heart_trouble}" if state.heart_trouble else heart)
    if state.scl_us is not None or state.skin_trouble not in ("", "missing"):
        skin = _known(state.scl_us, "uS", 2)
        if state.scr_per_min is not None:
            skin += f", {state.scr_per_min:.0f} responses a minute"
        yield "skin", Text(f"set aside: {state.skin_trouble}" if state.skin_trouble else skin)
    yield "breathing", Text(_known(state.resp_bpm, "a minute"))
    if state.valence is not None:
        yield "mood as told", Text(f"{state.valence:+.1f}")
    yield "because", Text("; ".join(state.reasons))


def bar(arousal: float, ascii_only: bool = False) -> str:
    """-1..1 as a bar from the middle, BAR characters."""
    fill, rest, middle = ("#", ".", "|") if ascii_only else ("\u2588", "\u2591", "\u2502")
    half = BAR // 2
    filled = min(round(abs(arousal) * half), half)
    below, above = (filled, 0) if arousal < 0 else (0, filled)
    return (fill * below).rjust(half, rest) + middle + (fill * above).ljust(half, rest)


def printable(text: str) -> str:
    """What a device or sender calls itself, safe to show: no line ends, no control of the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def _rows(listening: Listening) -> list[tuple[str, str, Meter]]:
    from synth.wearables.samples import CHANNELS

    order = list(CHANNELS)
    keys = sorted(listening.meters, key=lambda key: (order.index(key[0]), key[1]))
    return [(channel, printable(device), listening.meters[channel, device]) for channel, device in keys]


def _repaired(listening: Listening) -> list[Text]:
    from rich.text import Text

    repairs = _counted(listening)
    shown = [Text(f"repaired: {repair}", style="dim") for repair in repairs[:MOST_REPAIRS]]
    return shown + [Text(f"and {len(repairs) - MOST_REPAIRS} more", style="dim")] * (len(repairs) > MOST_REPAIRS)


def _counted(listening: Listening) -> list[str]:
    """Repairs in words, the most frequent first."""
    found = sorted(listening.repairs.items(), key=lambda item: -item[1])
    return [printable(what) + (f" ({times})" if times > 1 else "") for what, times in found]


def _tell(listening: Listening, status: str) -> None:
    """Say in the end what was heard."""
    tell_repairs(_counted(listening))
    if listening.hurried:
        print("it came faster than it was sensed, as a recording does: `synth estimate` reads those")
    if listening.state is None:
        print(f"nothing was heard; {printable(status)}")
        return
    print(listening.tally.text)
    for channel, device, meter in _rows(listening):
        print(f"  {channel} of {device}: {meter.samples} samples, {100 * meter.used / meter.samples:.0f} % good")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _known(value: float | None, unit: str, digits: int = 1) -> str:
    return "not known" if value is None else f"{value:.{digits}f} {unit}"


def _value(meter: Meter) -> str:
    return "-" if math.isnan(meter.value) else f"{meter.value:.4g}"


def _share(meter: Meter) -> str:
    return "-" if meter.good is None else f"{100 * meter.good:.0f}%"


def _age(state: State, meter: Meter) -> str:
    return f"{state.t_s - meter.last_s:.1f}s"


def _unit(channel: str) -> str:
    from synth.wearables.samples import CHANNELS

    unit = CHANNELS[channel].partition(",")[0]
    return "" if unit == "arbitrary" else unit


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not seconds > 0.0:
        raise argparse.ArgumentTypeError(f"{text} seconds: give more than 0")
    return seconds


def _log(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in LOGS:
        raise argparse.ArgumentTypeError(f"{text}: call it .jsonl, so that `synth estimate` knows what it is")
    if path.exists():
        raise argparse.ArgumentTypeError(f"{text} is there already: give another name, or remove it")
    return path
