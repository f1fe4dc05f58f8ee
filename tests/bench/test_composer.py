"""The bench of the composer: what it reads, whole sessions, its tables, and the measures of phrases."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Program = Callable[[str], ModuleType]


@pytest.fixture
def page(program: Program) -> ModuleType:
    return program("scores.page")


def plain(page: ModuleType) -> object:
    """Four bars of a bass, a phrase that closes in the last."""
    notes = [page.Note("bass", 4.0 * i, 4.0 * i + 4.0, pitch) for i, pitch in enumerate((36, 41, 43, 45))]
    marks = [page.Mark(4.0 * i, "chord", "C") for i in range(4)]
    return page.Page(notes, [page.Mark(0.0, "phrase", "phrase 1 A"), *marks, page.Mark(12.0, "cadence", "half")])


def tune(page: ModuleType, *phrases: tuple[str, list[tuple[float, float, int]]], beats: float = 16.0) -> object:
    """A melody alone: phrases of `beats` with their name and (start, length, pitch)."""
    notes, marks = [], []
    for i, (name, tones) in enumerate(phrases):
        marks.append(page.Mark(i * beats, "phrase", f"phrase {i + 1} {name}"))
        notes += [page.Note("melody", i * beats + s, i * beats + s + d, p) for s, d, p in tones]
    return page.Page(sorted(notes, key=lambda n: n.start), marks)


def test_a_page_reads_what_the_midi_file_says(page: ModuleType, tmp_path: Path) -> None:
    from synth.score.midi import write_midi
    from synth.score.model import KeyChange, Marker, Metre, Note, Score, Tempo

    score = Score(("pad", "melody", "percussion"))
    score.tempos = [Tempo(0, 1_000_000), Tempo(3840, 500_000)]
    score.keys, score.metres = [KeyChange(0, 9, 3), KeyChange(3840, 2, 1)], [Metre(0, 4), Metre(3840, 3)]
    score.markers = [Marker(0, "phrase", "phrase 1 A"), Marker(3840, "cadence", "half")]
    score.notes = [Note("pad", 0, 3840, 57.0, 0.5), Note("melody", 3840, 960, 74.0, 1.0)]
    score.notes.append(Note("percussion", 4800, 240, 36.0, 0.5))
    score.end_tick = 6720
    write_midi(score, tmp_path / "score.mid")
    read = page.read_page(tmp_path / "score.mid")
    assert [(n.stem, round(n.start, 3), round(n.end, 3), n.pitch) for n in read.notes] == [
        ("pad", 0.0, 4.0, 57),
        ("melody", 4.0, 5.0, 74),
        ("percussion", 5.0, 5.25, 36),
    ]
    assert [(k.beat, k.tonic, k.scale) for k in read.keys] == [(0.0, 9, "dorian"), (4.0, 2, "ionian")]
    assert [(m.beat, m.kind, m.text) for m in read.marks] == [(0.0, "phrase", "phrase 1 A"), (4.0, "cadence", "half")]
    assert read.seconds(4.0) == pytest.approx(4.0) and read.seconds(6.0) == pytest.approx(5.0)
    assert read.bars == [(0.0, 4.0), (4.0, 7.0)]
    assert [read.relative(n) for n in read.notes] == [0, 0, 36]


def test_bars_in_another_order_keep_their_notes(page: ModuleType) -> None:
    made = plain(page)
    turned = made.reordered([3, 2, 1, 0])
    assert [n.pitch for n in turned.of("bass")] == [45, 43, 41, 36]
    assert [n.start for n in turned.of("bass")] == [0.0, 4.0, 8.0, 12.0]


def test_a_note_held_over_bar_lines_is_cut_and_tied_again(page: ModuleType) -> None:
    made = page.Page(
        [page.Note("pad", 1.0, 12.0, 60), page.Note("bass", 4.0, 8.0, 36), page.Note("pad", 8.0, 12.0, 64)]
    )
    assert made.reordered([0, 1, 2]).notes == made.notes
    assert made.reordered([1, 2, 0]).notes == [
        page.Note("bass", 0.0, 4.0, 36),
        page.Note("pad", 0.0, 8.0, 60),
        page.Note("pad", 4.0, 8.0, 64),
        page.Note("pad", 9.0, 12.0, 60),
    ]


# --- melody ---------------------------------------------------------------------------------------------------------

IDEA = [(0.0, 1.0, 72), (1.0, 0.5, 74), (1.5, 0.5, 76), (2.0, 2.0, 79), (4.0, 1.0, 77), (5.0, 1.0, 76), (6.0, 4.0, 72)]
OTHER = [(0.5, 2.5, 76), (3.0, 0.25, 71), (4.0, 3.0, 64), (8.0, 0.5, 79), (9.5, 2.0, 79), (12.0, 3.0, 67)]


def test_rests_are_counted_where_there_is_a_melody(program: Program, page: ModuleType) -> None:
    motif = program("scores.motif")
    made = tune(page, ("A", IDEA), ("B", []), ("A'", IDEA), ("C", []))
    found = motif.rests(made)
    assert found.phrases == 2 and found.overall == pytest.approx(6 / 16) and found.median == pytest.approx(6 / 16)
    detached = [(s, d - 0.2, p) for s, d, p in IDEA]
    made = tune(page, ("A", detached), ("B", []))
    assert motif.rests(made).overall == pytest.approx(6.2 / 16)  # articulation is no rest


def test_a_recall_is_heard_moved_and_varied_but_not_in_another_line(program: Program, page: ModuleType) -> None:
    motif = program("scores.motif")
    moved = [(s, d, p + 5) for s, d, p in IDEA]
    varied = [*IDEA[:5], (5.0, 0.5, 79), (5.5, 0.5, 76), (6.0, 4.0, 74)]
    made = tune(page, ("A", IDEA), ("B", OTHER), ("A", moved), ("A'", varied), ("B", IDEA))
    a, b, again, near, false = motif.phrases(made)
    assert motif.likeness(a, again) == 1.0 > motif.likeness(a, near) > 0.6 > motif.likeness(a, b)
    found = motif.recalls(made)
    assert found.returns == 3 and found.kept == pytest.approx(2 / 3)  # the last is named B and is not
    made.marks += [page.Mark(32.0, "recall", "A, 32 s later"), page.Mark(64.0, "recall", "B, 48 s later")]
    found = motif.recalls(made)
    assert (found.marked, found.marked_kept) == (2, 0.5)
    made.notes = [n for n in made.notes if not 32.0 <= n.start < 48.0]  # a recall that is silent is none
    assert motif.recalls(made).marked_kept == 0.0


def test_an_idea_is_known_upside_down_slower_and_in_part(program: Program, page: ModuleType) -> None:
    motif = program("scores.motif")
    inverted = [(s, d, 144 - p) for s, d, p in IDEA]
    slower = [(2 * s, 2 * d, p) for s, d, p in IDEA]
    made = tune(page, ("A", IDEA), ("A'", inverted), ("A'", slower), ("A'", IDEA[2:6]), ("B", OTHER), beats=24.0)
    idea, *others = motif.phrases(made)
    assert [motif.likeness(idea, other) for other in others[:3]] == [1.0, 1.0, 1.0]
    assert motif.likeness(idea, others[3]) < motif.LIKE


@pytest.fixture
def composed(program: Program) -> object:
    program("scores.page")
    return program("scores.made").compose("settle", 9001, 2.5)


def test_a_session_is_composed_read_back_and_measured(program: Program, composed: object) -> None:
    bench = program("composer")
    found = bench.measure(composed)
    names = {row.name for row in bench.table(["chorale"], [found]).rows}
    assert names - set(found) <= {f"self_similarity_{m}" for m in range(1, 11)} | {"share_of_render"}
    assert 1 < found["cadence_gap_s"] < 150 and 0 < found["rests"] < 1 and found["compose_s_per_hour"] > 0
    assert found["craft_ending"] == 1.0 and found["key_clarity"] > 0.5
    assert len(composed.calls_s) >= len(composed.page.bars)
    assert any("cadence" in line for line in bench.places(composed))


def test_planned_tension_is_read_from_the_score_where_it_says_so(program: Program, page: ModuleType) -> None:
    made = program("scores.made")
    sheet = plain(page)
    assert set(made._planned(sheet, [(0.0, 0.5)] * 20)) == {0.0, 4.0, 8.0, 12.0}
    session = made.Made("x", 1, sheet, {0.0: 0.1, 8.0: 0.6}, [made.Section(0.0, 16.0, "chorale")], [], True)
    assert [session.planned_at(beat) for beat in (0.0, 7.9, 8.0, 15.0)] == [0.1, 0.1, 0.6, 0.6]


def test_scenes_divide_a_session(program: Program, page: ModuleType) -> None:
    made, bench = program("scores.made"), program("composer")
    parts = [made.Section(0.0, 40.0, "chorale"), made.Section(40.0, 50.0, "drone"), made.Section(50.0, 60.0, "folk")]
    session = made.Made("x", 1, plain(page), {}, [*parts, made.Section(60.0, 80.0, "chorale")], [], True)
    assert session.archetype == "chorale"
    assert session.within(bench.Others(bench.PULSELESS)) == [(0.0, 40.0), (50.0, 80.0)]
    assert session.within(("drone",)) == [(40.0, 50.0)]


def test_only_calls_from_outside_are_timed_and_nothing_stays_behind(program: Program) -> None:
    class Worker:
        def inner(self) -> int:
            return 1

        def outer(self) -> int:
            return self.inner() + self.inner()

    made, before, calls = program("scores.made"), dict(vars(Worker)), []
    with made.timed(Worker, calls):
        assert Worker().outer() == 2
    assert len(calls) == 1 and dict(vars(Worker)) == before


def test_a_table_says_what_is_met(program: Program) -> None:
    table = program("scores.table").Table([{"a": 1.0, "b": 4.0}, {"a": 3.0, "b": 5.0}, {"a": math.nan, "b": 9.0}])
    table.most("a", 2.0, each=False)
    table.most("a", 2.0)
    table.between("b", 4.5, 6.0, least=4.5)
    table.least("c", 1.0)
    assert [row.met for row in table.rows] == [True, False, False, None]
    assert str(table).count("MISSED") == 2


def test_phrases_that_let_go_and_phrases_that_do_not(program: Program, page: ModuleType) -> None:
    checks = program("scores.checks")
    found = checks.checks(tune(page, ("A", IDEA), ("B", OTHER), ("A", IDEA), ("A", IDEA)))
    assert found["long_last_share"] == 1.0 and found["end_density"] == 0.0 and found["end_fall"] < -2.0
    assert found["related_share"] == pytest.approx(2 / 3) and found["near_returns"] == 1.0
    assert found["down_over_up"] == pytest.approx(6 / 6)
    risen = checks.checks(tune(page, ("A", [(2.0 * i, 2.0, 60 + 2 * i) for i in range(8)])))
    assert risen["end_fall"] > 5.0 and risen["long_last_share"] == 0.0 and risen["end_density"] == 1.0


def test_beat_lengths_of_white_and_of_one_over_f_noise(program: Program, page: ModuleType) -> None:
    checks = program("scores.checks")
    rng = np.random.default_rng(1)
    for slope in (0.0, 1.0):
        spectrum = np.fft.rfft(rng.standard_normal(1024))
        spectrum[1:] *= np.arange(1, len(spectrum)) ** (-slope / 2)
        lengths = 1.0 + 0.05 * (noise := np.fft.irfft(spectrum)) / noise.std()
        starts = np.concatenate([[0.0], np.cumsum(lengths)])
        made = page.Page([page.Note("pad", float(i), i + 0.9, 60) for i in range(1025)])
        made.tempo = np.column_stack([np.arange(1025.0), starts])
        assert checks.exponent(made) == pytest.approx(slope, abs=0.25)


def test_free_scenes_are_sparse_and_at_home(program: Program, page: ModuleType) -> None:
    checks = program("scores.checks")
    notes = [page.Note("pad", 0.0, 20.0, 48), page.Note("bells", 2.0, 4.0, 76), page.Note("bells", 2.2, 4.0, 72)]
    made = page.Page([*notes, page.Note("melody", 10.0, 15.0, 74)])
    found = checks.free_checks(made)
    assert found["least_gap_ms"] == pytest.approx(200.0)
    assert found["lead_silence"] == pytest.approx(0.75) and found["tonic_share"] == 1.0
