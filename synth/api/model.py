"""What every model of the HTTP contract is made of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema


class Asks(BaseModel):
    """A request: names that it does not know are refused, and so is what is no finite number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Told(BaseModel):
    """An answer: one of a newer daemon may tell more than this knows."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


def one_of(names: Iterable[str], called: str) -> Any:
    """A string that is one of `names`; what is wrong is told with those that are near it."""
    known = tuple(names)

    def check(name: str) -> str:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3) or known[:12]
            raise ValueError(f"there is no such {called}: give one of {', '.join(near)}")
        return name

    return Annotated[str, AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(known)})]


SESSION_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SessionName = Annotated[str, StringConstraints(pattern=SESSION_NAME)]
"""A session's id: letters, digits, - and _, at most 64, and no - or _ in front."""

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
Mood = Annotated[float, Field(ge=-1.0, le=1.0)]


def is_session_name(text: str) -> bool:
    """Whether a session can be called so."""
    return re.fullmatch(SESSION_NAME.rstrip("$"), text) is not None
