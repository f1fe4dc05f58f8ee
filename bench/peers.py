"""How fast are the same five workloads here and elsewhere?  python bench/peers.py [--json] [--seconds S] [--repeats R]
[--peers ...] [--workloads ...]

W1 a pad of 64 voices, W2 16 bells of 128 partials, W3 a reverb on stereo noise, W4 four layers of filtered noise and
64 grains, W5 a whole session, W5_few the same with a smaller pad on the peers' side. Figures are audio seconds a CPU
second, medians of repeats that take turns; start-up and compiling are left out on every side. Each peer's output is
checked first: stereo, of the right length, finite, not silent. Figures move with the machine; compare only figures of
one run. The programs are in bench/peers/.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
OURS = "isotone"


class Peer(NamedTuple):
    file: str
    install: str


class Job(NamedTuple):
    """One column of a workload's row."""

    workload: str
    label: str
    peer: str
    name: str  # of the workload in the peer's program


PEERS = {
    OURS: Peer("ours.py", "pip install -e ."),
    "scsynth": Peer("scsynth.py", "apt install supercollider-server"),
    "csound": Peer("csound.py", "apt install csound"),
    "faust": Peer("faust.py", "pip install dawdreamer (GPL: for this benchmark alone)"),
    "pyo": Peer("pyo_peer.py", "pip install pyo"),
}
WORKLOADS = {
    "W1": "64-voice pad: 3 band-limited saws a voice, resonant low-pass with envelope and LFO, panned",
    "W2": "16 bells of 128 partials, all ringing",
    "W3": "reverb on stereo noise",
    "W4": "4 layers of filtered noise and 64 grains",
    "W5": "whole session: pad, bass, plucked melody, bells, percussion, nature, reverb, master",
    "W5_few": "the same with peers' pads of 4 voices in place of 16, as many as isotone's composer holds",
}
VARIANTS = (
    Job("W1", "faust, controls each 64 frames", "faust", "W1_control_rate"),
    Job("W1", "isotone, the pad it ships", OURS, "W1_pad"),
    Job("W5", "isotone, block 256", OURS, "W5_256"),
)
LONGER = {"W3": 5.0}  # a workload that is done too soon to be timed well renders so many times the seconds
DIFFERENCES = """\
Known differences
  Control rate  isotone, scsynth and Csound every 64 frames; Faust and pyo every sample. With controls set every 64
                frames Faust's W1 has a line of its own. Blocks: isotone 4096 frames (its controls change every 64
                whatever the block), scsynth and Csound 64, pyo 256, Faust 512.
  Precision     Csound computes in 64 bits, the others in 32.
  Saws          isotone: steps of 32 points, aliasing under -80 dB to C8; Csound vco2 and pyo SawTable: tables; scsynth
                Saw: band-limited impulses, integrated; Faust os.sawtooth: a differentiated parabola, which aliases.
  W1            three saws, one two-pole filter and pan everywhere; isotone adds drift of pitch, level and detuning, and
                its LFO on the corner is a random walk. The pad it ships filters left and right apart, by 24 dB/octave.
  W2            isotone: modes in blocks of 64. scsynth Klank and Faust: two-pole resonators. Csound adsynt2: sines
                whose levels fall each 64 frames, thrice as fast there as resonators. pyo: ComplexRes.
  W3            isotone: 16 modulated lines, Hadamard matrix, 8 diffusers, early reflections. Csound reverbsc and Faust
                zita_rev1: 8 lines. pyo WGVerb: 8 lines a side. scsynth FreeVerb2: 8 combs and 4 allpasses a side.
  W4            isotone: 8 bands of noise in stereo (its wind), 64 grains each with a place of its own, read by cubic
                interpolation. scsynth: grains placed, linear. Csound and pyo: 32 grains left, 32 right. Faust: 64 grain
                voices, each placed, no interpolation. The peers' noise: 4 bands in mono, each panned.
  W5            isotone: preset focus with composer, control bus, estimator, steering, true-peak limiter, loudness and
                output guard; the music decides how many voices sound. The others: a list of notes with as many voices
                at once every time (pad 16 or 4, bass 1, strings 4, bells 4 of 24 partials, a hit each 0.5 s), chorus,
                reverb as in W3, compressor and limiter; no composer, guard or estimator."""


def run(peer: str, *arguments: str) -> dict[str, Any]:
    """The last line of JSON that a peer's program prints; raises RuntimeError with its last words when it fails."""
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, str(HERE / "peers" / PEERS[peer].file), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RuntimeError(words[-1])
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure(peers: list[str], workloads: list[str], seconds: float, repeats: int) -> dict[str, Any]:
    """Rates of all jobs; `missing` names peers that are not installed, `unsound` jobs that failed, with the reason."""
    versions: dict[str, str] = {}
    missing: dict[str, str] = {}
    for peer in peers:
        try:
            versions[peer] = run(peer, "version")["version"]
        except RuntimeError as error:
            missing[peer] = f"{error}: {PEERS[peer].install}"
    jobs = [Job(w, p, p, w) for w in workloads for p in versions]
    jobs += [job for job in VARIANTS if job.workload in workloads and job.peer in versions]
    jobs.sort(key=lambda job: job.workload)

    def length(job: Job) -> float:
        return seconds * LONGER.get(job.workload, 1.0)

    unsound: dict[str, dict[str, str]] = {}
    levels: dict[str, dict[str, Any]] = {}
    times: dict[Job, list[float]] = {}
    for turn in range(repeats + 1):
        for job in [job for job in jobs if not turn or job in times]:
            note(f"{'check' if not turn else f'repeat {turn}'}: {job.workload} {job.label}")
            try:
                result = run(job.peer, job.name, str(length(job)), *([] if turn else ["--check"]))
            except RuntimeError as error:
                times.pop(job, None)
                unsound.setdefault(job.workload, {})[job.label] = str(error)
                continue
            if turn:
                times[job].append(result["cpu_s"])
            else:
                times[job] = []
                levels.setdefault(job.workload, {})[job.label] = result
    note("")
    rates: dict[str, dict[str, float]] = {}
    for job, cpu_s in times.items():
        rates.setdefault(job.workload, {})[job.label] = length(job) / statistics.median(cpu_s)
    return {
        "ratios": ratios(rates),
        "rates": rates,
        "versions": versions,
        "missing": missing,
        "unsound": unsound,
        "levels": levels,
        "seconds": seconds,
        "repeats": repeats,
    }


def ratios(rates: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of each workload, our rate over the best peer's; a variant is none of the peers but has a ratio of its own."""
    found = {}
    for workload, row in rates.items():
        best = max((row[peer] for peer in PEERS if peer != OURS and peer in row), default=None)
        if best and OURS in row:
            found[workload] = row[OURS] / best
        for job in VARIANTS:
            if job.workload == workload and job.label in row:
                ours, theirs = (row[job.label], best) if job.peer == OURS else (row.get(OURS), row[job.label])
                if ours and theirs:
                    found[job.name] = ours / theirs
    return found


def table(result: dict[str, Any]) -> str:
    columns = [peer for peer in PEERS if peer in result["versions"]]
    lines = ["Audio seconds a CPU second", "", f"{'':7}" + "".join(f"{c:>10}" for c in columns) + f"{'ratio':>9}"]
    for workload, text in WORKLOADS.items():
        row, ratio = result["rates"].get(workload, {}), result["ratios"]
        if workload not in result["rates"] and workload not in result["unsound"]:
            continue
        cells = "".join(f"{row[c]:10.1f}" if c in row else f"{'-':>10}" for c in columns)
        lines.append(
            f"{workload:7}{cells}" + (f"{ratio[workload]:8.2f}x" if workload in ratio else f"{'-':>9}") + f"  {text}"
        )
        for job in VARIANTS:
            if job.workload == workload and job.label in row:
                times = f"; ratio {ratio[job.name]:.2f}x" if job.name in ratio else ""
                lines.append(f"{'':7}{job.label}: {row[job.label]:.1f}{times}")
        lines += [f"{'':7}{label} is not measured: {why}" for label, why in result["unsound"].get(workload, {}).items()]
    lines += ["", "ratio: isotone over the best peer. " + ", ".join(result["versions"].values())]
    lines += [f"not installed: {peer} ({why})" for peer, why in result["missing"].items()]
    return "\n".join([*lines, "", DIFFERENCES])


def note(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0, help="of audio a workload and repeat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    options = parser.parse_args()
    if options.seconds < 2.0 or options.repeats < 1:
        parser.error("give --seconds 2 or more and --repeats 1 or more")
    result = measure(options.peers, options.workloads, options.seconds, options.repeats)
    print(json.dumps(result, indent=1) if options.json else table(result))


if __name__ == "__main__":
    main()
