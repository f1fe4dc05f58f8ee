"""Dialects of OSC as data: which address means which channel, read from TOML files.

A dialect names itself, the `port` its apps send to, addresses to `ignore` and its rules. A rule has

- `address`, one or several patterns: `*` stands for any part of a name, `**` for any number of names, `{device}` and
  `{channel}` for a name that tells them; capitals do not matter;
- `channel`, or `channels` for a channel an argument; `args` picks arguments by place;
- `reduce` of many arguments to one value: "mean", "length" of the vector, or "run" of samples one after the other;
- `axis` "x", "y" or "z" of a vector that comes in three messages;
- `kind` "int" or "float" and `between` [low, high]: what the raw value must be, else the next rule is tried;
- `values`, what each raw value stands for; `missing`, raw values that are none; then `scale` and `offset`;
- `sites`, the electrode of each argument; `tells_contact`: its values under 0.5 tell that electrodes do not touch;
- `rate_hz` of even samples, `time` the place of an argument that tells it, `stamp` for two whole numbers at the end
  that do (seconds and us since 1970), `units` to judge the unit as in a file.

Of several rules for one channel, the first in the file that is being heard counts.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from synth.wearables.packet import SourceError
from synth.wearables.samples import CHANNELS

FOLDER = Path(__file__).with_name("dialects")
REDUCE = ("first", "mean", "length", "run")
KINDS = ("any", "int", "float")
AXES = ("x", "y", "z")
MAX_WILD = 3  # in one address: matching stays quick whatever is sent
_WILD = re.compile(r"\*\*|\*|\{channel\}|\{device\}")
_PATTERNS = {"**": ".*", "*": "[^/]*", "{channel}": "(?P<channel>[^/]+)", "{device}": "(?P<device>[^/]+)"}


class DialectError(SourceError):
    """A dialect that cannot be used; the message says where it is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What messages of some addresses mean; the fields are the file's, described above."""

    address: tuple[str, ...]
    channels: tuple[str, ...]
    args: tuple[int, ...] | None = None
    reduce: str = "first"
    axis: str = ""
    kind: str = "any"
    between: tuple[float, float] = (-math.inf, math.inf)
    values: Mapping[float, float] | None = None
    missing: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    sites: tuple[str, ...] = ()
    tells_contact: bool = False
    rate_hz: float | None = None
    time: int | None = None
    stamp: bool = False
    units: bool = False


class Dialect:
    """Rules in the order in which they count, and addresses that say nothing of use."""

    def __init__(self, name: str, port: int, rules: tuple[Rule, ...], ignore: tuple[str, ...] = ()) -> None:
        self.name, self.port, self.rules, self.ignore = name, port, rules, ignore
        self._rules = [[_pattern(address) for address in rule.address] for rule in rules]
        self._ignore = [_pattern(address) for address in ignore]
        self.meaning = lru_cache(maxsize=1024)(self._meaning)

    def _meaning(self, address: str) -> tuple[tuple[tuple[int, str, str], ...], bool]:
        """(rule's place, device, channel) of the rules an address falls under, and whether it may be passed over."""
        found = []
        for place, patterns in enumerate(self._rules):
            match = next(filter(None, (pattern.fullmatch(address) for pattern in patterns)), None)
            if match:
                told = match.groupdict()
                found.append((place, told.get("device") or "", told.get("channel") or ""))
        return tuple(found), any(pattern.fullmatch(address) for pattern in self._ignore)


def dialect_names() -> tuple[str, ...]:
    """The dialects that ship with the engine."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load_dialect(name_or_path: str | Path) -> Dialect:
    """A shipped dialect by name, or one's own by path. DialectError tells what is wrong with it."""
    path = Path(name_or_path)
    if path.suffix.lower() != ".toml":
        if str(name_or_path) not in dialect_names():
            raise DialectError(
                f"no dialect called {name_or_path}: one of {', '.join(dialect_names())}, or a .toml file"
            )
        path = FOLDER / f"{name_or_path}.toml"
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DialectError(f"{path}: cannot be read ({error.strerror}): check the path and its permissions") from None
    except UnicodeDecodeError:
        raise DialectError(f"{path}: not a text file in UTF-8: save it as one") from None
    return read_dialect(text, str(path))


def read_dialect(text: str, where: str) -> Dialect:
    """The dialect that a TOML text holds; `where` is its name for people."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise DialectError(f"{where}: not TOML: {error}") from None
    sheet = _Sheet(where, table)
    name = sheet.text("name")
    port = int(sheet.number("port", 1, 65_535, whole=True))
    ignore = sheet.addresses("ignore", ())
    sheet.texts("sources", ())
    listed = sheet.take("rule", [])
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise DialectError(f"{where}: no rules: write at least one [[rule]] with an address and a channel")
    sheet.nothing_else()
    return Dialect(name, port, tuple(_rule(where, place, item) for place, item in enumerate(listed, 1)), ignore)


def _rule(where: str, place: int, table: dict[str, object]) -> Rule:
    sheet = _Sheet(f"{where}: rule {place}", table)
    address = sheet.addresses("address")
    sheet.where += f" ({address[0]})"
    for pattern in address:
        if pattern.count("{channel}") > 1 or pattern.count("{device}") > 1:
            raise sheet.error("address", "may hold {channel} and {device} once")
    if ("channel" in table) == ("channels" in table):
        raise sheet.error("channel", "give either channel or channels")
    channels = sheet.texts("channels" if "channels" in table else "channel")
    for channel in channels:
        if channel not in CHANNELS and channel != "{channel}":
            raise sheet.error("channel", f"{channel!r} is none: one of {', '.join(CHANNELS)}, or {{channel}}")
    if "{channel}" in channels and not all("{channel}" in pattern for pattern in address):
        raise sheet.error("channel", "is told by {channel}, which the address must hold")
    low, high = sheet.numbers("between", (-math.inf, math.inf), count=2)
    if low > high:
        raise sheet.error("between", "the first number must not be above the second")
    rule = Rule(
        address,
        channels,
        args=tuple(int(x) for x in sheet.numbers("args", (), low=0, high=255, whole=True)) or None,
        reduce=sheet.one_of("reduce", REDUCE, "first"),
        axis=sheet.one_of("axis", ("", *AXES), ""),
        kind=sheet.one_of("kind", KINDS, "any"),
        between=(low, high),
        values=sheet.values("values"),
        missing=sheet.numbers("missing", ()),
        scale=sheet.number("scale", default=1.0),
        offset=sheet.number("offset", default=0.0),
        sites=sheet.texts("sites", ()),
        tells_contact=sheet.flag("tells_contact"),
        rate_hz=sheet.number("rate_hz", 0.01, 10_000, default=0.0) or None,
        time=int(sheet.number("time", 0, 255, whole=True)) if "time" in table else None,
        stamp=sheet.flag("stamp"),
        units=sheet.flag("units"),
    )
    if len(channels) > 1 and (rule.reduce != "first" or rule.axis):
        raise sheet.error("channels", "take an argument each: leave out reduce and axis")
    if len(channels) > 1 and rule.args and len(rule.args) != len(channels):
        raise sheet.error("args", f"must be as many as channels, {len(channels)}")
    if rule.tells_contact and not rule.sites:
        raise sheet.error("tells_contact", "needs sites")
    sheet.texts("note", ())
    sheet.nothing_else()
    return rule


class _Sheet:
    """A table being read; every reader checks the value of a key and says where it is wrong."""

    def __init__(self, where: str, table: Mapping[str, object]) -> None:
        self.where, self._table = where, table
        self._known: set[str] = set()

    def error(self, key: str, problem: str) -> DialectError:
        return DialectError(f"{self.where}: {key} {problem}")

    def take(self, key: str, default: object = None) -> object:
        self._known.add(key)
        if key not in self._table and default is None:
            raise self.error(key, "is missing")
        return self._table.get(key, default)

    def nothing_else(self) -> None:
        if strange := sorted(set(self._table) - self._known):
            raise self.error(strange[0], f"is nothing this knows: one of {', '.join(sorted(self._known))}")

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"must be a text, not {value!r}")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self.take(key, default)
        listed = [value] if isinstance(value, str) else value
        if value is default and default is not None:
            return default
        if not isinstance(listed, list) or not listed or not all(isinstance(x, str) and x.strip() for x in listed):
            raise self.error(key, f"must be a text or a list of texts, not {value!r}")
        return tuple(listed)

    def addresses(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        patterns = self.texts(key, default)
        for pattern in patterns:
            if len(_WILD.findall(pattern)) > MAX_WILD:
                raise self.error(key, f"{pattern!r} holds more than {MAX_WILD} of *, **, {{device}} and {{channel}}")
        return patterns

    def number(
        self, key: str, low: float = -1e12, high: float = 1e12, default: float | None = None, whole: bool = False
    ) -> float:
        value = self.take(key, default)
        return default if value is default and default is not None else self._checked(key, value, low, high, whole)

    def numbers(
        self, key: str, default: tuple[float, ...], count: int = 0, low: float = -1e12, high: float = 1e12,
        whole: bool = False,
    ) -> tuple[float, ...]:  # fmt: skip
        value = self.take(key, default)
        if value is default:
            return default
        if not isinstance(value, list) or count and len(value) != count:
            raise self.error(key, f"must be a list of {count or 'some'} numbers, not {value!r}")
        return tuple(self._checked(key, item, low, high, whole) for item in value)

    def values(self, key: str) -> dict[float, float] | None:
        value = self.take(key, False)
        if value is False:
            return None
        if not isinstance(value, dict):
            raise self.error(key, "must be a table such as { 1 = 1.0, 2 = 0.5 }")
        try:
            return {float(raw): self._checked(key, own, -1e12, 1e12, False) for raw, own in value.items()}
        except ValueError as error:
            if isinstance(error, DialectError):
                raise
            raise self.error(key, "must have numbers for keys, such as { 1 = 1.0, 2 = 0.5 }") from None

    def one_of(self, key: str, words: tuple[str, ...], default: str) -> str:
        value = self.take(key, default)
        if value not in words:
            raise self.error(key, f"must be one of {', '.join(filter(None, words))}, not {value!r}")
        return str(value)

    def flag(self, key: str) -> bool:
        value = self.take(key, False)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {value!r}")
        return value

    def _checked(self, key: str, value: object, low: float, high: float, whole: bool) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not good or whole and not isinstance(value, int):
            raise self.error(
                key, f"must be a {'whole ' if whole else ''}number from {low:g} to {high:g}, not {value!r}"
            )
        return float(value)  # type: ignore[arg-type]


def _pattern(address: str) -> re.Pattern[str]:
    """An address as a pattern; capitals and the leading slash, which some senders leave out, do not matter."""
    bare = address.lstrip("/")
    parts, at = ["/?"], 0
    for wild in _WILD.finditer(bare):
        parts += (re.escape(bare[at : wild.start()]), _PATTERNS[wild.group()])
        at = wild.end()
    return re.compile("".join((*parts, re.escape(bare[at:]))), re.IGNORECASE)
