"""Presets of earlier schemas: read as they are, and rewritten with their comments kept.

Schema 2 (2026) made `goal` one word of a list, and added policy, wearable, supervision, constraints, palettes, and
steps, breath rates and cues of phases; what schema 1 does not name has its usual value.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from synth.preset.model import GOALS, SCHEMA

_SCHEMA_LINE = re.compile(r"^(\s*schema\s*=\s*)1\b", re.MULTILINE)
_GOAL_LINE = re.compile(r"""^(\s*goal\s*=\s*)("[^"\n]*"|'[^'\n]*')(?!["'])""", re.MULTILINE)


def goal_of(words: str) -> str:
    """The goal that a person's words name, "own" when none is near."""
    word = words.strip().casefold()
    return next(iter(difflib.get_close_matches(word, GOALS, 1, 0.75)), "own")


def is_earlier(data: Mapping[str, Any]) -> bool:
    """Whether `data` is of an earlier schema that can be migrated."""
    schema = data.get("schema")
    return schema == 1 and not isinstance(schema, bool)


def migrated(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data` in the current schema; of an unknown one as it is."""
    if not is_earlier(data):
        return data
    goal = data.get("goal")
    return {**data, "schema": SCHEMA, **({"goal": goal_of(goal)} if isinstance(goal, str) else {})}


def migrated_text(text: str) -> str:
    """A file's text in the current schema, all else as it stands; words of a goal that is none now stay as a comment.

    Text that is current already comes back as it is. ValueError when it is not TOML.
    """
    data = tomllib.loads(text)
    if not is_earlier(data):
        return text
    text = _SCHEMA_LINE.sub(rf"\g<1>{SCHEMA}", text, count=1)
    goal = data.get("goal")
    if not isinstance(goal, str) or goal == (word := goal_of(goal)):
        return text
    return _GOAL_LINE.sub(lambda line: f'# before: goal = {line[2]}\n{line[1].lstrip()}"{word}"', text, count=1)
