"""What every request must have, and every reply says, before anything is looked at."""

from __future__ import annotations

from html import escape

from starlette.datastructures import Headers
from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse
from starlette.responses import PlainTextResponse
from starlette.responses import Response
from starlette.types import ASGIApp
from starlette.types import Message
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

from groundglass.annotate.sessions import Sessions

LOGIN = "/login"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets in requests from this server's own page that carry a cookie, and puts the annotator's name in the scope.

    Args:
        app: What is guarded.
        sessions: Whose cookies are good.
        cookie: The cookie's name.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, cookie: str) -> None:
        self.app = app
        self.sessions = sessions
        self.cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refused = self._refusal(scope)
        await (refused or self.app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] == LOGIN and _follows_link(scope["method"], headers):
            return _once_more(scope)
        if not _is_own_origin(scope["method"], headers):
            return PlainTextResponse("This request comes from another site and is refused.", 403)
        annotator = self.sessions.annotator(_cookie(headers, self.cookie))
        if annotator is None and scope["path"] != LOGIN:
            return PlainTextResponse("Open the link that the terminal shows; each link works once.", 401)
        scope["annotator"] = annotator
        return None


def _is_own_origin(method: str, headers: Headers) -> bool:
    """Browsers send Origin with whatever changes something, and cannot be made to send a false one."""
    if _is_from_elsewhere(headers):
        return False
    origin = headers.get("origin")
    if origin is None:
        return method in ("GET", "HEAD")
    return origin == f"http://{headers.get('host', '')}"


def _is_from_elsewhere(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _follows_link(method: str, headers: Headers) -> bool:
    """Whether somebody clicked a link on a page of another site, in a mail or a chat: no frame, form or script."""
    way = (method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"), headers.get("origin"))
    return way == ("GET", "navigate", "document", None) and _is_from_elsewhere(headers)


def _once_more(scope: Scope) -> HTMLResponse:
    """A page that follows the link itself. Nothing is let in yet, and the link is not used up.

    Browsers send a cookie for this site alone (SameSite=Strict) only where the site itself led to the page.
    """
    link = escape(f"{LOGIN}?{scope['query_string'].decode('latin-1')}")
    return HTMLResponse(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}">'
        f'<title>groundglass</title><a href="{link}">Go on to the annotator</a>'
    )


def _cookie(headers: Headers, name: str) -> str:
    """Cookies of other programs on this machine come too, and may have any content."""
    return cookie_parser(headers.get("cookie", "")).get(name, "")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers
