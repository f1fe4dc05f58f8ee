"""Keys: what a program or a person shows to be let in. The daemon holds their hashes only.

A key is 256 bits of chance, so a plain SHA-256 keeps it: there is nothing to guess that scrypt would slow down.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synth.daemon.security.roles import Caller, Role

PREFIX = "isotone-"
LONGEST = 200  # characters of what is shown as a key
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FIELDS = {"name", "role", "hash", "session"}


@dataclass(frozen=True, slots=True)
class Key:
    """A key as `[[keys]]` of the settings has it: `name` (in logs, so that of a service, not of a person), `role`,
    `hash` ("sha256:" and 64 hex digits) and perhaps the one `session` it is for. ValueError says what cannot be."""

    name: str
    role: Role
    hash: str
    session: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name[:50]!r}: give up to 48 of a-z, 0-9, dot, dash and underscore")
        if not _HASH.fullmatch(self.hash):
            raise ValueError('hash: give "sha256:" and 64 hex digits, as `synth serve --new-key` prints it')
        if self.session is not None and not _SESSION.fullmatch(self.session):
            raise ValueError(f"session {self.session[:50]!r}: give the id of a session")

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Key:
        """A table of the settings as a key. ValueError says what is wrong with it."""
        if strange := sorted(set(table) - _FIELDS):
            raise ValueError(f"{strange[0]!r} is nothing a key has: give name, role, hash and perhaps session")
        for field in ("name", "role", "hash"):
            if not isinstance(table.get(field), str):
                raise ValueError(f"{field}: give a text in quotes")
        if not isinstance(table.get("session", ""), str):
            raise ValueError("session: give a text in quotes, or leave it away")
        return cls(table["name"], Role.of(table["role"]), table["hash"], table.get("session"))

    @property
    def id(self) -> str:
        """What tokens made with it begin with."""
        return self.hash.removeprefix("sha256:")[:12]

    @property
    def caller(self) -> Caller:
        """Who shows it."""
        return Caller(self.role, self.session, self.name)

    @property
    def toml(self) -> str:
        """Its lines in the settings."""
        session = "" if self.session is None else f'session = "{self.session}"\n'
        return f'[[keys]]\nname = "{self.name}"\nrole = "{self.role.word}"\nhash = "{self.hash}"\n{session}'


def new_key(role: Role, name: str, session: str | None = None) -> tuple[str, Key]:
    """A key to be shown once, and what the settings keep of it."""
    text = PREFIX + secrets.token_urlsafe(32)
    return text, Key(name, role, _hash(text), session)


def find_key(text: str, keys: Iterable[Key]) -> Key | None:
    """Which of `keys` the text is. Takes as long whichever it is, and none."""
    if len(text) > LONGEST or not text.isascii():
        return None
    shown, found = _hash(text), None
    for key in keys:
        if hmac.compare_digest(shown, key.hash):
            found = key
    return found


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()
