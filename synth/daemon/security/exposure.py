"""What the settings must say before anybody outside this machine may reach the daemon."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

from synth.addresses import is_loopback

if TYPE_CHECKING:
    from synth.daemon.config import Config


def check_exposure(config: Config) -> None:
    """ConfigError unless, off loopback, there are TLS and keys, wherever sign-in is asked for, keys, and unless those
    proxies that are believed are named by address."""
    from synth.daemon.config import ConfigError

    problems: list[str] = []
    names = [key.name for key in config.keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        problems.append(f"keys: two are called {twice!r}: give each a name of its own")
    if not is_loopback(config.host):
        problems += _tls_problems(config)
    if needs_sign_in(config) and not config.keys:
        problems.append(
            f"keys: {_why(config)} somebody must be able to sign in: make a key with `synth serve --new-key operator "
            "NAME` and put the [[keys]] lines that it prints into the settings file"
        )
    problems += [
        f"proxy.trusted: {proxy[:50]!r} is no address or network: give them as 127.0.0.1 or 10.0.0.0/24"
        for proxy in config.proxy_trusted
        if not _is_network(proxy)
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def needs_sign_in(config: Config) -> bool:
    """Whether callers must show who they are."""
    return config.sign_in or not is_loopback(config.host)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _why(config: Config) -> str:
    return "sign_in is true:" if is_loopback(config.host) else f"{config.host} can be reached from other machines:"


def _tls_problems(config: Config) -> list[str]:
    where = f"tls: {config.host} can be reached from other machines"
    if config.tls_cert is None or config.tls_key is None:
        return [f"{where}: give cert and key (PEM files) under [tls], or listen on 127.0.0.1"]
    missing = [file for file in (config.tls_cert, config.tls_key) if not os.access(file, os.R_OK)]
    return [f"tls: {file} cannot be read: check the path and its permissions" for file in missing]
