"""Headers that every answer has: they tell browsers to trust nothing that is not ours (W3C CSP Level 3, Fetch)."""

from __future__ import annotations

from starlette.types import Message

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self'; worker-src 'self'; "
    "img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
)
_DEFAULTS = {b"content-security-policy": PAGE_POLICY.encode(), b"cache-control": b"no-store"}
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def secured(start: Message, is_tls: bool, origin: str | None) -> Message:
    """The start of an answer with our headers. Its own policy and cache-control stay as they are; `origin` is a foreign
    one that may read the answer."""
    given = list(start.get("headers", ()))
    names = {name.lower() for name, _ in given}
    given += [(name, value) for name, value in _DEFAULTS.items() if name not in names]
    given += _ALWAYS
    if is_tls:
        given.append(_HSTS)
    if origin is not None:
        given += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
        given.append((b"access-control-expose-headers", b"Retry-After, Location, Content-Range, ETag"))
    return {**start, "headers": given}


def preflight(origin: str) -> list[tuple[bytes, bytes]]:
    """What a page of `origin`, one of the settings, is told that it may send (Fetch, 3.2): tokens but no cookies."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
        (
            b"access-control-allow-headers",
            b"authorization, content-type, last-event-id, idempotency-key, range, if-range",
        ),
        (b"access-control-max-age", b"600"),
        (b"vary", b"Origin"),
    ]
