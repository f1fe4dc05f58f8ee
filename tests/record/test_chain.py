"""The chain: whatever is changed, lost, put in or moved in a record shows, and with a key nobody else can hide it."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth import Session
from synth.record import Record, RecordError, RecordWriter, read_record
from synth.record.chain import Chain, opened, read_key

KEY = b"a key of twenty-four byte"
HEADER = {
    "type": "session",
    "engine_version": "0.1.0",
    "preset": {"name": "settle"},
    "seed": 1,
    "sample_rate": 48_000,
    "minutes": 1.0,
}
LINES = [
    {"type": "plan", "t_s": float(t), "arousal": -0.1 * t, "valence": 0.1, "tension": None, "words": ["slow\u2026"]}
    for t in range(6)
]
END = {"type": "end", "frames": 288_000, "reason": "finished"}
KEYS = pytest.mark.parametrize("key", [None, KEY], ids=["plain", "keyed"])
ROOM: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def room(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder for properties, which have no tmp_path of their own."""
    ROOM[:] = [tmp_path_factory.mktemp("chain")]


def written(key: bytes | None, lines: list[dict[str, Any]] = LINES) -> bytes:
    path = ROOM[0] / "sound.jsonl"
    with RecordWriter(path, key=key, overwrite=True) as record:
        for line in (HEADER, *lines, END):
            record.write(line)
    return path.read_bytes()


def read(data: bytes, key: bytes | None) -> Record | None:
    """The record these bytes are; None when they are none."""
    path = ROOM[0] / "damaged.jsonl"
    path.touch()
    with path.open("r+b") as file:  # quicker by far than a new file each time
        file.write(data)
        file.truncate()
    try:
        return read_record(path, key)
    except RecordError:
        return None


def shows(data: bytes, key: bytes | None) -> bool:
    record = read(data, key)
    return record is None or bool(record.breaks) or record.cut or not record.closed


@KEYS
def test_an_untouched_record_is_sound(key: bytes | None) -> None:
    record = read(written(key), key)
    assert record is not None and record.breaks == () and record.checked and record.closed and not record.cut
    assert record.integrity == record.header["integrity"] == ("hmac-sha256" if key else "sha256")
    assert list(record.lines) == [*LINES, END]


@KEYS
def test_the_digests_are_what_is_said_of_them(key: bytes | None) -> None:
    """SHA-256 and HMAC-SHA256 over the digest before and the line without its chain, cut to 32 digits."""
    before = ""
    for number, raw in enumerate(written(key).splitlines()):
        line = json.loads(raw)
        chain = line.pop("chain")
        body = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        told = (before + body).encode()
        whole = hmac.new(key, told, hashlib.sha256) if key else hashlib.sha256(told)
        assert chain == whole.hexdigest()[:32] and line["n"] == number
        before = chain


def test_the_key_is_not_in_the_record() -> None:
    data = written(KEY)
    assert KEY not in data and KEY.hex().encode() not in data


@KEYS
def test_every_single_bit_counts(key: bytes | None) -> None:
    data = bytearray(written(key, LINES[:2]))
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            assert shows(bytes(data), key), (at, bit)
            data[at] ^= 1 << bit


@KEYS
@given(data=st.data())
def test_lines_lost_doubled_or_swapped_show(key: bytes | None, data: st.DataObject) -> None:
    lines = written(key).splitlines(keepends=True)
    a, b = data.draw(st.tuples(st.integers(0, len(lines) - 1), st.integers(0, len(lines) - 1)))
    match data.draw(st.sampled_from(["lose", "double", "swap", "between"])):
        case "lose":
            del lines[a]
        case "double":
            lines.insert(b, lines[a])
        case "swap" if a != b:
            lines[a], lines[b] = lines[b], lines[a]
        case "between":
            lines.insert(max(a, 1), data.draw(st.binary(max_size=30)).replace(b"\n", b"") + b"\n")
        case _:
            return
    assert shows(b"".join(lines), key)


@KEYS
@given(data=st.data())
def test_bytes_written_over_show(key: bytes | None, data: st.DataObject) -> None:
    sound = written(key)
    at = data.draw(st.integers(0, len(sound) - 1))
    over = data.draw(st.binary(min_size=1, max_size=40))
    damaged = sound[:at] + over + sound[at + data.draw(st.integers(0, 40)) :]
    assert damaged == sound or shows(damaged, key)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[3].replace(b"-0.2", b"-0.9"), ("line 4 was changed, or does not belong behind line 3",)),
        (lambda lines: b"not json\n", ("line 4 was put in or changed: not a line of JSON; is this a session record?",)),
        (lambda lines: lines[3].replace(b'"valence"', b'"v"'), ("line 4 was changed: this 'plan' line lacks valence",)),
        (lambda lines: b"", ("before line 4, 1 line is missing",)),
        (lambda lines: lines[3] * 2, ("line 5 is out of place: it is number 3, and 4 belongs here",)),
    ],
)
def test_a_break_is_told_with_its_line(change: Callable[[list[bytes]], bytes], told: tuple[str, ...]) -> None:
    lines = written(None).splitlines(keepends=True)
    lines[3] = change(lines)
    record = read(b"".join(lines), None)
    assert record is not None and record.breaks == told and record.closed


def test_several_lines_missing_are_counted() -> None:
    lines = written(None).splitlines(keepends=True)
    del lines[2:5]
    record = read(b"".join(lines), None)
    assert record is not None and record.breaks == ("before line 3, 3 lines are missing",)
    assert list(record.lines) == [LINES[0], *LINES[4:], END], "what is left can still be read"


def forged(data: bytes, key: bytes | None, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The record with `change` made to each line, and all digests computed anew."""
    chain, lines = Chain(key), []
    for raw in data.splitlines():
        line = json.loads(raw)
        del line["chain"]
        change(line)
        lines.append(chain.seal(json.dumps(line, separators=(",", ":")).encode()) + b"\n")
    return b"".join(lines)


def calmer(line: dict[str, Any]) -> None:
    if line["type"] == "plan":
        line["arousal"] = -1.0


def calmer_and_plain(line: dict[str, Any]) -> None:
    calmer(line)
    if line["type"] == "session":
        line["integrity"] = "sha256"


def test_without_a_key_a_forger_is_not_found_and_with_one_he_is() -> None:
    plain, keyed = written(None), written(KEY)
    found = read(forged(plain, None, calmer), None)
    assert found is not None and found.breaks == (), "nothing but a key can show this"
    for forger in (None, b"the forger's own long key"):
        for change in (calmer, calmer_and_plain):
            record = read(forged(keyed, forger, change), KEY)
            assert record is not None and record.breaks, (forger, change)
    assert read(plain, KEY).breaks == ("line 1 says that the record was written without a key, and a key was given",)


def test_a_forger_cannot_pass_it_off_as_an_older_record() -> None:
    stripped = b"".join(opened(raw)[0] + b"\n" for raw in written(KEY).splitlines())
    assert shows(stripped, KEY) and shows(stripped, None)
    older = stripped.replace(b'"schema":2', b'"schema":1')
    record = read(older, KEY)
    assert record is not None and record.breaks == ("the record has no chain that a key could prove",)


def test_a_record_with_a_key_is_read_without_it_but_not_proved() -> None:
    record = read(written(KEY), None)
    assert record is not None and record.breaks == () and not record.checked and list(record.lines) == [*LINES, END]
    lines = written(KEY).splitlines(keepends=True)
    del lines[4]
    record = read(b"".join(lines), None)
    assert record is not None and record.breaks == ("before line 5, 1 line is missing",)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"arousal":', b'"arousal";'), (b'"n":3', b'"m":3'), (b'"n":3', b'"n":true')]
)
def test_without_the_key_what_cannot_be_read_is_still_told(old: bytes, new: bytes) -> None:
    lines = written(KEY).splitlines(keepends=True)
    lines[3] = lines[3].replace(old, new)
    record = read(b"".join(lines), None)
    assert record is not None and len(record.breaks) == 1 and record.breaks[0].startswith("line 4 was changed")


def test_another_key_is_told_once() -> None:
    record = read(written(KEY), b"another key of some length")
    assert record is not None and len(record.breaks) == 1 and "not the key" in record.breaks[0]


@KEYS
def test_cut_at_any_byte_it_opens_up_to_its_last_whole_line(key: bytes | None) -> None:
    lines = [*LINES[:3], END]
    data = written(key, LINES[:3])
    first = data.index(b"\n") + 1
    for kept in range(len(data) + 1):
        record = read(data[:kept], key)
        if kept < first:
            assert record is None
            continue
        assert record is not None
        whole = data[:kept].count(b"\n") - 1
        assert list(record.lines) == lines[:whole] and record.breaks == ()
        assert record.cut == (not data[:kept].endswith(b"\n")) and record.closed == (kept == len(data))


def test_a_real_record_cut_anywhere_opens(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with RecordWriter(path) as written_by:
        session = Session("settle", seed=1, minutes=1.0, audio=False, record=written_by.write)
        while not session.finished:
            session.render(48_000)
        session.close()
    data, rng = path.read_bytes(), random.Random(5)
    whole = read_record(path).lines
    for kept in (rng.randrange(data.index(b"\n") + 1, len(data)) for _ in range(40)):
        path.write_bytes(data[:kept])
        record = read_record(path)
        assert record.lines == whole[: len(record.lines)] and record.breaks == () and not record.closed
        assert len(record.lines) == data[:kept].count(b"\n") - 1


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"{}" * 1000, b"\xff" * 500, b"\x00", b"", b" " * 10**6]
)
def test_lines_that_nobody_wrote_are_told_and_left_out(line: bytes) -> None:
    lines = written(None).splitlines(keepends=True)
    lines.insert(2, line + b"\n")
    record = read(b"".join(lines), None)
    assert record is not None and len(record.breaks) == 1 and "line 3" in record.breaks[0]
    assert list(record.lines) == [*LINES, END]


def test_a_huge_line_is_read(tmp_path: Path) -> None:
    line = {"type": "repair", "t_s": 0.0, "text": "x" * 3_000_000}
    with RecordWriter(tmp_path / "session.jsonl") as record:
        record.write(HEADER)
        record.write(line)
    read_back = read_record(tmp_path)
    assert read_back.lines == (line,) and read_back.breaks == ()


@KEYS
def test_lines_can_be_added_later(key: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(written(key))
    was = path.read_bytes()
    with RecordWriter.resume(path, key=key) as record:
        record.write({"type": "note", "t_s": 1.0, "text": "said later"})
        record.write({"type": "scores", "when": "after", "name": "stress", "score": 20.0})
    record = read_record(path, key)
    assert path.read_bytes().startswith(was) and record.breaks == () and record.closed and record.length_s == 6.0
    assert [line["type"] for line in record.lines[-2:]] == ["note", "scores"]
    assert "text" not in record.lines[-2], "as its header says"


def test_nothing_is_added_to_a_record_that_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    sound = written(KEY)
    for data, key, words in (
        (sound[:-10], KEY, "torn"),
        (sound.replace(b"-0.2", b"-0.9"), KEY, "line 4"),
        (sound, None, "written with a key"),
        (sound, b"another key of some length", "not the key"),
        (b'{"type":"session","engine_version":0,"preset":{},"seed":1,"sample_rate":1,"minutes":1}\n', None, "older"),
    ):
        path.write_bytes(data)
        with pytest.raises(RecordError, match=words):
            RecordWriter.resume(path, key=key)
        assert path.read_bytes() == data


def test_keys_that_keep_nobody_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="15 bytes is too short: give 16"):
        RecordWriter(tmp_path / "session.jsonl", key=b"x" * 15)
    file = tmp_path / "key"
    with pytest.raises(RecordError, match="no key file"):
        read_key(file)
    with pytest.raises(RecordError, match="no key file"):
        read_key(tmp_path)
    for size, words in ((0, "0 bytes: give 16"), (15, "15 bytes: give 16"), (4097, "more than 4096")):
        file.write_bytes(b"k" * size)
        with pytest.raises(RecordError, match=words):
            read_key(file)


def test_a_key_is_every_byte_of_its_file_and_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"sixteen bytes...\n")
    file.chmod(0o600)
    assert read_key(file) == (b"sixteen bytes...\n", "")
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        assert "chmod 600" in read_key(file)[1]
