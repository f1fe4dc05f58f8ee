"""Where and how sessions take place, as the Reporting Guidelines for Music-Based Interventions ask (RG-MBI).

Eight components, after Robb, Burns & Carpenter (2011), Music and Medicine 3(4):271-279, doi:10.1177/1943862111420539,
and their update of 2025 in Frontiers in Psychology 16:1551920 and 16:1552659. What the music was, and that it was made
while it played, the engine tells by itself: preset, seed and version with the record's log of every change play it
again, bit for bit. Nobody is named: a person is a code that only those who made it can read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from synth.preset_file import Section, Sheet

SCHEMA = 1
MOST_TEXT = 2000  # characters
_ADDRESS = re.compile(r"\S@\S+\.\w")
_CODE = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?=\D*\d)[A-Za-z0-9_-]{2,24}")


class SettingError(ValueError):
    """A setting that cannot be used; the message tells all that is wrong with it, each with its line."""


def _text(component: str, asks: str) -> Any:
    return field(default="", metadata={"component": component, "asks": asks})


def _word(component: str, asks: str, **choices: str) -> Any:
    return field(default="", metadata={"component": component, "asks": asks, "choices": choices})


def _number(component: str, asks: str, low: float, high: float, unit: str = "", whole: bool = False) -> Any:
    about = {"component": component, "asks": asks, "range": (low, high), "unit": unit, "whole": whole}
    return field(default=None, metadata=about)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is told of the sessions; "" and None are not told. Ranges and choices are those of the file."""

    name: str = _text("Name", "what it is called")
    rationale: str = _text("Theory", "why this music, and how it is thought to lead to the goal")
    chosen_by: str = _word(
        "Content",
        "who chose the music",
        deliverer="who delivers it",
        person_from_set="the person, from what was offered",
        person="the person, freely",
        tailored="tailored to the person",
    )
    source: str = _word(
        "Content",
        "live, recorded or generated",
        generated="generated while it plays",
        recorded="recorded",
        live="live",
    )
    music: str = _text("Content", "what the music is")
    playback: str = _word(
        "Content",
        "headphones or speakers",
        headphones="headphones",
        earphones="earphones",
        speakers="speakers",
        other="something else",
    )
    placement: str = _text("Content", "where the speakers stand")
    volume_by: str = _word(
        "Content",
        "who controls the volume",
        person="the person",
        deliverer="who delivers it",
        both="the person, and who delivers it",
        fixed="nobody, it is fixed",
    )
    level_db_spl: float | None = _number(
        "Content", "how loud it is at the ear, measured with a calibration", 20, 110, "dB SPL"
    )
    calibrated: bool = field(default=False, metadata={"component": "Content", "asks": "whether that was measured"})
    materials: str = _text("Content", "what else is used")
    strategies: str = _text("Content", "what the person does: listen, breathe along, walk, ...")
    co_interventions: str = _text("Content", "what else happens beside the music")
    deliverer: str = _text("Who delivers it", "role and training of who delivers it, no name")
    unit: str = _word("Individual or group", "one person or a group", individual="one person", group="a group")
    group_size: int | None = _number("Individual or group", "how many in a group", 2, 1000, whole=True)
    place: str = _text("Setting", "where it takes place, how private and how quiet")
    sessions: int | None = _number("Schedule", "how many sessions", 1, 10_000, whole=True)
    minutes: float | None = _number("Schedule", "how long a session lasts", 0.1, 1440, "minutes")
    per_week: float | None = _number("Schedule", "how many sessions a week", 0.01, 100)
    practice: str = _text("Schedule", "what is done between sessions")
    fidelity: str = _text("Fidelity", "how one makes sure that sessions go as planned")
    person: str = _text("Person", "the person's code, such as P-017; never a name")

    def as_dict(self) -> dict[str, Any]:
        """What is told, for the header of a record."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, False)}


class Row(NamedTuple):
    """One question of the guidelines and its answer in words, "" when it is not told."""

    component: str
    asks: str
    answer: str


_OPTIONAL = ("practice", "person")
_TOLD = {item.name: item for item in fields(Setting) if item.name != "calibrated"}


def rows(given: Setting | Mapping[str, Any] | None, header: Mapping[str, Any] | None = None) -> list[Row]:
    """All that is asked and how far `given` answers it, with what a record's `header` tells by itself.

    `given` may be the `setting` of a header as it is. What does not apply (a group's size for one person) is left out.
    """
    told: dict[str, Any] = dict(given.as_dict() if isinstance(given, Setting) else given or {})
    if header is not None:
        told = _by_itself(header) | told
    return [
        Row(item.metadata["component"], item.metadata["asks"], _words(item, told.get(name)))
        for name, item in _TOLD.items()
        if _applies(name, told)
    ]


def missing(given: Setting | Mapping[str, Any] | None, header: Mapping[str, Any] | None = None) -> list[str]:
    """What a report still lacks, in plain words, such as "Content: who chose the music"."""
    return [f"{row.component}: {row.asks}" for row in rows(given, header) if not row.answer]


def _applies(name: str, told: Mapping[str, Any]) -> bool:
    if name == "placement":
        return told.get("playback") in ("speakers", "other") or bool(told.get(name))
    if name == "group_size":
        return told.get("unit") == "group" or told.get(name) is not None
    return name not in _OPTIONAL or bool(told.get(name))


def _by_itself(header: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine knows of the content."""
    preset = header.get("preset")
    name = preset.get("name", "") if isinstance(preset, Mapping) else ""
    music = (
        f"preset {name}, seed {header.get('seed')}, isotone {header.get('engine_version')};"
        " with the record's log of every change this plays the same music again"
    )
    return {"source": "generated", "music": music, "minutes": header.get("minutes")}


def _words(item: Field[Any], value: Any) -> str:
    if value is None or value == "":
        return ""
    words = str(item.metadata.get("choices", {}).get(str(value), f"{value:g}" if isinstance(value, float) else value))
    return f"{words} {item.metadata.get('unit', '')}".rstrip()


def load_setting(path: str | Path) -> Setting:
    """The setting in a TOML file. SettingError tells all that is wrong with it."""
    setting, problems = _read(Path(path))
    if problems:
        raise SettingError("\n".join(problems))
    return setting


def check_setting(path: str | Path) -> list[str]:
    """Everything that is wrong with a setting file, each with its line and what to write; empty when it is sound."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[Setting, list[str]]:
    try:
        if path.is_dir():
            return Setting(), [f"{path} is a folder: give a file that ends in .toml"]
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        return Setting(), [f"there is no file {path}: `synth record setting new {path}` makes one to fill in"]
    except OSError as error:
        return Setting(), [f"cannot read {path}: {error.strerror or error}"]
    except UnicodeDecodeError:
        return Setting(), [f"{path.name} is not a text file in UTF-8: save it as TOML"]
    except tomllib.TOMLDecodeError as error:
        return Setting(), [f"{path.name}: not TOML: {error}"]
    except (RecursionError, ValueError):
        return Setting(), [f"{path.name}: nested too deeply, or with a number too long, for a setting"]
    sheet = Sheet(path.name, text)
    return _setting(Section(sheet, data)), sheet.problems


def _setting(section: Section) -> Setting:
    if section.number("schema", 1, 1e9) > SCHEMA:
        section.say("schema", f"this version reads {SCHEMA}: use the newer isotone")
    read = {item.name: _value(section, item) for item in fields(Setting)}
    if read["level_db_spl"] is not None and not read["calibrated"]:
        section.say("level_db_spl", "needs a calibration: measure it and set calibrated = true, or leave it out")
    if read["unit"] == "individual" and read["group_size"] is not None:
        section.say("group_size", 'is for a group: leave it out, or set unit = "group"')
    if read["person"] and not _CODE.fullmatch(read["person"]):
        section.say("person", "give a code of 2 to 24 letters and digits, some of both, - and _; never a name")
    section.finish()
    return Setting(**read)


def _value(section: Section, item: Field[Any]) -> Any:
    key, about = item.name, item.metadata
    if not section.has(key) or section.get(key) == "":
        return item.default
    if "range" in about:
        low, high = about["range"]
        if about["whole"]:
            return section.whole(key, low, high, low)
        return section.number(key, low, high, unit=about["unit"])
    if item.default is False:
        return section.flag(key)
    if "choices" in about:
        return section.word(key, tuple(about["choices"]))
    text = section.text(key)
    if len(text) > MOST_TEXT:
        section.say(key, f"{len(text)} characters are too many: give up to {MOST_TEXT}")
    if _ADDRESS.search(text):
        section.say(key, "looks like an e-mail address: name nobody")
    return " ".join(text.split())


def template() -> str:
    """A file to fill in: every question as a comment above its key."""
    lines = [
        "# Where and how sessions take place, for the record and its reports (RG-MBI).",
        "# Fill in what is known; what is left empty is told as missing. Name nobody.",
        f"schema = {SCHEMA}",
    ]
    component = ""
    for item in fields(Setting):
        about = item.metadata
        if about["component"] != component:
            component = about["component"]
            lines += ["", f"# -- {component}"]
        lines += [f"# {about['asks']}{_hint(about)}", _empty(item)]
    return "\n".join(lines) + "\n"


def _hint(about: Mapping[str, Any]) -> str:
    if "choices" in about:
        return f": {', '.join(about['choices'])}"
    if "range" in about:
        low, high = about["range"]
        return f": {low:g} to {high:g} {about['unit']}".rstrip()
    return ""


def _empty(item: Field[Any]) -> str:
    if item.default is False:
        return f"{item.name} = false"
    return f"# {item.name} =" if "range" in item.metadata else f'{item.name} = ""'
