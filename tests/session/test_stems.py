"""Contract 4: stems sum to the pre-master, mastered stems to the mix, in 24-bit files."""

from __future__ import annotations

import numpy as np


def peak_db(audio: np.ndarray) -> float:
    return 20 * np.log10(np.abs(audio).max() + 1e-12)


def test_stems_sum_to_the_premaster(rendered):
    total = sum(rendered.audio(f"stems/{stem}") for stem in rendered.stems)
    assert {"pad", "bass", "melody", "reverb"} <= set(rendered.stems)
    assert peak_db(total - rendered.audio("stems/premaster")) < -120.0
    assert peak_db(total) > -40.0


def test_mastered_stems_sum_to_the_mix(tmp_path, rendered, sessions):
    mastered = sessions.render(tmp_path / "m", minutes=0.5, mastered_stems=True)
    total = sum(mastered.audio(f"stems/{stem}") for stem in mastered.stems)
    assert peak_db(total - mastered.audio("mix")) < -100.0
    assert not (mastered.folder / "stems" / "premaster.flac").exists()
    same = rendered.audio("mix")[: 20 * 48_000] - mastered.audio("mix")[: 20 * 48_000]
    assert len(total) == 30 * 48_000 and same.shape[1] == 2


def test_a_muted_stem_is_not_written(tmp_path, sessions):
    quiet = sessions.render(tmp_path / "q", minutes=0.3, settings={"level_nature_db": -60.0, "level_pad_db": -60.0})
    assert {"nature", "pad"} <= set(quiet.summary.silent)
    assert not {"nature", "pad"} & set(quiet.stems)


def test_files_line_up_and_have_the_length_asked_for(rendered):
    lengths = {len(rendered.audio(n)) for n in ("mix", "stems/premaster", *(f"stems/{s}" for s in rendered.stems))}
    assert lengths == {120 * 48_000}
