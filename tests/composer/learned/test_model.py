"""The learned model says what its card says of the tunes kept for that, and its numbers are probabilities."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from synth.composer.learned.events import IOIS, WIDEST, Event, Metre, interval, ioi_class, letter_above, letter_of
from synth.composer.learned.features import INTERVALS, READ, TOLD, TOLD_PITCH, Past, read, told, told_pitch
from synth.composer.learned.model import METRES, Model, Reader, from_arrays, shipped, surprise, to_arrays
from synth.resources import assets_folder

FOLDER = assets_folder() / "melodies"
TIME_BITS, PITCH_BITS = 0.478, 1.492  # a tone, of the twelve tunes that ship for this test


@dataclass(frozen=True)
class Tune:
    collection: str
    id: str
    metre: Metre
    air: bool
    strains: list[list[Event]]


@pytest.fixture(scope="module")
def tunes() -> list[Tune]:
    told = json.loads((FOLDER / "held_out.json").read_text(encoding="utf-8"))
    return [
        Tune(t["collection"], t["id"], Metre(t["beats"]), t["air"], [[Event(*e) for e in s] for s in t["strains"]])
        for t in told
    ]


@pytest.fixture(scope="module")
def pieces() -> list[dict[str, str]]:
    with open(FOLDER / "pieces.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bits(model: Model, tunes: list[Tune]) -> tuple[float, float]:
    pairs = [pair for tune in tunes for s in tune.strains for pair in surprise(model, tune.metre, tune.air, s)]
    time, pitch = np.mean(pairs, axis=0)
    return float(time), float(pitch)


def test_the_shipped_weights_say_of_held_out_tunes_what_the_card_says(tunes: list[Tune]) -> None:
    time, pitch = bits(shipped(), tunes)
    assert time == pytest.approx(TIME_BITS, abs=0.002)
    assert pitch == pytest.approx(PITCH_BITS, abs=0.002)


def test_it_knows_more_than_its_own_first_order_chains(tunes: list[Tune]) -> None:
    chains = shipped().chains
    chain = np.mean(
        [
            -np.log2(chains.moves[a.step % 7, interval(a.step, b.step) + WIDEST])
            for tune in tunes
            for strain in tune.strains
            for a, b in zip(strain, strain[1:], strict=False)
        ]
    )
    assert bits(shipped(), tunes)[1] < chain - 0.5


def test_a_tune_is_told_better_than_the_same_tune_backwards_or_upside_down(tunes: list[Tune]) -> None:
    def turned(strain: list[Event]) -> list[Event]:
        return [Event(e.beat, e.ioi, s) for e, s in zip(strain, [e.step for e in reversed(strain)], strict=True)]

    def mirrored(strain: list[Event]) -> list[Event]:
        return [Event(e.beat, e.ioi, 2 * strain[0].step - e.step) for e in strain]

    plain = bits(shipped(), tunes)[1]
    for change in (turned, mirrored):
        changed = [Tune(t.collection, t.id, t.metre, t.air, [change(s) for s in t.strains]) for t in tunes]
        assert bits(shipped(), changed)[1] > plain + 0.2


def test_no_tune_of_the_test_pieces_nor_a_variant_of_it_was_trained_on(
    tunes: list[Tune], pieces: list[dict[str, str]]
) -> None:
    uses: dict[str, set[str]] = {}
    for piece in pieces:
        uses.setdefault(piece["family"], set()).add(piece["use"])
    assert all(len(use) == 1 for use in uses.values())
    by_id = {(piece["collection"], piece["id"]): piece for piece in pieces}
    assert len(by_id) == len(pieces) > 2000
    assert all(by_id[tune.collection, tune.id]["use"] == "test" for tune in tunes)


def test_every_piece_has_its_licence_basis_and_comes_of_an_open_collection(pieces: list[dict[str, str]]) -> None:
    assert {piece["collection"] for piece in pieces} == {"oneills1850", "ryansMammoth"}
    for piece in pieces:
        assert piece["licence basis"].startswith("public domain: printed " + piece["year"])
        assert int(piece["year"]) < 1929 and piece["use"] in ("train", "valid", "test")


def test_what_it_says_are_probabilities(tunes: list[Tune]) -> None:
    reader = Reader(shipped(), Past(tunes[0].metre, tunes[0].air))
    for event in tunes[0].strains[0][:20]:
        if reader.past.events:
            for said, symbols in (
                (reader.times(event.beat), IOIS),
                (reader.intervals(event.beat, event.ioi), INTERVALS),
            ):
                assert len(said) == len(symbols) and min(said) > 0.0
                assert sum(said) == pytest.approx(1.0, abs=1e-5)
        reader.add(event)
    for table in (shipped().chains.times, shipped().chains.moves, shipped().chains.first, shipped().chains.last):
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, atol=1e-5)


def test_rows_are_as_long_as_the_weights_are_high() -> None:
    past = Past(Metre(4), True)
    for event in (Event(-1.0, 1.0, 28), Event(0.0, 1.5, 32), Event(1.5, 0.5, 31), Event(2.0, 6.0, 45)):
        past.add(event)
    assert (len(read(past)), len(told(past, 8.0)), len(told_pitch(past, 8.0, 1.0))) == (READ, TOLD, TOLD_PITCH)
    weights = shipped().weights
    assert weights["gx"].shape[0] == READ
    assert weights["t1"].shape[0] == shipped().hidden + TOLD
    assert weights["p1"].shape[0] == shipped().hidden + TOLD + TOLD_PITCH


def test_the_network_is_the_one_of_the_paper() -> None:
    """One step of one unit by hand: h = (1 - z) tanh(...) + z h."""
    rng = np.random.default_rng(3)
    weights: dict[str, Any] = {name: rng.standard_normal(w.shape) / 5.0 for name, w in shipped().weights.items()}
    reader = Reader(Model(weights, shipped().chains), Past(Metre(3), False))
    h = np.zeros(shipped().hidden)
    for event in (Event(0.0, 1.0, 28), Event(1.0, 2.0, 30)):
        reader.add(event)
        x = np.array(read(reader.past))
        gate = 1.0 / (1.0 + np.exp(-(weights["gb"] + weights["gx"].T @ x + weights["gh"].T @ h)))
        keep, reset = np.split(gate, 2)
        new = np.tanh(weights["nx"].T @ x + weights["nh"].T @ (reset * h) + weights["nb"])
        h = keep * h + (1.0 - keep) * new
    np.testing.assert_allclose(reader._h, h, atol=1e-12)


def test_weights_survive_being_written() -> None:
    again = from_arrays(to_arrays(shipped()))
    assert all((again.weights[name] == values).all() for name, values in shipped().weights.items())
    assert (FOLDER / "melody.npz").stat().st_size < 500_000


def test_weights_of_another_version_or_shape_are_refused() -> None:
    arrays = to_arrays(shipped())
    with pytest.raises(ValueError, match="version 9.*version 1"):
        from_arrays({**arrays, "version": np.array(9)})
    with pytest.raises(ValueError, match="moves is"):
        from_arrays({**arrays, "chains.moves": arrays["chains.moves"][:5]})


@pytest.mark.parametrize(
    ("beats", "levels"),
    [
        (4, {0: 0, 1: 2, 2: 1, 2.5: 3, 3.75: 4, 4: 0, -1: 2}),
        (3, {0: 0, 1: 2, 1.5: 3}),
        (6, {0: 0, 3: 1, 4: 2, 1 / 3: 4}),
    ],
)
def test_levels_of_a_bar(beats: int, levels: dict[float, int]) -> None:
    assert {beat: Metre(beats).level(beat) for beat in levels} == levels


def test_steps_are_letters() -> None:
    assert [letter_above(s) for s in (0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, -1, -12)] == [
        0, 1, 1, 2, 2, 3, 4, 5, 6, 6, 7, -1, -7
    ]  # fmt: skip
    assert letter_of("F#5") - letter_of("F4") == 7
    assert interval(28, 60) == WIDEST and interval(30, 29) == -1
    assert [IOIS[ioi_class(x)] for x in (0.24, 0.34, 1.1, 1.6, 30.0)] == [0.25, 1 / 3, 1.0, 1.5, 6.0]


def test_an_echo_is_the_tone_that_began_there_some_bars_before() -> None:
    past = Past(Metre(4), True, first_bar=3)
    for beat, step in ((0.0, 28), (1.0, 30), (4.0, 32), (5.0, 31)):
        past.add(Event(beat, 1.0, step))
    assert past.echo(9.0, 2) == 1 and past.echo(9.0, 1) == 3 and past.echo(6.0, 1) is None
    assert [past.bar(beat) for beat in (0.0, 3.9, 4.0, -0.5)] == [3, 3, 0, 2]
    assert past.height == pytest.approx(31 - 121 / 4)


def test_metres_are_those_of_the_tunes() -> None:
    assert METRES == (3, 4, 6, 9, 12)
