"""Playing: timing that drifts as people's does but never blurs a pulse, dynamics, swing, and what sounds together."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace

import numpy as np
import pytest

from synth.composer.moment import Idea, Moment, Phrase, Shares, Slot
from synth.composer.playing import Pink, Player
from synth.composer.scales import Scale
from synth.controls import defaults
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT

STEMS = ("pad", "bass", "melody", "bells", "percussion")
BARS = 4


def moments(bpm=60.0, beats=4, ending=False, **controls):
    """Bar after bar of phrases of four bars, each with one chord to its last bar and one there."""
    committed = {**defaults(), "tempo_bpm": bpm, **controls}
    for number in itertools.count():
        bar, phrase_number = number % BARS, number // BARS
        if bar == 0:
            slots = [Slot(0.0, (BARS - 1.0) * beats), Slot((BARS - 1.0) * beats, float(beats))]
            phrase = Phrase(
                number=phrase_number,
                section=0,
                scale=Scale(0, 1),
                bar_beats=[beats] * BARS,
                slots=slots,
                cadence="modal",
                stems=STEMS,
                relation="new",
                source=None,
                idea=Idea("A", 0, BARS, 0.0),
                shares=Shares(1, 3, 0, 0, 0, 0, 0, 0),
                recall=[],
                ending=ending,
            )
        tick = number * beats * TICKS_PER_BEAT
        yield Moment(
            tick=tick,
            time_s=tick / TICKS_PER_BEAT * 60.0 / bpm,
            remaining_s=None,
            beats=beats,
            beat_s=60.0 / bpm,
            controls=committed,
            phrase=phrase,
            bar=bar,
            start=float(bar * beats),
            entered=STEMS,
        )


def play(stem, bars, step=0.5, bpm=60.0, pitch=lambda i: 60 + 2 * (i % 2), seed=1, steady=False, swing=0.5, **controls):
    """(late in ms, pitch, velocity) of a note each `step` beats; first notes of phrases, which may not be early, are
    left out."""
    player, count, found = Player(seed, STEMS), 0, []
    player.swing = swing
    for now in itertools.islice(moments(bpm, **controls), bars):
        player.begin(now)
        for place in np.arange(0.0, now.beats, step):
            written = now.ticks(now.start + place)
            assert player.play(stem, now.start + place, 0.5 * step, pitch(count), steady=steady)
            count += 1
            note = player.notes[-1]
            if now.start + place > 0.0:
                found.append(((note.tick - written) / TICKS_PER_BEAT * 60e3 / bpm, note.pitch, 127 * note.velocity))
    return np.array(found).T


def periodogram_exponent(values):
    """Slope of the power spectrum in octave bands, of overlapping windowed thirds (Welch 1967)."""
    size = len(values) // 3
    window = np.hanning(size)
    parts = [values[i : i + size] - np.mean(values[i : i + size]) for i in range(0, len(values) - size + 1, size // 2)]
    power = np.mean([np.abs(np.fft.rfft(part * window)) ** 2 for part in parts], axis=0)
    frequency = np.arange(power.size) / size
    edges = np.geomspace(3.0 / size, 0.4, 9)
    bands = [(frequency >= a) & (frequency < b) for a, b in itertools.pairwise(edges)]
    logs = [(np.log(frequency[band].mean()), np.log(power[band].mean())) for band in bands]
    return -np.polyfit(*np.transpose(logs), 1)[0]


def fluctuation_exponent(values):
    """2 alpha - 1 of a detrended fluctuation analysis (Peng et al. 1994), which equals the spectral exponent."""
    walk = np.cumsum(values - np.mean(values))
    sizes = np.unique(np.geomspace(8, len(walk) // 6, 12).astype(int))
    spread = []
    for size in sizes:
        pieces = walk[: len(walk) // size * size].reshape(-1, size)
        line = np.polynomial.polynomial.polyfit(np.arange(size), pieces.T, 1)
        fitted = np.polynomial.polynomial.polyval(np.arange(size), line)
        spread.append(np.sqrt(np.mean((pieces - fitted) ** 2)))
    return 2.0 * np.polyfit(np.log(sizes), np.log(spread), 1)[0] - 1.0


@pytest.mark.parametrize("exponent", [periodogram_exponent, fluctuation_exponent])
def test_the_estimators_know_white_and_brown_noise(exponent):
    rng = np.random.default_rng(1)
    white = [exponent(rng.normal(size=1500)) for _ in range(8)]
    pink = []
    for _ in range(8):
        spectrum = np.fft.rfft(rng.normal(size=2048))
        pink.append(exponent(np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1.0)))))
    assert statistics.mean(white) == pytest.approx(0.0, abs=0.12)
    assert statistics.mean(pink) == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("exponent", [periodogram_exponent, fluctuation_exponent])
@pytest.mark.parametrize("stem", ["melody", "bells"])
def test_timing_has_a_spectral_exponent_between_six_tenths_and_one(stem, exponent):
    found = [exponent(play(stem, 200, seed=seed, regularity=0.2)[0]) for seed in range(6)]
    assert 0.6 <= statistics.mean(found) <= 1.0, found


def test_timing_remembers_hundreds_of_notes():
    """White noise and four rows forget within sixteen."""
    lags = []
    for seed in range(30):
        pink = Pink(stream(seed, "test"))
        values = np.array([pink.next() for _ in range(600)])
        blocks = values.reshape(-1, 60).mean(axis=1)
        lags.append(np.var(blocks) / np.var(values))
    assert statistics.mean(lags) > 0.2, "means of sixty notes still wander; of white noise they would by a sixtieth"


def test_free_timing_spreads_as_in_calm_playing():
    late = play("bells", 100, regularity=0.2)[0]
    assert 8.0 <= np.std(late) <= 20.0 and np.max(np.abs(late)) <= 35.0
    assert np.std(play("bells", 100, bpm=120.0, regularity=0.2)[0]) < np.std(late)


@pytest.mark.parametrize("bpm", [48.0, 90.0, 138.0])
def test_a_pulse_is_never_blurred(bpm):
    tick_ms = 60e3 / bpm / TICKS_PER_BEAT
    most = 3.0 + 0.6 * tick_ms
    assert np.max(np.abs(play("percussion", 60, bpm=bpm, regularity=0.0)[0])) <= most
    assert np.max(np.abs(play("bass", 60, bpm=bpm, regularity=0.0, steady=True)[0])) <= most
    assert np.max(np.abs(play("pad", 60, bpm=bpm, regularity=0.8)[0])) <= most
    assert np.max(np.abs(play("pad", 60, bpm=bpm, regularity=0.3)[0])) > 2.0 * most


def test_a_tune_leads_by_about_ten_milliseconds():
    leads = []
    for seed in range(8):
        late = play("melody", 40, seed=seed, regularity=1.0)[0]
        leads += [-np.mean(late[i : i + 31]) for i in range(0, late.size - 30, 31)]
    assert all(6.0 <= lead <= 14.0 for lead in leads) and statistics.mean(leads) == pytest.approx(10.0, abs=1.0)
    assert statistics.pstdev(leads) > 0.9, "it is drawn for each phrase"
    assert abs(np.mean(play("melody", 40, regularity=1.0, steady=True)[0])) < 1.5


def test_tones_of_a_chord_share_their_drift_and_are_spread_by_six_to_ten_milliseconds():
    player = Player(1, STEMS)
    for now in itertools.islice(moments(regularity=0.0), 20):
        player.begin(now)
        for beat in range(1, 4):
            start = len(player.notes)
            for pitch, late_ms in zip((60, 64, 67, 72), player.spread(4), strict=True):
                player.play("pad", now.start + beat, 0.5, pitch, late_ms=late_ms)
            ticks = [note.tick for note in player.notes[start:]]
            assert ticks == sorted(ticks)
            assert 5.4 <= statistics.pstdev(ticks) / TICKS_PER_BEAT * 1000.0 <= 10.6
    for count in range(2, 8):
        spreads = [statistics.pstdev(player.spread(count)) for _ in range(300)]
        assert 6.0 <= min(spreads) < 6.3 and 9.7 < max(spreads) <= 10.0
    assert player.spread(1) == (0.0,)


def test_velocity_rises_by_half_a_step_a_semitone_and_spreads_less_in_pads():
    def height(i):
        return 60 + (7 * i) % 24

    def measured(stem):
        _, pitch, velocity = play(stem, 400, pitch=height)
        return np.polyfit(pitch, velocity, 1)[0], np.std(velocity)

    for stem in ("melody", "bells"):
        slope, spread = measured(stem)
        assert 0.4 <= slope <= 0.7 and 8.0 <= spread <= 14.0
    assert measured("pad")[1] < 0.8 * measured("melody")[1]


def test_first_beats_are_louder_in_bars_that_open_groups_of_four_and_eight():
    def loudness(bar, place):
        found = []
        for seed in range(150):
            now = replace(next(moments()), bar=bar)
            player = Player(seed, STEMS)
            player.begin(now)
            player.play("percussion", place, 0.2, 40)
            found.append(player.notes[0].velocity)
        return statistics.mean(found)

    assert loudness(8, 0.0) > loudness(4, 0.0) > loudness(2, 0.0) > loudness(1, 0.0)
    assert loudness(8, 1.0) == pytest.approx(loudness(1, 1.0), abs=1e-3), "only on the first beat"


def test_a_swing_moves_what_lies_between_beats_and_lasts():
    late = play("percussion", 12, step=0.25, swing=0.6)[0]
    found = [float(np.mean(late[[i for i in range(40) if (i + 1) % 4 == place]])) for place in range(4)]
    assert found == pytest.approx([0.0, 50.0, 100.0, 50.0], abs=2.0)
    assert np.max(np.abs(late[3:40:4])) <= 3.6, "beats stay"


def test_a_change_of_swing_waits_for_the_next_bar():
    player, bars = Player(1, STEMS), moments()
    ticks = []
    for now in itertools.islice(bars, 2):
        player.begin(now)
        player.swing = 0.6
        player.play("percussion", now.start + 1.5, 0.2, 40)
        ticks.append(player.notes[-1].tick - now.ticks(now.start + 1.5))
    assert abs(ticks[0]) <= 3 and ticks[1] == pytest.approx(96, abs=3)


# --- what sounds together --------------------------------------------------------------------------------------------


@pytest.fixture
def playing():
    bars = moments()
    next(bars)
    now = next(bars)
    player = Player(1, STEMS)
    player.begin(now)
    return player, now


@pytest.mark.parametrize(("apart", "rubs"), [(0, False), (1, True), (-1, True), (2, False), (13, True), (12, False)])
def test_a_semitone_and_a_minor_ninth_rub(playing, apart, rubs):
    player, now = playing
    player.play("pad", now.start, 2.0, 64, steady=True)
    assert player.rubs(64 + apart, now.start, now.start + 1.0) is rubs
    assert not player.rubs(64 + apart, now.start + 2.0, now.start + 3.0)
    assert player.rubs(64 + apart, now.start + 1.5, now.start + 3.0) is rubs


def test_legato_does_not_rub_and_a_tone_struck_twice_is_known_twice(playing):
    player, now = playing
    player.play("melody", now.start, 1.0, 64, steady=True)
    player.play("melody", now.start + 2.0, 1.0, 64, steady=True)
    assert not player.rubs(65, now.start + 0.95, now.start + 2.0)
    assert player.rubs(65, now.start, now.start + 1.0) and player.rubs(65, now.start + 2.0, now.start + 3.0)


def test_what_rings_on_from_the_bar_before_rubs_and_drums_do_not():
    player = Player(1, STEMS)
    first, second, third = itertools.islice(moments(), 3)
    player.begin(first)
    player.play("pad", 0.0, 6.0, 64)
    player.play("percussion", 1.0, 6.0, 70)
    player.begin(second)
    assert player.rubs(63, 4.0, 5.0) and not player.rubs(63, 6.5, 7.0) and not player.rubs(71, 4.0, 5.0)
    player.begin(third)
    assert not player.rubs(63, 8.0, 9.0)


def test_fitting_is_not_rubbing_and_leaving_room_below(playing):
    player, now = playing
    player.play("bass", now.start, 4.0, 40)
    player.play("pad", now.start, 4.0, 64)
    ends = now.start + 1.0
    assert player.fits(67, now.start, ends) and not player.fits(65, now.start, ends)
    assert not player.fits(47, now.start, ends) and player.fits(52, now.start, ends)
    now.controls["tonal_tension"] = 0.8
    assert player.fits(65, now.start, ends), "planned tension may rub"


def test_attacks_keep_apart_in_free_time(playing):
    player, now = playing
    player.play("bells", now.start + 1.0, 1.0, 80, steady=True)
    assert not player.alone(now.start + 1.2) and not player.alone(now.start + 0.8)
    assert player.alone(now.start + 1.27) and player.alone(now.start + 0.73)
    assert player.alone(now.start + 1.2, gap_s=0.15)


def test_the_second_of_a_pair_sounds_with_the_first(playing):
    player, now = playing
    assert player.play("melody", now.start, 2.0, 72) and player.play("melody", now.start, 2.0, 72, pair=True)
    assert not player.play("melody", now.start + 1.0, 0.5, 72)
    assert player.sounding("melody", now.ticks(now.start + 1.0)) == [72]
    assert len(player.notes) == 2 and all(isinstance(note.pitch, float) for note in player.notes)


def test_nothing_sounds_before_its_phrase():
    for seed in range(40):
        player, now = Player(seed, STEMS), next(moments(regularity=0.0))
        player.begin(now)
        for stem in STEMS:
            player.play(stem, 0.0, 1.0, 60)
        assert min(note.tick for note in player.notes) >= now.tick


def test_nothing_rings_on_into_the_last_chord():
    player, now = Player(1, STEMS), next(moments(ending=True))
    player.begin(now)
    player.play("bells", 2.0, 30.0, 72)
    assert player.notes[0].tick + player.notes[0].duration == 12 * TICKS_PER_BEAT
    plain, now = Player(1, STEMS), next(moments())
    plain.begin(now)
    plain.play("bells", 2.0, 30.0, 72)
    assert plain.notes[0].duration > 25 * TICKS_PER_BEAT
