"""Who is let in, and what is refused before anything is looked at."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.guard import _once_more
from groundglass.annotate.hosts import check_host
from groundglass.annotate.hosts import in_link
from groundglass.annotate.server import bind
from groundglass.annotate.server import build_app
from groundglass.annotate.sessions import Sessions
from groundglass.errors import InputError

ORIGIN = "http://127.0.0.1:8000"
Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(["anna"])


@pytest.fixture
def stranger(annotator: Annotator, sessions: Sessions) -> TestClient:
    return TestClient(build_app(annotator, sessions, port=8000), base_url=ORIGIN)


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/summary", "/api/cases/case0/slices/0", "/none"])
def test_nothing_is_shown_without_a_cookie(stranger: TestClient, path: str) -> None:
    reply = stranger.get(path)
    assert reply.status_code == 401
    assert "link" in reply.text


def test_a_made_up_cookie_does_not_help(stranger: TestClient) -> None:
    stranger.cookies.set("groundglass-8000", "x" * 43)
    assert stranger.get("/api/summary").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "\u00e9"])
def test_a_wrong_token_is_refused(stranger: TestClient, token: str) -> None:
    reply = stranger.get("/login", params={"token": token})
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


def test_a_token_works_once_and_becomes_a_cookie_scripts_cannot_read(stranger: TestClient, sessions: Sessions) -> None:
    (token,) = sessions.tokens
    first = stranger.get(f"/login?token={token}", follow_redirects=False)
    assert first.headers["location"] == "/"
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/").status_code == 200
    again = stranger.get(f"/login?token={token}", follow_redirects=False)
    assert again.status_code == 303, "the same browser may open the link again"
    stranger.cookies.clear()
    assert stranger.get(f"/login?token={token}").status_code == 403


def test_a_login_ends_when_it_was_not_used_for_twelve_hours(
    stranger: TestClient, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    (token,) = sessions.tokens
    reply = stranger.get(f"/login?token={token}", follow_redirects=False)
    assert "max-age=604800" in reply.headers["set-cookie"].lower(), "the browser keeps it for a week"
    (cookie,) = stranger.cookies.values()
    for _ in range(3):
        now += 11.9 * 3600
        assert sessions.annotator(cookie) == "anna", "every use is good for twelve hours more"
    assert "set-cookie" not in stranger.get("/api/session").headers
    now += 12.1 * 3600
    for _ in range(2):
        assert stranger.get("/api/session", headers={"Cookie": f"groundglass-8000={cookie}"}).status_code == 401
    assert stranger.get(f"/login?token={token}").status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9000", "https://127.0.0.1:8000", "null"])
def test_a_foreign_origin_is_refused_and_nothing_written(
    client: TestClient, annotator: Annotator, answer: Answer, origin: str
) -> None:
    assert client.post("/api/answers", json=answer(), headers={"Origin": origin}).status_code == 403
    assert client.get("/api/summary", headers={"Origin": origin}).status_code == 403
    assert not annotator.annotation.labels.store.path.exists()


def test_a_post_without_an_origin_is_refused(client: TestClient, answer: Answer) -> None:
    del client.headers["Origin"]
    assert client.post("/api/answers", json=answer()).status_code == 403
    assert client.get("/api/summary").status_code == 200


def test_a_request_that_another_site_started_is_refused(client: TestClient) -> None:
    del client.headers["Origin"]
    assert client.get("/api/summary", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_that_is_clicked_on_another_site_leads_to_itself_and_is_not_used_up(
    stranger: TestClient, sessions: Sessions, site: str
) -> None:
    (token,) = sessions.tokens
    reply = stranger.get(f"/login?token={token}", headers=LINK | {"Sec-Fetch-Site": site})
    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers
    assert f'content="0; url=/login?token={token}"' in reply.text
    assert list(sessions.tokens) == [token]
    assert stranger.get(f"/login?token={token}", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert not sessions.tokens


def test_a_link_with_something_else_in_it_brings_no_content_into_the_page() -> None:
    page = bytes(_once_more({"query_string": b'token="><script>alert(1)</script>'}).body).decode()
    assert "<script" not in page
    assert page.count('"') == 8, "four attributes"


@pytest.mark.parametrize(
    "change",
    [
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "image"},
        {"Origin": "http://evil.example"},
    ],
)
def test_no_other_request_of_another_site_reaches_the_login(
    stranger: TestClient, sessions: Sessions, change: dict[str, str]
) -> None:
    (token,) = sessions.tokens
    assert stranger.get(f"/login?token={token}", headers=LINK | change).status_code == 403
    assert stranger.post(f"/login?token={token}", headers=LINK).status_code == 403
    assert list(sessions.tokens) == [token]


@pytest.mark.parametrize("path", ["/", "/api/summary", "/static/main.js", "/login/", "/api/points.csv"])
def test_a_link_on_another_site_leads_nowhere_else(client: TestClient, path: str) -> None:
    del client.headers["Origin"]
    assert client.get(path, headers=LINK).status_code == 403


@pytest.mark.parametrize(
    "other", ['prefs={"a":1}', "a=b=c; x", "=", '"', 'groundglass-9000="x', "a,b=[1]", "caf\u00e9=1"]
)
def test_cookies_of_other_programs_lock_nobody_out(client: TestClient, other: str) -> None:
    own = f"groundglass-8000={client.cookies['groundglass-8000']}"
    client.cookies.clear()
    for cookies in (f"{other}; {own}", f"{own}; {other}"):
        assert client.get("/api/summary", headers={"Cookie": cookies.encode("latin-1")}).status_code == 200
    assert client.get("/api/summary", headers={"Cookie": other.encode("latin-1")}).status_code == 401


def test_a_foreign_name_for_this_machine_is_refused(client: TestClient) -> None:
    """DNS rebinding: a page of evil.example that resolves to 127.0.0.1."""
    host = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"}
    assert client.get("/api/summary", headers=host).status_code == 400


def status(annotator: Annotator, host: str, called: str, reached: str = "192.168.1.5") -> int:
    """Of a request to a server bound to ``host`` that was reached at an address and is called by a name."""
    app = build_app(annotator, Sessions(["anna"]), host=host, port=8000)
    stranger = TestClient(app, base_url=f"http://{reached}:8000")
    return int(stranger.get("/login?token=x", headers={"Host": called}).status_code)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_that_others_reach_is_called_by_its_names_and_the_address_it_was_reached_at(
    annotator: Annotator, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Box")
    for own in ("192.168.1.5:8000", "192.168.1.5", "box:8000", "BOX:8000", "127.0.0.1:8000"):
        assert status(annotator, host, own) == 403, own
    assert status(annotator, host, "192.168.1.5:8000", "[::ffff:192.168.1.5]") == 403
    assert status(annotator, host, "[fd00::5]:8000", "[fd00::5]") == 403
    for foreign in ("evil.example:8000", "192.168.1.6:8000", "192.168.1.5.evil.example", "", "[::1", "a@192.168.1.5"):
        assert status(annotator, host, foreign) == 400, foreign
    assert status(annotator, host, "192.168.1.5:x") == 400
    assert status(annotator, host, "192.168.1.5/box") == 400


def test_an_ipv6_address_is_put_into_brackets_and_understood(annotator: Annotator) -> None:
    assert in_link("::1") == "[::1]"
    assert in_link("127.0.0.1") == "127.0.0.1"
    assert in_link("0.0.0.0") == socket.gethostname()
    assert status(annotator, "::1", "[::1]:8000", "[::1]") == 403
    assert status(annotator, "::1", "localhost:8000", "[::1]") == 403
    assert status(annotator, "::1", "evil.example:8000", "[::1]") == 400


def test_every_reply_forbids_what_the_page_does_not_need(client: TestClient) -> None:
    for path in ("/", "/api/summary", "/none", "/static/main.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    assert "http" not in headers["content-security-policy"], "no other host"


def test_the_page_names_no_other_host(client: TestClient) -> None:
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert "Research use only" in page


@pytest.mark.parametrize("names", [[], ["anna", "anna"], [" "], ["x" * 61], ["simulated"], ["record"]])
def test_names_that_cannot_be_told_apart_are_refused(names: list[str]) -> None:
    with pytest.raises(InputError, match=r"choose another name|different names"):
        Sessions(names)


def test_other_machines_are_let_in_only_when_told_to(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputError, match="--allow-remote"):
        check_host("0.0.0.0", allow_remote=False)
    check_host("127.0.0.1", allow_remote=False)
    check_host("localhost", allow_remote=False)
    assert not caplog.text
    check_host("192.168.1.5", allow_remote=True)
    assert "other machines can reach this server" in caplog.text


def test_a_port_that_is_taken_is_said() -> None:
    with bind("127.0.0.1", 0) as listening, pytest.raises(InputError, match="choose another port"):
        bind("127.0.0.1", listening.getsockname()[1])
