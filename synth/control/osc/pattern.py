"""Address patterns, OSC 1.0 section "OSC Message Dispatching and Pattern Matching".

`?` is any one character, `*` any run of them, `[abc]`, `[a-z]` and `[!a]` one of a class, `{one,two}` one of a list;
none of them reaches over a slash. A pattern is followed through all its readings at once, so no pattern takes longer
than its length times that of the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

WILD = frozenset("?*[{")
MAX_PATTERN = 256
MAX_READINGS = 64  # of the lists in braces of one part

_One: TypeAlias = Callable[[str], bool]
_STAR = None


def is_pattern(address: str) -> bool:
    """Whether `address` stands for more than itself."""
    return not WILD.isdisjoint(address)


def matches(pattern: str, address: str) -> bool:
    """Whether `pattern` means `address`; a malformed or overlong pattern means nothing."""
    return bool(meant(pattern, [address]))


def meant(pattern: str, addresses: Iterable[str]) -> list[str]:
    """Those of `addresses` that `pattern` means, in their order."""
    if len(pattern) > MAX_PATTERN:
        return []
    tests = [lru_cache(maxsize=None)(_part_test(part)) for part in pattern.split("/")]
    split = ((address, address.split("/")) for address in addresses)
    return [address for address, parts in split if len(parts) == len(tests) and _all_pass(tests, parts)]


def _all_pass(tests: Sequence[_One], parts: Sequence[str]) -> bool:
    return all(test(part) for test, part in zip(tests, parts, strict=True))


def _part_test(pattern: str) -> _One:
    """The test of what stands between two slashes."""
    if not is_pattern(pattern):
        return pattern.__eq__
    readings = [tokens for reading in _spelled_out(pattern) or () if (tokens := _tokens(reading)) is not None]
    return lambda part: any(_follows(tokens, part) for tokens in readings)


def _spelled_out(pattern: str) -> list[str] | None:
    """The pattern once for each choice of its braces; None when a brace is not closed or the choices are too many."""
    readings = [""]
    at = 0
    while (opened := pattern.find("{", at)) >= 0:
        closed = pattern.find("}", opened)
        if closed < 0:
            return None
        words = pattern[opened + 1 : closed].split(",")
        if len(readings) * len(words) > MAX_READINGS:
            return None
        readings = [head + pattern[at:opened] + word for head in readings for word in words]
        at = closed + 1
    return [head + pattern[at:] for head in readings]


def _tokens(pattern: str) -> list[_One | None] | None:
    """One test a character, None for a star; None altogether when a bracket is not closed."""
    tokens: list[_One | None] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "[":
            closed = pattern.find("]", at)
            if closed < 0:
                return None
            tokens.append(_one_of(pattern[at + 1 : closed]))
            at = closed
        elif char == "*":
            tokens.append(_STAR)
        else:
            tokens.append(_any if char == "?" else char.__eq__)
        at += 1
    return tokens


def _any(char: str) -> bool:
    return True


def _one_of(inside: str) -> _One:
    """The test of a class: characters, ranges with a minus, turned round by a leading exclamation mark."""
    turned = inside.startswith("!")
    chars = inside[1:] if turned else inside
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(chars):
        if at + 2 < len(chars) and chars[at + 1] == "-":  # a minus at the end is a minus
            ranges.append((chars[at], chars[at + 2]))
            at += 3
        else:
            ranges.append((chars[at], chars[at]))
            at += 1
    return lambda char: turned != any(low <= char <= high for low, high in ranges)


def _follows(tokens: Sequence[_One | None], text: str) -> bool:
    """Whether the whole of `text` can be read by `tokens`: the set of places in them after each character."""
    places = _past_stars(tokens, {0})
    for char in text:
        further = {place if tokens[place] is _STAR else place + 1 for place in places if _reads(tokens, place, char)}
        places = _past_stars(tokens, further)
    return len(tokens) in places


def _reads(tokens: Sequence[_One | None], place: int, char: str) -> bool:
    if place == len(tokens):
        return False
    test = tokens[place]
    return test is None or test(char)


def _past_stars(tokens: Sequence[_One | None], places: set[int]) -> set[int]:
    """`places`, and those that a star reading nothing leads to."""
    reached = set(places)
    for place in places:
        while place < len(tokens) and tokens[place] is _STAR:
            place += 1
            reached.add(place)
    return reached
