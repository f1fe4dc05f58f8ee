"""`synth render` and `synth replay`: sessions into files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.cli.arguments import add_command, add_composition
from synth.cli.keeping import add_keeping, add_key, keeping
from synth.cli.terms import add_terms, asked

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.estimator.context import Context
    from synth.output.render import Summary

_RENDER = """\
  synth render settle --minutes 5 --out session
  synth render settle --wearable assets/recording --seed 1 --out session
  synth render focus --set tempo_bpm=72 --set mode=dorian --out session
  synth render sleep --controls script.csv --format wav --out session
  synth render settle --feeling 0.4,-0.2 --constraint "no percussion" --palette wood
  synth render sleep --for phone --out session
  synth render drift-and-return --spatial binaural --out session

the folder holds mix and stems, score.mid, controls.csv (every control as heard), session.jsonl (the record, which
`synth replay` plays again) and report.html (open it in a browser)
"""
_REPLAY = """\
  synth replay session --out again                      the same samples again, from what the record says was asked
  synth replay session --out again --from sensors       decide again from the recorded sensors, and compare
"""


def add(commands: Commands) -> None:
    """Add the two commands."""
    command = add_command(commands, "render", "render a session into a folder of files", _RENDER)
    add_composition(command)
    add_terms(command)
    command.add_argument(
        "--wearable",
        type=Path,
        metavar="PATH",
        help="a recording that steers the session; without one the plan runs alone",
    )
    command.add_argument(
        "--person",
        type=Path,
        metavar="FILE",
        help="the person's earlier sessions, a prior for the estimate; this one is added (only its resting heart rate)",
    )
    command.add_argument(
        "--for",
        dest="delivery",
        metavar="DEVICE",
        help="make mix and stems for what plays them: headphones, phone, smart_speaker, hearing_aid or tactile",
    )
    _add_output(command)
    add_keeping(command)
    command.add_argument("--sample-rate", type=int, default=48_000, metavar="HZ", help="default 48000")
    command.set_defaults(run=render)

    command = add_command(commands, "replay", "render a recorded session again", _REPLAY)
    command.add_argument("folder", metavar="DIR", type=Path, help="the folder of a session, or its session.jsonl")
    command.add_argument(
        "--from",
        dest="source",
        choices=("commits", "sensors"),
        default="commits",
        help="what to play back: what the bus took (default), or the sensors, with estimator and policy running again",
    )
    _add_output(command)
    add_key(command)
    command.set_defaults(run=replay)


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", type=Path, default=Path("session"), metavar="DIR", help="folder to write (default session)"
    )
    command.add_argument("--overwrite", action="store_true", help="replace a session that is there already")
    command.add_argument(
        "--stems", action=argparse.BooleanOptionalAction, default=True, help="write each stem as a file (default)"
    )
    command.add_argument("--mastered-stems", action="store_true", help="stems after the master: they sum to the mix")
    command.add_argument(
        "--spatial",
        choices=("ambix", "binaural"),
        help="add a file of sound all round: first-order Ambisonics, or for headphones as heard by a head in a room",
    )
    command.add_argument(
        "--format", choices=("flac", "wav"), default="flac", help="of the audio, 24-bit (default flac)"
    )
    command.add_argument(
        "--block",
        type=int,
        default=4096,
        metavar="N",
        help="frames made at a time (default 4096); the samples are the same",
    )


def render(arguments: argparse.Namespace) -> int:
    """Render a session."""
    from synth.cli.progress import music_progress
    from synth.cli.script import Script, read_script

    _check_stems(arguments)
    script = read_script(arguments.controls) if arguments.controls else Script([], [])
    note_repairs(script.repairs)
    context = _context(arguments.person) if arguments.person else None
    from synth.dsp._jit import CACHE_REPAIRS, compiled_kernels
    from synth.output.render import render_session

    note_repairs(CACHE_REPAIRS)
    compiled, _ = compiled_kernels()
    try:
        with music_progress(f"rendering {arguments.preset}") as progress:
            summary = render_session(
                arguments.preset,
                arguments.out,
                wearable=arguments.wearable,
                minutes=arguments.minutes,
                seed=arguments.seed,
                settings=dict(arguments.settings),
                script=script.requests,
                repairs=script.repairs,
                sample_rate=arguments.sample_rate,
                context=context,
                delivery=arguments.delivery,
                progress=progress,
                keeping=keeping(arguments),
                **asked(arguments),
                **_output(arguments),
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_kept(arguments.out)) from None
    _tell(summary, compiled_kernels()[0] - compiled)
    if arguments.person:
        _remember(arguments.person, arguments.out)
    if arguments.ledger:
        _enter(arguments.ledger, summary)
    return 0


def _context(path: Path) -> Context:
    from synth.estimator.context import read_context
    from synth.wearables.table import RecordingError

    try:
        return read_context(path)
    except ValueError as error:
        raise RecordingError(str(error)) from None


def _remember(path: Path, folder: Path) -> None:
    """Add the session's resting heart rate to the person's file, when one was found."""
    from synth.estimator.context import Earlier, append_session
    from synth.record.reader import read_record

    states = read_record(folder / "session.jsonl").of("state")
    if states and states[-1]["hr_baseline_bpm"] is not None:
        append_session(path, Earlier(states[-1]["hr_baseline_bpm"]))


def _enter(path: Path, summary: Summary) -> None:
    """Add what was rendered to the person's week of sound."""
    from datetime import date

    from synth.safety.ledger import append_ledger

    if summary.dose and (heard := summary.dose.take_heard(date.today())):
        append_ledger(path, heard)
        print(f"{summary.dose.percent:.2f} % of a week's dose of sound, with this session ({path})")


def replay(arguments: argparse.Namespace) -> int:
    """Render a recorded session again."""
    from synth.cli.progress import music_progress
    from synth.dsp._jit import CACHE_REPAIRS, compiled_kernels
    from synth.output.replay import replay_session

    _check_stems(arguments)
    note_repairs(CACHE_REPAIRS)
    compiled, _ = compiled_kernels()
    from_sensors = arguments.source == "sensors"
    folder = arguments.folder.parent if arguments.folder.is_file() else arguments.folder
    try:
        with music_progress(f"replaying {folder}") as progress:
            replayed = replay_session(
                folder,
                arguments.out,
                from_sensors=from_sensors,
                progress=progress,
                keeping=keeping(arguments),
                **_output(arguments),
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_kept(arguments.out)) from None
    note_repairs([f"the record is not as it was written: {text}" for text in replayed.breaks])
    _tell(replayed.summary, compiled_kernels()[0] - compiled)
    if from_sensors:
        print(f"first difference: {replayed.difference}" if replayed.difference else "every decision came out the same")
    return 0


def _check_stems(arguments: argparse.Namespace) -> None:
    if arguments.mastered_stems and not arguments.stems:
        from synth.output.folder import OutputError

        raise OutputError("--mastered-stems and --no-stems contradict each other: leave one out")


def _output(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("stems", "mastered_stems", "spatial", "format", "block", "overwrite")
    return {name: getattr(arguments, name) for name in names}


def note_repairs(repairs: list[str]) -> None:
    """Say on stderr what was repaired in what was given."""
    for repair in repairs:
        print(f"synth: repaired: {repair}", file=sys.stderr)


def _kept(out: Path) -> str:
    return f"The files in {out} are closed and valid up to there." if out.is_dir() else ""


def _tell(summary: Summary, compiled: int) -> None:
    minutes, seconds = divmod(round(summary.seconds), 60)
    taken = (
        f"{summary.render_s:.1f} s ({summary.seconds / summary.render_s:.0f}x real time)" if summary.render_s else "0 s"
    )
    print(f"{minutes}:{seconds:02d} of music rendered in {taken}, its files encoded in {summary.encode_s:.1f} s")
    if compiled:
        print(f"{compiled} kernels were compiled on the way; the next run starts at once")
    for path in summary.files:
        print(f"  {path}")
    if summary.silent:
        print(f"silent, so not written: {', '.join(summary.silent)}")
    print(f"open {summary.folder / 'report.html'} to see what moved the music and why")
