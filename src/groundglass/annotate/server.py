"""The server: binds, prints a link for each annotator, and serves until it is stopped."""

from __future__ import annotations

import errno
import socket
import webbrowser
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import PlainTextResponse
from starlette.responses import RedirectResponse
from starlette.responses import Response
from starlette.routing import Route

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.guard import LOGIN
from groundglass.annotate.guard import Guard
from groundglass.annotate.hosts import OwnHost
from groundglass.annotate.hosts import in_link
from groundglass.annotate.routes import routes
from groundglass.annotate.sessions import Sessions
from groundglass.errors import InputError

MOST_PORT = 65535
COOKIE_SECONDS = 7 * 24 * 3600
"""How long a browser keeps a cookie. It is never set anew, as a late reply would set one person's over another's; it is
the sessions that end, when they are not used."""


def build_app(annotator: Annotator, sessions: Sessions, *, host: str = "127.0.0.1", port: int = 0) -> Starlette:
    """The application.

    Args:
        annotator: What it serves.
        sessions: Who may come in.
        host: Address it is bound to; requests must be addressed to it.
        port: Its port, part of the cookie's name: browsers send the cookies of all ports of a machine.
    """
    cookie = f"groundglass-{port}"

    def login(request: Request) -> Response:
        value = sessions.redeem(request.query_params.get("token", ""))
        if value is None:
            if request.scope["annotator"]:  # the link once more, in the browser that used it
                return RedirectResponse("/", 303)
            return PlainTextResponse("This link was used or is wrong; start the annotator again for another.", 403)
        response = RedirectResponse("/", 303)
        response.set_cookie(cookie, value, max_age=COOKIE_SECONDS, httponly=True, samesite="strict")
        return response

    app = Starlette(
        routes=[Route(LOGIN, login), *routes()],
        middleware=[
            Middleware(OwnHost, host=host),
            Middleware(Guard, sessions=sessions, cookie=cookie),
        ],
        exception_handlers={InputError: _refused, Exception: _failed},
    )
    app.state.annotator = annotator
    return app


def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "something went wrong in the server; the terminal says what"}, 500)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: If the address is not this machine's or the port is taken.
    """
    if not 0 <= port <= MOST_PORT:
        raise InputError(f"--port {port}: there is no such port; give one from 1 to {MOST_PORT}, or 0 for any free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small replies at once (TCP_NODELAY) only where the protocol is named; else each waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(64)  # from now on who follows the link waits instead of being turned away
    except (OSError, UnicodeError) as error:  # the latter from a name that cannot be one
        listening.close()
        why = getattr(error, "strerror", None) or error
        if isinstance(error, socket.gaierror | UnicodeError) or error.errno == errno.EADDRNOTAVAIL:
            raise InputError(f"--host {host}: no address of this machine ({why}); give one of its own") from error
        raise InputError(f"--port {port}: cannot be used at {host} ({why}); choose another port") from error
    return listening


def serve(
    annotator: Annotator,
    annotators: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = True,
) -> None:
    """Serve until Ctrl-C.

    Args:
        annotator: What is served.
        annotators: Names of those who may come in; each gets a link.
        host: Address to bind to.
        port: Port, or 0 for any free one.
        open_browser: Open the link, if there is just one.

    Raises:
        InputError: If the address cannot be used.
    """
    sessions = Sessions(annotators)
    with bind(host, port) as listening:
        port = listening.getsockname()[1]
        links = [f"http://{in_link(host)}:{port}{LOGIN}?token={token}" for token in sessions.tokens]
        annotator.warm_up(annotators[0].strip())
        for name, link in zip(annotators, links, strict=True):
            print(f"{name}: {link}", flush=True)
        print("Each link works once. Answers are on the disk when the page shows them. Ctrl-C stops.", flush=True)
        print("Research use only: not a medical device.", flush=True)
        if open_browser and len(links) == 1:
            webbrowser.open(links[0])
        try:
            _run(build_app(annotator, sessions, host=host, port=port), listening)
        finally:
            annotator.close()


def _run(app: Any, listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=2
    )
    uvicorn.Server(config).run(sockets=[listening])
