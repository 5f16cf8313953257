"""Requests that change something: JSON in, JSON out, no larger than they need to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import Route

from groundglass.annotate.annotator import Annotator
from groundglass.errors import InputError

MAX_BODY = 1_000_000
"""Bytes of a request."""
MAX_IMPORT = 32_000_000
"""Bytes of a request that brings a file of points."""
TOO_LARGE = {
    MAX_BODY: "the request is larger than 1 MB and was not taken; reload the page",
    MAX_IMPORT: "the file is larger than 32 MB; split it, for instance into one for each scan, and import those",
}
Action = Callable[[Annotator, str, Any], Any]


def post(path: str, action: Action, *, most: int = MAX_BODY) -> Route:
    """A route that takes JSON and gives JSON; the work is done in a thread, so that a slow disk stops nobody else.

    Args:
        path: The route's.
        action: What it does.
        most: Bytes of the JSON.
    """

    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "send JSON"}, 415)
        content = await _content(request, most)
        if content is None:
            return JSONResponse({"error": TOO_LARGE[most]}, 413)
        try:
            body = json.loads(content or b"null")
        except (ValueError, RecursionError) as error:
            raise InputError("the request is not JSON; reload the page") from error
        return JSONResponse(await run_in_threadpool(action, request.app.state.annotator, annotator_name(request), body))

    return Route(path, endpoint, methods=["POST"])


async def _content(request: Request, most: int) -> bytes | None:
    """The body, or ``None`` if it is too large. It is received to its end: browsers listen only after that."""
    content, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            content += part
    return bytes(content) if size <= most else None


def annotator_name(request: Request) -> str:
    """Who asks, as the login has found out."""
    return str(request.scope["annotator"])
