"""Problems: what an endpoint raises when it cannot do as asked, and how that is answered (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import ValidationError
from starlette.responses import Response

from synth.api.problem import PROBLEM_MEDIA, ProblemDetails, Wrong

MOST_WRONG = 50  # things told of one request
LONGEST_PLACE = 200  # characters


class Problem(Exception):
    """An error to be answered: `status` 400 to 599, `title` in a few words ("": what the status says), `detail` what to
    do about it. `errors` list what is wrong and where; `headers` go with the answer."""

    def __init__(
        self,
        status: int,
        title: str = "",
        detail: str = "",
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, title, detail)
        self.status, self.title, self.detail = status, title or HTTPStatus(status).phrase, detail
        self.errors = tuple(errors)[:MOST_WRONG]
        self.headers = dict(headers or {})

    @property
    def details(self) -> ProblemDetails:
        """As it is answered. A title of its own makes a kind of its own."""
        kind = "about:blank"
        if self.title != HTTPStatus(self.status).phrase:
            kind = "urn:problem-type:isotone:" + re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        told = [Wrong(where=_sound(e.where)[:LONGEST_PLACE], what=_sound(e.what)) for e in self.errors]
        return ProblemDetails(
            type=kind, title=self.title, status=self.status, detail=_sound(self.detail), errors=told or None
        )

    def response(self) -> Response:
        """The answer."""
        body = self.details.model_dump_json(exclude_none=True)
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(body, self.status, headers, media_type=PROBLEM_MEDIA)


def unprocessable(error: ValidationError, place: str) -> Problem:
    """What pydantic found wrong in `place` ("body", "query"), without the values that were given."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [
        Wrong(where=".".join([place, *map(str, one["loc"])]), what=one["msg"].removeprefix("Value error, "))
        for one in found
    ]
    more = f", of which the first {MOST_WRONG} are told" if len(errors) > MOST_WRONG else ""
    count = "one thing is" if len(errors) == 1 else f"{len(errors)} things are"
    return Problem(422, detail=f"{count} wrong with the {place}{more}", errors=errors)


def _sound(text: str) -> str:
    """`text` without halves of surrogate pairs, which UTF-8 has no bytes for."""
    return text.encode("utf-8", "replace").decode()
