"""Asks a service on this machine whether it lives, as a container's health check does."""

from __future__ import annotations

import http.client
import ssl

from synth.daemon.config import Config

ASK_S = 4.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ping(config: Config) -> str:
    """What is wrong with the service at the address of `config`, in words; "" when it lives.

    Its certificate is not checked: it is in another's name than the loopback's, and nothing secret is said.
    """
    host = EVERYWHERE.get(config.host, config.host)
    where = f"{host} port {config.port}"
    connection: http.client.HTTPConnection
    if config.tls_cert is None:
        connection = http.client.HTTPConnection(host, config.port, timeout=ASK_S)
    else:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, config.port, timeout=ASK_S, context=context)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"nothing that lives answers at {where} ({type(error).__name__})"
    finally:
        connection.close()
    return "" if status == 200 else f"what answers at {where} says {status}"
