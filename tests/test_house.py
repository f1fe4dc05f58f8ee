"""The house stands as described: its files, its public names, and imports that go one way."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import synth
import synth.live
import synth.session

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "synth"

# Each room of synth/ and the rooms it may import, lowest first. The small shared ones are for all.
SHARED = {"addresses", "units", "rng", "clock", "resources", "lazily"}
ROOMS: dict[str, set[str]] = {
    "units": set(),
    "rng": set(),
    "clock": set(),
    "resources": set(),
    "lazily": set(),
    "addresses": set(),
    "wire": set(),
    "dsp": set(),
    "controls": set(),
    "score": {"controls"},
    "wearables": {"wire"},
    "estimator": {"wearables"},
    "instruments": {"dsp", "controls"},
    "safety": {"controls", "dsp", "estimator", "instruments"},
    "preset_file": set(),
    "preset": {"controls", "composer", "instruments", "preset_file", "safety", "tuning"},
    "steering": {"estimator", "controls", "preset", "safety"},
    "tuning": {"preset_file"},
    "composer": {"controls", "score", "preset", "tuning"},
    "mix": {"dsp", "safety", "controls", "preset", "instruments"},
    "bus": {"controls", "safety", "dsp"},
    "transport": {"controls", "instruments", "score"},
    "expression": {"controls", "dsp", "transport"},
    "engine": {
        "bus",
        "composer",
        "controls",
        "expression",
        "instruments",
        "mix",
        "preset",
        "safety",
        "score",
        "transport",
    },
    "session": {
        "engine",
        "bus",
        "composer",
        "transport",
        "controls",
        "estimator",
        "instruments",
        "mix",
        "preset",
        "safety",
        "score",
        "steering",
        "wearables",
    },
    "control": {"controls", "score", "session", "tuning", "wire"},
    "live": {
        "bus",
        "controls",
        "engine",
        "instruments",
        "preset",
        "score",
        "session",
        "transport",
        "wearables",
        "wire",
    },
    "record": {"estimator", "controls", "preset_file"},
    "simulate": {"dsp", "estimator", "wearables"},
    "output": {
        "composer",
        "record",
        "score",
        "session",
        "engine",
        "bus",
        "controls",
        "instruments",
        "preset",
        "safety",
        "wearables",
        "dsp",
    },
    "api": {"controls", "preset", "safety", "wearables"},
    "client": {"api"},
    "daemon": {
        "api",
        "control",
        "controls",
        "estimator",
        "live",
        "output",
        "preset",
        "preset_file",
        "record",
        "safety",
        "session",
        "wearables",
        "wire",
    },
    "cli": {
        "composer",
        "control",
        "daemon",
        "live",
        "output",
        "score",
        "tuning",
        "record",
        "session",
        "instruments",
        "preset",
        "preset_file",
        "controls",
        "estimator",
        "safety",
        "steering",
        "wearables",
        "dsp",
    },
    "__main__": {"cli"},
}

PUBLIC = {
    "Audio",
    "CONTROLS",
    "Context",
    "Control",
    "ConstraintError",
    "ControlError",
    "Earlier",
    "Estimator",
    "OutputError",
    "Packet",
    "Preset",
    "PresetError",
    "RecordError",
    "Recording",
    "RecordingError",
    "Samples",
    "Score",
    "Session",
    "ScreeningError",
    "SessionError",
    "SourceError",
    "State",
    "TermsError",
    "__version__",
    "compose_session",
    "load_preset",
    "open_live",
    "open_recording",
    "preset_names",
    "read_record",
    "render_session",
    "replay_session",
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms of ours that a file imports, anywhere in it."""
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "synth" else [str(node.module)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("synth.")}
    return {room for room in rooms if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()}


SOURCES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".pyi") and path.parent != PACKAGE)
SOURCES += sorted(path for path in PACKAGE.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in ROOMS, f"{room} is a new room: say in ROOMS what it may import"
    allowed = ROOMS[room] | {room} | (SHARED if room not in SHARED else set())
    assert imported_rooms(path) <= allowed


def test_the_rooms_have_an_order() -> None:
    """No room reaches itself through others, but that reading a preset looks up the names of the composer's styles."""
    below = ROOMS | {"preset": ROOMS["preset"] - {"composer"}}
    placed: set[str] = set()
    while len(placed) < len(below):
        free = {room for room, uses in below.items() if room not in placed and uses <= placed}
        assert free, f"these rooms import each other: {sorted(set(below) - placed)}"
        placed |= free


HEAVY = ("numba", "note_seq", "matplotlib", "pretty_midi", "scipy", "rich", "soundfile", "pyarrow", "pyo")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("synth", (*HEAVY, "numpy")), ("synth.cli", (*HEAVY, "numpy", "asyncio")), ("synth.daemon.serve", HEAVY)],
)
def test_what_starts_first_loads_lightly(module: str, heavy: tuple[str, ...]) -> None:
    """The service takes up its sessions beside loading, in processes that load the engine."""
    code = f"import {module}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [synth, synth.session, synth.live], ids=lambda package: package.__name__)
def test_what_is_loaded_lazily_is_there(package: ModuleType) -> None:
    assert package.__all__ and set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_type_checkers_know_the_public_names(tmp_path: Path) -> None:
    """For what they cannot follow they say Any, and nothing that an app does wrong is found."""
    app = tmp_path / "app.py"
    told = [f"reveal_type(synth.{name})" for name in sorted(PUBLIC)] + ["synth.Session('settle').render('256')"]
    app.write_text("\n".join(["import synth", *told]))
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--cache-dir", ROOT / ".mypy_cache", app]
    done = subprocess.run(
        [*command, "--config-file", ROOT / "pyproject.toml"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.count("Revealed type") == len(PUBLIC) and '"Any"' not in done.stdout, done.stdout
    assert 'Argument 1 to "render" of "Session" has incompatible type "str"; expected "int"' in done.stdout


def test_the_public_names_are_these() -> None:
    assert {*synth.__all__, "__version__"} == PUBLIC
    assert PUBLIC <= set(dir(synth))
    with pytest.raises(AttributeError, match="no_such_name"):
        synth.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CITATION.cff",
        "Makefile",
        "pyproject.toml",
        ".ci/run",
        "synth/py.typed",
        "assets/LICENSES.md",
        "assets/recording/meta.json",
        "presets/settle.toml",
        "presets/sleep.toml",
        "presets/focus.toml",
        "presets/energise.toml",
        "examples",
        "bench/session.py",
    ],
)
def test_it_is_where_one_looks_for_it(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_asset_has_its_licence_named() -> None:
    told = (ROOT / "assets" / "LICENSES.md").read_text(encoding="utf-8")
    for path in (ROOT / "assets").iterdir():
        assert path.name == "LICENSES.md" or path.name in told, f"{path.name} is not in assets/LICENSES.md"


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{synth.__version__}]" in text


def project_files() -> list[Path]:
    """What git tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / line for line in listed if (ROOT / line).is_file()]


def test_no_file_knows_whose_machine_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.~*-])/(?:root|home|Users|" + "work" + r")/[\w.]+")
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in machine.finditer(text)]
    assert found == []


def test_continuous_integration_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111 and "make test" in script.read_text()


def test_make_says_what_it_can_do() -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("help", "demo", "test", "test-python", "check", "bench", "peers", "warmup", "venv", "clean"):
        assert f"make {target} " in told


def test_only_these_words_are_used() -> None:
    """Wellness words: nothing here treats anything, and no condition is named."""
    unwanted = re.compile(r"\b(treats|treatment|therapy|therapeutic|anxiety|depression|ptsd|insomnia|patient)\b", re.I)
    texts = [*(ROOT / "presets").glob("*.toml"), *(PACKAGE / "cli").glob("*.py"), *(PACKAGE / "record").glob("*.py")]
    texts += [PACKAGE / "controls.py", *(PACKAGE / "steering").glob("*.py")]
    for path in texts:
        assert not unwanted.search(path.read_text(encoding="utf-8")), path.name
