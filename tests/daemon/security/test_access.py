"""Keys, tokens, tickets and the page's cookie, over real sockets."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from synth.daemon.security import Role, gate
from tests.daemon.security.daemon import Daemon, config_of, read_all, running, three_keys

STATE = "/api/v1/sessions/{}/state"
AUDIO = "/api/v1/sessions/one/audio"


def test_each_role_may_what_is_its_own_and_no_more(signed: Daemon) -> None:
    for role, key in signed.keys.items():
        assert signed.ask("GET", STATE.format("one"), key).json()["said"] == f"{role.word} the-{role.word} one"
        set_ = signed.ask("POST", "/api/v1/sessions/one/controls", key, json={"said": "x"})
        assert set_.status_code == (200 if role >= Role.THERAPIST else 403)
        assert signed.ask("POST", "/api/v1/tokens", key, json={}).status_code == (200 if role > Role.LISTENER else 403)


@pytest.mark.parametrize("shown", ["", "Basic eA==", "Bearer", "Bearer x", "Bearer isotone-x", "Bearer a.b.c"])
def test_who_shows_nothing_good_is_told_to_sign_in(signed: Daemon, shown: str) -> None:
    answer = signed.ask("GET", STATE.format("one"), headers={"Authorization": shown} if shown else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["title"] == "Not signed in"


def test_a_token_is_for_its_session_alone(signed: Daemon) -> None:
    token = signed.token(signed.keys[Role.THERAPIST], session_id="one")
    assert signed.ask("GET", STATE.format("one"), token).json()["said"] == "listener the-therapist one"
    other = signed.ask("GET", STATE.format("two"), token)
    assert other.status_code == 403 and other.json()["title"] == "Not your session"
    with pytest.raises(InvalidStatus) as refused:
        signed.socket("/api/v1/sessions/two/audio", token)
    assert refused.value.response.status_code == 403
    for trick in ("one%00", "..%2fone", "one%2f..%2ftwo", "%2e%2e", "..", "one%5c", "x" * 3000):
        assert signed.ask("GET", f"/api/v1/sessions/{trick}/state", token).status_code in (400, 403, 404, 414), trick


def test_nobody_makes_a_token_wider_than_their_own(signed: Daemon) -> None:
    key = signed.keys[Role.THERAPIST]
    narrow = signed.token(key, role="therapist", session_id="one")
    for credential, asked in (
        (key, {"role": "operator"}),
        (narrow, {"role": "operator", "session_id": "one"}),
        (narrow, {"session_id": "two"}),
        (narrow, {"role": "therapist", "session_id": "two"}),
    ):
        refused = signed.ask("POST", "/api/v1/tokens", credential, json=asked)
        assert refused.status_code == 403, asked
    kept = signed.ask("POST", "/api/v1/tokens", narrow, json={"role": "listener"}).json()
    assert kept["session_id"] == "one"  # what is not asked for is not widened


def test_a_token_does_not_outlive_what_it_was_made_from(signed: Daemon) -> None:
    short = signed.token(signed.keys[Role.OPERATOR], role="therapist", life_s=30)
    made = signed.ask("POST", "/api/v1/tokens", short, json={"life_s": 800}).json()
    assert 0 < made["life_s"] <= 30
    longest = signed.ask("POST", "/api/v1/tokens", signed.keys[Role.OPERATOR], json={"life_s": 86_400}).json()
    assert longest["life_s"] <= signed.config.token_life_s


def test_a_token_can_be_handed_on_a_few_times_only(signed: Daemon) -> None:
    token, made = signed.keys[Role.THERAPIST], 0
    while (answer := signed.ask("POST", "/api/v1/tokens", token, json={"role": "therapist"})).status_code == 200:
        token, made = answer.json()["token"], made + 1
    assert (answer.status_code, made) == (403, 4)


def test_a_tampered_token_and_one_of_another_algorithm_are_refused(signed: Daemon) -> None:
    token = signed.token(signed.keys[Role.THERAPIST], session_id="one")
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    widened = {**claims, "role": "operator", "session": None}
    secret = bytes.fromhex((signed.config.state_dir / "token-secret").read_text().split()[0])
    kid = jwt.get_unverified_header(token)["kid"]
    forged = [
        f"{head}.{jwt.encode(widened, 'x' * 32).split('.')[1]}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode(widened, None, algorithm="none", headers={"kid": kid}),
        jwt.encode(widened, "x" * 32, algorithm="HS256", headers={"kid": kid}),
        jwt.encode(claims, secret * 2, algorithm="HS512", headers={"kid": kid}),
        jwt.encode(claims, secret * 2, algorithm="HS384", headers={"kid": kid}),
        jwt.encode(claims, secret, algorithm="HS256"),
        jwt.encode({**claims, "aud": "isotone-page"}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "iss": "another"}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "exp": claims["iat"] - 1}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "exp": str(claims["exp"])}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "nbf": claims["nbf"] + 3600}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "jti": "0" * 12 + "." + "0" * 16}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({k: v for k, v in claims.items() if k != "jti"}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({**claims, "role": "operator"}, secret, algorithm="HS256", headers={"kid": kid}),
    ]
    assert signed.ask("GET", STATE.format("one"), token).status_code == 200
    for one in forged:
        assert signed.ask("GET", STATE.format("one"), one).status_code == 401, one


def test_revoking_a_token_ends_those_made_from_it(signed: Daemon) -> None:
    key = signed.keys[Role.THERAPIST]
    parent = signed.ask("POST", "/api/v1/tokens", key, json={"role": "therapist"}).json()
    child, other = signed.token(parent["token"], session_id="one"), signed.token(key)
    assert signed.ask("DELETE", f"/api/v1/tokens/{parent['token_id']}", child).status_code == 403
    assert signed.ask("DELETE", f"/api/v1/tokens/{parent['token_id']}", other).status_code == 403
    assert signed.ask("DELETE", f"/api/v1/tokens/{parent['token_id']}", key).status_code == 204
    for token in (parent["token"], child):
        refused = signed.ask("GET", STATE.format("one"), token)
        assert refused.status_code == 401 and "revoked" in refused.json()["detail"]
    assert signed.ask("GET", STATE.format("one"), other).status_code == 200
    for strange in ("x", parent["token_id"].split(".")[0], "a" * 500):
        assert signed.ask("DELETE", f"/api/v1/tokens/{strange}", signed.keys[Role.OPERATOR]).status_code == 404


def test_a_ticket_opens_its_socket_once(signed: Daemon) -> None:
    token = signed.token(signed.keys[Role.THERAPIST], session_id="one")
    made = signed.ask("POST", "/api/v1/tickets", token, json={"path": AUDIO}).json()
    assert made["life_s"] == signed.config.ticket_life_s
    url = f"{AUDIO}?ticket={made['ticket']}"
    with signed.socket(url) as socket:
        assert socket.recv() == "listener the-therapist"
    with pytest.raises(InvalidStatus) as replayed:
        signed.socket(url)
    assert replayed.value.response.status_code == 401


def test_a_ticket_is_bound_to_its_path_and_void_once_shown_elsewhere(signed: Daemon) -> None:
    key = signed.keys[Role.OPERATOR]
    ticket = signed.ask("POST", "/api/v1/tickets", key, json={"path": AUDIO}).json()["ticket"]
    assert signed.opened(f"/api/v1/sessions/one/events?ticket={ticket}") == 401
    with pytest.raises(InvalidStatus):
        signed.socket(f"{AUDIO}?ticket={ticket}")
    posted = signed.ask("POST", "/api/v1/tickets", key, json={"path": "/api/v1/sessions/one/controls"}).json()
    answer = signed.ask("POST", f"/api/v1/sessions/one/controls?ticket={posted['ticket']}", json={"said": "x"})
    assert answer.status_code == 401
    token = signed.token(key, session_id="one")
    for asked in ({"path": "/api/v1/sessions/two/audio"}, {"path": AUDIO, "role": "therapist"}):
        assert signed.ask("POST", "/api/v1/tickets", token, json=asked).status_code == 403
    for path in ("x", "/a?b", "//\n", "/" + "a" * 400, ""):
        assert signed.ask("POST", "/api/v1/tickets", token, json={"path": path}).status_code == 422


def test_a_ticket_opens_a_stream_and_is_too_old_soon(signed: Daemon) -> None:
    key, path = signed.keys[Role.LISTENER], "/api/v1/sessions/one/events"
    signed.config.ticket_life_s = 0.0
    late = signed.ask("POST", "/api/v1/tickets", key, json={"path": path}).json()["ticket"]
    signed.config.ticket_life_s = 30.0
    assert signed.opened(f"{path}?ticket={late}") == 401
    ticket = signed.ask("POST", "/api/v1/tickets", key, json={"path": path}).json()["ticket"]
    with signed.client() as client, client.stream("GET", f"{path}?ticket={ticket}") as stream:
        assert next(stream.iter_text()).startswith("id: 0")


def test_the_page_signs_in_by_a_cookie_that_no_script_reads(signed: Daemon) -> None:
    with signed.client() as page:
        answer = page.post("/api/v1/sign-in", json={"credential": signed.keys[Role.THERAPIST]})
        assert answer.json()["role"] == "therapist"
        told = answer.headers["set-cookie"]
        assert told.startswith("isotone=") and "HttpOnly" in told and "SameSite=strict" in told and "Path=/" in told
        assert page.get("/api/v1/whoami").json()["name"] == "the-therapist"
        own = {"Origin": signed.url, "X-Requested-With": "isotone"}
        path, body = "/api/v1/sessions/one/controls", {"said": "x"}
        assert page.post(path, json=body, headers=own).status_code == 200
        assert page.post(path, json=body, headers={**own, "Sec-Fetch-Site": "same-origin"}).status_code == 200
        fetched = {"Sec-Fetch-Site": "same-origin", "X-Requested-With": "isotone"}
        assert page.post(path, json=body, headers=fetched).status_code == 200
        for headers in (
            {},
            {"Origin": signed.url},
            {"X-Requested-With": "isotone"},
            {**own, "Origin": "https://evil.example"},
            {**own, "Origin": f"http://localhost:{signed.port}"},
            {**own, "Origin": "null"},
            {"X-Requested-With": "isotone", "Sec-Fetch-Site": "cross-site"},
            {"X-Requested-With": "isotone", "Sec-Fetch-Site": "none"},
        ):
            assert page.post(path, json=body, headers=headers).status_code == 403, headers
        cookie = f"isotone={page.cookies['isotone']}"
        with signed.socket(AUDIO, headers={"Cookie": cookie}, origin=signed.url) as socket:
            assert socket.recv() == "therapist the-therapist"
        for origin in (None, "https://evil.example"):
            with pytest.raises(InvalidStatus):
                signed.socket(AUDIO, headers={"Cookie": cookie}, origin=origin)
        assert signed.ask("GET", "/api/v1/whoami", page.cookies["isotone"]).status_code == 401  # no bearer token
        twice = {"Cookie": f"{cookie}; isotone=x"}
        assert signed.ask("GET", "/api/v1/whoami", headers=twice).status_code == 401

        signed_out = page.post("/api/v1/sign-out", headers=own)
        assert signed_out.status_code == 204 and "Max-Age=0" in signed_out.headers["set-cookie"]
        assert signed.ask("GET", "/api/v1/whoami", headers={"Cookie": cookie}).status_code == 401
        assert signed.ask("POST", "/api/v1/sign-out", headers={"Cookie": cookie, **own}).status_code == 204


def test_a_bearer_token_is_no_cookie_but_signs_the_page_in_for_as_long(signed: Daemon) -> None:
    token = signed.token(signed.keys[Role.OPERATOR], role="listener", session_id="one", life_s=60)
    assert signed.ask("GET", "/api/v1/whoami", headers={"Cookie": f"isotone={token}"}).status_code == 401
    with running(signed.config, signed.keys) as fresh, fresh.client() as page:  # its tries are its own
        assert page.post("/api/v1/sign-in", json={"credential": token}).json()["session_id"] == "one"
        told = page.get("/api/v1/whoami").json()
        assert told["token_id"].count(".") == 2 and told["expires"] is not None
        assert page.get(STATE.format("two")).status_code == 403


def test_guessing_at_the_sign_in_is_slowed_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MISSES", 30)
    texts, keys = three_keys()
    with running(config_of(tmp_path, keys), texts) as daemon, daemon.client() as client:
        told = [client.post("/api/v1/sign-in", json={"credential": f"isotone-{n}"}) for n in range(8)]
        assert [answer.status_code for answer in told] == [401] * 5 + [429] * 3
        assert int(told[-1].headers["retry-after"]) > 1
        right = client.post("/api/v1/sign-in", json={"credential": texts[Role.OPERATOR]})
        assert right.status_code == 429
        misses = [client.get("/api/v1/whoami", headers={"Authorization": f"Bearer {n}"}) for n in range(40)]
        assert misses[-1].status_code == 429
        assert client.get("/api/v1/whoami", headers={"Authorization": f"Bearer {texts[Role.OPERATOR]}"}).is_success


def test_what_was_revoked_stays_so_after_a_restart(tmp_path: Path) -> None:
    texts, keys = three_keys()
    config = config_of(tmp_path, keys)
    with running(config, texts) as daemon:
        key = texts[Role.OPERATOR]
        good, bad = daemon.token(key), daemon.ask("POST", "/api/v1/tokens", key, json={}).json()
        assert daemon.ask("DELETE", f"/api/v1/tokens/{bad['token_id']}", key).status_code == 204
    for name in ("token-secret", "revoked-tokens"):
        assert stat.S_IMODE((config.state_dir / name).stat().st_mode) == 0o600
    with running(config, texts) as daemon:
        assert daemon.ask("GET", STATE.format("one"), good).status_code == 200
        assert daemon.ask("GET", STATE.format("one"), bad["token"]).status_code == 401
        daemon.config.keys = tuple(key for key in keys if key.role is not Role.OPERATOR)
        assert daemon.ask("GET", STATE.format("one"), good).status_code == 401  # gone with its key
        assert daemon.ask("GET", STATE.format("one"), key).status_code == 401


def test_a_token_that_cannot_be_written_down_as_revoked_is_refused_all_the_same(tmp_path: Path) -> None:
    texts, keys = three_keys()
    with running(config_of(tmp_path, keys), texts) as daemon:
        key = texts[Role.OPERATOR]
        made = daemon.ask("POST", "/api/v1/tokens", key, json={}).json()
        (daemon.config.state_dir / "revoked-tokens").mkdir()  # as good as a full disk: it cannot be written
        told = daemon.ask("DELETE", f"/api/v1/tokens/{made['token_id']}", key)
        assert told.status_code == 503 and "ask again" in told.json()["detail"]
        assert daemon.ask("GET", STATE.format("one"), made["token"]).status_code == 401
        (daemon.config.state_dir / "revoked-tokens").rmdir()
        assert daemon.ask("DELETE", f"/api/v1/tokens/{made['token_id']}", key).status_code == 204
        assert made["token_id"] in (daemon.config.state_dir / "revoked-tokens").read_text()


def test_each_token_has_its_own_allowance(tmp_path: Path) -> None:
    texts, keys = three_keys()
    limits = {"requests_per_s": 0.1, "burst_requests": 4}

    def ask(daemon: Daemon, source: str, credential: str) -> bytes:
        with daemon.raw(source) as wire:
            head = f"GET {STATE.format('one')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {credential}\r\n"
            wire.sendall(f"{head}Connection: close\r\n\r\n".encode())
            return read_all(wire)[9:12]

    with running(config_of(tmp_path, keys, limits), texts) as daemon:
        first, second = texts[Role.LISTENER], texts[Role.OPERATOR]
        assert [ask(daemon, f"127.0.0.{n}", first) for n in range(2, 8)] == [b"200"] * 4 + [b"429"] * 2
        assert ask(daemon, "127.0.0.8", second) == b"200"


def test_without_sign_in_this_machine_is_the_operator(local: Daemon) -> None:
    told = local.ask("GET", "/api/v1/whoami").json()
    assert told == {
        "role": "operator", "session_id": None, "name": "loopback", "sign_in": False, "token_id": None, "expires": None,
    }  # fmt: skip
    assert local.ask("POST", "/api/v1/sign-in", json={"credential": "x"}).status_code == 200
    ticket = local.ask("POST", "/api/v1/tickets", json={"path": AUDIO}).json()["ticket"]
    with local.socket(f"{AUDIO}?ticket={ticket}") as socket:
        assert socket.recv() == "operator loopback"
    proxied = local.ask("GET", "/api/v1/whoami", headers={"X-Forwarded-For": "203.0.113.9"})
    assert proxied.status_code == 403 and "sign_in" in proxied.json()["detail"]
