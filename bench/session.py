"""How fast is a whole session on one core?  python bench/session.py [PRESET ...] [--minutes M] [--repeats R] [--quick]
[--json]

Composer, bus, estimator, steering, all stems, mix, master and guard of each shipped preset, and of one made dense on
purpose, are rendered on one core with the shipped recording as input, in blocks of 4096 and of 256 frames that take
turns; the opening, in which stems come in one by one, is left out. Printed for each: real-time factor (audio seconds a
CPU second) and that of its slowest 10 s, medians of the repeats; the share of time outside compiled calls; voices and
stems that sound on average; time from starting Python to the first block out of a filled kernel cache; peak memory.
Then, once: compiling one preset and all of them into an empty cache, and encoding. `--quick` leaves compiling out and
renders less. Figures move with the machine; compare only figures of one run.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import pkgutil
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from synth import Session
    from synth.preset import Preset

BLOCKS = (4096, 256)
WINDOW_S = 10.0
OPENING_S = 60.0  # rendered first and left out: stems come in one by one
WARM_S = 20.0  # of another session before, which loads the kernels
STARTS = 3
ROOMS = ("synth", "synth.instruments", "synth.mix", "synth.safety", "synth.dsp")  # that call kernels from Python
DENSE, AIM = "dense", {"stems": 6, "voices": 24}
EVERYTHING = "from synth.output.warmup import warm_up; from synth.preset import preset_names; warm_up(preset_names())"


def dense() -> Preset:
    """The shipped preset with the fullest texture, with as many notes as the controls allow, all of them ringing on."""
    from synth.preset import load_preset, preset_from_dict, preset_to_dict

    made = preset_to_dict(load_preset("energise"))
    made["name"] = DENSE
    most = {"density_hz": 8.0, "articulation": 1.3, "percussiveness": 1.0}
    made["controls"] |= most
    made["ranges"] = {name: bounds for name, bounds in made["ranges"].items() if name not in most}
    made["scenes"] = [scene for scene in made["scenes"] if scene["archetype"] == "folk"]
    made["phases"] = [{key: value for key, value in phase.items() if key != "scene"} for phase in made["phases"]]
    made["stems"]["pad"]["settings"] = {"release_s": 6.0}
    for stem in ("melody", "bells"):
        made["stems"][stem] |= {"instrument": "felt_piano", "settings": {"pedal": 1.0}}
    return preset_from_dict(made)


def session(preset: str, minutes: float, seed: int = 1) -> Session:
    """A session of `preset`, a shipped one or DENSE, that listens to the shipped recording."""
    from synth import Session
    from synth.resources import assets_folder

    chosen = dense() if preset == DENSE else preset
    return Session(chosen, seed=seed, minutes=minutes, recording=assets_folder() / "recording")


def pin() -> None:
    """Keep this process and those it starts on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def wrap_kernels(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `wrap` around every kernel that Python calls. All have to be compiled by then: none could call another."""
    for room in ROOMS:
        for found in pkgutil.iter_modules(importlib.import_module(room).__path__):
            module = sys.modules.get(f"{room}.{found.name}")
            for name, value in list(vars(module).items()) if module else []:
                if hasattr(value, "py_func"):
                    setattr(module, name, wrap(value))


class KernelClock:
    """Adds up the time spent inside compiled calls made from Python."""

    def __init__(self) -> None:
        self.seconds = 0.0
        wrap_kernels(self._timed)

    def _timed(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(kernel)
        def call(*args: Any) -> Any:
            start = time.perf_counter()
            try:
                return kernel(*args)
            finally:
                self.seconds += time.perf_counter() - start

        return call


def rates(blocks: Iterator[tuple[float, float]]) -> tuple[float, float]:
    """Audio seconds a CPU second of `blocks` ((audio s, CPU s) each), in all and in the slowest WINDOW_S."""
    windows: list[float] = []
    audio = cpu = window_audio = window_cpu = 0.0
    for lasts, used in blocks:
        audio, cpu = audio + lasts, cpu + used
        window_audio, window_cpu = window_audio + lasts, window_cpu + used
        if window_audio >= WINDOW_S - 1e-9:
            windows.append(window_audio / window_cpu)
            window_audio = window_cpu = 0.0
    return audio / cpu, min(windows, default=audio / cpu)


def opened(preset: str, minutes: float) -> Session:
    """A session after its opening."""
    playing = session(preset, minutes)
    while playing.time_s < OPENING_S:
        playing.render(max(BLOCKS))
    return playing


def rendered(playing: Session, block: int, sounding: list[dict[str, int]]) -> Iterator[tuple[float, float]]:
    """Audio and CPU seconds of each block to the session's end; `sounding` is filled with its voices by stem."""
    while not playing.finished:
        before = time.process_time()
        playing.render(block)
        used = time.process_time() - before
        sounding.append(playing.engine.sounding())
        yield block / playing.sample_rate, used


def share_outside(playing: Session, clock: KernelClock, block: int) -> float:
    """The share of a minute's render that is spent outside compiled calls."""
    end_s = playing.time_s + 60.0
    clock.seconds, start = 0.0, time.perf_counter()
    while playing.time_s < end_s:
        playing.render(block)
    return 1.0 - clock.seconds / (time.perf_counter() - start)


def measure(preset: str, minutes: float, repeats: int) -> dict[str, Any]:
    """Figures of one preset in this process."""
    from synth import render_session

    for block in BLOCKS:
        warm = session(preset, 1.0)
        while warm.time_s < WARM_S:
            warm.render(block)
    found: dict[int, list[tuple[float, float]]] = {block: [] for block in BLOCKS}
    sounding: list[dict[str, int]] = []
    for _ in range(repeats):
        for block in BLOCKS:
            sounding.clear()
            found[block].append(rates(rendered(opened(preset, minutes), block, sounding)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    chosen = dense() if preset == DENSE else preset
    with tempfile.TemporaryDirectory() as folder:
        encode_s = render_session(chosen, folder, minutes=1.0, seed=1, overwrite=True).encode_s
    clock = KernelClock()
    return {
        "preset": preset,
        "real_time_factor": {block: statistics.median(all_s for all_s, _ in found[block]) for block in BLOCKS},
        "slowest_10s": {block: statistics.median(slowest for _, slowest in found[block]) for block in BLOCKS},
        "share_outside_kernels": {block: share_outside(opened(preset, 3.0), clock, block) for block in BLOCKS},
        "mean_voices": statistics.fmean(sum(voices.values()) for voices in sounding),
        "mean_stems": 1.0 + statistics.fmean(sum(v > 0 for v in voices.values()) for voices in sounding),
        "peak_memory_mb": peak,
        "encode_s_per_min": encode_s,
    }


def first_block(preset: str) -> str:
    """A program that plays the first block of `preset`."""
    chosen = "__import__('session').dense()" if preset == DENSE else repr(preset)
    return f"from synth import Session; Session({chosen}, minutes=1).render(256)"


class Seconds(NamedTuple):
    """How long a program took: on the clock, and of CPU."""

    wall: float
    cpu: float


def run_s(code: str, cache: str | None = None) -> Seconds:
    """A Python of its own from its start to its end, which runs `code`, with its kernels in the folder `cache`."""
    path = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, **({"ISOTONE_CACHE_DIR": cache} if cache else {})}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def cached_start(preset: str) -> Seconds:
    """From starting Python to the first block, all kernels in the cache; medians of STARTS."""
    run_s(first_block(preset))
    taken = [run_s(first_block(preset)) for _ in range(STARTS)]
    return Seconds(*(statistics.median(column) for column in zip(*taken, strict=True)))


def cold(code: str) -> Seconds:
    """What `code` takes from starting Python with an empty kernel cache."""
    with tempfile.TemporaryDirectory() as cache:
        return run_s(code, cache)


def table(result: dict[str, Any]) -> str:
    big, small = BLOCKS
    heads, blocks = ("real time", "slowest 10 s", "not compiled"), f"{big:8}{small:6}"
    lines = [
        "".join((" " * 10, *(f"{head:>14}" for head in heads), f"{'voices':>8}{'stems':>7}{'start':>14}{'memory':>8}")),
        f"{'preset':10}{blocks * len(heads)}{'mean':>8}{'mean':>7}{'s':>7}{'CPU s':>7}{'MB':>8}",
    ]
    for row in result["presets"]:
        fast, slow, share = row["real_time_factor"], row["slowest_10s"], row["share_outside_kernels"]
        lines.append(
            f"{row['preset']:10}{fast[big]:7.0f}x{fast[small]:5.0f}x{slow[big]:7.0f}x{slow[small]:5.0f}x"
            f"{100 * share[big]:6.0f} %{100 * share[small]:4.0f} %{row['mean_voices']:8.1f}{row['mean_stems']:7.1f}"
            f"{row['cached_start_s']['wall']:7.2f}{row['cached_start_s']['cpu']:7.2f}{row['peak_memory_mb']:8.0f}"
        )
    lines += [
        "",
        f"Blocks of {big} and {small} frames; renders of {result['minutes']:g} minutes, the first of which is left out;"
        f" medians of {result['repeats']}.",
        "not compiled: share of time outside kernels, in Python and in NumPy called from it.",
        "voices: as the instruments count them, ringing ones too. stems: with a voice, and the reverb's return.",
        "start: from starting Python to the first block, kernels cached. memory: the most a session's process held.",
    ]
    encode_s = statistics.median(row["encode_s_per_min"] for row in result["presets"])
    lines.append(f"Encoding a minute of mix, stems and pre-master as FLAC: {encode_s:.1f} s, not in the figures above.")
    for what, seconds in result["compile_s"].items():
        lines.append(
            f"Compiling {what} into an empty cache: {seconds['wall']:.1f} s from starting Python,"
            f" {seconds['cpu']:.1f} s of CPU."
        )
    for row in result["presets"]:
        if row["preset"] == DENSE:
            reached = row["mean_stems"] >= AIM["stems"] and row["mean_voices"] >= AIM["voices"]
            lines.append(
                f"{DENSE} is to hold {AIM['stems']} stems and {AIM['voices']} voices on average, and "
                + ("does." if reached else "does NOT: read its figures for what it held.")
            )
    return "\n".join(lines)


def note(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main() -> None:
    from synth.preset import preset_names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shipped = [*preset_names(), DENSE]
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=f"of {', '.join(shipped)}; all if none is named")
    parser.add_argument("--minutes", type=float, help="of each render, its opening minute included (5; quick: 2)")
    parser.add_argument("--repeats", type=int, help="(3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="less music, nothing compiled anew")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", action="store_true", help="measure one preset in this process; JSON")
    options = parser.parse_args()
    if unknown := set(options.presets) - set(shipped):
        parser.error(f"no preset called {', '.join(sorted(unknown))}: there are {', '.join(shipped)}")
    minutes = options.minutes or (2.0 if options.quick else 5.0)
    repeats = options.repeats or (1 if options.quick else 3)
    if minutes < 1.5 or repeats < 1:
        parser.error("give --minutes 1.5 or more and --repeats 1 or more")
    presets = options.presets or shipped
    pin()
    if options.alone:
        print(json.dumps([measure(preset, minutes, repeats) for preset in presets]))
        return
    rows = []
    for preset in presets:
        note(f"{preset}: start, then {repeats} renders of {minutes:g} minutes at each block size")
        start = cached_start(preset)
        command = [sys.executable, __file__, preset, "--alone", "--minutes", str(minutes), "--repeats", str(repeats)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        (row,) = json.loads(done.stdout)
        for name in ("real_time_factor", "slowest_10s", "share_outside_kernels"):
            row[name] = {int(block): value for block, value in row[name].items()}
        rows.append({**row, "cached_start_s": start._asdict()})
    compile_s = {}
    if not options.quick:
        note("compiling into an empty cache")
        compile_s = {
            f"what {presets[0]} plays": cold(first_block(presets[0]))._asdict(),
            "what all shipped presets play": cold(EVERYTHING)._asdict(),
        }
    note("")
    result = {"presets": rows, "compile_s": compile_s, "minutes": minutes, "repeats": repeats}
    print(json.dumps(result, indent=1) if options.json else table(result))


if __name__ == "__main__":
    main()
