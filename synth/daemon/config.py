"""How the daemon is set. `synth.daemon.config_file` reads it from a TOML file, the environment and the command line.

Each setting is declared once, here, with what it means, its range and whether it may change while the daemon runs. A
setting of a table has that table in its metadata: `tls_cert` is `cert` under `[tls]`, ISOTONE_TLS__CERT in the
environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.addresses import is_loopback

if TYPE_CHECKING:
    from synth.daemon.security import Key

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "json", "text")


class ConfigError(ValueError):
    """Settings that cannot be; the message says which, and what to give."""


def _set(
    default: Any,
    about: str,
    *,
    table: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """A setting: its default, what it means, the table it stands in, its range or choices, and whether a reload changes
    it (`live`)."""
    told = {"about": about, "table": table, "low": low, "high": high, "choices": choices, "live": live}
    return field(default=default, metadata=told)


@dataclass(slots=True)
class Limits:
    """What is let in, and how much of it. A reload changes these in place: read them where they are used."""

    max_body_bytes: int = _set(1 << 20, "largest body of a request", low=1024, high=1 << 30, live=True)
    requests_per_s: float = _set(50.0, "requests a second of one caller, on average", low=0.1, high=1e6, live=True)
    burst_requests: int = _set(200, "requests of one caller at once", low=1, high=1_000_000, live=True)
    max_sockets: int = _set(2048, "connections at once, of all callers", low=4, high=100_000, live=True)
    max_sockets_per_caller: int = _set(1200, "connections at once of one address", low=2, high=100_000, live=True)
    max_listeners: int = _set(32, "listeners of one session", low=1, high=10_000, live=True)
    max_queued_samples: int = _set(20_000, "samples of one session that wait", low=10, high=10_000_000, live=True)
    max_renders: int = _set(64, "batch renders that wait or run", low=1, high=100_000, live=True)
    header_timeout_s: float = _set(10.0, "for a request to arrive whole", low=0.1, high=600.0, live=True)


@dataclass(slots=True)
class Config:
    """Settings of the daemon; relative paths are from the working folder. A reload changes those that are `live` in
    place: read them where they are used."""

    host: str = _set("127.0.0.1", "address to listen on; off loopback TLS and sign-in are insisted on")
    port: int = _set(8080, "TCP port; 0 takes a free one", low=0, high=65_535)
    state_dir: Path = _set(Path("isotone-state"), "folder of records, keys and results; the service's own (0700)")
    workers: int = _set(0, "render processes; 0 is one a core", low=0, high=1024)
    max_sessions: int = _set(128, "live sessions at once", low=1, high=10_000)
    sign_in: bool = _set(False, "whether callers must sign in; off loopback they must")
    hosts: tuple[str, ...] = _set((), "further names that the service goes by, as in https://NAME/", live=True)
    origins: tuple[str, ...] = _set((), "further web pages that may call, as https://app.example", live=True)
    sample_rate: int = _set(48_000, "Hz", low=8_000, high=192_000)
    block_frames: int = _set(1920, "frames that are rendered at a time, a block before they play", low=64, high=19_200)
    snapshot_every_s: float = _set(20.0, "seconds between two snapshots of a session", low=1.0, high=3600.0)
    retention_days: float = _set(
        30.0, "days that a finished session is kept; 0 keeps it for good", low=0.0, high=36_500
    )
    stop_within_s: float = _set(20.0, "seconds that sessions have to fade out on SIGTERM", low=1.0, high=600.0)
    renders_at_once: int = _set(1, "batch renders that run at once, each on a core at low priority", low=1, high=256)
    kept_events: int = _set(1000, "events of a session that a client may catch up on", low=10, high=1_000_000)
    opus_bitrate_bps: int = _set(96_000, "bits a second of Ogg Opus", low=16_000, high=510_000)
    tls_cert: Path | None = _set(None, "certificate with its chain, PEM", table="tls", live=True)
    tls_key: Path | None = _set(None, "its private key, PEM", table="tls", live=True)
    osc_port: int | None = _set(
        None, "UDP port of the sessions' OSC namespaces; none if not given", table="osc", low=0, high=65_535
    )
    osc_allow: tuple[str, ...] = _set((), "networks that may send OSC, as 192.168.1.0/24", table="osc")
    token_life_s: float = _set(
        900.0, "seconds that a token is good for", table="tokens", low=10.0, high=86_400.0, live=True
    )
    ticket_life_s: float = _set(
        30.0, "seconds that a one-time ticket is good for", table="tokens", low=1.0, high=600.0, live=True
    )
    proxy_trusted: tuple[str, ...] = _set(
        (), "addresses or networks of proxies whose X-Forwarded-Proto and -For are believed", table="proxy"
    )
    sessions_abandoned_after_s: float = _set(
        120.0,
        "seconds without anybody after which a session ends that is to end when left, as the page's are; 0 is never",
        table="sessions",
        low=0.0,
        high=86_400.0,
        live=True,
    )
    log_level: str = _set("info", "least severe line that is written", table="log", choices=LOG_LEVELS, live=True)
    log_format: str = _set("auto", "auto is text in a terminal, else json", table="log", choices=LOG_FORMATS)
    keys: tuple[Key, ...] = _set((), "who may sign in, a table [[keys]] each (`synth serve --new-key`)", live=True)
    limits: Limits = field(default_factory=Limits)

    @property
    def worker_count(self) -> int:
        """Render processes."""
        if self.workers:
            return self.workers
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def sessions_dir(self) -> Path:
        """Where sessions are kept, a folder each."""
        return self.state_dir / "sessions"

    @property
    def loopback(self) -> bool:
        """Whether only this machine's own programs can reach it."""
        return is_loopback(self.host)

    def adopt(self, newer: Config) -> tuple[list[str], list[str]]:
        """Take over from `newer` what may change while the daemon runs. Names of settings that changed, and of others
        that differ but need a restart."""
        changed: list[str] = []
        kept: list[str] = []
        for one in settings():
            mine, theirs = (owner.limits if one.table == "limits" else owner for owner in (self, newer))
            before, after = getattr(mine, one.attribute), getattr(theirs, one.attribute)
            if before == after:
                continue
            turns_tls = one.table == "tls" and None in (before, after)
            if one.live and not turns_tls:
                setattr(mine, one.attribute, after)
                changed.append(one.name)
            else:
                kept.append(one.name)
        return changed, kept

    def check(self) -> None:
        """ConfigError when the settings do not fit together, or would let in whom they must not."""
        from synth.daemon.security import check_exposure

        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("tls: cert and key belong together: give both or none")
        check_exposure(self)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as people write it: `key` under `table` of the file, `name` on its own."""

    attribute: str
    table: str
    key: str
    default: Any
    kind: str
    about: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    live: bool

    @property
    def name(self) -> str:
        """As in messages: "port", "tls.cert"."""
        return f"{self.table}.{self.key}" if self.table else self.key

    @property
    def variable(self) -> str:
        """Its name in the environment: ISOTONE_PORT, ISOTONE_TLS__CERT."""
        return "ISOTONE_" + self.name.replace(".", "__").upper()


def settings() -> tuple[Setting, ...]:
    """Every setting, in the order of the file."""
    return (*_settings(Config, ""), *_settings(Limits, "limits"))


def _settings(owner: type, inside: str) -> Iterator[Setting]:
    found: tuple[Field[Any], ...] = fields(owner)
    for one in found:
        if one.default is MISSING:
            continue
        told = dict(one.metadata)
        table = inside or told.pop("table")
        told.pop("table", None)
        yield Setting(
            attribute=one.name,
            table=table,
            key=one.name.removeprefix({"tokens": "token", "limits": ""}.get(table, table) + "_") if table else one.name,
            default=one.default,
            kind=str(one.type),
            **told,
        )
