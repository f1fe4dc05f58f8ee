"""Does any parser break on damaged input?  python bench/fuzz.py [--inputs N] [--parser NAME ...] [--seed S] [--atheris]

Every parser of what comes from outside is given sound samples of its format, damaged at random from a fixed seed: bits
and bytes changed, pieces cut, doubled and moved, numbers made absurd. A parser may refuse its input with its own error
and nothing else; any other exception or warning is a crash and ends with exit status 1. Printed for each: inputs a
second, share refused, crashes, the slowest input and peak memory of a process that runs this parser alone; after the
table, each kind of crash with an input that shows it. N inputs (default 100 000) are given to each parser.

`--atheris` steers the damage by coverage instead, with Atheris (pip install atheris) in place of the figures.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import math
import multiprocessing
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
INPUTS = 100_000
KINDS_SHOWN = 20  # of crash a parser
TOKENS = (
    b"nan", b"inf", b"-1", b"0", b"1e999", b"1e308", b"1e-320", b"9" * 30, b"null", b"true", b'"', b"[", b"{", b"]",
    b",", b"\n", b"\x00", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"#bundle\x00", b"\xef\xbb\xbf",
    b"e5", b".", b"=", b"[" * 3000,
)  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")

Run = Callable[[bytes], bool]
"""Parses one input; whether it was accepted. Anything but the parser's own error comes through."""


@dataclass(frozen=True)
class Parser:
    """Sound samples of a format, and what reads it."""

    samples: list[bytes]
    run: Run


@dataclass
class Result:
    """What became of the inputs given to one parser."""

    seconds: float = 0.0
    refused: int = 0
    crashes: int = 0
    slowest_s: float = 0.0
    slowest_bytes: int = 0
    peak_mb: float = 0.0
    kinds: dict[str, bytes] = field(default_factory=dict)


def json_line(folder: Path) -> Parser:
    from synth.wearables.channels import Units
    from synth.wearables.json_lines import parse_line

    units = Units()
    lines = (
        b'{"t": 12.5, "ch": "hr", "v": 71.5, "recv": 12.6}', b'{"t": 3, "hr": 72, "eda": 0.4, "device": "E4"}',
        b'{"t": 1, "ch": "acc", "v": [-0.92, -0.37, 0.1]}', b'{"t": [1, 2], "ch": "eda_nS", "v": [400, null], "q": 1}',
        b'{"timestamp": "2023-11-14T22:13:20Z", "rr": [0.8, 0.75]}', b'{"t_ms": 17, "x": 0, "y": 0.6, "z": 0.8}',
    )  # fmt: skip
    return Parser(list(lines), lambda data: bool(parse_line(data, units).samples))


def osc(folder: Path) -> Parser:
    from synth.wearables.dialect import dialect_names, load_dialect
    from synth.wearables.osc import Listener
    from synth.wire.osc import bundle, decode, encode

    listeners = [Listener(load_dialect(name)) for name in dialect_names()]
    messages = [
        encode("/muse/eeg", [800.0, 810.0, 820.0, 830.0, 1_700_000_000, 250]), encode("/isotone/acc", [0.0, 0.6, 0.8]),
        encode("/muse/elements/horseshoe", [1.0, 2.0, 4.0, 1.0]), encode("/EmotiBit/0/EDA", [0.5, 0.6, 0.7]),
        encode("/avatar/parameters/HeartRate", [72]), encode("/isotone/left/rr_s", [0.8, 12.5], "fd"),
        encode("/x", [1, 2**40, "s", b"blob", True, None, [1.0, ["x"]]]), encode("/t", [None, "c", b"rgba"], "tcr"),
    ]  # fmt: skip

    def run(data: bytes) -> bool:
        found = decode(data)[0]
        for message in found:
            for listener in listeners:
                listener.hear(message, 1.0)
        return bool(found)

    return Parser([*messages, bundle([*messages[:3], bundle(messages[3:], 1.7e9)])], run)


def heart_rate(folder: Path) -> Parser:
    from synth.wearables.ble import BeatClock
    from synth.wire.heart_rate import decode

    clock = BeatClock()

    def run(data: bytes) -> bool:
        beat = decode(data)
        if beat is not None:
            clock.samples(beat, 1.0)
        return beat is not None

    return Parser([bytes.fromhex(word) for word in ("0048", "164800031a03", "1e480010270003e002", "0148003f")], run)


def _recording(folder: Path, name: str) -> Run:
    """Reads `folder` after one file of it was written anew, or the file itself when it is the whole recording."""
    from synth.wearables.recording import open_recording
    from synth.wearables.table import RecordingError

    alone = name.startswith("alone")
    file = folder / name

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            recording = open_recording(file if alone else folder)
        except RecordingError:
            return False
        recording.between(0.0, 1e9)
        return True

    return run


def tidy_table(folder: Path) -> Parser:
    (folder / "eda.csv").write_text("t,eda\n0,1\n")
    tables = (
        b"t,hr_bpm\n0,70\n1,71.5\n2,72\n", b"t;hr\n0,5;70,5\n1,5;71,5\n", b'# made\n"t"\t"hr"\n0\t70\n\n1\tx\n2\t\n',
        b"time,hr,task\n1700000000,70,rest\n1700000001,nan,\n",
    )  # fmt: skip
    return Parser(list(tables), _recording(folder, "hr.csv"))


def packed_table(folder: Path) -> Parser:
    (folder / "eda.csv").write_text("t,eda\n0,1\n")
    return Parser([gzip.compress(b"t,hr_bpm\n0,70\n1,71.5\n2,72\n", mtime=0)], _recording(folder, "hr.csv.gz"))


def long_table(folder: Path) -> Parser:
    rows = b"time,channel,value\n0,hr,70\n0.8,ibi,0.8\n0,eda,2\n1,hr,71\n1,mood,3\n1,self_arousal,0.5\n"
    return Parser([rows], _recording(folder, "alone.csv"))


def eeg_table(folder: Path) -> Parser:
    return Parser([b"t,TP9,AF7_mV,AUX\n0,35.6,0.036,80\n0.004,36.1,0.034,85\n"], _recording(folder, "eeg.csv"))


def meta_json(folder: Path) -> Parser:
    (folder / "hr.csv").write_text("t,hr\n0,70\n")
    meta = b'{"id": "S1", "licence": "MIT", "segments": [{"start": 0, "end": 2.5, "task": "rest"}]}'
    return Parser([meta], _recording(folder, "meta.json"))


E4 = {
    "EDA.csv": b"1560279825.000000\n4.000000\n0.0\n1.5\n1.6\n1.7\n",
    "ACC.csv": b"1560279825.0, 1560279825.0, 1560279825.0\n32.0, 32.0, 32.0\n0,0,64\n48,0,-36\n",
    "IBI.csv": b"1560279825.000000, IBI\n3.5,0.75\n4.3,0.8\n9.0,0.9\n",
    "HR.csv": b"1560279835.000000\n1.0\n93.00\n101.00\n",
    "tags.csv": b"1560279830.25\r\n1560279885.0\r\n",
}


def empatica_files(folder: Path) -> Parser:
    """The first byte of an input chooses the file."""
    for name, data in E4.items():
        (folder / name).write_bytes(data)
    runs = [(_recording(folder, name), sound) for name, sound in E4.items()]

    def run(data: bytes) -> bool:
        read, sound = runs[data[0] % len(runs)] if data else runs[0]
        accepted = read(data[1:])
        read(sound)
        return accepted

    return Parser([bytes([place]) + sound for place, sound in enumerate(E4.values())], run)


def empatica_zip(folder: Path) -> Parser:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in E4.items():
            packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return Parser([archive.getvalue()], _recording(folder, "alone.zip"))


def packet_log(folder: Path) -> Parser:
    rows = "".join(f'{{"t": {i}, "ch": "hr", "v": {70 + i}, "recv": {i + 0.1}}}\n' for i in range(5))
    return Parser([rows.encode(), rows.encode() * 3], _recording(folder, "alone.jsonl"))


def packed_log(folder: Path) -> Parser:
    rows = "".join(f'{{"t": {i}, "ch": "hr", "v": {70 + i}, "recv": {i + 0.1}}}\n' for i in range(5))
    return Parser([gzip.compress(rows.encode(), mtime=0)], _recording(folder, "alone.jsonl.gz"))


def dialect(folder: Path) -> Parser:
    from synth.wearables.dialect import DialectError, load_dialect

    file = folder / "own.toml"

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            load_dialect(file).meaning("/muse/eeg")
        except DialectError:
            return False
        return True

    head = b'name = "x"\nport = 5000\nignore = ["/a/*"]\n[[rule]]\naddress = "/muse/{device}/eeg"\n'
    return Parser(
        [
            head + b'channels = ["eeg_tp9", "eeg_af7"]\nsites = ["a", "b"]\nrate_hz = 256\nstamp = true\n',
            head + b'channel = "hr"\nkind = "float"\nbetween = [-1, 1]\nmissing = [0]\nscale = 127.5\noffset = 1.5\n',
            head + b'channel = "acc"\nreduce = "length"\nargs = [0, 1, 2]\nvalues = { 1 = 1.0, 2 = 0.5 }\ntime = 3\n',
        ],
        run,
    )


def preset(folder: Path) -> Parser:
    from synth.preset import PresetError, load_preset

    file = folder / "own.toml"

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            load_preset(file)
        except PresetError:
            return False
        return True

    return Parser([path.read_bytes() for path in sorted((ROOT / "presets").glob("*.toml"))], run)


def record(folder: Path) -> Parser:
    from synth.record.incidents import incidents
    from synth.record.reader import RecordError, read_record
    from synth.record.writer import RecordWriter

    file = folder / "session.jsonl"

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            incidents(read_record(file))
        except RecordError:
            return False
        return True

    def chained(key: bytes | None) -> bytes:
        with RecordWriter(file, key=key, overwrite=True) as written:
            written.write(
                {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 1, "minutes": 1}
            )
            written.write({"type": "incident", "t_s": 1.0, "kind": "harm", "source": "music"})
            written.write({"type": "panic", "t_s": 1.5})
        return file.read_bytes()

    head = b'{"type":"session","engine_version":"0","preset":{},"seed":1,"sample_rate":48000,"minutes":1.0}\n'
    return Parser(
        [
            head + b'{"type":"samples","channel":"hr","t_s":[0.5],"value":["NaN"],"quality":[1.0]}\n',
            head + b'{"type":"state","t_s":1.0,"arousal":null,"confidence":0.0,"p_elevated":null}\n',
            chained(None),
            chained(b"k" * 16),
        ],
        run,
    )


def setting(folder: Path) -> Parser:
    from synth.record.setting import check_setting, template

    file = folder / "own.toml"

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        return not check_setting(file)

    told = (
        'chosen_by = "person"', 'unit = "group"', "group_size = 4", 'person = "P-017"', "calibrated = true",
        "level_db_spl = 58.5", 'place = "a quiet room"',
    )  # fmt: skip
    return Parser([template().encode(), "\n".join(("schema = 1", *told)).encode()], run)


def questionnaire(folder: Path) -> Parser:
    from synth.record.scale import FOLDER, ScaleError, load_scale

    file = folder / "own.toml"

    def run(data: bytes) -> bool:
        file.write_bytes(data)
        try:
            load_scale(file).band(1.0)
        except ScaleError:
            return False
        return True

    return Parser([path.read_bytes() for path in sorted(FOLDER.glob("*.toml"))], run)


PARSERS: tuple[Callable[[Path], Parser], ...] = (
    json_line, osc, heart_rate, tidy_table, packed_table, long_table, eeg_table, meta_json, empatica_files,
    empatica_zip, packet_log, packed_log, dialect, preset, record, setting, questionnaire,
)  # fmt: skip
NAMES = {make.__name__: make for make in PARSERS}


def damaged(samples: list[bytes], rng: random.Random) -> bytes:
    """A sample changed in one to eight places."""
    data = bytearray(rng.choice(samples))
    for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        end = min(at + rng.choice((1, 2, 4, 8, 32)), len(data))
        match rng.randrange(10):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(data):
                data[at] = rng.choice((0, 1, 9, 10, 44, 127, 128, 255))
            case 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 5))
            case 3:
                data[at:at] = rng.choice(TOKENS)
            case 4:
                del data[at:end]
            case 5:
                data[at:at] = data[at:end] * rng.choice((1, 1, 2, 20))
            case 6 | 7 | 8:
                if numbers := list(NUMBER.finditer(data)):
                    number = rng.choice(numbers)
                    data[number.start() : number.end()] = rng.choice(TOKENS[:8])
            case _:
                other = rng.choice(samples)
                data[at:end] = other[rng.randrange(len(other) + 1) :][: rng.randrange(1, 40)]
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data)


def fuzz(name: str, inputs: int, seed: int) -> Result:
    """Give one parser its inputs, in a process of its own."""
    warnings.simplefilter("error")
    result = Result()
    rng = random.Random(f"{seed} {name}")
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        parser = NAMES[name](Path(folder))
        for sample in parser.samples:
            if not parser.run(sample):
                raise SystemExit(f"{name}: a sound sample is refused: {sample[:200]!r}")
        began = time.perf_counter()
        for _ in range(inputs):
            data = damaged(parser.samples, rng)
            start = time.perf_counter()
            try:
                result.refused += not parser.run(data)
            except Exception as error:
                result.crashes += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__}: {str(error)[:80]} at {Path(where.filename).name}:{where.lineno}"
                if len(result.kinds) < KINDS_SHOWN:
                    result.kinds.setdefault(kind, data)
            took = time.perf_counter() - start
            if took > result.slowest_s:
                result.slowest_s, result.slowest_bytes = took, len(data)
        result.seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result.peak_mb = peak / (2**20 if sys.platform == "darwin" else 2**10)
    return result


def memory_folder() -> str | None:
    """A folder in memory where the system has one: files are written a hundred thousand times."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def guided(name: str, inputs: int, seed: int) -> None:
    """Run one parser under Atheris; never returns."""
    import atheris

    with atheris.instrument_imports(include=["synth"]), tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        parser = NAMES[name](Path(folder))
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for place, sample in enumerate(parser.samples):
            (corpus / str(place)).write_bytes(sample)
        atheris.Setup(
            [name, f"-runs={inputs}", f"-seed={seed}", "-max_len=4096", "-verbosity=1", str(corpus)], parser.run
        )
        atheris.Fuzz()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=INPUTS, metavar="N", help="inputs for each parser")
    arguments.add_argument("--parser", action="append", choices=sorted(NAMES), help="this one alone; may be repeated")
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--atheris", action="store_true", help="steer the damage by coverage")
    arguments.add_argument("--guided", choices=sorted(NAMES), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.guided:
        guided(given.guided, given.inputs, given.seed)
    names = given.parser or list(NAMES)
    if given.atheris:
        return under_atheris(names, given.inputs, given.seed)
    print(f"{'parser':<15}{'inputs/s':>10}{'refused':>9}{'crashes':>9}{'slowest':>18}{'peak':>9}")
    spawn = multiprocessing.get_context("spawn")
    found: dict[str, dict[str, bytes]] = {}
    for name in names:
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            try:
                result = alone.submit(fuzz, name, given.inputs, given.seed).result()
            except BrokenProcessPool:
                result = Result(seconds=math.inf, crashes=1, kinds={"the process died": b""})
        slowest = f"{result.slowest_s * 1e3:.1f} ms {result.slowest_bytes} B"
        print(
            f"{name:<15}{given.inputs / result.seconds:>10.0f}{result.refused / given.inputs:>9.1%}{result.crashes:>9}"
            f"{slowest:>18}{result.peak_mb:>6.0f} MB",
            flush=True,
        )
        if result.kinds:
            found[name] = result.kinds
    for name, kinds in found.items():
        for kind, data in kinds.items():
            print(f"\n{name}: {kind}\n  {base64.b64encode(data[:600]).decode()}")
    return 1 if found else 0


def under_atheris(names: list[str], inputs: int, seed: int) -> int:
    """Each parser under Atheris in a process of its own; its last line of figures, and all it said of a crash."""
    failed = 0
    for name in names:
        command = [sys.executable, __file__, "--guided", name, "--inputs", str(inputs), "--seed", str(seed)]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir())
        lines = (ran.stdout + ran.stderr).splitlines()
        last = next((line for line in reversed(lines) if "cov:" in line), "no figures")
        print(f"{name:<15}{' '.join(last.split())}", flush=True)
        if ran.returncode:
            failed = 1
            print("\n".join(lines[-40:]))
    return failed


if __name__ == "__main__":
    sys.exit(main())
