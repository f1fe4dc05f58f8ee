"""What the process from which workers are forked loads: all their modules, and the kernels that most presets share."""

from __future__ import annotations

import gc
import signal

import synth.daemon.stage.worker  # noqa: F401 (that it is loaded is what matters)
from synth.preset import load_preset
from synth.session import Session

FIRST, BLOCK = "settle", 1920

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with the service
Session(load_preset(FIRST), stems=True).render_audio(BLOCK)
gc.collect()
gc.freeze()  # what is not looked at by the garbage collector stays shared with every worker
