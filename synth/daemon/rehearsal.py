"""`synth serve --check`: what would be done with these settings. It tries what serving needs, and leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from synth.daemon.config import Config
from synth.daemon.premises import ServeError, folder_problem, listening, tls_context
from synth.daemon.security.exposure import needs_sign_in


def rehearse(config: Config, file: Path | None) -> Iterator[str]:
    """A line for each thing that would be done. ServeError with everything that stands in the way."""
    problems: list[str] = []
    lines: list[str] = []
    for look in (_where, _state, _certificate):
        try:
            lines += look(config)
        except ServeError as error:
            problems.append(str(error))
    if problems:
        raise ServeError("\n".join(problems))
    yield f"settings: {file or 'none'}, and the environment"
    yield from lines
    yield from _who(config)
    yield from _how(config)
    yield "all of it can be done"


def _where(config: Config) -> Iterator[str]:
    with listening(config.host, config.port):
        scheme = "http" if config.tls_cert is None else "https"
        yield f"listen on: {scheme}://{config.host}:{config.port}/"


def _state(config: Config) -> Iterator[str]:
    folder = config.state_dir
    if folder.exists():
        if problem := folder_problem(folder):
            raise ServeError(problem)
        sessions = config.sessions_dir
        kept = sum(1 for _ in sessions.iterdir()) if sessions.is_dir() else 0
        yield f"state: {folder}, with {kept} sessions"
        return
    above = next((one for one in folder.absolute().parents if one.exists()), Path("/"))
    if not os.access(above, os.W_OK | os.X_OK):
        raise ServeError(f"{folder}: no state folder can be made in {above}: give another --state")
    yield f"state: {folder}, which would be made"


def _certificate(config: Config) -> Iterator[str]:
    yield "TLS: none" if tls_context(config) is None else f"TLS: {config.tls_cert}"


def _who(config: Config) -> Iterator[str]:
    if needs_sign_in(config):
        yield f"callers: must sign in; {len(config.keys)} keys ({', '.join(key.name for key in config.keys)})"
    else:
        yield "callers: every program of this machine may do everything"
    if config.osc_port is None:
        yield "OSC: none"
    else:
        networks = ", ".join(config.osc_allow) or "this machine alone"
        yield f"OSC: UDP port {config.osc_port}, from {networks}"


def _how(config: Config) -> Iterator[str]:
    rate, block = config.sample_rate, config.block_frames
    yield f"workers: {config.worker_count} render processes, at most {config.max_sessions} sessions at once"
    yield f"sound: {rate} Hz in blocks of {block} frames ({1000.0 * block / rate:.0f} ms), each rendered one ahead"
    kept = f"{config.retention_days:g} days" if config.retention_days else "for good"
    yield f"records: a snapshot every {config.snapshot_every_s:g} s, kept {kept}"
