"""How fast is a whole session on one core?  python bench/session.py [PRESET ...] [--minutes M] [--block N] [--json]

Composer, bus, estimator, steering, all stems, mix, master and guard of each preset are rendered on one core with the
shipped recording as input. Printed per preset: real-time factor (audio seconds a CPU second), sounding stems, mean
voices, slowest 10 s, the share of time spent in Python, encode time apart, peak memory, and the start from a cold and
from a warm kernel cache. Figures move with the machine; compare only figures of one run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

WINDOW_S = 10.0
ROOMS = ("synth.instruments", "synth.mix", "synth.safety", "synth.dsp")


class KernelClock:
    """Adds up the CPU time spent inside compiled calls made from Python, by wrapping every kernel of the rooms."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for room in ROOMS:
            for found in pkgutil.iter_modules(importlib.import_module(room).__path__):
                module = sys.modules.get(f"{room}.{found.name}")
                for name, value in list(vars(module).items()) if module else []:
                    if hasattr(value, "py_func"):
                        setattr(module, name, self._timed(value))

    def _timed(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            start = time.thread_time()
            try:
                return kernel(*args)
            finally:
                self.seconds += time.thread_time() - start

        return call


def measure(preset: str, minutes: float, block: int) -> dict[str, Any]:
    """Figures of one session in this process; a first minute with stems compiles the kernels and finds what sounds."""
    from synth import Session, render_session
    from synth.resources import assets_folder

    recording = assets_folder() / "recording"
    with tempfile.TemporaryDirectory() as folder:
        summary = render_session(preset, folder, minutes=1.0, seed=1, wearable=recording, overwrite=True)
    clock = KernelClock()
    session = Session(preset, seed=1, minutes=minutes, recording=recording)
    voices: list[int] = []
    windows: list[float] = []
    total = window_cpu = window_start = 0.0
    while not session.finished:
        before = time.process_time()
        session.render(block)
        used = time.process_time() - before
        total, window_cpu = total + used, window_cpu + used
        voices.append(sum(session.engine.sounding().values()))
        if session.time_s - window_start >= WINDOW_S:
            windows.append((session.time_s - window_start) / window_cpu)
            window_cpu, window_start = 0.0, session.time_s
    return {
        "preset": preset,
        "minutes": minutes,
        "block": block,
        "real_time_factor": session.time_s / total,
        "slowest_10s": min(windows, default=session.time_s / total),
        "sounding_stems": len(session.engine.stems) - len(summary.silent),
        "mean_voices": sum(voices) / len(voices),
        "python_share": 1 - clock.seconds / total,
        "encode_s_per_min": summary.encode_s,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def start_times(preset: str) -> dict[str, float]:
    """Seconds from starting Python to the first audio, from an empty and then from a filled kernel cache."""
    code = f"from synth import Session; Session({preset!r}, minutes=1).render(256)"
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "ISOTONE_CACHE_DIR": cache}
        seconds = []
        for _ in range(4):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=environment, check=True)
            seconds.append(time.perf_counter() - start)
    return {"cold_start_s": seconds[0], "cached_start_s": sorted(seconds[1:])[1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=["settle", "sleep", "focus", "energise"])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--block", type=int, default=4096)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-start", action="store_true", help="leave out cold and cached start")
    options = parser.parse_args()
    rows = []
    for preset in options.presets:
        starts = {} if options.no_start else start_times(preset)
        with tempfile.NamedTemporaryFile() as result:
            code = (
                f"import json, os, runpy; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}});"
                f"m = runpy.run_path({__file__!r}); json.dump(m['measure']({preset!r}, {options.minutes},"
                f" {options.block}), open({result.name!r}, 'w'))"
            )
            subprocess.run([sys.executable, "-c", code], check=True)
            rows.append({**json.load(open(result.name)), **starts})
        if not options.json:
            print(
                *(f"{k:>18}  {v:.2f}" if isinstance(v, float) else f"{k:>18}  {v}" for k, v in rows[-1].items()),
                "",
                sep="\n",
            )
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
