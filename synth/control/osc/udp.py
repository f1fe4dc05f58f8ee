"""A UDP socket that survives bursts and hears who has gone."""

from __future__ import annotations

import contextlib
import socket

from synth.control.osc.errors import OscError

BUFFER_BYTES = 4 << 20  # asked for, so that thousands of messages may wait; the system may give less
DATAGRAM_BYTES = 65_535
POLL_S = 0.2
_IP_RECVERR, _IPV6_RECVERR = 11, 25  # Linux; the socket module has no names for them
_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", None)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port` (0: any). OscError when there is no such address or it is taken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][0]
        opened = socket.socket(family, socket.SOCK_DGRAM)
    except (OSError, OverflowError, UnicodeError) as error:
        raise OscError(f"OSC: {host}:{port} is no address of this machine ({error})") from None
    with contextlib.suppress(OSError):  # some systems refuse instead of giving less
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if _ERRQUEUE is not None:
        with contextlib.suppress(OSError):
            v6 = family == socket.AF_INET6
            opened.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, _IPV6_RECVERR if v6 else _IP_RECVERR, 1)
    try:
        opened.bind((host, port))
    except (OSError, OverflowError) as error:
        opened.close()
        raise OscError(
            f"OSC: cannot listen on {host}:{port} ({error}): end the program that has this port, or choose another"
        ) from None
    opened.setblocking(False)  # with a timeout even a look at the errors would wait
    return opened


def buffer_bytes(opened: socket.socket) -> int:
    """How much may wait in the socket, as the system gave it (Linux tells twice what counts, socket(7))."""
    given = opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return given // 2 if _ERRQUEUE is not None else given


def refusals(opened: socket.socket) -> list[tuple[str, int]]:
    """Hosts and ports from which the network told that nobody listens there, where the system tells it."""
    found: list[tuple[str, int]] = []
    while _ERRQUEUE is not None:
        try:
            _, _, _, address = opened.recvmsg(0, 512, _ERRQUEUE)
        except OSError:
            break
        if address:
            found.append((address[0], address[1]))
    return found
