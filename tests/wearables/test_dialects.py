"""Dialects: the shipped ones are sound, one's own are checked with words, and addresses find their rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.wearables.dialect import DialectError, dialect_names, load_dialect, read_dialect
from synth.wearables.packet import SourceError

HEAD = 'name = "mine"\nport = 9999\n'
RULE = '[[rule]]\naddress = "/a"\nchannel = "hr"\n'


def places(dialect: str, address: str) -> list[int]:
    return [place for place, _, _ in load_dialect(dialect).meaning(address)[0]]


def test_the_shipped_dialects_are_sound_and_say_where_they_are_from() -> None:
    assert dialect_names() == ("emotibit", "generic", "muse", "vrchat")
    for name in dialect_names():
        dialect = load_dialect(name)
        assert dialect.name == name and 1024 < dialect.port < 65_536 and dialect.rules
        told = (Path(__file__).parents[2] / "synth" / "wearables" / "dialects" / f"{name}.toml").read_text()
        assert name == "generic" or "sources = [" in told
        for place, rule in enumerate(dialect.rules):
            for address in rule.address:
                plain = address.replace("{device}", "0").replace("{channel}", "hr")
                assert place in places(name, plain), f"{name}: {plain} does not find its own rule"


@pytest.mark.parametrize(
    ("dialect", "address"),
    [
        ("muse", "/muse/eeg"), ("muse", "muse/eeg"), ("muse", "/MUSE/EEG"), ("vrchat", "/avatar/parameters/Heartrate"),
        ("vrchat", "/avatar/parameters/VRCOSC/Heartrate/Value"), ("emotibit", "/EmotiBit/1/EDA"),
        ("emotibit", "/EmotiBit/EDA"), ("generic", "/isotone/hr"), ("generic", "/isotone/watch/hr"),
    ],
)  # fmt: skip
def test_addresses_are_found_whatever_their_capitals(dialect: str, address: str) -> None:
    assert places(dialect, address)


@pytest.mark.parametrize(
    ("dialect", "address"),
    [
        ("muse", "/muse/batt"), ("muse", "/muse/elements/alpha_relative"), ("muse", "/muse/elements/raw_fft3"),
        ("muse", "/Marker/3"), ("muse", "/muse/eeg/quantization"), ("emotibit", "/EmotiBit/0/SCR:AMP"),
        ("emotibit", "/EmotiBit/GYRO:X"), ("vrchat", "/avatar/parameters/onesHR"), ("vrchat", "/chatbox/input"),
    ],
)  # fmt: skip
def test_what_says_nothing_of_use_is_known_as_that(dialect: str, address: str) -> None:
    assert load_dialect(dialect).meaning(address) == ((), True)


def test_other_addresses_are_not_known() -> None:
    for dialect, address in (("muse", "/muse/eeg2"), ("generic", "/isotone/a/b/c"), ("emotibit", "/EmotiBit/a/b/EDA")):
        assert load_dialect(dialect).meaning(address) == ((), False)


def test_wild_cards_stop_where_they_should() -> None:
    dialect = read_dialect(HEAD + '[[rule]]\naddress = ["/a*/x.y", "/b/**/c"]\nchannel = "hr"\n', "mine")
    for address, found in (
        ("/a/x.y", True), ("/abc/x.y", True), ("/a/b/x.y", False), ("/a/xzy", False), ("/b/1/c", True),
        ("/b/1/2/3/c", True), ("/b/c", False),
    ):  # fmt: skip
        assert bool(dialect.meaning(address)[0]) == found, address


def test_names_in_an_address_tell_device_and_channel() -> None:
    (rule,) = load_dialect("generic").meaning("/isotone/left wrist/EDA_us")[0]
    assert rule[1:] == ("left wrist", "EDA_us")


def test_a_dialect_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "Mine.TOML"
    path.write_text(HEAD + RULE)
    assert load_dialect(path).name == load_dialect(str(path)).name == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name =", "not TOML"), ("", "name is missing"), ('name = "x"\n', "port is missing"),
        ('name = "x"\nport = 0\n', "port must be a whole number from 1 to 65535, not 0"),
        ('name = "x"\nport = "9000"\n', "port must be a whole number"), (HEAD, "no rules"),
        (HEAD + "rule = 3", "no rules"), (HEAD + "rule = []", "no rules"),
        (HEAD + "prt = 3\n" + RULE, "prt is nothing this knows"),
        (HEAD + "ignore = 3\n" + RULE, "ignore must be a text or a list"),
        (HEAD + '[[rule]]\nchannel = "hr"', "rule 1: address is missing"),
        (HEAD + RULE + '[[rule]]\naddress = "/b"', "rule 2 (/b): channel give either channel or channels"),
        (HEAD + RULE + 'channels = ["hr"]', "either channel or channels"),
        (HEAD + '[[rule]]\naddress = "/a"\nchannel = "mood"', "channel 'mood' is none: one of hr, rr_ms"),
        (HEAD + '[[rule]]\naddress = "/a"\nchannel = "{channel}"', "channel is told by {channel}"),
        (HEAD + '[[rule]]\naddress = "/{device}/{device}"\nchannel = "hr"', "{channel} and {device} once"),
        (HEAD + '[[rule]]\naddress = "/*/*/*/*"\nchannel = "hr"', "holds more than 3"),
        (HEAD + 'ignore = ["/*a*a*a*"]\n' + RULE, "ignore '/*a*a*a*' holds more than 3"),
        (HEAD + RULE + 'reduce = "sum"', "reduce must be one of first, mean, length, run, not 'sum'"),
        (HEAD + RULE + "between = [3]", "between must be a list of 2 numbers"),
        (HEAD + RULE + "between = [3, 1]", "between the first number must not be above"),
        (HEAD + RULE + "between = [nan, 1]", "between must be a number"),
        (HEAD + RULE + "args = [1.5]", "args must be a whole number"), (HEAD + RULE + "args = [-1]", "args must be"),
        (HEAD + RULE + "values = { a = 1 }", "values must have numbers for keys"),
        (HEAD + RULE + "values = { 1 = true }", "values must be a number"),
        (HEAD + RULE + "scale = inf", "scale must be a number"), (HEAD + RULE + "stamp = 1", "stamp must be true or"),
        (HEAD + RULE + "tells_contact = true", "tells_contact needs sites"),
        (HEAD + RULE + "rate_hz = 0", "rate_hz must be a number from 0.01"),
        (HEAD + RULE + "scal = 1", "rule 1 (/a): scal is nothing this knows: one of address, args"),
        (HEAD + '[[rule]]\naddress = "/a"\nchannels = ["hr", "eda"]\nreduce = "mean"', "take an argument each"),
        (HEAD + '[[rule]]\naddress = "/a"\nchannels = ["hr", "eda"]\nargs = [1]', "args must be as many as channels"),
        (HEAD + RULE + "scale = " + "9" * 400, "scale must be a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_dialect_is_said(text: str, words: str) -> None:
    with pytest.raises(DialectError) as error:
        read_dialect(text, "mine.toml")
    assert str(error.value).startswith("mine.toml") and words in str(error.value)


def test_a_dialect_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no dialect called muze: one of emotibit, generic, muse, vrchat, or a .toml"
    ):
        load_dialect("muze")
    with pytest.raises(SourceError, match="nowhere.toml: cannot be read .*check the path"):
        load_dialect(tmp_path / "nowhere.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match="x.toml: not a text file in UTF-8"):
        load_dialect(tmp_path / "x.toml")


SHIPPED = "".join((Path(__file__).parents[2] / "synth/wearables/dialects/muse.toml").read_text()[:1500])


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(SHIPPED)), cut=st.integers(0, 30), new=st.text(max_size=6))
def test_a_damaged_dialect_is_read_or_refused(at: int, cut: int, new: str) -> None:
    try:
        dialect = read_dialect(SHIPPED[:at] + new + SHIPPED[at + cut :], "damaged")
    except DialectError as error:
        assert str(error).startswith("damaged")
    else:
        assert dialect.rules and dialect.meaning("/muse/eeg")
