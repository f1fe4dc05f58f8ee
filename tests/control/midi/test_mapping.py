"""What moves what where nothing was learned, and how far."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.midi.mapping import ACTIONS, Binding, MidiError, MidiMap, Source, default_bindings
from synth.controls import CONTROLS, STEMS, TABLE
from synth.session import VERBS

CC = Source("cc", 20)


def test_every_controller_of_the_table_is_bound() -> None:
    default = MidiMap()
    for row in CONTROLS:
        if row.cc not in (None, 7):
            assert default.at("cc", row.cc, 5).target == row.name
    assert default.at("cc", 71, 3).target == "tonal_tension"


def test_no_two_defaults_share_a_knob() -> None:
    sources = [binding.source for binding in default_bindings()]
    assert len(set(sources)) == len(sources)
    assert not {(s.kind, s.number) for s in sources if s.channel} & {
        (s.kind, s.number) for s in sources if not s.channel
    }
    assert not [s for s in sources if 32 <= s.number < 64], "these are the finer halves of CC 0 to 31"


def test_each_stem_has_its_channel() -> None:
    default = MidiMap()
    for channel, stem in enumerate(STEMS, 1):
        assert default.at("cc", 7, channel).target == f"level_{stem}_db"
        pan = default.at("cc", 10, channel)
        assert (pan.target == f"pan_{stem}") if stem != "reverb" else pan is None
    assert default.at("cc", 7, 16).target == "loudness_lufs"
    assert default.at("cc", 7, 12) is None and default.at("note", 60, 1) is None


def test_keys_play_the_stem_of_their_channel() -> None:
    default = MidiMap()
    assert [default.stem(channel) for channel in (1, 4, 6, 9)] == ["pad", "melody", "percussion", "pulse"]
    assert default.stem(10) == "percussion"  # where drum pads are
    assert [default.stem(channel) for channel in (11, 16)] == ["melody", "melody"]
    assert MidiMap(notes="bells").stem(1) == "bells"


@pytest.mark.parametrize("row", CONTROLS, ids=lambda row: row.name)
def test_the_ends_of_the_knob_are_the_ends_of_the_control(row) -> None:
    binding = Binding(CC, row.name)
    assert (binding.value(0.0), binding.value(1.0)) == (row.low, row.high)
    turned = Binding(CC, row.name, low=row.high, high=row.low)
    assert (turned.value(0.0), turned.value(1.0)) == (row.high, row.low)


@given(st.sampled_from(CONTROLS), st.floats(0.0, 1.0), st.booleans())
def test_position_is_the_inverse_of_value(row, position: float, turned: bool) -> None:
    ends = {"low": row.high, "high": row.low} if turned else {}
    binding = Binding(CC, row.name, **ends)
    value = binding.value(position)
    assert row.low <= value <= row.high
    assert binding.value(binding.position(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)
    if row.curve != "choice":
        assert binding.position(value) == pytest.approx(position, abs=1e-9)


def test_the_curve_is_the_control_s() -> None:
    assert Binding(CC, "attack_ms").value(0.5) == pytest.approx((5 * 2000) ** 0.5)
    assert Binding(CC, "attack_ms", curve="linear").value(0.5) == pytest.approx(1002.5)
    assert Binding(CC, "arousal").value(0.5) == 0.0


def test_choices_share_the_way() -> None:
    key = Binding(CC, "key")
    assert [key.value(v / 127) for v in (0, 10, 11, 63, 127)] == [0, 0, 1, 5, 11]
    some = Binding(CC, "mode", low=1, high=4)
    assert [some.value(v) for v in (0.0, 0.3, 0.6, 1.0)] == [1, 2, 3, 4]


def test_learned_before_default_own_channel_before_any() -> None:
    mapping = MidiMap((Binding(Source("cc", 74), "space"), Binding(Source("cc", 74, 3), "motion")))
    assert [mapping.at("cc", 74, channel).target for channel in (1, 3)] == ["space", "motion"]
    assert "brightness_oct" not in {binding.target for binding in mapping.effective}
    silenced = mapping.bound(Binding(Source("cc", 74, 3), "nothing"))
    assert silenced.at("cc", 74, 3) is None and len(silenced.bindings) == 2
    assert MidiMap(defaults=False).effective == ()


def test_every_verb_can_be_bound() -> None:
    assert set(VERBS) < set(ACTIONS) and not set(ACTIONS) & set(TABLE)
    for action in ACTIONS:
        assert not Binding(Source("note", 36, 10), action).moves_control


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Binding(CC, "tempo"), "tempo_bpm"),
        (lambda: Binding(CC, "space", low=-1.0), "0 to 1"),
        (lambda: Binding(CC, "arousal", curve="log"), "above 0"),
        (lambda: Binding(CC, "space", curve="exp"), "linear or log"),
        (lambda: Binding(CC, "space", takeover="soft"), "pickup or jump"),
        (lambda: Source("cc", 128), "0 to 127"),
        (lambda: Source("cc", 1, 17), "1 to 16"),
        (lambda: Source("key", 1), "no kind"),
        (lambda: MidiMap(notes="reverb"), "melody"),
        (lambda: MidiMap(program_channel=17), "0 to 16"),
        (lambda: MidiMap(all_sound_off="silence"), "panic"),
    ],
)
def test_what_cannot_be_is_told(make, words: str) -> None:
    with pytest.raises(MidiError, match=words):
        make()
