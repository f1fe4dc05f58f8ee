"""One real session, rendered once, that many tests look at."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.output.render import Summary, render_session
from synth.resources import assets_folder

SCRIPT = [(20.0, "brightness_oct", -1.0), (40.0, "key", 7.0), (50.0, "tempo_bpm", 72.0), (70.0, "space", 0.9)]


@dataclass
class Rendered:
    folder: Path
    summary: Summary | None = None

    def audio(self, name: str) -> np.ndarray:
        return soundfile.read(self.folder / f"{name}.flac", dtype="float64")[0]

    @property
    def stems(self) -> list[str]:
        return [p.stem for p in sorted((self.folder / "stems").glob("*.flac")) if p.stem != "premaster"]

    @property
    def controls(self) -> list[dict[str, str]]:
        with (self.folder / "controls.csv").open(newline="") as file:
            return list(csv.DictReader(file))


def render(folder: Path, **options) -> Rendered:
    options = {"minutes": 2.0, "seed": 11, "wearable": assets_folder() / "recording", "script": SCRIPT, **options}
    return Rendered(folder, render_session(options.pop("preset", "settle"), folder, **options))


class Sessions:
    """What the tests need to make and open rendered sessions."""

    render = staticmethod(render)
    load = Rendered


@pytest.fixture(scope="session")
def sessions() -> type[Sessions]:
    return Sessions


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Rendered:
    return render(tmp_path_factory.mktemp("session"))
