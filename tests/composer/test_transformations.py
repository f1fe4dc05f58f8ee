"""Neo-Riemannian moves against what Cohn and Harte found of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.composer.harmony import Chord, chord_pcs, least_motion, succession
from synth.composer.scales import Scale
from synth.composer.transformations import MOVES, Triad, chain, move

C = Triad(0, True)
TRIADS = st.builds(Triad, st.integers(0, 11), st.booleans())


def walk(start, moves):
    found = [start]
    for name in moves:
        found.append(move(found[-1], name))
    return found


@pytest.mark.parametrize(
    ("triad", "semitones"),
    [
        (Triad(4, False), 1),  # iii, the leading-tone exchange
        (Triad(0, False), 1),  # the parallel
        (Triad(9, False), 2),  # vi, the relative
        (Triad(8, True), 2),  # bVI
        (Triad(5, True), 3),  # IV
        (Triad(7, True), 3),  # V
        (Triad(3, True), 3),  # bIII
        (Triad(8, False), 3),  # the hexatonic pole
        (Triad(6, True), 6),  # the tritone
    ],
)
def test_voice_leading_from_c_major(triad, semitones):
    """Fewest semitones in all: Cohn (1997, 2012)."""
    assert least_motion(C.pcs, triad.pcs) == semitones


def test_the_three_moves():
    assert [move(C, name) for name in MOVES] == [Triad(0, False), Triad(4, False), Triad(9, False)]


@given(triad=TRIADS, name=st.sampled_from(MOVES))
def test_a_move_keeps_two_tones_and_undoes_itself(triad, name):
    after = move(triad, name)
    assert len(set(triad.pcs) & set(after.pcs)) == 2 and after.major != triad.major
    assert least_motion(triad.pcs, after.pcs) == (2 if name == "R" else 1)
    assert move(after, name) == triad


@pytest.mark.parametrize(("moves", "length"), [("PL", 6), ("PR", 8), ("LR", 24)])
def test_two_moves_in_turn_come_round(moves, length):
    """The hexatonic and the octatonic cycle, and the one through all triads (Cohn 1997)."""
    ring = walk(C, (moves * length)[:length])
    assert ring[-1] == C and len(set(ring[:-1])) == length


@given(start=TRIADS, end=TRIADS)
def test_a_chain_leads_where_it_says_and_no_shorter_one_does(start, end):
    way = chain(start, end)
    assert walk(start, way)[-1] == end
    near = {start}
    for _ in range(len(way) - 1):
        near |= {move(triad, name) for triad in near for name in MOVES}
    assert end not in near or start == end
    assert len(way) == len(chain(end, start))


@pytest.mark.parametrize(
    ("end", "way"),
    [(Triad(8, True), "PL"), (Triad(4, True), "LP"), (Triad(7, True), "LR"), (Triad(5, True), "RL"), (C, "")],
)
def test_chains_by_name(end, way):
    assert chain(C, end) == way


def test_the_furthest_triads_are_five_moves_away_at_most():
    ways = [len(chain(C, Triad(root, major))) for root in range(12) for major in (True, False)]
    assert max(ways) == 5 and ways.count(1) == 3


@pytest.mark.parametrize("mode", range(6))
def test_the_transformational_practice_goes_where_little_moves(mode):
    triads = [chord_pcs(Chord(degree), Scale(0, mode)) for degree in range(7)]

    def moved(practice):
        table = succession(mode, practice)
        return sum(p * least_motion(triads[a], triads[b]) for a, row in enumerate(table) for b, p in enumerate(row)) / 7

    assert moved("transformational") < min(moved("functional"), moved("modal"))


def test_the_transformational_practice_sounds_like_it(music):
    """Successive roots are a third apart more often than in functional harmony, where they are a fifth apart."""
    from synth.controls import KEYS

    def thirds(practice):
        found = []
        for seed in range(3):
            piece = music.perform(music.make_preset(practice=practice, key=0, density_hz=2.0), seed, 6.0)
            names = [marker.text for marker in piece.markers("chord")]
            roots = [KEYS.index(name[:2] if name[1:2] == "b" else name[:1]) for name in names]
            apart = [(b - a) % 12 for a, b in zip(roots, roots[1:], strict=False) if a != b]
            found += [step in (3, 4, 8, 9) for step in apart]
        return sum(found) / len(found)

    assert thirds("transformational") > thirds("functional") + 0.1
