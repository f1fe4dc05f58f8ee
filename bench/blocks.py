"""Does a live session keep its time?  python bench/blocks.py [--json] [--seconds S] [--block N] [--preset P]
[--measure ...]

live: every block of a session against its deadline, beside a loop that does nothing for as long, so that what the host
does can be told from what the session does. parts: where a block's time goes. voices: what more voices cost. sessions:
how many live sessions one core keeps up with. memory: of the first session and each further one. allocations: what a
block allocates. Each runs in a process of its own on one core. Figures move with the machine; compare only figures of
one run. The programs are in bench/blocks/.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from session import DENSE, first_block, note, run_s

HERE = Path(__file__).resolve().parent
RATE = 48_000
MEASURES = ("live", "parts", "voices", "sessions", "memory", "allocations")


class Job(NamedTuple):
    """A program of bench/blocks/, the share of the seconds that it is given at least `least`, and its switches."""

    measure: str
    name: str
    program: str
    share: float
    least: float
    flags: tuple[str, ...] = ()


JOBS = (
    Job("live", "as it is", "live.py", 1.0, 1.0),
    Job("live", "gc frozen", "live.py", 1.0, 1.0, ("--freeze",)),
    Job("live", "on the clock", "live.py", 0.1, 1.0, ("--clock",)),
    Job("parts", "parts", "parts.py", 0.5, 10.0),
    Job("voices", "voices", "voices.py", 0.05, 1.0),
    Job("sessions", "sessions", "sessions.py", 0.01, 0.2),
    Job("memory", "memory", "memory.py", 0.05, 1.0),
    Job("allocations", "allocations", "allocations.py", 0.1, 1.0),
)


def run(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """What a program found. RuntimeError with its last words when it fails."""
    path = os.pathsep.join([str(HERE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    seconds = max(options.seconds * job.share, job.least)
    given = ("--seconds", str(seconds), "--block", str(options.block), "--preset", options.preset)
    done = subprocess.run(
        [sys.executable, str(HERE / "blocks" / job.program), *given, *job.flags],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "NUMBA_NRT_STATS": "1" if job.measure == "allocations" else "0"},
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RuntimeError(f"{job.program}: {words[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def live_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    deadline = 1e6 * block / RATE
    yield f"{'Every block of a session':32}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>8}{'of deadline':>13}{'late':>7}"
    for name, result in found.items():
        for who, text in (("session", name), ("control", "  idle control")):
            for clock, words in (("wall", "wall"), ("cpu", "CPU")):
                q = result[who][clock]
                yield (
                    f"{text if clock == 'wall' else '':25}{words:7}{q['p50']:8.0f}{q['p99']:8.0f}{q['p99_9']:8.0f}"
                    f"{q['max']:8.0f}{100 * q['max'] / deadline:11.0f} %{q['late']:7}"
                )
        count, runs = result["session"]["wall"]["count"], " ".join(map(str, result["collections"]))
        yield f"{'':25}{count} blocks; garbage collections by generation: {runs}"
    yield from (
        "idle control: a loop that does nothing for as long as the session's median block, in turns with it. What",
        "it takes beyond its p50 is the host's doing, and the session's wall time has as much of it. CPU: by thread;",
        "some hosts count there what they take away. late: over the deadline. on the clock: each block waits for its",
        "time; the others follow at once. gc frozen: objects set aside from garbage collection before the first block.",
    )
    name, result = next(iter(found.items()))
    yield ""
    yield f"{'What happened in a block':32}{'p50':>8}{'p99':>8}{'':8}{'max':>8}{'blocks':>13}   (CPU; {name})"
    for what, q in sorted(result["by_event"].items(), key=lambda item: -item[1]["p50"]):
        yield f"{what:32}{q['p50']:8.0f}{q['p99']:8.0f}{'':8}{q['max']:8.0f}{q['count']:13}"
    for order, words in (("cpu", "Slowest blocks by CPU"), ("wall", "by wall")):
        yield ""
        yield f"{words:>25}{'wall':>15}{'CPU':>8}"
        for one in result["slowest"][order]:
            yield f"{one['at_s']:23.2f} s{one['wall_us']:15.0f}{one['cpu_us']:8.0f}  {one['happened']}"


def parts_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    own, big = found["parts"][str(block)], found["parts"]["4096"]
    voices = found["voices"]
    total, total_big = sum(own.values()), sum(big.values())
    yield f"{'Where the time goes':32}{'us':>8}{'share':>9}{'in blocks of 4096, us':>24}{'voices':>9}"
    for name, us in sorted(own.items(), key=lambda item: -item[1]):
        stem = name.removeprefix("stem ")
        heard = f"{voices[stem]:9.1f}" if name.startswith("stem ") and stem in voices else ""
        yield f"{name:32}{us:8.1f}{100 * us / total:7.1f} %{big.get(name, 0.0):24.1f}{heard}"
    yield f"{'all':32}{total:8.1f}{100:7.1f} %{total_big:24.1f}"
    yield f"For {block} frames. CPU time of calls, less that of timed calls inside them and of the timing itself."


def voices_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    counts = list(next(iter(found.values())))
    yield f"{'What voices cost':16}" + "".join(f"{count:>8}" for count in counts)
    for kind, taken in found.items():
        yield f"{kind:16}" + "".join(f"{taken[count]:8.1f}" for count in counts)
    most = counts[-1]
    each = ", ".join(f"{kind} {taken[most] / int(most):.2f}" for kind, taken in found.items())
    yield f"CPU microseconds for {block} frames, all held. Each of {most}: {each}."


def sessions_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    yield "Live sessions on one core, on the real clock, at most 0.1 % of blocks late"
    for size, result in found.items():
        tried = ", ".join(f"{t['sessions']}: {100 * t['late']:.2f} %" for t in result["tried"])
        busy = next((t["busy"] for t in result["tried"] if t["sessions"] == result["most"]), 0.0)
        yield f"{size:>5} frames: {result['most']} sessions, the core {100 * busy:.0f} % busy (late: {tried})"
    yield "late: done after the end of the block's own period. A number that fails is tried three times: a stall of the"
    yield "host makes all sessions late at once."


def memory_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    yield "Resident memory, MB"
    yield f"  package imported {found['imported_mb']:.0f}, with the first session {found['first_mb']:.0f}"
    yield (
        f"  each further session {found['further_mb']:.2f} on average, {found['further_most_mb']:.2f} at most"
        f" ({found['further']} of them, {found['played_s']:g} s played by each)"
    )


def allocations_lines(found: dict[str, Any], block: int) -> Iterable[str]:
    yield "Allocations of a block"
    yield (
        f"  {found['calls']:.1f} calls of kernels, handed {found['handed']:.1f} arrays, of which Numba's runtime noted"
        f" {found['noted']:.1f}; made inside kernels: {found['inside_kernels']:.3f}"
    )
    yield (
        f"  at a block's worst moment Python and NumPy hold {found['python_kb']:.1f} kB more than before it (median;"
        f" {found['python_most_kb']:.0f} kB at most)"
    )


TABLES: dict[str, Callable[[dict[str, Any], int], Iterable[str]]] = {
    "live": live_lines,
    "parts": parts_lines,
    "voices": voices_lines,
    "sessions": sessions_lines,
    "memory": memory_lines,
    "allocations": allocations_lines,
}


def table(result: dict[str, Any]) -> str:
    block, preset = result["block"], result["preset"]
    lines = [
        f"{preset}, blocks of {block} frames: {1e6 * block / RATE:,.0f} us each. Microseconds where no unit is given."
    ]
    for name, found in result["measures"].items():
        lines += ["", *TABLES[name](found, block)]
    return "\n".join(lines)


def main() -> None:
    from synth.preset import preset_names

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=200.0, help="of music for `live`; the others in proportion")
    parser.add_argument("--block", type=int, default=256, help="frames, a multiple of 64 up to 4096")
    parser.add_argument("--preset", choices=[*preset_names(), DENSE], default="focus")
    parser.add_argument("--measure", nargs="+", choices=MEASURES, default=list(MEASURES))
    options = parser.parse_args()
    if options.block % 64 or not 64 <= options.block <= 4096 or options.seconds <= 0.0:
        parser.error("give --block as a multiple of 64 up to 4096, and --seconds above 0")
    note("loading or compiling the kernels")
    run_s(first_block(options.preset))
    measures: dict[str, dict[str, Any]] = {}
    for job in JOBS:
        if job.measure in options.measure:
            note(job.name)
            found = run(job, options)
            if job.measure == "live":
                measures.setdefault("live", {})[job.name] = found
            else:
                measures[job.measure] = found
    note("")
    result = {"preset": options.preset, "block": options.block, "seconds": options.seconds, "measures": measures}
    print(json.dumps(result, indent=1) if options.json else table(result))


if __name__ == "__main__":
    main()
