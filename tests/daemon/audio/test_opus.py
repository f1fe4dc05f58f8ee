"""Ogg Opus: pages as the RFCs have them, and streams that ffmpeg decodes to what was played."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile as sf

from synth.daemon.audio import broadcast, libopus
from synth.daemon.audio.libopus import LibOpus
from synth.daemon.audio.ogg import OggOpus, checksum
from synth.daemon.audio.sndfile import SndfileOpus
from tests.daemon.audio.stand import RATE, Stand, stand, tone
from tests.daemon.audio.test_listeners import wait

needs_libopus = pytest.mark.skipif(libopus.library() is None, reason="this system has no libopus")
ENCODERS = [pytest.param(lambda: LibOpus(96_000, 5), id="libopus", marks=needs_libopus)]
ENCODERS += [pytest.param(lambda: SndfileOpus(96_000), id="libsndfile")]


def pages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, granule position, sequence and body of each page; an assert where one is broken."""
    at = 0
    while at < len(data):
        assert data[at : at + 5] == b"OggS\0"
        segments = data[at + 26]
        body = at + 27 + segments
        end = body + sum(data[at + 27 : body])
        page = bytearray(data[at:end])
        given, page[22:26] = bytes(page[22:26]), bytes(4)
        assert int.from_bytes(given, "little") == checksum(page)
        granule, sequence = int.from_bytes(page[6:14], "little"), int.from_bytes(page[18:22], "little")
        yield data[at + 5], granule, sequence, data[body:end]
        at = end


def decoded(path: Path) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "f32le", "-ac", "2", "-ar", str(RATE), "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stderr == b"", done.stderr
    return np.frombuffer(done.stdout, "<f4").reshape(-1, 2)


def loudest_hz(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio[:, 0] * np.hanning(len(audio))))
    return float(spectrum.argmax()) * RATE / len(audio)


def test_the_checksum_is_that_of_libogg(tmp_path: Path) -> None:
    path = tmp_path / "made.ogg"
    sf.write(path, tone(0, RATE), RATE, format="OGG", subtype="OPUS")
    found = list(pages(path.read_bytes()))
    assert found[0][3].startswith(b"OpusHead") and len(found) > 2


def test_pages_hold_headers_packets_and_time() -> None:
    ogg = OggOpus(serial=77, pre_skip=312)
    data = ogg.headers + ogg.page([b"a" * 255, b"b" * 600], 1920) + ogg.page([b"c"], 960, last=True)
    found = list(pages(data))
    assert [(kind, granule, sequence) for kind, granule, sequence, _ in found] == [
        (2, 0, 0), (0, 0, 1), (0, 1920, 2), (4, 2880, 3),
    ]  # fmt: skip
    assert found[0][3] == b"OpusHead\x01\x02" + (312).to_bytes(2, "little") + RATE.to_bytes(4, "little") + bytes(3)
    assert found[2][3] == b"a" * 255 + b"b" * 600
    with pytest.raises(ValueError, match="segments"):
        ogg.page([b"d" * 255 * 255], 960)


@pytest.mark.parametrize("make", ENCODERS)
def test_a_stream_decodes_whole_at_its_level(make: object, tmp_path: Path) -> None:
    encoder = make()  # type: ignore[operator]
    data = encoder.headers
    for first in range(0, 3 * RATE, 9600):
        data += encoder.encode(tone(first, 9600))
    data += encoder.encode(tone(3 * RATE, 700), last=True)
    encoder.close()
    (tmp_path / "stream.ogg").write_bytes(data)
    sequence = [number for _, _, number, _ in pages(data)]
    assert sequence == list(range(len(sequence))) and list(pages(data))[-1][0] & 4
    audio = decoded(tmp_path / "stream.ogg")
    assert len(audio) == pytest.approx(3 * RATE + 700, abs=2 * 960)
    settled = audio[RATE // 2 : 5 * RATE // 2]
    assert np.sqrt((settled**2).mean()) == pytest.approx(0.25 / np.sqrt(2.0), rel=0.02)
    assert loudest_hz(settled) == pytest.approx(440.0, abs=1.0)
    assert np.abs(np.diff(settled[:, 0])).max() < 0.25 * 2 * np.pi * 440 / RATE * 1.3  # and without a click


@needs_libopus
def test_who_comes_late_gets_headers_and_hears_the_rest(tmp_path: Path) -> None:
    encoder = LibOpus(96_000, 5)
    parts = [encoder.encode(tone(first, 9600)) for first in range(0, 4 * RATE, 9600)]
    (tmp_path / "late.ogg").write_bytes(encoder.headers + b"".join(parts[10:]))
    audio = decoded(tmp_path / "late.ogg")
    assert len(audio) == pytest.approx(2 * RATE, abs=4 * 960)
    assert loudest_hz(audio[RATE // 2 :]) == pytest.approx(440.0, abs=1.0)
    encoder.close()
    encoder.close()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("stand")) as hall:
        hall.call(lambda: hall.sessions.add("mix"))
        hall.call(lambda: hall.sessions.add("stems", stems=("pad",)))
        yield hall


def test_what_curl_gets_is_music(hall: Stand, tmp_path: Path) -> None:
    path = tmp_path / "got.ogg"
    url = f"{hall.url}/api/v1/sessions/stems/audio.ogg?stem=pad&bitrate=64000"
    subprocess.run(["curl", "-sS", "--max-time", "3", "-D", str(tmp_path / "head"), "-o", str(path), url], timeout=60)
    assert "content-type: audio/ogg" in (tmp_path / "head").read_text().lower()
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)], capture_output=True, timeout=60
    )
    stream = json.loads(told.stdout)["streams"][0]
    assert (stream["codec_name"], stream["sample_rate"], stream["channels"]) == ("opus", "48000", 2)
    audio = decoded(path)
    assert len(audio) > 1.5 * RATE
    settled = audio[RATE // 2 : RATE // 2 + RATE]
    assert np.sqrt((settled**2).mean()) == pytest.approx(0.25 / np.sqrt(2.0), rel=0.03)
    assert loudest_hz(settled) == pytest.approx(220.0, abs=1.5)
    assert np.abs(np.diff(settled[:, 0])).max() < 0.25 * 2 * np.pi * 220 / RATE * 1.3


def test_one_encoder_serves_all_who_hear_the_same(hall: Stand) -> None:
    url = f"{hall.url}/api/v1/sessions/mix/audio.ogg"
    with httpx.stream("GET", url) as one:
        first = one.iter_raw()
        early = b"".join(next(first) for _ in range(3))
        with httpx.stream("GET", url) as other, httpx.stream("GET", f"{url}?bitrate=32000") as third:
            rest, another = other.iter_raw(), third.iter_raw()  # held: who lets go of one hangs up
            late = next(rest)
            while len(list(pages(late))) < 4:
                late += next(rest)
            next(another)
            assert hall.listeners.encoders == 2 and hall.listeners.of("mix") == 3
    early_pages, late_pages = list(pages(early)), list(pages(late))
    assert early_pages[:2] == late_pages[:2]  # the headers
    assert late_pages[2][2] > 2 and late_pages[3][2] == late_pages[2][2] + 1
    wait(lambda: hall.listeners.encoders == 0 and hall.listeners.count == 0)


def test_the_end_of_a_session_ends_the_stream(hall: Stand) -> None:
    session = hall.call(lambda: hall.sessions.add("short"))
    with httpx.stream("GET", f"{hall.url}/api/v1/sessions/short/audio.ogg", timeout=30.0) as answer:
        parts = answer.iter_raw()
        data = next(parts) + next(parts)
        hall.call(lambda: setattr(session, "status", "finished"))
        data += b"".join(parts)
    assert list(pages(data))[-1][0] & 4


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("nobody/audio.ogg", 404, "no session"),
        ("mix/audio.ogg?stem=pad", 409, "stems = true"),
        ("mix/audio.ogg?bitrate=12345", 422, "wrong with the query"),
        ("slow/audio.ogg", 409, "48000 Hz"),
    ],
)
def test_what_cannot_be_had_is_said(hall: Stand, path: str, status: int, words: str) -> None:
    if path.startswith("slow") and "slow" not in hall.sessions.all:
        hall.call(lambda: hall.sessions.add("slow", rate=44_100))
    answer = httpx.get(f"{hall.url}/api/v1/sessions/{path}")
    assert answer.status_code == status and words in answer.json()["detail"]


def test_who_takes_nothing_misses_pages_and_is_given_up(hall: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "QUEUED_PAGES", 2)
    monkeypatch.setattr(broadcast, "MOST_SKIPPED", 3)
    closed = hall.listeners.counts.closed
    session = hall.sessions.get("mix")
    stream = hall.call(lambda: hall.listeners.opus(session, None, 96_000))  # type: ignore[arg-type]
    assert hall.listeners.of("mix") == 1 and stream is not None
    wait(lambda: hall.listeners.encoders == 0)
    assert hall.listeners.counts.closed == closed + 1 and hall.listeners.counts.pages_skipped >= 3
