"""The progress bar of a render: how far, how fast against real time, how long still."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _RealTime(ProgressColumn):
    """Seconds of music made in a second."""

    def render(self, task: Task) -> Text:
        factor = task.fields.get("factor")
        return Text(f"{factor:.1f}x real time" if factor else "")


@contextlib.contextmanager
def compile_progress(bar: Progress, task: TaskID) -> Iterator[None]:
    """Show on `task` how many kernels are compiled, once some are being compiled."""
    from synth.dsp._jit import compiled_kernels

    before, _ = compiled_kernels()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            done, known = compiled_kernels()
            if done > before:
                bar.update(task, description="compiling kernels, this once", completed=done, total=known)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def music_progress(title: str) -> Iterator[Callable[[float, float], None]]:
    """A bar on stderr, drawn only on a terminal; gives the function to call with (done_s, total_s) of music.

    Until the first call it shows kernels compiling.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        _RealTime(),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("getting ready", total=None)
        getting_ready = contextlib.ExitStack()
        if not console.is_terminal:
            yield lambda done_s, total_s: None
            return
        getting_ready.enter_context(compile_progress(bar, task))
        began: tuple[float, float] | None = None

        def report(done_s: float, total_s: float) -> None:
            nonlocal began
            getting_ready.close()
            now = time.monotonic()
            if began is None:
                began = now, done_s
            factor = (done_s - began[1]) / (now - began[0]) if now > began[0] else None
            bar.update(task, description=title, completed=done_s, total=total_s, factor=factor)

        with getting_ready:
            yield report
