"""The wheel, as people get it: its contents, and a session in a fresh environment on every supported Python here."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import soundfile

from synth import __version__
from synth.output.compose import compose_score
from synth.score.plain import write_json

pytestmark = pytest.mark.install

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13")
COMPOSED = ("settle", "energise", "self-directed")


@functools.cache
def interpreters() -> list[str]:
    """One interpreter of each supported version that this machine has: on the path, this one, or kept by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for version in SUPPORTED:
        candidates = [
            shutil.which(f"python{version}"),
            sys._base_executable,
            *sorted(pyenv.glob(f"{version}*/bin/python")),
        ]
        ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        for candidate in filter(None, candidates):
            told = subprocess.run([str(candidate), "-c", ask], capture_output=True, text=True, check=False)
            if told.returncode == 0 and told.stdout.strip() == version:
                found.append(str(candidate))
                break
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once, by whichever of the workers comes first."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheel"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.whl")):
            build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
            subprocess.run([*build, str(folder), str(ROOT)], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores that this interpreter writes."""
    folder = tmp_path_factory.mktemp("composed")
    for preset in COMPOSED:
        write_json(compose_score(preset, minutes=4.0, seed=5), folder / f"{preset}.json")
    return folder


def test_the_wheel_holds_all_that_a_session_needs_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"isotone-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (("presets", "synth/_presets"), ("assets", "synth/_assets")):
        files = [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert files
        for path in files:
            assert f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" in names
    for path in (*(ROOT / "synth").rglob("*.py"), *(ROOT / "synth").rglob("*.toml")):
        assert path.relative_to(ROOT).as_posix() in names
    assert {"synth/py.typed", "synth/record/report.css"} <= names
    assert {name.split("/")[0] for name in names} == {"synth", f"isotone-{__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_asks_for_the_core_only(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    lines = archive.read(f"isotone-{__version__}.dist-info/METADATA").decode().splitlines()
    needs = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    core = sorted(need.split(">")[0].strip() for need in needs if "extra ==" not in need)
    assert core == ["mido", "numba", "numpy", "platformdirs", "pretty-midi", "rich", "soundfile"]
    scripts = archive.read(f"isotone-{__version__}.dist-info/entry_points.txt").decode()
    assert "synth = synth.cli:main" in scripts and "isotone = synth.cli:main" in scripts


def test_there_is_an_interpreter_to_try() -> None:
    assert interpreters()


@pytest.mark.parametrize("python", interpreters())
def test_a_fresh_environment_plays(python: str, wheel: Path, composed: Path, tmp_path: Path) -> None:
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    bin_folder = tmp_path / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(bin_folder / "python")]
    # What is never imported is not compiled; the rest is, once, by the commands below.
    subprocess.run([*pip, "install", "--quiet", "--no-compile", "--only-binary", ":all:", str(wheel)], check=True)
    subprocess.run([*pip, "check"], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA"))}
    environment = kept | {"ISOTONE_CACHE_DIR": str(tmp_path / "cache")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [str(bin_folder / command[0]), *command[1:]], cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        return done.stdout

    where = run("python", "-c", "import synth; print(synth.__file__)")
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")
    assert "settle" in run("synth", "presets")
    assert run("isotone", "--version") == f"isotone {__version__}\n"
    told = run("synth", "doctor")
    assert "kernels        cold" in told and "note-seq       missing: no score.pb" in told
    assert "recording" in run(
        "python", "-c", "from synth.resources import assets_folder as a; print([p.name for p in a().iterdir()])"
    )
    if python in (interpreters()[0], interpreters()[-1]):  # the others would take a minute more to compile the same
        run("synth", "render", "settle", "--minutes", "0.2", "--seed", "1", "--out", "session")
        info = soundfile.info(elsewhere / "session" / "mix.flac")
        assert abs(info.duration - 12.0) < 0.1 and info.channels == 2
        assert (elsewhere / "session" / "report.html").stat().st_size > 10_000
        assert "kernels        warm" in run("synth", "doctor")
    for preset in COMPOSED:
        run("synth", "compose", preset, "--minutes", "4", "--seed", "5", "--out", preset)
        there, here = elsewhere / preset / "score.json", composed / f"{preset}.json"
        notes = [json.loads(path.read_text())["notes"] for path in (there, here)]
        assert notes[0] == notes[1], "another Python, other notes"
