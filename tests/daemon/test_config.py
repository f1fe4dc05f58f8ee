"""Settings: where they come from, which counts, and that everything wrong with them is said at once, and where."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.daemon.config import Config, ConfigError, Limits, settings
from synth.daemon.config_file import read_config
from synth.daemon.security import Role, new_key

ALONE: dict[str, str] = {}  # an environment without settings


def written(folder: Path, text: str) -> Path:
    path = folder / "isotone.toml"
    path.write_text(text)
    return path


def problems(file: Path | None = None, environment: dict[str, str] = ALONE, **asked: Any) -> list[str]:
    with pytest.raises(ConfigError) as found:
        read_config(file, environment, asked)
    return str(found.value).splitlines()


def test_without_anything_it_listens_on_loopback_alone() -> None:
    config = read_config(None, ALONE)
    assert config == Config() and config.host == "127.0.0.1" and not config.sign_in
    assert config.worker_count >= 1


def test_command_line_before_environment_before_file_before_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 1111\nworkers = 3\nmax_sessions = 7\n[log]\nlevel = "error"\n')
    environment = {"ISOTONE_PORT": "2222", "ISOTONE_WORKERS": "4"}
    config = read_config(file, environment, {"port": 3333})
    told = (config.port, config.workers, config.max_sessions, config.log_level, config.host)
    assert told == (3333, 4, 7, "error", "127.0.0.1")


def test_every_setting_can_be_given_in_the_environment(tmp_path: Path) -> None:
    given_as = {
        "ISOTONE_STATE_DIR": str(tmp_path),
        "ISOTONE_SIGN_IN": "no",
        "ISOTONE_HOSTS": "a.example, b.example",
        "ISOTONE_SNAPSHOT_EVERY_S": "5",
        "ISOTONE_OSC__PORT": "9001",
        "ISOTONE_LIMITS__MAX_BODY_BYTES": "4096",
        "ISOTONE_TOKENS__LIFE_S": "60.5",
        "ISOTONE_CACHE_DIR": "kernels",  # of another part of the engine
        "HOME": "elsewhere",
    }
    config = read_config(None, given_as)
    assert config.state_dir == tmp_path and config.hosts == ("a.example", "b.example") and config.sign_in is False
    assert (config.snapshot_every_s, config.osc_port, config.token_life_s) == (5.0, 9001, 60.5)
    assert config.limits.max_body_bytes == 4096 and config.sessions_dir == tmp_path / "sessions"
    variables = [one.variable for one in settings()]
    assert len(set(variables)) == len(variables) and "ISOTONE_TLS__CERT" in variables


def test_all_that_is_wrong_is_said_at_once_with_its_line_or_variable(tmp_path: Path) -> None:
    top = 'prot = 1\nport = "8080"\nsign_in = 1\n\n'
    file = written(tmp_path, top + '[log]\nlevel = "loud"\n\n[limits]\nmax_body_byte = 3\nmax_sockets = 1\n')
    environment = {"ISOTONE_WORKERS": "many", "ISOTONE_PROT": "1", "ISOTONE_KEYS": "x"}
    told = problems(file, environment, max_sessions=0)
    wanted = {
        f"{file}, line 1: prot is no setting": "port",
        f"{file}, line 2: port: '8080' is not a whole number": "0 to 65535",
        f"{file}, line 3: sign_in: 1": "true or false",
        f"{file}, line 6: log.level: 'loud'": "debug, info, warning, error",
        f"{file}, line 9: limits.max_body_byte is no setting": "max_body_bytes",
        f"{file}, line 10: limits.max_sockets: 1 is out of range": "4 to",
        "ISOTONE_WORKERS: 'many' is not a number": "0 to 1024",
        "ISOTONE_PROT is no setting": "ISOTONE_PORT",
        "ISOTONE_KEYS": "[[keys]]",
        "--max: 0 is out of range": "1 to 10000",
    }
    for begin, within in wanted.items():
        assert any(line.startswith(begin) and within in line for line in told), (begin, told)
    assert len(told) == len(wanted)


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"port = = 1", "not TOML"), (b"\xff\xfe", "UTF-8"), (b"[log\nlevel=1", "not TOML"), (b"port.x = 1\n", "whole")],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes, word: str) -> None:
    file = tmp_path / "isotone.toml"
    file.write_bytes(content)
    assert word in problems(file)[0] and str(file) in problems(file)[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml") == [
        f"{tmp_path / 'none.toml'}: cannot be read (No such file or directory): check the path and its permissions"
    ]


def test_keys_are_read_and_each_mistake_in_them_is_told(tmp_path: Path) -> None:
    _, key = new_key(Role.OPERATOR, "ward")
    assert read_config(written(tmp_path, f"sign_in = true\n{key.toml}"), ALONE).keys == (key,)
    assert "two are called" in problems(written(tmp_path, key.toml + key.toml))[0]
    assert "[[keys]]" in problems(written(tmp_path, "keys = 3\n"))[0]
    told = problems(written(tmp_path, f"port = 1\n{key.toml.replace('operator', 'boss')}"))
    assert "line 2" in told[0] and "key 1" in told[0] and "'boss'" in told[0]


def test_off_loopback_it_wants_tls_and_keys(tmp_path: Path) -> None:
    told = problems(None, ALONE, host="0.0.0.0")
    assert any("tls" in line for line in told) and any("keys" in line for line in told)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    assert "belong together" in problems(written(tmp_path, '[tls]\ncert = "a.pem"\n'))[0]


def test_a_reload_changes_what_may_change_and_names_the_rest() -> None:
    config = Config(limits=Limits(max_renders=3))
    limits = config.limits
    _, key = new_key(Role.LISTENER, "hall")
    newer = Config(
        port=1,
        log_level="debug",
        keys=(key,),
        tls_cert=Path("a"),
        tls_key=Path("b"),
        token_life_s=30.0,
        limits=Limits(max_renders=9),
    )
    changed, kept = config.adopt(newer)
    assert changed == ["tokens.life_s", "log.level", "keys", "limits.max_renders"]
    assert kept == ["port", "tls.cert", "tls.key"], "TLS is not turned on while it runs"
    assert config.limits is limits and limits.max_renders == 9 and config.port == 8080 and config.keys == (key,)
    assert config.adopt(config) == ([], [])


def test_another_certificate_is_taken_while_it_runs() -> None:
    config = Config(tls_cert=Path("a"), tls_key=Path("b"))
    assert config.adopt(Config(tls_cert=Path("c"), tls_key=Path("b"))) == (["tls.cert"], [])
    assert config.tls_cert == Path("c")


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just({})


@given(st.sampled_from(settings()), ANYTHING)
def test_whatever_is_given_is_taken_as_its_kind_or_refused(one: Any, value: Any) -> None:
    try:
        config = read_config(None, ALONE, {one.name: value})
    except ConfigError as error:
        assert one.name.split(".")[0].split("_")[0] in str(error) or "tls" in str(error) or "keys" in str(error)
        return
    owner = config.limits if one.table == "limits" else config
    kinds = {"str": str, "int": int, "float": float, "bool": bool, "Path": Path}
    taken = getattr(owner, one.attribute)
    assert type(taken) in {kinds.get(one.kind.removesuffix(" | None"), tuple), type(Path()), type(None)}


def test_every_setting_says_what_it_means_and_names_its_unit() -> None:
    for one in settings():
        assert one.about and not one.about.endswith("."), one.name
        assert one.kind != "float" or one.name.endswith(("_s", "_days")), f"{one.name}: of what unit?"
    assert {field.name for field in dataclasses.fields(Config)} - {"limits"} == {
        one.attribute for one in settings() if one.table != "limits"
    }
