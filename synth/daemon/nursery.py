"""A process that has loaded what every worker needs, and from which workers are forked in milliseconds.

It is begun before anything else, so that it loads while the service itself does. Python's own fork server
(`multiprocessing`) does the forking; it ends with this process.
"""

from __future__ import annotations

from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.daemon.stage.part import WorkerSetup

PRELOADED = "synth.daemon.stage.preloaded"


def nursery() -> ForkServerContext:
    """The context in which workers are made; its process is begun where it does not run yet."""
    context = get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    forkserver.ensure_running()
    return context


def work(setup: WorkerSetup, orders: Connection) -> None:
    """What a worker does, in its own process; whoever starts it need not load that."""
    from synth.daemon.stage.worker import main

    main(setup, orders)
