"""`synth warmup`: compiles the kernels once, so that the first sound comes at once."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands

_EXAMPLES = """\
  synth warmup               all presets
  synth warmup settle        what one preset needs
"""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "warmup", "compile the kernels once, ahead of the first sound", _EXAMPLES)
    command.add_argument("presets", metavar="PRESET", nargs="*", help="all of them if none is named")
    command.set_defaults(run=warmup)


def warmup(arguments: argparse.Namespace) -> int:
    """Compile the kernels."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from synth.cli.progress import compile_progress
    from synth.preset import load_preset, preset_names

    names = arguments.presets or preset_names()
    for name in names:
        load_preset(name)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        from synth.output.warmup import warm_up

        with compile_progress(bar, bar.add_task("getting ready", total=None)):
            warm_up(names)
    from synth.dsp._jit import CACHE, CACHE_REPAIRS, prune_caches

    removed = prune_caches()
    print(f"warm: {', '.join(names)} (kernels in {CACHE})")
    for repair in CACHE_REPAIRS:
        print(f"synth: repaired: {repair}", file=sys.stderr)
    if removed:
        print(f"removed kernels of {len(removed)} older versions")
    return 0
