"""What the model thinks of a slice, as the page lays it over the image."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from groundglass.annotate.annotator import Annotator
from groundglass.errors import InputError

CLIENT_GONE = 499
"""Nobody reads it; this is what web servers write down."""


def overlay(kind: str) -> Callable[[Request], Awaitable[Response]]:
    """A route that gives ``probability`` or ``uncertainty`` of a slice, ``(H, W)``, one byte each.

    An annotator gets one at a time. Who scrolls on no longer wants those of the slices that have passed: they are
    dropped while they wait, or the one that is wanted would have to wait for all of them.
    """
    one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def endpoint(request: Request) -> Response:
        async with one_at_a_time[_name(request)]:
            if await request.is_disconnected():
                return Response(status_code=CLIENT_GONE)
            return raw(await run_in_threadpool(_content, request, kind))

    return endpoint


def _content(request: Request, kind: str) -> bytes:
    app: Annotator = request.app.state.annotator
    case, index = request.path_params["case"], slice_index(request)
    given = _asked_about(app, request, index) if kind == "uncertainty" else None
    if given is not None:
        return _bytes(given)
    about = app.model.uncertainty if kind == "uncertainty" else app.model.probabilities
    return _bytes(about(case, app.annotation.scans.check(case, request.query_params.get("version")), index))


def _asked_about(app: Annotator, request: Request, index: int) -> NDArray[np.float32] | None:
    """The map that chose the open question, if the slice is that of the question."""
    question = app.annotation.guide.current(_name(request))
    shown = question is not None and (question.case, question.index) == (request.path_params["case"], index)
    return question.uncertainty if question is not None and shown else None


def slice_index(request: Request) -> int:
    """The slice that is asked for; no scan has a number of more digits, and Python reads no more than 4,300.

    Raises:
        InputError: If it is not a number.
    """
    digits = request.path_params["index"]
    if not re.fullmatch("[0-9]{1,9}", digits):
        raise InputError(f"there is no slice {digits:.20}; reload the page")
    return int(digits)


def _name(request: Request) -> str:
    return str(request.scope["annotator"])


def _bytes(shares: NDArray[Any]) -> bytes:
    """Numbers in [0, 1] as one byte each."""
    return bytes((np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8))


def raw(content: bytes) -> Response:
    """Bytes as they are."""
    return Response(content, media_type="application/octet-stream")
