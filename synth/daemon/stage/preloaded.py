"""What the process from which workers are forked loads: all their modules, and the kernels that most presets share."""

from __future__ import annotations

import gc
import signal

from synth.lazily import without_linear_algebra

FIRST, BLOCK = "settle", 1920


def _load() -> None:
    gc.disable()  # there is nothing to be found among what is only just loaded
    from synth.daemon.stage import worker  # noqa: F401 (that it is loaded is what matters)
    from synth.preset import load_preset
    from synth.session import Session

    with without_linear_algebra():
        Session(load_preset(FIRST), stems=True).render_audio(BLOCK)
    gc.collect()
    gc.freeze()  # what is not looked at by the garbage collector stays shared with every worker


signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with the service
_load()
