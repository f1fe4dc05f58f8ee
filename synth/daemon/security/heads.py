"""The headers that decide whether a request is let in, read once."""

from __future__ import annotations

from starlette.types import Scope

_ONES = {
    b"host": "host",
    b"origin": "origin",
    b"authorization": "authorization",
    b"content-length": "length",
    b"transfer-encoding": "coding",
    b"sec-fetch-site": "site",
    b"sec-fetch-mode": "mode",
    b"sec-fetch-dest": "dest",
    b"x-requested-with": "asked_with",
}
_PROXIES = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via"}
MARK = "isotone"  # of the page's cookie: the rest of its name depends on TLS


class Heads:
    """Each is None where it is not given. `is_twice`: one that must be alone is there more than once; `is_forwarded`:
    a proxy stands between; `cookie`: all of them, as one text."""

    __slots__ = (
        "host", "origin", "authorization", "length", "coding", "site", "mode", "dest", "asked_with", "cookie",
        "is_twice", "is_forwarded",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self.host: str | None = None
        self.origin: str | None = None
        self.authorization: str | None = None
        self.length: str | None = None
        self.coding: str | None = None
        self.site: str | None = None
        self.mode: str | None = None
        self.dest: str | None = None
        self.asked_with: str | None = None
        self.cookie = ""
        self.is_twice = self.is_forwarded = False
        for name, value in scope["headers"]:
            if (field := _ONES.get(name)) is not None:
                self.is_twice = self.is_twice or getattr(self, field) is not None
                setattr(self, field, value.decode("latin-1").strip())
            elif name == b"cookie":
                self.cookie += ("; " if self.cookie else "") + value.decode("latin-1")
            elif name in _PROXIES:
                self.is_forwarded = True

    @property
    def has_body(self) -> bool:
        """Whether a body comes (RFC 9112, section 6)."""
        return self.coding is not None or self.length not in (None, "0")

    def cookies(self, name: str) -> list[str]:
        """What cookies of this name hold. More than one means that somebody else put one there."""
        pairs = (part.strip().partition("=") for part in self.cookie.split(";"))
        return [value for key, _, value in pairs if key == name]
