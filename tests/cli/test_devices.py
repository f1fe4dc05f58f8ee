"""`synth render` for a device, and with sound all round: what is typed is what is written, and the help shows how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from synth.record.reader import read_record


def test_a_session_for_a_phone(run: Callable, tmp_path: Path) -> None:
    out = tmp_path / "phone"
    result = run("render", "settle", "--minutes", "0.2", "--no-stems", "--for", "phone", "--out", out)
    assert result.code == 0, result.err
    assert read_record(out).header["delivery"] == "phone"
    assert not (out / "binaural.flac").exists()


@pytest.mark.parametrize("kind, channels", [("ambix", 4), ("binaural", 2)])
def test_sound_all_round_lies_beside_the_mix(run: Callable, tmp_path: Path, kind: str, channels: int) -> None:
    out = tmp_path / kind
    result = run("render", "settle", "--minutes", "0.2", "--no-stems", "--spatial", kind, "--out", out)
    assert result.code == 0, result.err
    assert str(out / f"{kind}.flac") in result.out
    assert soundfile.info(out / f"{kind}.flac").channels == channels
    assert soundfile.info(out / f"{kind}.flac").frames == soundfile.info(out / "mix.flac").frames
    assert not (out / "stems").exists()


@pytest.mark.parametrize(
    "options, words",
    [
        (("--for", "gramophone"), "smart_speaker"),
        (("--for", "phone", "--spatial", "ambix"), "leave one of them out"),
        (("--for", "tactile"), "safety questions"),
    ],
)
def test_what_cannot_be_is_told(run: Callable, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    result = run("render", "settle", "--minutes", "0.2", *options, "--out", tmp_path / "out")
    assert result.code == 2 and words in result.err and "Traceback" not in result.err


def test_the_help_shows_how(run: Callable) -> None:
    told = run("render", "--help").out
    assert "synth render sleep --for phone" in told and "--spatial binaural" in told
