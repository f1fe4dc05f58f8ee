"""Samples and the seam a session takes them through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth.wearables.recording import Recording
from synth.wearables.samples import CHANNELS, Samples, Source


def test_samples_are_made_of_numbers_or_sequences() -> None:
    one = Samples.of("hr", 1, 70)
    assert len(one) == 1 and one.t_s.dtype == one.value.dtype == one.quality.dtype == np.float64
    assert one.quality.tolist() == [1.0]
    some = Samples.of("eda", [0, 0.25], (1, 2), 0.5)
    assert len(some) == 2 and some.quality.tolist() == [0.5, 0.5]
    assert len(Samples.of("acc", [], [])) == 0


def test_what_does_not_fit_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="no channel called 'mood': one of hr, rr_ms"):
        Samples.of("mood", 0, 0)
    with pytest.raises(ValueError, match="hr: 2 times but 1 values"):
        Samples.of("hr", [0, 1], [70])
    with pytest.raises(ValueError, match="hr"):
        Samples.of("hr", [[0, 1]], [[70, 71]])
    with pytest.raises(ValueError):
        Samples.of("hr", [0, 1], [70, 71], [1, 1, 1])


def test_every_channel_has_a_unit() -> None:
    assert all(Samples.of(channel, 0, 0).channel == channel and unit for channel, unit in CHANNELS.items())


def played(source: Source, seconds: int) -> list[tuple[str, float, float]]:
    """What a session hears of a source, a second at a time."""
    return [
        (samples.channel, t, x)
        for second in range(seconds)
        for samples in source.between(float(second), float(second + 1))
        for t, x in zip(samples.t_s.tolist(), samples.value.tolist(), strict=True)
    ]


def test_a_recording_is_a_source_that_gives_each_sample_once() -> None:
    channels = {
        "hr": Samples.of("hr", [0.0, 1.0, 2.0], [70, 71, 72], [1, 0, 1]),
        "eda": Samples.of("eda", [0.5, 0.75, 1.0, 2.999], [1, 2, 3, 4]),
    }
    source = Recording(Path("x"), {"id": "x"}, channels, ("mended",))
    assert source.meta["id"] == "x" and list(source.repairs) == ["mended"]
    assert sorted(played(source, 3)) == sorted(
        [("hr", 0.0, 70.0), ("hr", 1.0, 71.0), ("hr", 2.0, 72.0)]
        + [("eda", 0.5, 1.0), ("eda", 0.75, 2.0), ("eda", 1.0, 3.0), ("eda", 2.999, 4.0)]
    )
    assert source.between(5.0, 9.0) == []
    (part,) = source.between(1.0, 1.01)[:1]
    assert (part.channel, part.quality.tolist()) == ("hr", [0.0])


def test_any_object_with_its_three_parts_is_a_source() -> None:
    class Kept:
        meta = {"id": "kept"}
        repairs = ()

        def between(self, start_s: float, end_s: float) -> list[Samples]:
            return [Samples.of("hr", start_s, 60.0)] if start_s < 2.0 else []

    assert played(Kept(), 4) == [("hr", 0.0, 60.0), ("hr", 1.0, 60.0)]
