"""Spatial files: stems where they belong, in step with the mix, under the ceiling, the same whatever the block."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.controls import STEMS
from synth.dsp.ambisonics import direction
from synth.dsp.loudness import integrated_lufs, true_peak_dbtp
from synth.engine import Block
from synth.instruments.base import MAX_FRAMES
from synth.output.folder import OutputError
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.output.spatial import CHANNELS, KINDS, PADS, PLACES, Follower, Spatial, places_of
from synth.preset import PresetError, StemSetting, load_preset, preset_from_dict, preset_to_dict
from synth.resources import presets_folder

RATE = 48_000
MINUTES = 0.5


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> dict[str, Path]:
    """One session with each kind, in other blocks: mastered stems beside the first."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    options = {"minutes": MINUTES, "seed": 4}
    render_session("settle", folders["ambix"], spatial="ambix", mastered_stems=True, **options)
    render_session("settle", folders["binaural"], spatial="binaural", stems=False, block=1000, format="wav", **options)
    return folders


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64")[0].T


def stems_of(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: read(path) for path in sorted((folder / "stems").glob("*.flac"))}


def test_every_role_has_its_place():
    assert set(PLACES) == set(STEMS)
    for place in PLACES.values():
        left, right = place.directions().T
        assert left[0] >= right[0]  # left stays left


def test_ambix_holds_every_stem_where_it_belongs(rendered):
    """The whole file from mastered stems, directions and the pad alone."""
    wanted = np.zeros((4, round(MINUTES * 60 * RATE)))
    for name, (left, right) in stems_of(rendered["ambix"]).items():
        place = PLACES[name]
        for side, audio in ((1.0, left), (-1.0, right)):
            y, z, x = direction(place.azimuth_deg + side * place.spread_deg, place.elevation_deg)
            wanted += PADS["ambix"] * np.outer((1.0, y, z, x), audio)
    made = read(rendered["ambix"] / "ambix.flac")
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).max() < 1e-5
    assert min(np.abs(channel).max() for channel in made) > 1e-3


def test_w_is_the_mono_of_the_mix(rendered):
    mix, made = read(rendered["ambix"] / "mix.flac"), read(rendered["ambix"] / "ambix.flac")
    assert np.abs(made[0] - mix.mean(axis=0)).max() < 1e-6


@pytest.mark.parametrize("kind, form", [("ambix", "flac"), ("binaural", "wav")])
def test_a_file_says_what_it_is_and_keeps_the_ceiling(rendered, kind, form):
    path = rendered[kind] / f"{kind}.{form}"
    audio = read(path)
    assert audio.shape == (CHANNELS[kind], round(MINUTES * 60 * RATE))
    assert max(true_peak_dbtp(channel[None]) for channel in audio) <= -3.0
    with soundfile.SoundFile(path) as file:
        assert file.subtype == "PCM_24" and kind.lower() in file.comment.lower()


def test_binaural_is_as_loud_as_the_mix_and_survives_mono(rendered):
    mix, made = read(rendered["binaural"] / "mix.wav"), read(rendered["binaural"] / "binaural.wav")
    after = slice(8 * RATE, None)
    assert integrated_lufs(made[:, after], RATE) == pytest.approx(integrated_lufs(mix[:, after], RATE), abs=1.5)
    kept = (made.sum(axis=0) ** 2).sum() / (2.0 * (made**2).sum())
    assert 10.0 * math.log10(kept) > -3.0
    assert 0.1 < np.corrcoef(made)[0, 1] < 0.99
    own = np.abs(np.fft.irfft(np.fft.rfft(made.mean(axis=0)) * np.conj(np.fft.rfft(mix.mean(axis=0)))))
    assert min(np.argmax(own), len(own) - np.argmax(own)) < 0.001 * RATE  # in step


def test_the_mix_is_the_same_with_it_or_without(rendered, tmp_path):
    render_session("settle", tmp_path / "plain", minutes=MINUTES, seed=4, stems=False)
    assert np.array_equal(read(tmp_path / "plain" / "mix.flac"), read(rendered["ambix"] / "mix.flac"))
    assert not {path.stem for path in (tmp_path / "plain").iterdir()} & set(KINDS)


def test_a_replay_adds_it_to_what_was_rendered_without_and_blocks_do_not_matter(rendered, tmp_path):
    replayed = replay_session(rendered["ambix"], tmp_path / "again", spatial="binaural", stems=False, format="wav")
    made = replayed.summary.folder / "binaural.wav"
    assert np.array_equal(read(made), read(rendered["binaural"] / "binaural.wav"))


@pytest.mark.parametrize("options, words", [({"spatial": "5.1"}, "ambix"), ({"delivery": "phone"}, "leave one")])
def test_what_cannot_be_written_is_told_before_anything_sounds(tmp_path, options, words):
    with pytest.raises(OutputError, match=words):
        render_session("settle", tmp_path / "out", minutes=0.2, **{"spatial": "ambix", **options})
    assert not (tmp_path / "out").exists()


def test_a_preset_may_place_its_stems():
    stems = {"pad": StemSetting("warm_pad"), "bells": StemSetting("bells", azimuth_deg=90.0, elevation_deg=-10.0)}
    pad, bells, reverb = places_of(stems, ("pad", "bells", "reverb"))
    assert (pad, reverb) == (PLACES["pad"], PLACES["reverb"])
    assert (bells.azimuth_deg, bells.elevation_deg, bells.spread_deg) == (90.0, -10.0, PLACES["bells"].spread_deg)


def test_places_are_read_and_kept(tmp_path):
    text = (presets_folder() / "settle.toml").read_text(encoding="utf-8")
    path = tmp_path / "placed.toml"
    path.write_text(text.replace("[stems.pad]", "[stems.pad]\nazimuth_deg = 30\nelevation_deg = 20"), encoding="utf-8")
    preset = load_preset(path)
    assert (preset.stems["pad"].azimuth_deg, preset.stems["pad"].elevation_deg) == (30.0, 20.0)
    assert preset.stems["bass"].azimuth_deg is None
    assert preset_from_dict(preset_to_dict(preset)).stems == preset.stems
    path.write_text(text.replace("[stems.pad]", "[stems.pad]\nelevation_deg = 120"), encoding="utf-8")
    with pytest.raises(PresetError, match="elevation_deg"):
        load_preset(path)


@pytest.mark.parametrize("kind", KINDS)
def test_far_too_loud_is_held_under_the_ceiling(kind):
    """All stems at full scale, which no mix is: by one gain for all channels."""
    unit = Spatial(RATE, places_of({}, STEMS), kind, -6.0)
    tone = np.sin(2.0 * np.pi * 40.0 / MAX_FRAMES * np.arange(MAX_FRAMES))
    stems, gain = np.broadcast_to(tone, (len(STEMS), 2, MAX_FRAMES)).astype(np.float32), np.ones(MAX_FRAMES, np.float32)
    stems[0, 0, 2000] = np.nan
    made = []
    for level in (1.0, 1.0, 1.0, 0.0):
        out = np.zeros((unit.channels, MAX_FRAMES), np.float32)
        unit.render(np.float32(level) * stems, gain, out)
        made.append(out)
    audio = np.concatenate(made, axis=1)
    assert np.isfinite(audio).all() and np.abs(audio).max() > 0.4
    assert max(true_peak_dbtp(channel[None]) for channel in audio) <= -6.0


def test_it_keeps_step_with_any_blocks():
    """A click `skip` frames after the start of the blocks is the first frame handed out, and none is missing."""
    skip, blocks = 100, (64, 4096, 640, 128, 4096)
    stems, gain = np.zeros((1, 2, sum(blocks)), np.float32), np.ones(sum(blocks), np.float32)
    stems[:, :, skip] = stems[:, :, -1] = 0.5
    follower, taken, at, left = Follower(Spatial(RATE, places_of({}, ("pad",)), "ambix"), skip), [], 0, skip
    for frames in blocks:
        there = slice(at, at + frames)
        follower.add(Block(at // 64, frames, stems[0], stems[0], stems[:, :, there], gain[there], gain))
        taken.append(follower.take(max(0, frames - left)))
        at, left = at + frames, max(0, left - frames)
    taken.append(follower.rest())
    whole = np.concatenate(taken)
    assert whole.shape == (sum(blocks) - skip, 4)
    assert whole[[0, -1], 0] == pytest.approx(0.5, abs=1e-6) and not whole[1:-1].any()
