"""What every request must have, and every reply says, before anything is looked at."""

from __future__ import annotations

from http.cookies import CookieError
from http.cookies import SimpleCookie

from starlette.datastructures import Headers
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
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

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not _is_own_origin(scope["method"], headers):
            return PlainTextResponse("This request comes from another site and is refused.", 403)
        annotator = self.sessions.annotator(_cookie(headers, self.cookie))
        if annotator is None and scope["path"] != LOGIN:
            return PlainTextResponse("Open the link that the terminal shows; each link works once.", 401)
        scope["annotator"] = annotator
        return None


def _is_own_origin(method: str, headers: Headers) -> bool:
    """Browsers send Origin with whatever changes something, and cannot be made to send a false one."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return method in ("GET", "HEAD")
    return origin == f"http://{headers.get('host', '')}"


def _cookie(headers: Headers, name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers
