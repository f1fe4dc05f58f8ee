"""Presets of earlier schemas: read as they are, and rewritten with their comments kept.

Schema 2 (2026) made `goal` one word of a list, and added policy, wearable, supervision, constraints, palettes, and
steps, breath rates and cues of phases; what schema 1 does not name has its usual value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from synth.preset.model import GOALS, SCHEMA

_SCHEMA_LINE = re.compile(r"^(\s*schema\s*=\s*)1\b", re.MULTILINE)
_GOAL_LINE = re.compile(r"""^(\s*goal\s*=\s*)(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


def goal_of(words: str) -> str:
    """The goal that a person's words name, "own" when none is near."""
    word = words.strip().casefold()
    return next(iter(difflib.get_close_matches(word, GOALS, 1, 0.75)), "own")


def migrated(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data` in the current schema; of an unknown one as it is."""
    if data.get("schema") != 1:
        return data
    goal = data.get("goal")
    return {**data, "schema": SCHEMA, **({"goal": goal_of(goal)} if isinstance(goal, str) else {})}


def migrated_text(text: str, goal: str) -> str:
    """A schema 1 file in the current schema, all else as it stands; `goal` is what its goal line said."""
    text = _SCHEMA_LINE.sub(rf"\g<1>{SCHEMA}", text, count=1)
    return _GOAL_LINE.sub(rf'\g<1>"{goal_of(goal)}"', text, count=1)
