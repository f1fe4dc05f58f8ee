"""What the daemon stands on: a folder of its own, an address to listen on, a certificate. Each can be tried first."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from synth.daemon.config import Config

LOCK = ".lock"
BACKLOG = 1024  # connections that wait to be taken


class ServeError(RuntimeError):
    """The service cannot start; the message says why, and what to do."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold `folder` as the state of this service alone; it is made where it is missing, for its owner only (0700).
    ServeError when it cannot be used, others can read it, or another service has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServeError(
            f"{folder}: the state folder cannot be made ({error.strerror}): give another --state"
        ) from None
    if problem := folder_problem(folder):
        raise ServeError(problem)
    with _locked(folder):
        yield


def folder_problem(folder: Path) -> str:
    """Why `folder`, which is there, cannot hold the state; "" when it can."""
    if not folder.is_dir():
        return f"{folder} is not a folder: give another --state"
    seen = folder.stat()
    if seen.st_uid != os.geteuid():
        return f"{folder}: the state folder is somebody else's: run the service as its owner, or give another --state"
    if seen.st_mode & 0o077:
        return f"{folder}: others can look into the state folder, where records are: chmod 700 {folder}"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK) or os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder}: the state folder cannot be written to: chmod 700 it, or give another --state"
    return ""


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A lock that ends with this process, however it ends."""
    import fcntl

    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ServeError(f"{folder}: the state folder cannot be written to ({error.strerror})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise ServeError(f"{folder}: another isotone service uses this state folder: give another --state") from None
    try:
        yield
    finally:
        os.close(handle)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; ServeError when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ServeError(f"{host}: there is no such address ({error.strerror}): give another --host") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServeError(_no_address(host, port, error)) from None
    listener.setblocking(False)
    return listener


def _no_address(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is in use: end what listens there, or give another --port"
        case errno.EACCES:
            return f"port {port} needs a right that this user has not (CAP_NET_BIND_SERVICE): give a --port over 1023"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine: give another --host"
    return f"port {port} of {host} cannot be had ({error.strerror}): give another --host or --port"


def tls_context(config: Config) -> ssl.SSLContext | None:
    """TLS 1.2 and newer with the certificate of the settings; None without one. ServeError when it cannot be used."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, config)
    return context


def load_certificate(context: ssl.SSLContext, config: Config) -> None:
    """Take the certificate of the settings for new connections. ServeError, and nothing changed, when it cannot be."""
    assert config.tls_cert is not None and config.tls_key is not None
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for one in (trial, context):
        try:
            one.load_cert_chain(config.tls_cert, config.tls_key, password=_no_password)
        except ssl.SSLError as error:
            told = f"{config.tls_cert} and {config.tls_key} are no certificate with its key"
            raise ServeError(
                f"tls: {told} ({error.reason or 'not PEM'}): give PEM files that belong together"
            ) from None
        except ValueError:
            raise ServeError(f"tls: {config.tls_key} is locked with a password: give one without") from None
        except OSError as error:
            raise ServeError(f"tls: {config.tls_cert} or {config.tls_key}: {error.strerror}") from None


def _no_password() -> str:
    raise ValueError("locked")
