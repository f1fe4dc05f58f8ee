"""The secret that tokens are signed with: a file in the state folder, made at the first start."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

import jwt

from synth.daemon.security.private import read_private, write_private

ALGORITHM = "HS256"
KEPT = 2  # secrets that a rotation leaves in the file
_LINE = re.compile(r"[0-9a-f]{64}")


class Secret:
    """The file has a secret a line, 64 hex digits each. The first signs; tokens of the others are good still.

    `reload` reads it anew, and makes it where there is none: taking the file away ends every token. OSError where it
    cannot be read or made, or others may read it; ValueError when it says something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reload()

    def reload(self) -> None:
        """Read the file."""
        try:
            lines = read_private(self.path).split()
        except FileNotFoundError:
            lines = [secrets.token_hex(32)]
            write_private(self.path, lines[0] + "\n")
        if not lines or not all(map(_LINE.fullmatch, lines)):
            raise ValueError(f"{self.path.name}: 64 hex digits a line are wanted; without the file a new one is made")
        self._by_head = {_head(line): bytes.fromhex(line) for line in reversed(lines)}
        self._signing, self._id = bytes.fromhex(lines[0]), _id(lines[0])

    def sign(self, claims: dict[str, object]) -> str:
        """A token that says `claims`."""
        return jwt.encode(claims, self._signing, ALGORITHM, headers={"kid": self._id})

    def of(self, head: str) -> bytes | None:
        """The secret of tokens with this header. There is one header a secret, so `none`, another algorithm or anything
        else that a header can say is refused before it is read (RFC 8725, section 3.1)."""
        return self._by_head.get(head)


def rotate_secret(path: Path) -> None:
    """Put a new secret before the one that signs now. The daemon takes it with its next reload; OSError."""
    try:
        lines = read_private(path).split()
    except FileNotFoundError:
        lines = []
    write_private(path, "\n".join([secrets.token_hex(32), *lines][:KEPT]) + "\n")


def _id(line: str) -> str:
    return hashlib.sha256(b"id of " + line.encode()).hexdigest()[:8]


def _head(line: str) -> str:
    return jwt.encode({}, bytes.fromhex(line), ALGORITHM, headers={"kid": _id(line)}).partition(".")[0]
