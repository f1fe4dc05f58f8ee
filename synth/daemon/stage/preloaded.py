"""What the process from which workers are forked loads: all their modules, and the kernels that most presets share."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

FIRST, BLOCK = "settle", 1920


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Let nobody import `module` meanwhile."""
    sys.modules.setdefault(module, None)  # type: ignore[arg-type]
    yield
    if sys.modules[module] is None:
        del sys.modules[module]


def _load() -> None:
    gc.disable()  # there is nothing to be found among what is only just loaded
    from synth.daemon.stage import worker  # noqa: F401 (that it is loaded is what matters)
    from synth.preset import load_preset
    from synth.session import Session

    with _without("scipy.linalg"):  # Numba loads it with the first kernel (0.25 s, 16 MB), and no kernel calls it
        Session(load_preset(FIRST), stems=True).render_audio(BLOCK)
    gc.collect()
    gc.freeze()  # what is not looked at by the garbage collector stays shared with every worker


signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with the service
_load()
