"""`synth play`: a session live, through a sound device, with hands on it over OSC and MIDI."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.cli.arguments import add_command, add_composition
from synth.cli.hands import Hands, add_hands, hands_of
from synth.cli.keeping import add_keeping, keeping
from synth.cli.terms import add_terms, asked

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.control.clock.servo import TempoLimits
    from synth.live import LiveSession, Setup
    from synth.record.keeping import Keeping

_PLAY = """\
  synth play settle                                  through the sound of this machine
  synth play settle --device jack                    a pair of ports for the mix, the pre-master and each stem
  synth play focus --wearable ble --minutes 30       steered by a heart rate sensor
  synth play settle --osc --oscquery                 from a control surface
  synth play settle --midi-in nanoKONTROL --midi-map mine.toml
  synth play pace --device jack --clock in           in time with the DAW
  synth play settle --device null --minutes 1        to nobody: to try

Ctrl-C fades out and ends, twice ends at once. The folder holds the record, the score, every control as heard and the
report; `synth replay DIR --out AGAIN` renders mix and stems of what was played, `synth export AGAIN --to reaper` hands
them over
"""
DEVICES = ("auto", "jack", "pyo", "portaudio", "null")
LOOK_S = 0.25
SWITCH_S = 0.0005  # hands do not wait for the console


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "play", "play a session live, with hands on it over OSC and MIDI", _PLAY)
    add_composition(command)
    group = command.add_argument_group("sound")
    group.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="auto takes JACK where a server runs, else pyo, else PortAudio; null plays to nobody",
    )
    group.add_argument(
        "--output", metavar="NAME", help="of the device: a number or part of a name; of JACK the server's name"
    )
    group.add_argument(
        "--block", type=_frames, default=256, metavar="N", help="frames, where JACK does not say (default 256)"
    )
    group.add_argument("--sample-rate", type=int, default=48_000, metavar="HZ", help="where JACK does not say")
    group.add_argument("--no-connect", action="store_true", help="leave the mix unconnected in JACK")
    command.add_argument(
        "--wearable",
        metavar="SOURCE",
        help="a live sensor (`synth listen --help`), or a recording to play beside it",
    )
    command.add_argument("--dialect", metavar="D", help="of a sensor that speaks OSC")
    command.add_argument("--plain", action="store_true", help="a line every ten seconds even in a terminal")
    add_hands(command)
    add_terms(command)
    command.add_argument(
        "--out", type=Path, default=Path("session"), metavar="DIR", help="folder for the record (default session)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace a session that is there already")
    add_keeping(command)
    command.set_defaults(run=play)


def play(arguments: argparse.Namespace) -> int:
    """Play until the session is over or Ctrl-C."""
    from synth.cli.console import console
    from synth.live import LiveSession
    from synth.output.records import Records

    sys.setswitchinterval(SWITCH_S)
    setup = _setup(arguments)
    with Records(arguments.out, keeping(arguments), overwrite=arguments.overwrite) as records:
        live = LiveSession(setup, record=records.write)
        with _interrupted(live) as over, contextlib.ExitStack() as parts:
            with console(arguments.plain) as show:
                show.say("getting ready")
                hands = parts.enter_context(hands_of(arguments, live, _tempo_limits(arguments, setup)))
                records.hear = hands.hear
                parts.enter_context(_sensor(arguments, live, hands))
                parts.enter_context(live)
                hands.started()
                while not live.wait(LOOK_S) and not over.is_set():
                    show.look(live, hands)
            seen = live.seen
    _tell(seen, records.folders, keeping(arguments))
    return 0


def _setup(arguments: argparse.Namespace) -> Setup:
    from synth.cli.script import Script, read_script
    from synth.live import Setup, first_device
    from synth.preset import load_preset

    script = read_script(arguments.controls) if arguments.controls else Script([], [])
    for repair in script.repairs:
        print(f"synth: repaired: {repair}", file=sys.stderr)
    session: dict[str, Any] = {
        "seed": arguments.seed,
        "minutes": arguments.minutes,
        "settings": dict(arguments.settings),
        "script": script.requests,
        "played": arguments.played,
        **asked(arguments),
    }
    if arguments.wearable and _is_recording(arguments.wearable):
        session["recording"] = Path(arguments.wearable)
    device = first_device() if arguments.device == "auto" else arguments.device
    return Setup(
        load_preset(arguments.preset),
        session,
        device=device,
        device_name=arguments.output,
        frames=arguments.block,
        sample_rate=arguments.sample_rate,
        connect=not arguments.no_connect,
        wait=arguments.wait,
        notes_out=arguments.notes,
        clock_out=arguments.clock == "out",
    )


def _tempo_limits(arguments: argparse.Namespace, setup: Setup) -> TempoLimits:
    """How far a clock may move the tempo."""
    from synth.control.clock.servo import TempoLimits
    from synth.session import agree

    return TempoLimits.of(agree(setup.preset, arguments.minutes or setup.preset.minutes, **asked(arguments)))


def _is_recording(source: str) -> bool:
    path = Path(source)
    return path.is_dir() or path.suffix in (".csv", ".gz", ".parquet")


@contextlib.contextmanager
def _interrupted(live: LiveSession) -> Iterator[threading.Event]:
    """Ctrl-C (or a service that ends us) fades out; a second one ends at once, and sets the event."""
    over = threading.Event()
    asked_before = False

    def stop(number: int, frame: object) -> None:
        nonlocal asked_before
        if asked_before:
            over.set()
            live.kill()
        asked_before = True
        live.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _sensor(arguments: argparse.Namespace, live: LiveSession, hands: Hands) -> Iterator[None]:
    """Hand over what a live sensor says, as long as this lasts."""
    if not arguments.wearable or _is_recording(arguments.wearable):
        yield
        return
    from synth.wearables.live import open_live

    over = threading.Event()
    with open_live(arguments.wearable, lambda: live.time_s, arguments.dialect) as source:
        hands.sensor = source

        def listen() -> None:
            while not over.wait(0.05):
                for packet in source.packets():
                    live.hear(packet)

        thread = threading.Thread(target=listen, name="sensor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _frames(text: str) -> int:
    from synth.live.setup import FRAMES

    if not text.isdigit() or not FRAMES[0] <= int(text) <= FRAMES[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: give {FRAMES[0]} to {FRAMES[1]} frames")
    return int(text)


def _tell(seen: Any, folders: list[Path], kept: Keeping) -> None:
    """Write what is made from the record, and say how it went."""
    from synth.output.afterwards import write_afterwards

    print(
        f"played {seen.time_s / 60.0:.1f} min: {seen.blocks:.0f} blocks, {seen.late:.0f} late, {seen.xruns:.0f} xruns, "
        f"slowest {seen.worst_us / 1000.0:.1f} ms"
    )
    for folder in folders:
        write_afterwards(folder, key=kept.key)
        print(f"{folder}: open report.html; `synth replay {folder} --out again` makes mix and stems")
