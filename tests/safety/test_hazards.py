"""The list of hazards stands as the code does: its tests exist, and no limit, rule or gate is left out."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from synth.safety.limits import LIMITS
from synth.safety.screening import Gates

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "synth/safety/HAZARDS.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)))


def rows() -> list[list[str]]:
    """Cells of every row of every table, without heads."""
    lines = [line.strip().strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in lines if not set(cells[0].strip()) <= {"-"}]


@cache
def named_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def rules() -> set[str]:
    """Names of the stop rules, as the rules' own code returns them."""
    tree = ast.parse((ROOT / "synth/safety/stop_rules.py").read_text(encoding="utf-8"))
    (broken,) = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_broken")
    values = [node.value for node in ast.walk(broken) if isinstance(node, ast.Return)]
    firsts = [value.elts[0] for value in values if isinstance(value, ast.Tuple)]
    return {first.value for first in firsts if isinstance(first, ast.Constant) and first.value}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_named_test_exists(path, name):
    assert name in named_in(path)


def test_every_hazard_has_a_test_and_what_stops_it():
    hazards = [cells for cells in rows() if len(cells) == 4 and cells[0] not in ("Hazard", "Source")]
    assert len(hazards) >= 35
    for hazard, how, stops, tests in hazards:
        assert hazard and how and stops and re.search(r"::test_", tests), hazard


def test_every_limit_rule_and_gate_is_on_the_page():
    told = set(re.findall(r"`(\w+)`", PAGE))
    gates = {gate.name for gate in fields(Gates)} - {"words"}
    assert rules() == {"heart_rate", "skin_conductance", "arousal_rise"}
    assert not ({limit.name for limit in LIMITS} | rules() | gates) - told


def test_every_file_named_is_there():
    for name in set(re.findall(r"`((?:\w+/)*\w+\.py)`", PAGE)):
        assert any((ROOT / folder / name).is_file() for folder in ("synth/safety", "synth", ".")), name
