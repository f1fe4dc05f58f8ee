"""How either client connects: certificates, proxies, timeouts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from synth.addresses import is_loopback

Verify = bool | str | Path | ssl.SSLContext
LARGEST_MESSAGE = 1 << 24  # bytes of a WebSocket message
OPEN_S = 20.0


def tls(verify: Verify) -> ssl.SSLContext:
    """What a daemon's certificate is checked with: the system's authorities (True), those in a PEM file, a context, or
    nothing at all (False), which is for trying only."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, str | Path):
        return ssl.create_default_context(cafile=str(verify))
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def http_options(url: httpx.URL, context: ssl.SSLContext) -> dict[str, Any]:
    """Options of httpx.Client and httpx.AsyncClient. No proxy stands between us and this machine."""
    return {"verify": context, "trust_env": not is_loopback(url.host), "follow_redirects": False}


def socket_options(url: httpx.URL, context: ssl.SSLContext, headers: Mapping[str, str]) -> dict[str, Any]:
    """Options of websockets' `connect`."""
    return {
        "additional_headers": dict(headers),
        "ssl": context if url.scheme == "https" else None,
        "proxy": None if is_loopback(url.host) else True,
        "compression": None,
        "max_size": LARGEST_MESSAGE,
        "open_timeout": OPEN_S,
    }
