"""Makes ready once what each worker of the tests would make for itself: kernels compiled, test modules compiled.

`make test` runs this beside linters and type checks, which keep one core busy. The tests do not need it: without it
they take longer.
"""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys

RATE = 48_000
AT_ONCE = 2
SESSION = "settle"  # whose mix, master and guards are those of every session


def jobs() -> list[str]:
    """A preset, then the modules of instruments; those that it plays come last, as they are compiled by then."""
    from synth.instruments import CATALOGUE
    from synth.preset import load_preset

    preset = load_preset(SESSION)
    played = {setting.instrument for name, setting in preset.stems.items() if name != "reverb"}
    modules = {entry.path.partition(":")[0]: entry.name in played for entry in CATALOGUE.values()}
    modules |= {CATALOGUE[name].path.partition(":")[0]: True for name in played}
    return [SESSION, *sorted(modules, key=lambda module: modules[module])]


def compile_kernels(job: str) -> None:
    """Of the session's preset, or of all instruments of a module."""
    from synth.instruments import CATALOGUE, make
    from synth.instruments.audition import audition
    from synth.preset import load_preset
    from synth.session.warm import warm_up

    if job == SESSION:
        warm_up(load_preset(job))
        return
    for entry in CATALOGUE.values():
        if entry.path.partition(":")[0] == job:
            audition(make(entry.name, RATE, 1), [(0.0, 0.1, 60, 0.5, 0.5)], 0.2, RATE)


def main() -> None:
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "--no-header", "-p", "no:schemathesis"]
    with (
        subprocess.Popen(collect, stdout=subprocess.DEVNULL) as collecting,  # the tests tell what is wrong with them
        multiprocessing.get_context("spawn").Pool(AT_ONCE) as pool,
    ):
        signal.signal(signal.SIGTERM, lambda number, frame: (collecting.terminate(), sys.exit(1)))
        for _ in pool.imap_unordered(compile_kernels, jobs()):
            pass


if __name__ == "__main__":
    main()
