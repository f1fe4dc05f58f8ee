"""The mixer: instruments in, finished stems and their sum out.

Each stem goes through a high-pass, which also takes out DC, a low-pass that follows `brightness_oct`, its width, its
level, the swell and its place from left to right, as lanes of one vector: middle and side of every stem. Roles step
back for one another (`ducking`) and are near or far by their first reflections (`early`). These and the reverb are the
last stem, the return.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, EXPRESSION_DB, STEMS
from synth.dsp._jit import kernel
from synth.dsp.arrays import aligned
from synth.dsp.butterworth import HIGHEST, butterworth, transition
from synth.dsp.fused import fma
from synth.dsp.sine import cosine, exp2, sine
from synth.instruments.base import MAX_FRAMES, MAX_QUANTA, QUANTUM, Buffer, Edges
from synth.mix.ducking import BELLS, DIP, DIP_WAS, DRIVE, ROLE, UNDER, WHOLE, dip, drive, duck, make_cuts, make_ducks
from synth.mix.early import Early, sends
from synth.mix.reverb import DEFAULT, EVEN, WIDEST, in_the_room, make_reverb, return_gain, send_gain
from synth.preset import Space, StemSetting
from synth.rng import stream_seed
from synth.units import db_to_gain

LANES = (16, 32)  # middle and side of every instrument, filled up to what vectors hold
SIDE_HIGHPASS_HZ = 240.0  # below it a stem is mono
LEAN = 0.5  # of the middle that goes over to one side and the other, with all of `motion`
LEAN_S = (23.0, 47.0)  # there and back, each stem in its own time
SHARED_BRIGHTNESS = 0.5  # of brightness_oct; the instruments answer it as well
SPACE_DB = (18.0, 12.0)  # sends a unit of `space` below and above 0.5: -9 to +6 dB
SPACE_OCTAVES = 0.65  # of decay time a unit of `space`

HP_P, HP_Q, HP_R, HP_T, HP_1, HP_2, LP_P, LP_Q, LP_R, LP_T, LP_1, LP_2, CUTOFF = range(13)  # rows of `lanes`
STEP_P, STEP_Q, STEP_R, STEP_T = range(13, 17)
LEVEL, SEND, NEAR, FAR, WIDTH, GAIN, GAIN_WAS, LEAN_NOW, LEAN_WAS, PAN, PAN_WAS, PHASE, RATE = range(13)  # of `strips`
BRIGHTNESS, SPACE, MOTION, SWELL, FIRST_LEVEL = range(5)  # places in `columns`
LISTENED, CUT = range(2)  # rows of `places`: stems
BRIGHT, MOVING, WET, WET_WAS = range(4)  # places in `heard`
RETURN, STRETCH = range(2)  # rows of `room`, an edge a column

SPAN = np.uint64(QUANTUM)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
F0, F1, F2, HALF = (np.float32(x) for x in (0.0, 1.0, 2.0, 0.5))
DB_OCTAVES = np.float32(math.log2(10.0) / 20.0)
ROOT2 = np.float32(math.sqrt(2.0))
STEP = np.float32(1.0 / QUANTUM)
FLUSH, WILD = np.float32(1e-9), np.float32(1e6)
SILENT_DB = np.float32(-60.0)
UNSET = np.float32(-1e9)
GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)  # multiples of it lie far from each other within a turn


@kernel
def _brighten(lanes, octaves, share):  # type: ignore[no-untyped-def]
    """Aim the low-passes at their cutoffs times `2 ** octaves`, moving by `share` of the way a sample (1: at once)."""
    for v in range(lanes.shape[1]):
        half_turn = min(lanes[CUTOFF, v] * exp2(octaves), np.float32(HALF * HIGHEST))
        p, q, r, t = transition(sine(half_turn) / cosine(half_turn), ROOT2)
        lanes[STEP_P, v], lanes[STEP_Q, v] = (p - lanes[LP_P, v]) * share, (q - lanes[LP_Q, v]) * share
        lanes[STEP_R, v], lanes[STEP_T, v] = (r - lanes[LP_R, v]) * share, (t - lanes[LP_T, v]) * share
    if share == F1:
        for v in range(lanes.shape[1]):
            for row in range(4):
                lanes[LP_P + row, v] += lanes[STEP_P + row, v]
                lanes[STEP_P + row, v] = F0


@kernel
def _filter(z, lanes):  # type: ignore[no-untyped-def]
    """High-pass and low-pass of one quantum, `z` (64, lanes), in place."""
    count = z.shape[1]
    for n in range(QUANTUM):
        for v in range(count):
            x, s1, s2 = z[n, v], lanes[HP_1, v], lanes[HP_2, v]
            p, q = lanes[HP_P, v], lanes[HP_Q, v]
            t1 = fma(p, s1, fma(-q, s2, q * x))
            t2 = fma(q, s1, fma(lanes[HP_R, v], s2, lanes[HP_T, v] * x))
            lanes[HP_1, v], lanes[HP_2, v] = t1, t2
            x = fma(-HALF, fma(ROOT2, s1 + t1, s2 + t2), x)
            p, q = lanes[LP_P, v] + lanes[STEP_P, v], lanes[LP_Q, v] + lanes[STEP_Q, v]
            r, t = lanes[LP_R, v] + lanes[STEP_R, v], lanes[LP_T, v] + lanes[STEP_T, v]
            s1, s2 = lanes[LP_1, v], lanes[LP_2, v]
            t2 = fma(q, s1, fma(r, s2, t * x))
            z[n, v] = HALF * (s2 + t2)
            lanes[LP_1, v], lanes[LP_2, v] = fma(p, s1, fma(-q, s2, q * x)), t2
            lanes[LP_P, v], lanes[LP_Q, v], lanes[LP_R, v], lanes[LP_T, v] = p, q, r, t


@kernel
def _heal(z, lanes):  # type: ignore[no-untyped-def]
    """Silence lanes that hold what is not a number; let those that have died away rest at zero."""
    for v in range(z.shape[1]):
        held = abs(lanes[HP_1, v]) + abs(lanes[HP_2, v]) + abs(lanes[LP_1, v]) + abs(lanes[LP_2, v])
        if not FLUSH <= held < WILD:
            lanes[HP_1, v] = lanes[HP_2, v] = lanes[LP_1, v] = lanes[LP_2, v] = F0
            if not held < WILD:
                for n in range(QUANTUM):
                    z[n, v] = F0


@kernel
def _levels(edges, q, columns, strips, heard, ducks, links, moves, room):  # type: ignore[no-untyped-def]
    """Gains at edge `q`; the ones before stay beside them, to ramp from."""
    space = edges[q, columns[SPACE]] - HALF
    space_db = space * np.float32(SPACE_DB[0] if space < F0 else SPACE_DB[1])
    heard[WET_WAS], heard[WET] = heard[WET], exp2(DB_OCTAVES * space_db)
    room[STRETCH, q] = exp2(np.float32(SPACE_OCTAVES) * space)
    duck(ducks, links, moves)
    returned = strips.shape[1] - 1
    for s in range(strips.shape[1]):
        level_db = edges[q, columns[FIRST_LEVEL + s]]
        gain = strips[LEVEL, s] * moves[WHOLE, s] if level_db > SILENT_DB else F0
        if s < returned:
            level_db += edges[q, columns[SWELL]]  # the return has the swell from its sends
        strips[GAIN_WAS, s], strips[GAIN, s] = strips[GAIN, s], gain * exp2(DB_OCTAVES * level_db)
        phase = strips[PHASE, s] + strips[RATE, s]
        phase -= F1 if phase >= F1 else F0
        lean = np.float32(LEAN) * edges[q, columns[MOTION]] * sine(phase)
        strips[PHASE, s], strips[LEAN_WAS, s], strips[LEAN_NOW, s] = phase, strips[LEAN_NOW, s], lean
        if s < returned:
            strips[PAN_WAS, s], strips[PAN, s] = strips[PAN, s], edges[q, columns[FIRST_LEVEL + returned + 1 + s]]
    room[RETURN, q] = strips[GAIN, returned]


@kernel
def _take(stems, s, at, strips, z):  # type: ignore[no-untyped-def]
    """Middle and side of a quantum of a stem into its lanes of `z`; it leans where the middle is added to the side."""
    lean, step = strips[LEAN_WAS, s], strips[LEAN_NOW, s] - strips[LEAN_WAS, s]
    for n in range(SPAN):
        left, right = stems[s, 0, at + n], stems[s, 1, at + n]
        middle = HALF * (left + right)
        z[n, 2 * s] = middle
        z[n, 2 * s + 1] = HALF * (left - right) + (lean + step * RAMP[n]) * middle


@kernel
def _put(stems, s, at, strips, z):  # type: ignore[no-untyped-def]
    """And back, at its level and width, left and right by what keeps the power of a sound in the middle."""
    width, gain, step = strips[WIDTH, s], strips[GAIN_WAS, s], strips[GAIN, s] - strips[GAIN_WAS, s]
    left, right = np.sqrt(F1 - strips[PAN_WAS, s]), np.sqrt(F1 + strips[PAN_WAS, s])
    left_step, right_step = np.sqrt(F1 - strips[PAN, s]) - left, np.sqrt(F1 + strips[PAN, s]) - right
    for n in range(SPAN):
        g = gain + step * RAMP[n]
        middle, side = g * z[n, 2 * s], g * width * z[n, 2 * s + 1]
        stems[s, 0, at + n] = (middle + side) * (left + left_step * RAMP[n])
        stems[s, 1, at + n] = (middle - side) * (right + right_step * RAMP[n])


@kernel
def _pass_on(stems, s, at, strips, send, early):  # type: ignore[no-untyped-def]
    """Add a quantum of a stem to what the reverb and the first reflections hear."""
    wet, near, far = strips[SEND, s], HALF * strips[NEAR, s], HALF * strips[FAR, s]
    for n in range(SPAN):
        left, right = stems[s, 0, at + n], stems[s, 1, at + n]
        send[0, at + n] += wet * left
        send[1, at + n] += wet * right
        early[0, at + n] += near * (left + right)
        early[1, at + n] += far * (left + right)


@kernel
def _strips(  # type: ignore[no-untyped-def]
    stems,
    edges,
    quanta,
    columns,
    places,
    lanes,
    strips,
    heard,
    ducks,
    links,
    moves,
    cuts,
    kept,
    z,
    taken,
    send,
    early,
    room,
):
    """Finish the instruments' stems in place, fill the sends, and leave the return's gain and stretch in `room`."""
    instruments = strips.shape[1] - 1
    if heard[BRIGHT] == UNSET:
        heard[BRIGHT] = edges[0, columns[BRIGHTNESS]]
        _brighten(lanes, np.float32(SHARED_BRIGHTNESS) * heard[BRIGHT], F1)
        _levels(edges, 0, columns, strips, heard, ducks, links, moves, room)
    room[RETURN, 0] = strips[GAIN, instruments]
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        brightness = edges[q + 1, columns[BRIGHTNESS]]
        if brightness != heard[BRIGHT] or heard[MOVING] > F0:
            heard[MOVING] = F0 if brightness == heard[BRIGHT] else F1
            heard[BRIGHT] = brightness
            _brighten(lanes, np.float32(SHARED_BRIGHTNESS) * brightness, STEP)
        _levels(edges, q + 1, columns, strips, heard, ducks, links, moves, room)

        for s in range(instruments):
            _take(stems, s, at, strips, z)
        _filter(z, lanes)
        _heal(z, lanes)
        for s in range(instruments):
            if places[LISTENED, s]:
                moves[DRIVE, s] = drive(z, 2 * s, exp2(DB_OCTAVES * edges[q + 1, columns[FIRST_LEVEL + s]]))
        for c in range(2):
            for n in range(SPAN):
                send[c, at + n] = F0
                early[c, at + n] = F0
        for s in range(instruments):
            _put(stems, s, at, strips, z)
            cut = places[CUT, s]
            if cut >= 0:
                dip(stems[s], at, cuts[cut], kept[cut], moves[DIP_WAS, s], moves[DIP, s], taken)
            if strips[SEND, s] > F0:
                _pass_on(stems, s, at, strips, send, early)
        wet, wet_step = heard[WET_WAS], heard[WET] - heard[WET_WAS]
        for c in range(2):
            for n in range(SPAN):
                send[c, at + n] *= wet + wet_step * RAMP[n]
                early[c, at + n] *= wet + wet_step * RAMP[n]


@kernel
def _finish(stems, quanta, returned, width, room, premaster):  # type: ignore[no-untyped-def]
    """Bring the return to its level and width, and sum all stems, first to last."""
    last = stems.shape[0] - 1
    for q in range(quanta):
        at = np.uint64(q * QUANTUM)
        gain, gain_step = room[RETURN, q], room[RETURN, q + 1] - room[RETURN, q]
        for n in range(SPAN):
            g = HALF * (gain + gain_step * RAMP[n])
            middle = g * (returned[0, at + n] + returned[1, at + n])
            side = g * width * (returned[0, at + n] - returned[1, at + n])
            stems[last, 0, at + n] = middle + side
            stems[last, 1, at + n] = middle - side
        for c in range(2):
            for n in range(SPAN):
                premaster[c, at + n] = stems[0, c, at + n]
            for s in range(1, last + 1):
                for n in range(SPAN):
                    premaster[c, at + n] += stems[s, c, at + n]


class Mixer:
    """Mixes the instruments of `stems` (by stem name) and the reverb's return; `names` is the order of the stems.

    Instruments play a typical part at -23 LUFS; `level_lu` sets each against that.
    """

    def __init__(self, sample_rate: int, stems: Mapping[str, StemSetting], space: Space, seed: int) -> None:
        played = tuple(s for s in STEMS if s in stems and s != "reverb")
        self.names: tuple[str, ...] = (*played, "reverb")
        settings = [*(stems[s] for s in played), stems.get("reverb", DEFAULT)]
        levels = [*(db_to_gain(s.level_lu) for s in settings[:-1]), EVEN * return_gain(stems)]
        self._columns = np.array(
            [
                COLUMN["brightness_oct"],
                COLUMN["space"],
                COLUMN["motion"],
                EXPRESSION_DB,
                *(COLUMN[f"level_{s}_db"] for s in self.names),
                *(COLUMN[f"pan_{s}"] for s in played),
            ],
            np.int64,
        )
        ducks, links = make_ducks(self.names, sample_rate)
        self._places = np.zeros((CUT + 1, len(self.names)), np.int64)
        self._places[LISTENED, links[UNDER]] = 1
        self._places[CUT] = -1
        cutting = links[BELLS] >= 0
        self._places[CUT, links[ROLE, cutting]] = links[BELLS, cutting]
        lanes = _lane_filters(settings[:-1], sample_rate)
        strips = _strip_settings(self.names, settings, levels, sample_rate)
        heard = np.array([UNSET, 0.0, 0.0, 0.0], np.float32)
        moves = np.zeros((DIP_WAS + 1, len(self.names)), np.float32)
        self._state = lanes, strips, heard, ducks, links, moves, *make_cuts(self.names, sample_rate)
        self._scratch = aligned((QUANTUM, lanes.shape[1])), np.zeros((2, QUANTUM), np.float32)
        self._width = np.float32(WIDEST * settings[-1].width)
        self._reverb = make_reverb(sample_rate, space, settings[-1], stream_seed(seed, "reverb"))
        self._early = Early(sample_rate)
        self._send, self._sent_early, self._return = (np.zeros((2, MAX_FRAMES), np.float32) for _ in range(3))
        self._room = np.ones((2, MAX_QUANTA + 1), np.float32)

    def render(self, stems: NDArray[np.float32], edges: Edges, quanta: int, premaster: Buffer) -> None:
        """Turn the instruments in `stems` ((len(names), 2, MAX_FRAMES)) into finished stems in place, write the
        return to the last, and their sum to `premaster`."""
        send, early = self._send, self._sent_early
        _strips(
            stems, edges, quanta, self._columns, self._places, *self._state, *self._scratch, send, early, self._room
        )
        self._reverb.render(send, quanta, self._return, self._room[STRETCH])
        self._early.render(early, quanta, self._return)
        _finish(stems, quanta, self._return, self._width, self._room, premaster)


def _lane_filters(settings: list[StemSetting], sample_rate: int) -> NDArray[np.float32]:
    lanes = aligned((STEP_T + 1, next(count for count in LANES if count >= 2 * len(settings))))
    for s, setting in enumerate(settings):
        for lane, highpass_hz in (
            (2 * s, setting.highpass_hz),
            (2 * s + 1, max(setting.highpass_hz, SIDE_HIGHPASS_HZ)),
        ):
            lanes[HP_P : HP_T + 1, lane] = butterworth(highpass_hz, sample_rate)[:4]
            lanes[CUTOFF, lane] = setting.lowpass_hz / sample_rate / 2.0
    return lanes


def _strip_settings(
    names: tuple[str, ...], settings: list[StemSetting], levels: list[float], sample_rate: int
) -> NDArray[np.float32]:
    strips = np.zeros((RATE + 1, len(settings)), np.float32)
    place = GOLDEN * np.array([STEMS.index(name) for name in names])
    strips[PHASE] = place % 1.0
    strips[RATE] = QUANTUM / sample_rate / (LEAN_S[0] + (LEAN_S[1] - LEAN_S[0]) * (place * GOLDEN % 1.0))
    strips[LEVEL] = levels
    strips[WIDTH] = [setting.width for setting in settings]
    for s, setting in enumerate(settings):
        if in_the_room(setting):
            strips[SEND, s] = send_gain(setting)
            strips[NEAR : FAR + 1, s] = sends(setting.distance)
    return strips
