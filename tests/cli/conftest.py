"""Runs the command line inside the test, as a person would type it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from synth.cli import main


class Run(NamedTuple):
    """What a command gave back."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def command(*arguments: object) -> Run:
        code = main([str(a) for a in arguments])
        return Run(code, *capsys.readouterr())

    return command
