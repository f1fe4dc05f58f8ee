"""Under TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from synth.daemon.security import Role
from tests.daemon.security.daemon import config_of, running, three_keys


def test_the_cookie_and_the_headers_of_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    texts, keys = three_keys()
    config = config_of(tmp_path, keys, tls_cert=tmp_path / "both", tls_key=tmp_path / "both")
    with running(config, texts, context) as daemon, daemon.client() as page:
        answer = page.post("/api/v1/sign-in", json={"credential": texts[Role.LISTENER]})
        told = answer.headers["set-cookie"]
        assert told.startswith("__Host-isotone=") and "; Secure" in told and "Domain" not in told
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert page.get("/api/v1/whoami").json()["name"] == "the-listener"
        cookie = {"Cookie": f"__Host-isotone={page.cookies['__Host-isotone']}"}
        with daemon.socket("/api/v1/sessions/one/audio", ssl=context, headers=cookie, origin=daemon.url) as socket:
            assert socket.recv() == "listener the-listener"
        plain = {"Origin": daemon.url.replace("https", "http"), "X-Requested-With": "isotone"}
        assert page.post("/api/v1/sign-out", headers=plain).status_code == 403  # a page that anybody could have changed
        assert page.post("/api/v1/sign-out", headers={**plain, "Origin": daemon.url}).status_code == 204
