"""The progress bar of a render: how far, how fast against real time, how long still."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _RealTime(ProgressColumn):
    """Seconds of music made in a second."""

    def render(self, task: Task) -> Text:
        factor = task.fields.get("factor")
        return Text(f"{factor:.1f}x real time" if factor else "")


@contextlib.contextmanager
def music_progress(title: str, waiting: str) -> Iterator[Callable[[float, float], None]]:
    """A bar on stderr, drawn only on a terminal; gives the function to call with (done_s, total_s) of music.

    `waiting` is shown until the first call.
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
        task = bar.add_task(waiting, total=None)
        began: tuple[float, float] | None = None

        def report(done_s: float, total_s: float) -> None:
            nonlocal began
            now = time.monotonic()
            if began is None:
                began = now, done_s
            factor = (done_s - began[1]) / (now - began[0]) if now > began[0] else None
            bar.update(task, description=title, completed=done_s, total=total_s, factor=factor)

        yield report
