"""Sends files: whole or one range of them, never more than was announced, and pages under a policy of their own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from synth.daemon.problems import Problem

PART_BYTES = 1 << 18
HTML = "text/html"
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def sent_file(path: Path, media_type: str, *, tag: str = "", name: str | None = None, most: int | None = None) -> Sent:
    """The file at `path`, at most `most` bytes of it. `tag` is its strong entity tag; `name` what it is saved as (None:
    its own), "" to be shown. Problem 404 when it is gone or no plain file."""
    try:
        file = FileIO(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), closefd=True)
    except OSError:
        raise Problem(404, "No such file", "this file is not there any more") from None
    told = os.fstat(file.fileno())
    if not stat.S_ISREG(told.st_mode):
        file.close()
        raise Problem(404, "No such file", "this is no file")
    name = path.name if name is None else name
    headers = {"Cache-Control": "no-store", "Last-Modified": formatdate(told.st_mtime, usegmt=True)}
    if tag:
        headers["ETag"] = f'"{tag}"'
    if name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    if media_type == HTML:
        headers["Content-Security-Policy"] = page_policy(file.read())
        file.seek(0)
    size = told.st_size if most is None else min(most, told.st_size)
    return Sent(file, size, media_type, headers)


def page_policy(page: bytes) -> str:
    """A content security policy (CSP Level 3) for a page that stands alone: its own style sheets by their hashes,
    positions in style attributes, pictures inside it; no script, no network, no frame around it."""
    digests = [base64.b64encode(hashlib.sha256(css).digest()).decode() for css in _sheets(page)]
    sheets = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; style-src-elem {sheets}; style-src-attr 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    )


def _sheets(page: bytes) -> list[bytes]:
    """Style sheets as a browser reads them: with \\n alone at the ends of lines (HTML Living Standard, 13.2.3.5)."""
    return [css.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for css in _STYLE.findall(page)]


class Sent(Response):
    """A file that is open; answers Range, If-Range and If-None-Match (RFC 9110, sections 13 and 14). Of several ranges
    the whole file is sent."""

    def __init__(self, file: FileIO, size: int, media_type: str, headers: Mapping[str, str]) -> None:
        self._file, self._size = file, size
        super().__init__(None, 200, {"Accept-Ranges": "bytes", **headers}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            asked = Headers(scope=scope)
            if self._is_held(asked.get("if-none-match")):
                return await self._start(send, 304, 0, {})
            span = self._span(asked)
            if span is None:
                problem = Problem(
                    416, detail=f"there are {self._size} bytes", headers={"Content-Range": f"bytes */{self._size}"}
                )
                return await problem.response()(scope, receive, send)
            start, end = span
            partial = "range" in asked and span != (0, self._size)
            told = {"content-range": f"bytes {start}-{end - 1}/{self._size}"} if partial else {}
            if scope["method"] == "HEAD":
                return await self._start(send, 200, self._size, {})
            await self._start(send, 206 if partial else 200, end - start, told, more=end > start)
            await self._stream(send, start, end)

    def _is_held(self, tags: str | None) -> bool:
        own = self.headers.get("etag")
        return tags is not None and own is not None and (own in tags or tags.strip() == "*")

    def _span(self, asked: Headers) -> tuple[int, int] | None:
        """Where to start and end; None when there is nothing there. A range that cannot be read is none."""
        whole = (0, self._size)
        unchanged = asked.get("if-range") in (None, self.headers.get("etag"), self.headers.get("last-modified"))
        found = _RANGE.fullmatch(asked.get("range", ""))
        if found is None or not unchanged or not (found[1] or found[2]):
            return whole
        if not found[1]:
            last = min(int(found[2]), self._size)
            return (self._size - last, self._size) if last else None
        start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else self._size, self._size)
        if found[2] and int(found[2]) < start:
            return whole
        return (start, end) if start < self._size else None

    async def _start(self, send: Send, status: int, length: int, told: Mapping[str, str], more: bool = False) -> None:
        headers = self.headers.mutablecopy()
        headers.update({**told, **({"content-length": str(length)} if status != 304 else {})})
        await send({"type": "http.response.start", "status": status, "headers": headers.raw})
        if not more:
            await send({"type": "http.response.body", "body": b""})

    async def _stream(self, send: Send, start: int, end: int) -> None:
        """What was announced, in parts; a file that has become shorter meanwhile breaks the answer off."""
        self._file.seek(start)
        while start < end:
            part = await asyncio.to_thread(self._file.read, min(PART_BYTES, end - start))
            if not part:
                raise OSError("a file became shorter while it was sent")
            start += len(part)
            await send({"type": "http.response.body", "body": part, "more_body": start < end})
