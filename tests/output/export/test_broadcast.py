"""The files hold the very samples, and say where they come from, how loud they are and where what begins."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from synth.dsp.loudness import integrated_lufs, loudness_range_lu, momentary_lufs, short_term_lufs, true_peak_dbtp
from synth.output.export.broadcast import measure, size_of, write_take
from synth.output.export.meter import Meter
from synth.output.export.project import Take, read_project
from synth.output.export.wav import write_wav
from synth.output.folder import OutputError


def chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a RIFF or RF64 file; that of `data` is its size."""
    found, at, sizes = {}, 12, None
    while at < len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"ds64":
            sizes = struct.unpack_from("<QQQ", data, at + 8)
        if name == b"data" and size == 0xFFFF_FFFF:
            size = sizes[1]
        found[name] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data)
    return found


def written(project, take, **how) -> bytes:
    file = io.BytesIO()
    write_take(file, project, take, **how)
    return file.getvalue()


def probed(path: Path) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_chapters", "-show_streams", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_every_sample_is_the_sessions(made, tmp_path, format):
    project = read_project(made(format=format))
    told = []
    paths = write_wav(project, tmp_path / "out", lambda done_s, total_s: told.append(done_s / total_s))
    assert told == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert [path.name for path in paths] == ["pad.wav", "bass.wav", "reverb.wav", "premaster.wav", "mix.wav"]
    for take, path in zip(project.takes, paths, strict=True):
        was, _ = soundfile.read(take.path, dtype="int32")
        now, rate = soundfile.read(path, dtype="int32")
        assert rate == 48_000 and soundfile.info(path).subtype == "PCM_24" and np.array_equal(was, now)
        assert path.stat().st_size <= size_of(take, project)


@pytest.mark.parametrize(("subtype", "channels"), [("FLOAT", 2), ("FLOAT", 1), ("PCM_16", 2), ("PCM_24", 1)])
def test_other_samples_stay_too(project, tmp_path, subtype, channels):
    path = tmp_path / "x.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-1.5, 1.4, (24_001, channels)), 48_000, subtype)
    take = Take("x", path, 24_001, channels, 48_000, subtype == "FLOAT")
    (tmp_path / "y.wav").write_bytes(written(project, take))
    info = soundfile.info(tmp_path / "y.wav")
    assert (info.channels, info.subtype) == (channels, "FLOAT" if subtype == "FLOAT" else "PCM_24")
    dtype = "float32" if subtype == "FLOAT" else "int32"
    assert np.array_equal(soundfile.read(path, dtype=dtype)[0], soundfile.read(tmp_path / "y.wav", dtype=dtype)[0])


def test_the_origin_is_told_as_ebu_3285_says(project):
    bext = chunks(written(project, project.stems[0]))[b"bext"]
    texts = [bext[a:b].rstrip(b"\0").decode() for a, b in ((0, 256), (256, 288), (288, 320), (320, 330), (330, 338))]
    assert texts == [
        "Mine & Yours <3: stem pad; the stems sum to premaster. Seed 7",
        "isotone 0.1.0",
        "my-preset-7 pad",
        "2026-03-04",
        "15:06:07",
    ]
    assert struct.unpack_from("<IIH", bext, 338) == (0, 0, 2)  # time reference 0, version 2
    assert bext[348:412] == bytes(64) and bext[422:602] == bytes(180)
    assert bext[602:] == b"A=PCM,F=48000,W=24,M=stereo,T=isotone 0.1.0\r\n\0" and len(bext) % 2 == 0
    untold = chunks(written(replace(project, started=""), project.stems[0]))[b"bext"]
    assert untold[320:338] == bytes(18)


def test_others_read_the_origin_and_the_markers(project, tmp_path):
    (path, *_) = write_wav(project, tmp_path, print)
    told = probed(path)
    tags = told["format"]["tags"]
    assert tags["comment"].startswith("Mine & Yours <3: stem pad") and tags["encoded_by"] == "isotone 0.1.0"
    assert (tags["date"], tags["creation_time"], tags["time_reference"]) == ("2026-03-04", "15:06:07", "0")
    starts = [(chapter["start"], chapter["tags"]["title"]) for chapter in told["chapters"]]
    assert starts == [(round(mark.time_s * 48_000), mark.text) for mark in project.markers]
    assert told["streams"][0]["duration_ts"] == 288_007


def test_a_marker_after_the_audio_is_left_out(project, tmp_path):
    take = project.stems[0]
    short = tmp_path / "short.wav"
    soundfile.write(short, np.zeros((48_000 * 2, 2)), 48_000, "PCM_24")
    cues = chunks(written(project, replace(take, path=short, frames=48_000 * 2)))[b"cue "]
    assert struct.unpack_from("<I", cues) == (4,)
    assert b"cue " not in chunks(written(replace(project, markers=()), take))


def test_loudness_is_as_measured_elsewhere(project):
    take = project.references[0]
    audio, _ = soundfile.read(take.path)
    figures = measure(take)
    assert figures.integrated_lufs == pytest.approx(pyloudnorm.Meter(48_000).integrated_loudness(audio), abs=0.1)
    assert figures.range_lu == pytest.approx(loudness_range_lu(audio.T, 48_000), abs=1e-6)
    assert figures.true_peak_dbtp == pytest.approx(true_peak_dbtp(audio.T), abs=1e-4)
    assert figures.momentary_lufs == pytest.approx(momentary_lufs(audio.T, 48_000).max(), abs=1e-4)
    assert figures.short_term_lufs == pytest.approx(short_term_lufs(audio.T, 48_000).max(), abs=1e-4)
    fields = struct.unpack_from("<5h", chunks(written(project, take))[b"bext"], 412)
    assert fields == tuple(round(100 * value) for value in figures)


def test_loudness_does_not_depend_on_the_blocks_it_is_read_in():
    rng = np.random.default_rng(3)
    audio = (rng.standard_normal((2, 44_100 * 9)) * np.linspace(0.01, 0.2, 44_100 * 9)).astype(np.float32)
    whole, parts = Meter(44_100), Meter(44_100)
    whole.add(audio)
    for start in range(0, audio.shape[1], 33_333):
        parts.add(audio[:, start : start + 33_333])
    assert parts.figures() == pytest.approx(whole.figures(), abs=1e-6)
    assert whole.figures().integrated_lufs == pytest.approx(integrated_lufs(audio, 44_100), abs=1e-6)
    mono, both = Meter(44_100), Meter(44_100)
    mono.add(audio[:1])
    both.add(np.concatenate((audio[:1], audio[:1])))
    assert both.figures().integrated_lufs - mono.figures().integrated_lufs == pytest.approx(3.01, abs=0.01)


def test_a_peak_between_two_blocks_is_found():
    """A quarter of the sample rate, 45 degrees off: its peaks lie between the samples, the largest where it is cut."""
    n = np.arange(-2000, 2000)
    tone = (0.5 * np.sin(np.pi / 2 * n + np.pi / 4) * np.exp(-((n / 20) ** 2))).astype(np.float32)
    meter = Meter(48_000)
    for part in np.split(np.stack((tone, tone)), [2000], axis=1):
        meter.add(part)
    assert meter.figures().true_peak_dbtp == pytest.approx(true_peak_dbtp(np.stack((tone, tone))), abs=1e-4)


def test_what_has_no_loudness_says_none(project, tmp_path):
    for name, audio in (("silent", np.zeros((48_000 * 4, 2))), ("short", np.full((100, 2), 0.5))):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, audio, 48_000, "PCM_24")
        take = Take(name, path, len(audio), 2, 48_000, False)
        fields = struct.unpack_from("<5h", chunks(written(project, take))[b"bext"], 412)
        assert fields[:2] == (0x7FFF, 0x7FFF) and fields[3:] == (0x7FFF, 0x7FFF)
        assert (fields[2] == 0x7FFF) == (name == "silent")


def test_a_large_file_is_rf64(project, tmp_path):
    take = project.stems[0]
    data = written(project, take, rf64_over=1_000_000)
    (tmp_path / "large.wav").write_bytes(data)
    assert data[:12] == b"RF64\xff\xff\xff\xffWAVE" and data[12:16] == b"ds64"
    riff, size, count, table = struct.unpack_from("<QQQI", data, 20)
    assert (riff, size, count, table) == (len(data) - 8, take.frames * 6, take.frames, 0)
    assert soundfile.info(tmp_path / "large.wav").format == "RF64"
    was, now = (soundfile.read(path, dtype="int32")[0] for path in (take.path, tmp_path / "large.wav"))
    assert np.array_equal(was, now)
    assert probed(tmp_path / "large.wav")["streams"][0]["duration_ts"] == take.frames
    assert written(project, take)[:4] == b"RIFF"
    assert struct.unpack_from("<I", written(project, take), 4)[0] == len(written(project, take)) - 8


def test_audio_that_ends_early_is_said(project, tmp_path):
    take = project.stems[0]
    cut = tmp_path / "cut.wav"
    cut.write_bytes(take.path.read_bytes()[:-600_000])
    with pytest.raises(OutputError, match="cut short"):
        written(project, replace(take, path=cut))
