"""Reads the daemon's settings: command line before environment before file before defaults, all problems at once."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.daemon.config import Config, ConfigError, Limits, Setting, settings
from synth.preset_file import Place, key_lines, near, shown

PREFIX = "ISOTONE_"
OTHERS = ("ISOTONE_CACHE_DIR",)  # variables of other parts of the engine
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as somebody gave it, and where."""

    name: str
    value: Any
    where: str


def read_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Config:
    """The settings out of `file`, `environment` (os.environ if None) and what was `asked` for on the command line, by
    the names of `settings()`. ConfigError names every problem on a line of its own, with the line or variable."""
    problems: list[str] = []
    known = {one.name: one for one in settings()}
    given: list[_Given] = []
    if file is not None:
        given += _from_file(file, known, problems)
    given += _from_environment(os.environ if environment is None else environment, known, problems)
    given += [_Given(name, value, f"--{name.partition('_')[0]}") for name, value in (asked or {}).items()]
    values: dict[str, Any] = {}
    for one in given:
        try:
            values[one.name] = _checked(known[one.name], one.value)
        except ValueError as error:
            problems.append(f"{one.where}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    config = _made(known, values)
    config.check()
    return config


def _made(known: Mapping[str, Setting], values: Mapping[str, Any]) -> Config:
    limits = {known[name].attribute: value for name, value in values.items() if known[name].table == "limits"}
    others = {known[name].attribute: value for name, value in values.items() if known[name].table != "limits"}
    return Config(**others, limits=Limits(**limits))


def _from_file(file: Path, known: Mapping[str, Setting], problems: list[str]) -> Iterator[_Given]:
    text = _text_of(file)
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None
    lines = key_lines(text)
    for name, value in _flat(tables, {one.table for one in known.values()}):
        place: Place = tuple(name.split("."))
        places = (
            place,
            (*place, 0),
            *(place[:n] for n in range(len(place), 0, -1)),
        )  # (..., 0): the first of [[tables]]
        line = next((lines[one] for one in places if one in lines), None)
        where = str(file) if line is None else f"{file}, line {line}"
        if name in known:
            yield _Given(name, value, f"{where}: {name}")
        else:
            problems.append(f"{where}: {name} is no setting{near(name, list(known))}")


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}): check the path and its permissions") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not a text file in UTF-8: save it as one") from None


def _flat(tables: Mapping[str, Any], names: set[str]) -> Iterator[tuple[str, Any]]:
    """Keys of the file, those of a known table as "table.key"."""
    for key, value in tables.items():
        if key in names and isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", inside) for inner, inside in value.items())
        else:
            yield key, value


def _from_environment(
    environment: Mapping[str, str], known: Mapping[str, Setting], problems: list[str]
) -> Iterator[_Given]:
    variables = {one.variable: one for one in known.values()}
    for variable, text in environment.items():
        if variable in variables:
            one = variables[variable]
            try:
                yield _Given(one.name, _parsed(one, text), variable)
            except ValueError as error:
                problems.append(f"{variable}: {error}")
        elif variable.startswith(PREFIX) and variable not in OTHERS:
            problems.append(f"{variable} is no setting{near(variable, list(variables))}")


def _parsed(one: Setting, text: str) -> Any:
    """The value that a text of the environment stands for."""
    kind = one.kind.removesuffix(" | None")
    if one.name == "keys":
        raise ValueError("keys are given in the file, a table [[keys]] each")
    if kind == "bool":
        if text.lower() not in WORDS:
            raise ValueError(f"{shown(text)}: give true or false")
        return WORDS[text.lower()]
    if kind == "tuple[str, ...]":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in ("int", "float"):
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            raise ValueError(f"{shown(text)} is not a number: {_wanted(one)}") from None
    return text


def _checked(one: Setting, value: Any) -> Any:
    """`value` as the setting keeps it; ValueError when it cannot be that."""
    return _KINDS[one.kind.removesuffix(" | None")](one, value)


def _text(one: Setting, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or (one.choices and value not in one.choices):
        raise ValueError(f"{shown(value)}{near(str(value), one.choices)}: {_wanted(one)}")
    return value


def _path(one: Setting, value: Any) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{shown(value)}: give a path in quotes")
    return Path(value)


def _flag(one: Setting, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)}: give true or false")
    return value


def _texts(one: Setting, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) and text.strip() for text in value):
        raise ValueError(f"{shown(value)}: give texts in square brackets")
    return tuple(value)


def _keys(one: Setting, value: Any) -> tuple[Any, ...]:
    from synth.daemon.security.keys import Key

    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("stands where tables [[keys]] belong")
    found: list[Key] = []
    for number, table in enumerate(value, 1):
        try:
            found.append(Key.read(table))
        except ValueError as error:
            raise ValueError(f"key {number}: {error}") from None
    return tuple(found)


def _whole(one: Setting, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{shown(value)} is not a whole number: {_wanted(one)}")
    _in_range(one, value)
    return value


def _number(one: Setting, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ValueError(f"{shown(value)} is not a number: {_wanted(one)}")
    _in_range(one, value)
    return float(value)


def _in_range(one: Setting, value: float) -> None:
    if one.low is not None and one.high is not None and not one.low <= value <= one.high:
        raise ValueError(f"{shown(value)} is out of range: {_wanted(one)}")


def _wanted(one: Setting) -> str:
    if one.choices:
        return f"give one of {', '.join(one.choices)}"
    return "give a text in quotes" if one.low is None else f"give {one.low:g} to {one.high:g}"


_KINDS: Mapping[str, Callable[[Setting, Any], Any]] = {
    "str": _text,
    "Path": _path,
    "bool": _flag,
    "tuple[str, ...]": _texts,
    "tuple[Key, ...]": _keys,
    "int": _whole,
    "float": _number,
}
