"""A worker seen from the daemon: started, listened to, ended."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from synth.daemon.renders.told import LONGEST_LINE, Done, Failed, Step, told_of

STALLED_S = 900.0  # a first run compiles its kernels; one that is silent for longer hangs
STALLED = Failed("broken", f"the render said nothing for {STALLED_S / 60:g} minutes and was ended: ask for it again")


async def work(
    kind: str, *paths: Path, on_step: Callable[[Step], None] = lambda step: None, stalled_s: float = STALLED_S
) -> Done | Failed:
    """Have a worker do `kind` (`synth.daemon.renders.worker`) with `paths`; it is ended with whoever waits for it.

    The worker ends by itself when the daemon is gone, since its standard input ends then.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "synth.daemon.renders.worker",
        kind,
        *map(str, paths),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LONGEST_LINE,
    )
    try:
        return await _listen(process, on_step, stalled_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())


async def _listen(
    process: asyncio.subprocess.Process, on_step: Callable[[Step], None], stalled_s: float
) -> Done | Failed:
    assert process.stdout is not None
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), stalled_s)
        except TimeoutError:
            return STALLED
        if not line:
            return await _gone(process)
        told = told_of(line)
        if not isinstance(told, Step):
            return told
        on_step(told)


async def _gone(process: asyncio.subprocess.Process) -> Failed:
    """It ended without a word."""
    code = await process.wait()
    how = f"signal {-code}" if code < 0 else f"status {code}"
    why = ": is there too little memory?" if code == -9 else ""
    return Failed("broken", f"the render's process ended by itself ({how}){why}")
