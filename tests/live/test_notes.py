"""Composed notes as MIDI while they sound: every note ends, and its pitch is what was composed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.controls import STEMS
from synth.instruments.base import OFF, ON, SLIDE
from synth.live.notes import MODES, NotesOut
from synth.score.channels import home_channels
from synth.transport import NoteEvent
from synth.wire.midi import Decoder, Message

Events = Mapping[str, Sequence[NoteEvent]]


def on(frame: int, note_id: int, pitch: float, velocity: float = 0.5) -> NoteEvent:
    return NoteEvent(frame, ON, note_id, pitch, velocity, 0.0)


def off(frame: int, note_id: int) -> NoteEvent:
    return NoteEvent(frame, OFF, note_id, 0.0, 0.0, 0.0)


def slide(frame: int, note_id: int, pitch: float, seconds: float) -> NoteEvent:
    return NoteEvent(frame, SLIDE, note_id, pitch, 0.0, 0.0, seconds)


def read(timed: Iterable[tuple[int, bytes]]) -> list[tuple[int, Message]]:
    """The messages, each of which must be whole."""
    found = []
    for frame, data in timed:
        messages, troubles = Decoder().feed(data)
        assert len(messages) == 1 and not troubles
        found.append((frame, messages[0]))
    return found


class Player:
    """What an instrument at the other end makes of it: RPN 0, bends, notes, and MPE's zone."""

    def __init__(self) -> None:
        self.range = defaultdict(lambda: 2.0)
        self.bend = defaultdict(float)
        self.held: dict[tuple[int, int], float] = {}  # (channel, key): its pitch when it began
        self.members = 0
        self._rpn: dict[int, list[int]] = defaultdict(lambda: [127, 127])
        self.heard: list[tuple[int, int, float]] = []  # frame, channel, pitch of each beginning

    def play(self, timed: Iterable[tuple[int, bytes]]) -> Player:
        for frame, m in read(timed):
            if m.kind == "control_change" and m.number in (100, 101):
                self._rpn[m.channel][101 - m.number] = m.value
            elif m.kind == "control_change" and m.number == 6:
                if self._rpn[m.channel] == [0, 0]:
                    self.range[m.channel] = m.value
                elif self._rpn[m.channel] == [0, 6]:
                    self.members = m.value
            elif m.kind == "pitch_bend":
                self.bend[m.channel] = m.value / 8192
            elif m.kind == "note_on":
                assert m.value > 0 and (m.channel, m.number) not in self.held
                self.held[m.channel, m.number] = self.pitch(m.channel, m.number)
                self.heard.append((frame, m.channel, self.pitch(m.channel, m.number)))
            elif m.kind == "note_off":
                del self.held[m.channel, m.number]
        return self

    def pitch(self, channel: int, key: int) -> float:
        return key + self.bend[channel] * self.range[channel]


def test_channels_are_those_of_the_score_file() -> None:
    out = NotesOut()
    events = {stem: [on(10, n, 60.0 if stem != "percussion" else 38.0)] for n, stem in enumerate(out.stems)}
    began = {m.channel for _, m in read(out.take(events, 64)) if m.kind == "note_on"}
    homes = home_channels(STEMS)
    assert homes["pad"] == 0 and homes["percussion"] == 9
    assert began == {homes[stem] for stem in out.stems}


def test_frames_velocities_and_fine_pitch() -> None:
    out, player = NotesOut(), Player()
    player.play(out.start())
    assert set(player.range.values()) == {2}
    timed = out.take({"melody": [on(100, 1, 69.31, 1.0), off(900, 1)]}, 1024)
    (bend_frame, bend), (on_frame, struck), (off_frame, ended) = read(timed)
    assert (bend_frame, on_frame, off_frame) == (100, 100, 900)
    assert (bend.kind, struck.kind, ended.kind) == ("pitch_bend", "note_on", "note_off")
    assert struck.number == ended.number == 69 and struck.value == 127
    assert player.play(timed[:2]).held[struck.channel, 69] == pytest.approx(69.31, abs=2 / 8192)


def test_the_newest_note_of_a_channel_bends_it() -> None:
    out = NotesOut()
    timed = out.take({"melody": [on(0, 1, 60.25), on(10, 2, 64.0), off(20, 1), off(30, 2)]}, 64)
    assert [m.value for _, m in read(timed) if m.kind == "pitch_bend"] == [1024, 0]


def test_drums_are_never_bent() -> None:
    for mode in MODES:
        out = NotesOut(mode)
        timed = out.take({"percussion": [on(0, 1, 38.4), slide(5, 1, 40.0, 0.01), off(5000, 1)]}, 6000)
        assert [(m.kind, m.channel, m.number) for _, m in read(timed)] == [("note_on", 9, 38), ("note_off", 9, 38)]


@pytest.mark.parametrize("mode", MODES)
def test_a_slide_is_a_raised_cosine_of_bends(mode: str) -> None:
    out, player = NotesOut(mode), Player()
    player.play(out.start())
    took = []
    timed = out.take({"melody": [on(0, 1, 60.0), slide(480, 1, 62.0, 0.2), off(24_000, 1)]}, 48_000)
    for frame, data in timed:
        player.play([(frame, data)])
        if Decoder().feed(data)[0][0].kind == "pitch_bend":
            (channel, key) = next(iter(player.held))
            took.append((frame, player.pitch(channel, key)))
    assert len(took) > 30 and took[-1][0] <= 480 + 9600 + 240
    for frame, pitch in took:
        share = min((frame - 480) / 9600, 1.0)
        expected = 60.0 + 2.0 * (0.5 - 0.5 * math.cos(math.pi * share))
        assert pitch == pytest.approx(expected, abs=0.004)
    assert took[-1][1] == pytest.approx(62.0, abs=0.003)


def test_a_slide_that_turns_goes_on_from_where_it_is() -> None:
    out, player, pitches = NotesOut(), Player(), [60.0]
    player.play(out.start())
    events = [on(0, 1, 60.0), slide(0, 1, 62.0, 0.2), slide(4800, 1, 59.0, 0.2), off(24_000, 1)]
    for one in out.take({"melody": events}, 48_000):
        player.play([one])
        if player.held:
            pitches.append(player.pitch(*next(iter(player.held))))
    assert max(pitches) == pytest.approx(61.0, abs=0.1) and pitches[-1] == pytest.approx(59.0, abs=0.001)
    assert max(abs(b - a) for a, b in zip(pitches, pitches[1:], strict=False)) < 0.15


def test_an_older_note_of_a_channel_does_not_slide() -> None:
    out = NotesOut()
    timed = out.take({"melody": [on(0, 1, 60.0), on(10, 2, 64.0), slide(20, 1, 61.0, 0.01), off(4800, 2)]}, 9600)
    assert not [m for _, m in read(timed) if m.kind == "pitch_bend"]
    timed = out.take({"melody": [slide(9600, 1, 60.5, 0.01)]}, 19_200)
    assert [m.value for _, m in read(timed)][-1] == 2048


def test_mpe_gives_each_note_a_channel_and_its_own_bend() -> None:
    out, player = NotesOut("mpe", ("pad", "melody")), Player()
    player.play(out.start())
    assert player.members == 15 and all(player.range[channel] == 48 for channel in range(1, 16))
    pitches = [60.0, 63.86, 67.02, 70.5, 72.1]
    player.play(out.take({"pad": [on(0, n, pitch) for n, pitch in enumerate(pitches)]}, 64))
    channels = {channel for channel, _ in player.held}
    assert len(channels) == 5 and 0 not in channels
    now = sorted(player.pitch(*key) for key in player.held)
    assert now == pytest.approx(pitches, abs=48 / 8192)


def test_mpe_leaves_the_drums_their_channel() -> None:
    out, player = NotesOut("mpe"), Player()
    player.play(out.start())
    assert player.members == 8
    notes = {"pad": [on(0, n, 50.1 + n) for n in range(12)], "percussion": [on(0, 99, 36.0)]}
    player.play(out.take(notes, 64))
    assert {channel for channel, _ in player.held} == {*range(1, 9), 9} and (9, 36) in player.held


def test_a_released_channel_rests_before_it_is_bent_anew() -> None:
    out = NotesOut("mpe", ("pad",))
    used = []
    for n in range(15):
        timed = out.take({"pad": [on(n * 100, n, 60.1), off(n * 100 + 50, n)]}, n * 100 + 100)
        used += [m.channel for _, m in read(timed) if m.kind == "note_on"]
    assert sorted(used) == list(range(1, 16))


def test_when_all_channels_sound_equal_bends_share_and_the_oldest_ends() -> None:
    out, player = NotesOut("mpe", ("pad",)), Player()
    player.play(out.start())
    player.play(out.take({"pad": [on(n, n, 40.0 + n) for n in range(15)]}, 64))
    player.play(out.take({"pad": [on(64, 20, 70.0)]}, 128))  # of the same bend as all
    assert len(player.held) == 16
    assert not [m for _, m in read(out.take({"pad": [slide(130, 20, 72.0, 0.1)]}, 9000)) if m.kind == "pitch_bend"]
    player.play(out.take({"pad": [on(9000, 21, 70.5)]}, 9064))
    began = player.heard[-1]
    assert began[2] == pytest.approx(70.5, abs=48 / 8192)
    assert [key for channel, key in player.held if channel == began[1]] == [70]  # nothing else is bent with it
    assert out.sounding == len(player.held)


def test_all_off_ends_what_sounds_and_late_offs_are_none() -> None:
    for mode in MODES:
        out, player = NotesOut(mode), Player()
        player.play(out.take({"pad": [on(0, 1, 60.2), on(0, 2, 64.7)], "percussion": [on(0, 3, 36.0)]}, 64))
        timed = out.all_off(64)
        assert not player.play(timed).held and out.sounding == 0
        quiet = {m.channel for _, m in read(timed) if m.kind == "control_change" and m.number == 123}
        assert 9 in quiet and len(quiet) == 9
        assert not out.take({"pad": [off(70, 1), off(70, 2)]}, 128)


def test_a_note_that_ends_where_it_begins_is_not_played() -> None:
    assert not NotesOut().take({"pad": [off(7, 1), on(7, 1, 60.0)]}, 64)


def test_programs_on_request_only() -> None:
    assert not [m for _, m in read(NotesOut().start()) if m.kind == "program_change"]
    programs = {m.channel: m.number for _, m in read(NotesOut(programs=True).start()) if m.kind == "program_change"}
    assert programs[0] == 48 and programs[1] == 32


def test_wrong_words_are_told() -> None:
    for wrong in ({"mode": "mpee"}, {"stems": ("pad", "piano")}, {"bend_semitones": 0}):
        with pytest.raises(ValueError, match="give|there are"):
            NotesOut(**wrong)  # type: ignore[arg-type]


@st.composite
def music(draw: st.DrawFn) -> tuple[dict[str, list[NoteEvent]], int]:
    """Notes of several stems that end, with slides inside them, and the frame behind all of them."""
    events: dict[str, list[NoteEvent]] = {}
    pitches = st.floats(30.0, 90.0) | st.integers(58, 62).map(float)
    for note_id in range(draw(st.integers(0, 24))):
        stem = draw(st.sampled_from(("pad", "melody", "percussion")))
        start, length = draw(st.integers(0, 3000)), draw(st.integers(0, 3000))
        own = events.setdefault(stem, [])
        own += [on(start, note_id, draw(pitches), draw(st.floats(0.0, 1.0))), off(start + length, note_id)]
        if draw(st.booleans()):
            at = start + draw(st.integers(0, length))
            own.append(slide(at, note_id, draw(pitches), draw(st.floats(0.0, 0.1))))
    for own in events.values():
        own.sort(key=lambda e: (e.frame, e.kind, e.note_id))
    return events, 8192


@given(music(), st.sampled_from(MODES))
def test_every_on_has_its_off(piece: tuple[dict[str, list[NoteEvent]], int], mode: str) -> None:
    events, end = piece
    player = Player()  # asserts that no key begins twice and none ends that was not held
    out = NotesOut(mode)
    timed = out.take(events, end)
    assert [frame for frame, _ in timed] == sorted(frame for frame, _ in timed)
    assert not player.play(timed).held and out.sounding == 0


@given(music(), st.sampled_from(MODES), st.lists(st.integers(1, 8191), max_size=12))
def test_blocks_change_nothing(piece: tuple[dict[str, list[NoteEvent]], int], mode: str, cuts: list[int]) -> None:
    events, end = piece
    whole = NotesOut(mode).take(events, end)
    out, parts, start = NotesOut(mode), [], 0
    for cut in (*sorted(set(cuts)), end):
        parts += out.take({s: [e for e in own if start <= e.frame < cut] for s, own in events.items()}, cut)
        start = cut
    assert parts == whole


@given(music(), st.booleans())
def test_mpe_never_bends_a_note_for_another(piece: tuple[dict[str, list[NoteEvent]], int], slides: bool) -> None:
    events, end = piece
    events = {stem: [e for e in own if slides or e.kind != SLIDE] for stem, own in events.items()}
    out, player = NotesOut("mpe", ("pad", "melody")), Player()
    player.play(out.start())
    for frame, data in out.take(events, end):
        (message,), _ = Decoder().feed(data)
        if message.kind == "pitch_bend":
            assert sum(channel == message.channel for channel, _ in player.held) <= slides
        player.play([(frame, data)])
