"""The chain through a record: each line's digest is taken over the one before it and the line's own bytes.

Without a key it is SHA-256 (FIPS 180-4): a line changed, lost, put in or moved by accident shows, but whoever changes
lines on purpose can compute the digests anew. With a key it is HMAC-SHA256 (RFC 2104), which only its holder can. A
digest is cut to 128 bits, half its length and as short as RFC 2104 section 5 allows: nobody hits one by chance, and a
line stays short. What no chain shows is that whole lines are missing at the end: that the line of type "end" is there
says that they are not.
"""

from __future__ import annotations

import hmac
import stat
from hashlib import sha256
from pathlib import Path

from synth.record.lines import RecordError

PLAIN, KEYED = "sha256", "hmac-sha256"
HEX = 32  # digits of a digest kept: 128 bits
SHORTEST_KEY, LONGEST_KEY = 16, 4096  # bytes
_BEFORE, _AFTER = b',"chain":"', b'"}'
_TAIL = len(_BEFORE) + HEX + len(_AFTER)


class Chain:
    """The chain so far: `last` is the newest digest, none before the first line."""

    def __init__(self, key: bytes | None = None, last: bytes = b"") -> None:
        if key is not None:
            check_key(key)
        self._key = key
        self.last = last

    @property
    def name(self) -> str:
        """What the digests are, as the record's header says it."""
        return PLAIN if self._key is None else KEYED

    def digest(self, body: bytes) -> bytes:
        """The digest of a line (a JSON object without its chain) that would come next, as hexadecimal digits."""
        told = self.last + body
        whole = sha256(told).hexdigest() if self._key is None else hmac.digest(self._key, told, "sha256").hex()
        return whole[:HEX].encode("ascii")

    def seal(self, body: bytes) -> bytes:
        """The line `body` with its digest as last field; the next line follows on it."""
        self.last = self.digest(body)
        return body[:-1] + _BEFORE + self.last + _AFTER


class Check:
    """Follows the chain of a record line by line and tells each `break`.

    A line is judged by the digest that stands in the one before it, so that one damaged line is told once or twice and
    not with all that follow.
    """

    def __init__(self, integrity: object, key: bytes | None) -> None:
        self._breaks: list[str] = []
        self._fits = 0  # lines whose digest is the one that was written
        self.done = integrity == (PLAIN if key is None else KEYED)  # whether the digests can be told true from false
        self._chain = Chain(None if integrity == PLAIN else key)
        self._compares = self.done or integrity == PLAIN
        self._expected = 0
        self._lost = False  # the line before has no digest to go on from
        if key is not None and integrity == PLAIN:
            self._breaks.append("line 1 says that the record was written without a key, and a key was given")
        elif integrity not in (PLAIN, KEYED):
            self._breaks.append("line 1 does not say how its lines are chained: it was changed")

    @property
    def breaks(self) -> tuple[str, ...]:
        """Where the chain does not hold, in words."""
        if self.done and self._breaks and not self._fits:
            return ("no line fits: this is not the key that the record was written with, or all of it was changed",)
        return tuple(self._breaks)

    @property
    def last(self) -> bytes:
        """The newest digest."""
        return self._chain.last

    def follow(self, number: int, raw: bytes, n: object, problem: str = "") -> None:
        """Judge line `number` of the file by its bytes and its number `n`; `problem` says why it cannot be read."""
        expected, lost = self._expected, self._lost
        parts = opened(raw)
        self._lost = parts is None
        if parts is None:
            self._breaks.append(f"line {number} was put in or changed: {problem or 'it has no chain'}")
            return
        body, digest = parts
        fits = hmac.compare_digest(self._chain.digest(body), digest)
        self._fits += fits
        follows = fits or lost or not self._compares
        self._chain.last = digest
        known = isinstance(n, int) and not isinstance(n, bool)
        at = n if isinstance(n, int) and known else expected
        self._expected = at + 1
        if at > expected and not lost:
            count = at - expected
            self._breaks.append(f"before line {number}, {count} line{'s are' if count > 1 else ' is'} missing")
        elif at < expected:
            self._breaks.append(f"line {number} is out of place: it is number {at}, and {expected} belongs here")
        elif not follows or problem or not known:
            self._breaks.append(f"line {number} was changed" + (f": {problem}" if problem else _or_before(number)))


def _or_before(number: int) -> str:
    return f", or does not belong behind line {number - 1}" if number > 1 else ""


def opened(raw: bytes) -> tuple[bytes, bytes] | None:
    """A sealed line's body and its digest; None when it has no chain."""
    tail = raw[-_TAIL:]
    if len(tail) < _TAIL or not tail.startswith(_BEFORE) or not tail.endswith(_AFTER):
        return None
    return raw[:-_TAIL] + b"}", tail[len(_BEFORE) : -len(_AFTER)]


def check_key(key: bytes) -> None:
    """Refuse a key that is too short to keep anybody out, with a RecordError."""
    if len(key) < SHORTEST_KEY:
        raise RecordError(
            f"a key of {len(key)} bytes is too short: give {SHORTEST_KEY} or more (openssl rand -out key 32)"
        )


def read_key(path: str | Path) -> tuple[bytes, str]:
    """The key in a file, every byte of it, and a warning when others may read it ("" when not).

    RecordError when there is none, or it has fewer than 16 or more than 4096 bytes.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise RecordError(f"no key file at {path}: make one with openssl rand -out {path} 32")
        with path.open("rb") as file:
            key = file.read(LONGEST_KEY + 1)
        mode = path.stat().st_mode
    except OSError as error:
        raise RecordError(f"cannot read the key file {path}: {error.strerror or error}") from None
    if len(key) > LONGEST_KEY:
        raise RecordError(f"{path} has more than {LONGEST_KEY} bytes: is this a key file?")
    if len(key) < SHORTEST_KEY:
        raise RecordError(
            f"the key in {path} has {len(key)} bytes: give {SHORTEST_KEY} or more (openssl rand -out {path} 32)"
        )
    shared = mode & (stat.S_IRWXG | stat.S_IRWXO)
    return key, f"others than its owner may use the key file {path}: chmod 600 {path}" if shared else ""
