"""What there is to play in: the scales of assets/scales and the tunings, built in or of assets/tunings, by name.

A file of scales holds tables [[scale]] with the fields of `TunedScale`; `cents` may be given as `ratios` instead,
texts such as "3/2". Each says where its numbers come from (`source`) and whom they owe (`credit`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from synth.preset_file import Section, Sheet, near, read_text, shown
from synth.resources import assets_folder
from synth.tuning.scala import TuningError, cents_of, parse_interval, parse_kbm, parse_scl, read_bytes
from synth.tuning.scale import PERIOD_CENTS, TunedScale
from synth.tuning.tuning import TUNINGS, Tuning, tuning_from, tuning_of

_REMARK = re.compile(r"^![ \t]*(source|credit):[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_DEGREE = re.compile(r"[0-9]{1,2}")


@cache
def catalogue() -> Mapping[str, TunedScale]:
    """Every scale that ships with the engine, by name, in the order of names."""
    scales: dict[str, TunedScale] = {}
    for path in sorted((assets_folder() / "scales").glob("*.toml")):
        for scale in read_scales(path):
            if scale.name in scales:
                raise TuningError(f"{path.name}: there is a scale {scale.name} already: give it another name")
            scales[scale.name] = scale
    return MappingProxyType(dict(sorted(scales.items())))


@cache
def tunings() -> Mapping[str, Tuning]:
    """Every tuning that ships with the engine, by name: those built in, then those of assets/tunings."""
    files = sorted((assets_folder() / "tunings").glob("*.scl"))
    return MappingProxyType({**TUNINGS, **{path.stem: read_tuning(path) for path in files}})


def tuning(name_or_path: str | Path, kbm: Path | None = None) -> Tuning:
    """A tuning by its name, by that of a scale of the catalogue, or from a .scl file, with a .kbm file or without.

    TuningError says what is wrong with a file, or which names there are.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.lower().endswith(".scl") or "/" in text or "\\" in text:
        return read_tuning(Path(name_or_path), kbm)
    if kbm is not None:
        raise TuningError(f"{kbm} maps the notes of a .scl file, and {text} is not one")
    if text in tunings():
        return tunings()[text]
    if text in catalogue():
        return tuning_of(catalogue()[text])
    known = [*tunings(), *catalogue()]
    raise TuningError(
        f"there is no tuning {text!r}{near(text, known)}: `synth tunings` lists them, a file ends in .scl"
    )


def read_tuning(path: Path, kbm: Path | None = None) -> Tuning:
    """The tuning that a .scl file describes. Lines "! source: ..." and "! credit: ..." in it are kept."""
    content = read_bytes(path)
    scl = parse_scl(content, path.name)
    mapping = None if kbm is None else parse_kbm(read_bytes(kbm), kbm.name)
    remarks = dict(_REMARK.findall(content.decode("utf-8", "replace").replace("\r", "\n")))
    try:
        return tuning_from(path.stem, scl, mapping, remarks.get("source", ""), remarks.get("credit", ""))
    except TuningError as error:
        raise TuningError(f"{path.name}: {error}") from None


def read_scales(path: Path) -> list[TunedScale]:
    """The scales of one file. TuningError with all that is wrong, a line a problem."""
    try:
        text = read_text(path)
        data = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise TuningError(f"{path.name}: {error}") from None
    sheet = Sheet(path.name, text)
    top = Section(sheet, data)
    tables = top.sections("scale")
    top.finish()
    scales = [scale for table in tables for scale in _scale(table)]
    if sheet.problems:
        raise TuningError("\n".join(sheet.problems))
    return scales


def _scale(table: Section) -> Iterator[TunedScale]:
    """The scale of a table, or nothing when there is a problem, which is noted."""
    try:
        scale = TunedScale(
            name=table.text("name"),
            culture=table.text("culture"),
            cents=tuple(_cents(table)),
            period_cents=table.number("period_cents", *PERIOD_CENTS, 1200.0, "cents"),
            title=table.text("title"),
            source=table.text("source"),
            credit=table.text("credit"),
            ascent=_degrees(table, "ascent"),
            descent=_degrees(table, "descent"),
            chief=_degrees(table, "chief"),
            drone=_degrees(table, "drone"),
            ornaments=_ornaments(table),
            ombak_hz=table.number("ombak_hz", 0.0, 15.0, 0.0, "Hz"),
        )
    except TuningError as error:
        table.say("name", str(error))
    else:
        yield scale
    table.finish()


def _cents(table: Section) -> Iterator[float]:
    if table.has("ratios") == table.has("cents"):
        raise TuningError("needs its degrees either as cents or as ratios")
    if not table.has("ratios"):
        values = table.get("cents")
        if not isinstance(values, list) or not all(type(v) in (int, float) and abs(v) < 1e6 for v in values):
            raise TuningError(f"cents are {shown(values)}: give numbers in square brackets, as [0.0, 203.9, 386.3]")
        yield from map(float, values)
        return
    for text in table.texts("ratios"):
        interval = parse_interval(text)
        if isinstance(interval, float):
            raise TuningError(f"{text!r} is cents among ratios: give all degrees alike")
        yield cents_of(interval)


def _degrees(table: Section, key: str) -> tuple[int, ...]:
    values = table.get(key) if table.has(key) else []
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise TuningError(f"{key} is {shown(values)}: give degrees in square brackets, as [0, 1, 2]")
    return tuple(values)


def _ornaments(table: Section) -> dict[int, str]:
    values = table.get("ornaments") if table.has("ornaments") else {}
    if not isinstance(values, dict) or not all(_DEGREE.fullmatch(k) and isinstance(v, str) for k, v in values.items()):
        raise TuningError(f'ornaments are {shown(values)}: give them by degree, as {{ 2 = "andolan" }}')
    return {int(degree): ornament for degree, ornament in sorted(values.items())}
