"""What the controls do to the notes: density, percussiveness, regularity, predictability, articulation."""

from __future__ import annotations

import statistics

import pytest

from synth.score.model import TICKS_PER_BEAT

SHIPPED = ("settle", "sleep", "focus", "energise")
DENSITIES = {
    "settle": (0.4, 0.8, 1.4, 3.0),
    "sleep": (0.2, 0.5, 1.2, 2.0),
    "focus": (0.8, 1.8, 3.6, 6.0),
    "energise": (1.0, 2.4, 4.5, 6.5),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_density_is_met_over_every_minute_and_rises_with_the_request(music, name):
    means = []
    for wanted in DENSITIES[name]:
        minutes = []
        for seed in range(2):
            minutes += music.densities(
                music.perform(music.PRESETS[name], seed, 6.0, {"density_hz": wanted}), skip_s=75.0
            )
        means.append(statistics.mean(minutes))
        assert means[-1] == pytest.approx(wanted, rel=0.12)
        spread = max(0.3 * wanted, 12 / 60)  # a phrase more or less
        assert all(abs(minute - wanted) <= spread for minute in minutes), (wanted, min(minutes), max(minutes))
    assert all(low < high for low, high in zip(means, means[1:], strict=False))


def test_density_follows_a_step_within_a_phrase_or_two(music):
    preset = music.PRESETS["settle"]
    piece = music.perform(preset, 1, 8.0, lambda at_s: {"density_hz": 0.6 if at_s < 240.0 else 2.4})
    times = [piece.seconds(note.tick) for note in piece.notes]

    def rate(start, end):
        return sum(start <= t < end for t in times) / (end - start)

    assert rate(120.0, 240.0) == pytest.approx(0.6, rel=0.25)
    assert rate(280.0, 480.0) == pytest.approx(2.4, rel=0.15)


@pytest.mark.parametrize("name", ["settle", "energise"])
def test_percussiveness_none_is_no_percussion_and_more_is_more_and_harder(music, name):
    def drums(amount):
        notes = []
        for seed in range(3):
            controls = {"percussiveness": amount, "density_hz": 3.0}
            notes += music.perform(music.PRESETS[name], seed, 5.0, controls).of("percussion")
        return notes

    assert drums(0.0) == [] and drums(0.04) == []
    some, many = drums(0.2), drums(0.9)
    assert 0 < len(some) < 0.8 * len(many)
    assert statistics.mean(n.velocity for n in some) + 0.1 < statistics.mean(n.velocity for n in many)


def test_percussion_stops_with_the_bar_when_it_is_no_longer_wanted(music):
    preset = music.PRESETS["energise"]
    piece = music.perform(preset, 1, 4.0, lambda at_s: {"percussiveness": 0.8 if at_s < 116.0 else 0.0})
    times = [piece.seconds(note.tick) for note in piece.of("percussion")]
    assert 106.0 < max(times) < 116.0 + 2 * 4 * 0.6


def test_drums_keep_to_their_grid_within_three_milliseconds_and_rest_now_and_then(music):
    piece = music.perform(music.PRESETS["energise"], 1, 8.0)
    beat_ms = 60e3 / 100
    for note in piece.of("percussion"):
        off = (note.tick + 120) % 240 - 120
        assert abs(off) / TICKS_PER_BEAT * beat_ms <= 3.5
    starts = [marker.tick for marker in piece.markers("phrase")]
    hits = [sum(a <= n.tick < b for n in piece.of("percussion")) for a, b in zip(starts, starts[1:], strict=False)]
    assert 0 in hits[6:] and sum(count > 0 for count in hits[6:]) > 0.7 * len(hits[6:])


def test_the_drum_pattern_stays_for_a_section(music):
    """Bars of percussion come again far more often than not."""
    piece = music.perform(music.PRESETS["energise"], 2, 8.0)
    bars = []
    for bar in piece.bars:
        bars.append(
            frozenset((round((n.tick - bar.tick) / 240), int(n.pitch)) for n in bar.notes if n.stem == "percussion")
        )
    played = [bar for bar in bars if bar]
    assert len(set(played)) < 0.5 * len(played)


def off_beat(piece, stems):
    """Share of onsets that are not within a tenth of a beat of one."""
    notes = [n for n in piece.notes if n.stem in stems]
    return statistics.mean(0.1 < n.tick / TICKS_PER_BEAT % 1.0 < 0.9 for n in notes)


@pytest.mark.parametrize("name", ["settle", "energise"])
def test_more_regularity_is_fewer_notes_off_the_beat(music, name):
    def share(regularity):
        pieces = [
            music.perform(music.PRESETS[name], s, 6.0, {"regularity": regularity, "tempo_bpm": 66.0}) for s in range(5)
        ]
        return statistics.mean(off_beat(piece, ("melody", "percussion")) for piece in pieces)

    assert share(1.0) < share(0.0) - 0.03


def test_more_regularity_is_tighter_timing(music):
    def wander_ms(regularity):
        piece = music.perform(music.PRESETS["settle"], 1, 8.0, {"regularity": regularity, "tempo_bpm": 60.0})
        off = [(n.tick + 60) % 120 - 60 for n in piece.notes if n.stem in ("melody", "bass")]
        return statistics.pstdev(off) / TICKS_PER_BEAT * 1000.0

    assert 4.0 <= wander_ms(1.0) < wander_ms(0.0) - 1.0
    assert wander_ms(0.0) <= 20.0


@pytest.mark.parametrize("name", SHIPPED)
def test_more_predictability_is_more_that_returns(music, name):
    def returned(predictability):
        shares = []
        for seed in range(8):
            piece = music.perform(music.PRESETS[name], seed, 8.0, {"predictability": predictability})
            names = [marker.text.split()[-1] for marker in piece.markers("phrase")]
            shares.append(statistics.mean(text in names[:i] for i, text in enumerate(names)))
        return statistics.mean(shares)

    low, middle, high = (returned(p) for p in (0.0, 0.5, 1.0))
    assert low + 0.05 < middle < high + 0.02 and low + 0.1 < high


def test_more_articulation_is_longer_tones(music):
    def held(articulation):
        piece = music.perform(music.PRESETS["settle"], 1, 6.0, {"articulation": articulation})
        return statistics.mean(n.duration for n in piece.of("melody"))

    assert held(0.4) < 0.7 * held(0.9) and held(0.9) <= held(1.2)


@pytest.mark.parametrize("name", SHIPPED)
def test_higher_is_louder_as_people_play_it(pieces, name):
    """Velocity rises about half a MIDI step a semitone, and spreads as in measured performances (8 to 20)."""
    slopes = []
    for seed in range(4):
        piece = pieces(name, seed)
        for stem in ("pad", "melody"):
            notes = piece.of(stem)
            pitch, velocity = [n.pitch for n in notes], [127 * n.velocity for n in notes]
            slopes.append(statistics.linear_regression(pitch, velocity).slope)
    assert 0.2 <= statistics.mean(slopes) <= 1.4
    velocities = [n.velocity for n in pieces(name, 0).notes if n.stem != "percussion"]
    assert 5 <= 127 * statistics.pstdev(velocities) <= 20


@pytest.mark.parametrize("name", SHIPPED)
def test_bells_leave_room(pieces, name):
    """No two strokes within a quarter second, and no more than a stroke each two seconds over a minute."""
    for seed in range(4):
        piece = pieces(name, seed)
        times = [piece.seconds(n.tick) for n in piece.of("bells")]
        assert all(b - a >= 0.2 for a, b in zip(times, times[1:], strict=False))
        most = max(sum(start <= t < start + 60.0 for t in times) for start in range(0, 540, 15))
        assert most <= 60


def test_timing_noise_is_pink(music):
    """Neighbouring deviations are alike (white noise: 0), as in measured playing (.3 to .8)."""
    from synth.composer.playing import Pink
    from synth.rng import stream

    pink = Pink(stream(1, "test"))
    values = [pink.next() for _ in range(4000)]
    assert statistics.pstdev(values) == pytest.approx(1.0, abs=0.15)
    assert 0.3 <= statistics.correlation(values[:-1], values[1:]) <= 0.9
    assert 0.1 <= statistics.correlation(values[:-4], values[4:]) <= 0.7
