"""Presets of earlier schemas: read as they are, and rewritten with their comments kept.

Schema 2 (2026) made `goal` one word of a list, and added policy, wearable, supervision, constraints, palettes, and
steps, breath rates and cues of phases. Schema 3 (2026) made `[style]` the first of `[[scenes]]`, and phases may name
the scene they begin. What an earlier schema does not name has its usual value.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from synth.preset.model import GOALS, SCHEMA

_SCHEMA_LINE = re.compile(r"^(\s*schema\s*=\s*)[12]\b", re.MULTILINE)
_GOAL_LINE = re.compile(r"""^(\s*goal\s*=\s*)("[^"\n]*"|'[^'\n]*')(?!["'])""", re.MULTILINE)
_STYLE_LINE = re.compile(r"^([ \t]*)\[[ \t]*style[ \t]*\]", re.MULTILINE)


def goal_of(words: str) -> str:
    """The goal that a person's words name, "own" when none is near."""
    word = words.strip().casefold()
    return next(iter(difflib.get_close_matches(word, GOALS, 1, 0.75)), "own")


def is_earlier(data: Mapping[str, Any]) -> bool:
    """Whether `data` is of an earlier schema that can be migrated."""
    schema = data.get("schema")
    return schema in (1, 2) and not isinstance(schema, bool)


def migrated(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data` in the current schema; of an unknown one as it is."""
    if not is_earlier(data):
        return data
    changed: dict[str, Any] = {**data, "schema": SCHEMA}
    if data["schema"] == 1 and isinstance(goal := data.get("goal"), str):
        changed["goal"] = goal_of(goal)
    if isinstance(style := changed.get("style"), Mapping):
        del changed["style"]
        changed["scenes"] = [{"name": style.get("archetype", "main"), **style}]
    return changed


def renamed(text: str) -> str:
    """An earlier file's text with its tables named as now, line by line, to tell where things stand in it."""
    return _STYLE_LINE.sub(r"\g<1>[[scenes]]", text, count=1)


def migrated_text(text: str) -> str:
    """A file's text in the current schema, all else as it stands; words of a goal that is none now stay as a comment.

    Text that is current already comes back as it is. ValueError when it is not TOML.
    """
    data = tomllib.loads(text)
    if not is_earlier(data):
        return text
    text = _SCHEMA_LINE.sub(rf"\g<1>{SCHEMA}", text, count=1)
    if isinstance(style := data.get("style"), Mapping):
        name = style.get("archetype", "main")
        text = _STYLE_LINE.sub(rf'\g<1>[[scenes]]\n\g<1>name = "{name}"', text, count=1)
    goal = data.get("goal")
    if data["schema"] != 1 or not isinstance(goal, str) or goal == (word := goal_of(goal)):
        return text
    return _GOAL_LINE.sub(lambda line: f'# before: goal = {line[2]}\n{line[1].lstrip()}"{word}"', text, count=1)
