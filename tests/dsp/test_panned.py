"""A saw in a stereo place: the same as three saws of which one sounds, at the levels asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synth.dsp.panned import panned_saw
from synth.dsp.steps import POINTS, residues, saws

FRAMES = 256
ROOM = FRAMES + POINTS
HZ = [(0.01, 3), (0.0731, 2**31), (0.31, 12345)]
ZERO, ONE = np.float32(0.0), np.float32(1.0)


def steps_of(hz):
    return np.int64(hz * 2.0**32)


def sung(hz, phase, gains, lengths=(FRAMES,)):
    """Left and right of a saw of `hz` cycles a sample, (2, ROOM), in pieces of `lengths`."""
    line, at, turned = np.zeros(2 * ROOM, np.float32), 0, np.int64(phase)
    left, right, more_left, more_right = gains
    for frames in lengths:
        now = [np.float32(x) for x in (left + at * more_left, right + at * more_right, more_left, more_right)]
        turned = panned_saw(line, at, ROOM + at, frames, turned, steps_of(hz), tuple(now), residues())
        at += frames
    return line.reshape(2, ROOM), turned


@pytest.mark.parametrize(("hz", "phase"), HZ)
def test_it_is_the_saw_of_three_of_which_one_sounds(hz, phase):
    found, turned = sung(hz, phase, (0.5, -0.25, 0.0, 0.0))
    line = np.zeros(ROOM, np.float32)
    phases, step = (np.int64(0), np.int64(phase), np.int64(0)), steps_of(hz)
    phases = saws(line, 0, 0, FRAMES, phases, (step, step, step), ZERO, ONE, residues())
    assert np.abs(found[0] - 0.5 * line).max() < 1e-5 and np.abs(found[1] + 0.25 * line).max() < 1e-5
    assert turned == phases[1] and np.abs(line).max() > 1.0


def test_its_power_is_one():
    found, _ = sung(0.0173, 99, (1.0, 1.0, 0.0, 0.0))
    assert math.sqrt(np.mean(found[:, POINTS:FRAMES].astype(float) ** 2)) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(("hz", "phase"), HZ)
def test_a_level_that_moves(hz, phase):
    """Goes straight from frame to frame; a jump has the level of its moment."""
    steady, _ = sung(hz, phase, (1.0, 1.0, 0.0, 0.0))
    moving, _ = sung(hz, phase, (0.2, 1.0, 0.001, -0.002))
    at = np.arange(FRAMES) - POINTS // 2
    wanted = steady[:, :FRAMES] * np.array([0.2 + 0.001 * at, 1.0 - 0.002 * at])
    assert np.abs(moving[:, :FRAMES] - wanted).max() < 0.03
    assert np.abs(moving[:, :FRAMES] - steady[:, :FRAMES]).max() > 0.5


def test_pieces_make_the_whole():
    gains = (0.2, 0.9, 0.001, -0.002)
    whole, turned = sung(0.0731, 2**31, gains)
    pieces, again = sung(0.0731, 2**31, gains, (64, 1, 63, 128))
    assert np.abs(whole - pieces).max() < 1e-5 and turned == again
