"""What the daemon is deployed with: judged by systemd's own tools, read line by line where no engine can build it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from synth.daemon import deploy
from synth.daemon.config import Config, settings
from synth.daemon.config_file import read_config

ROOT = Path(__file__).resolve().parents[2]
MOST_EXPOSED = 1.1  # of 10, as systemd 252 counts
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    path = tmp_path / "isotone.service"
    path.write_text(deploy.unit(Path(sys.executable)))
    return path


def analyzed(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ANALYZE), *map(str, arguments)], capture_output=True, text=True, timeout=60)


@needs_systemd
def test_systemd_takes_the_unit(unit: Path) -> None:
    done = analyzed("verify", unit)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@needs_systemd
def test_systemd_would_tell_a_mistake(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=rather"))
    assert "isotone.service:" in analyzed("verify", unit).stderr


@needs_systemd
def test_the_service_is_exposed_little(unit: Path) -> None:
    level = analyzed("security", "--offline=true", "--no-pager", unit).stdout.splitlines()[-1]
    found = re.search(r"exposure level for isotone.service: ([\d.]+)", level)
    assert found and float(found[1]) <= MOST_EXPOSED, level


def directives(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_does_what_resuming_and_fading_need() -> None:
    told = directives(deploy.unit(Path("/opt/isotone/bin/synth")))
    assert told["ExecStart"] == ["/opt/isotone/bin/synth serve --config %E/isotone/isotone.toml"]
    assert told["Type"] == ["notify"] and told["NotifyAccess"] == ["main"] and told["KillMode"] == ["mixed"]
    assert told["Restart"] == ["always"] and told["RestartSec"] == ["100ms"] and told["StartLimitIntervalSec"] == ["0"]
    assert told["RestartPreventExitStatus"] == ["2"], "wrong settings do not mend themselves"
    assert float(told["TimeoutStopSec"][0].removesuffix("s")) > Config().stop_within_s + 10.0
    assert told["StateDirectoryMode"] == ["0700"] and told["DynamicUser"] == ["yes"] and told["LimitCORE"] == ["0"]
    assert told["MemoryDenyWriteExecute"] == ["no"]
    assert "Numba writes machine code" in deploy.unit(Path("/opt/x")), "it says why"
    assert "ISOTONE_STATE_DIR=%S/isotone" in told["Environment"][0]


def test_what_sessions_share_in_memory_outlives_a_crash() -> None:
    """systemd removes what a dynamic user has in the system's /dev/shm whenever the service ends, also to be restarted:
    the place must be a folder of the service that stays."""
    told = directives(deploy.unit(Path("/opt/isotone/bin/synth")))
    assert told["RuntimeDirectoryPreserve"] == ["restart"]
    assert told["BindPaths"] == [f"%t/{told['RuntimeDirectory'][0]}:/dev/shm"]


def test_its_comments_make_the_folder_of_the_settings_first() -> None:
    steps = [line.removeprefix("#   ") for line in deploy.unit(Path("/opt/x")).splitlines() if line.startswith("#   ")]
    made, written = (next(i for i, step in enumerate(steps) if word in step) for word in ("mkdir", "isotone.toml"))
    assert made < written and steps[made] == "mkdir -p /etc/isotone"


@pytest.mark.parametrize("path", ["synth", "/opt/with space/synth", "/opt/50%/synth", "/opt/$HOME/synth", "/opt/a;b"])
def test_a_path_that_systemd_would_misread_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="absolute path without spaces"):
        deploy.unit(Path(path))


# -- the container --------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Containerfile with what follows it, lines joined."""
    lines = [line for line in deploy.containerfile().splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], " ".join(line.split()[1:])) for line in joined]


KNOWN = "FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT".split()


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def test_the_container_file_is_made_of_known_instructions_in_two_stages() -> None:
    assert {name for name, _ in instructions()} <= set(KNOWN)
    build, run = stages()
    assert build[0][1].endswith(" AS build") and ":" in run[0][1], "images are named with their version"
    assert not re.search(r":latest\b", deploy.containerfile())


def test_every_source_that_it_copies_is_there() -> None:
    build, run = stages()
    for rest in (rest for name, rest in build if name == "COPY"):
        *sources, _ = rest.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    copied = [rest for name, rest in run if name == "COPY"]
    assert copied and all(rest.startswith("--from=build ") for rest in copied), (
        "nothing of the checkout but by the build"
    )


def test_what_is_built_is_what_the_package_is_built_from() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = table["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", table["project"]["readme"], "LICENSE"}
    copied = {source for name, rest in stages()[0] if name == "COPY" for source in rest.split()[:-1]}
    assert wanted <= copied and "server" in table["project"]["optional-dependencies"]


def test_it_runs_as_nobody_special_and_without_the_network() -> None:
    run = stages()[1]
    users = [rest for name, rest in run if name == "USER"]
    assert users == ["10001:10001"]
    last_user = max(i for i, (name, _) in enumerate(run) if name == "USER")
    assert all(i < last_user for i, (name, _) in enumerate(run) if name in ("RUN", "COPY")), (
        "nothing is made as it runs"
    )
    for name, rest in run:
        assert name != "RUN" or not re.search(r"pip|apt|curl|wget|https?:", rest), rest
    told = dict(run)
    assert told["STOPSIGNAL"] == "SIGTERM"


def test_its_health_check_asks_where_it_listens() -> None:
    build, run = stages()
    told = dict(run)
    started = json.loads(told["ENTRYPOINT"])
    assert started == ["/opt/isotone/bin/synth", "serve", "--config", "/etc/isotone/isotone.toml"]
    options, _, asked = told["HEALTHCHECK"].partition(" CMD ")
    assert sorted(json.loads(asked)) == sorted([*started, "--ping"]), "the same settings as the service"
    period = re.search(r"--start-period=(\d+)s", options)
    assert period and int(period[1]) >= 120, "a slow machine takes its time before it first answers"
    assert ("COPY", "--from=build /etc/isotone /etc/isotone") in run, "there are settings where none are mounted"
    assert any(name == "RUN" and "deploy/isotone.toml /etc/isotone/" in rest for name, rest in build)
    for line in deploy.containerfile().splitlines():
        assert not re.match(r"# .*podman build", line) or "--format docker" in line, "else the check is dropped"


def test_user_and_group_are_those_that_the_image_makes() -> None:
    run = stages()[1]
    user, group = dict(run)["USER"].split(":")
    (made,) = [rest for name, rest in run if name == "RUN"]
    assert f"groupadd --system --gid {group} isotone" in made
    assert f"useradd --system --uid {user} --gid {group}" in made


def test_its_comments_leave_sessions_the_time_to_fade() -> None:
    """`podman stop` kills after 10 s unless told otherwise."""
    waits = re.findall(r"podman run [^\n]*--stop-timeout (\d+)", deploy.containerfile())
    assert len(waits) == deploy.containerfile().count("podman run ") == 2
    assert all(int(wait) > Config().stop_within_s + 10.0 for wait in waits)


def test_its_environment_is_settings_that_there_are() -> None:
    names = re.findall(r"(ISOTONE_\w+)=(\S+)", dict(stages()[1])["ENV"])
    assert names
    read_config(None, dict(names))


# -- the settings, explained ------------------------------------------------------------------------------------------


def test_the_example_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "isotone.toml"
    file.write_text(deploy.example_config())
    assert read_config(file, {}) == Config()


def test_the_example_has_every_setting_with_its_default() -> None:
    text = re.sub(r"^#(?=\[\[|[a-z_]+ = )", "", deploy.example_config(), flags=re.MULTILINE)
    tables = tomllib.loads(text)
    for one in settings():
        table = tables[one.table] if one.table else tables
        assert one.key in table, f"{one.name} is not explained"
        if one.default is not None and one.name != "keys":
            told = table[one.key]
            assert (
                tuple(told) if isinstance(told, list) else Path(told) if one.kind == "Path" else told
            ) == one.default
    known = {one.name for one in settings()}
    for key, value in tables.items():
        names = [f"{key}.{inner}" for inner in value] if isinstance(value, dict) else [key]
        assert set(names) <= known


def test_the_example_says_which_settings_a_reload_changes() -> None:
    paragraphs = deploy.example_config().split("\n\n")
    for one in settings():
        if one.table == "limits":
            continue
        (told,) = [
            p for p in paragraphs if re.search(rf"^#(\[\[)?{one.key}( =|\]\])", p, re.MULTILINE) and _in(p, one.table)
        ]
        assert (re.search(r"\blive\b", told) is not None) == one.live, one.name


def _in(paragraph: str, table: str) -> bool:
    """Whether a paragraph of the example stands in a table."""
    before = deploy.example_config().partition(paragraph)[0] + paragraph.partition("#")[0]
    tables = re.findall(r"^\[(\w+)\]", before, re.MULTILINE)
    return (tables[-1] if tables and "[[keys]]" not in paragraph else "") == table
