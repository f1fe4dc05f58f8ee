"""PCM messages: what a frame holds, how well 16 bits keep the sound, and that all get the same bytes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from synth.daemon.audio.pcm import FULL_SCALE, HEADER, HEADER_BYTES, RESUMED, message
from tests.daemon.audio.stand import BLOCK, RATE, tone


def samples(payload: bytes) -> np.ndarray:
    return np.frombuffer(payload, "<i2", offset=HEADER_BYTES).reshape(-1, 2) / FULL_SCALE


@pytest.mark.parametrize(("frames", "form"), [(10, "s16"), (BLOCK, "s16"), (BLOCK, "f32"), (19_200, "f32")])
def test_a_frame_is_what_a_websocket_server_sends(frames: int, form: str) -> None:
    sent = message(tone(0, frames), form, 7, 0.04)  # type: ignore[arg-type]
    assert bytes(sent.frame) == Frame(Opcode.BINARY, sent.payload).serialize(mask=False)
    assert len(sent.payload) == HEADER_BYTES + frames * 2 * {"s16": 2, "f32": 4}[form]


def test_the_header_tells_frame_lead_and_flags() -> None:
    first = 2**40 + 3
    told = HEADER.unpack_from(message(tone(0, 64), "s16", first, 0.0123, RESUMED).payload)
    assert told == (first, 12_300, RESUMED) == struct.unpack_from("<QII", struct.pack("<QII", first, 12_300, 1))


@pytest.mark.parametrize(("lead_s", "told_us"), [(-0.5, 0), (1e9, 2**32 - 1)])
def test_a_lead_that_does_not_fit_is_kept_in_range(lead_s: float, told_us: int) -> None:
    assert HEADER.unpack_from(message(tone(0, 64), "s16", 0, lead_s).payload)[1] == told_us


def test_f32_is_bit_for_bit() -> None:
    audio = tone(5, BLOCK)
    payload = message(audio, "f32", 5, 0.0).payload
    assert np.array_equal(np.frombuffer(payload, "<f4", offset=HEADER_BYTES).reshape(-1, 2), audio)


@settings(max_examples=30, deadline=None)
@given(block=st.integers(0, 2**40), amplitude=st.sampled_from([0.0, 1e-5, 0.01, 0.9]))
def test_s16_is_within_the_dither_and_the_same_each_time(block: int, amplitude: float) -> None:
    audio = tone(0, BLOCK, amplitude=amplitude)
    sent = message(audio, "s16", block * BLOCK, 0.0).payload
    assert np.abs(samples(sent) - audio).max() <= 1.5 / FULL_SCALE
    assert sent == message(audio, "s16", block * BLOCK, 0.0).payload


def test_s16_errs_evenly_and_does_not_follow_the_sound() -> None:
    quiet = 0.6 / FULL_SCALE  # plain rounding would make a square wave of this
    blocks = range(0, 100 * BLOCK, BLOCK)
    error = np.concatenate(
        [
            samples(message(tone(first, BLOCK, amplitude=quiet), "s16", first, 0.0).payload)
            - tone(first, BLOCK, amplitude=quiet)
            for first in blocks
        ]
    )
    steps = error * FULL_SCALE
    assert abs(steps.mean()) < 0.01 and steps.std() == pytest.approx(0.5, abs=0.02)
    spectrum = np.abs(np.fft.rfft(steps[:, 0] * np.hanning(len(steps)))) ** 2
    at = round(3 * 440.0 * len(steps) / RATE)  # where rounding would put a third harmonic
    assert spectrum[at - 2 : at + 3].max() < 20.0 * np.median(spectrum)


def test_silence_is_silence_and_too_loud_is_clipped() -> None:
    assert not samples(message(np.zeros((BLOCK, 2), np.float32), "s16", 0, 0.0).payload).any()
    loud = samples(message(np.full((BLOCK, 2), 1.5, np.float32), "s16", 0, 0.0).payload)
    assert loud.min() > 0.999
    low = samples(message(np.full((BLOCK, 2), -1.5, np.float32), "s16", 0, 0.0).payload)
    assert low.max() == -1.0
