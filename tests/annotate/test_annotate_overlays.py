"""Overlays nobody waits for any longer are not computed."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from groundglass.annotate.overlays import overlay
from groundglass.annotate.server import bind

Ask = Callable[[int], http.client.HTTPConnection]


class Model:
    """Takes until it is let go."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.let_go = threading.Event()

    def probabilities(self, case: str, scan: Any, index: int) -> Any:
        self.asked.append(index)
        assert self.let_go.wait(20)
        return np.full((1, 2), index / 255)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def ask(model: Model) -> Iterator[Ask]:
    """Ask a real server for the overlay of a slice."""
    app = Starlette(routes=[Route("/{case}/{index}", overlay("probability"))])
    scans = SimpleNamespace(check=lambda case, version: None)
    app.state.annotator = SimpleNamespace(model=model, annotation=SimpleNamespace(scans=scans))

    async def named(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"annotator": "anna"}, receive, send)

    with bind("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(named, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()

        def get(index: int) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection(*listening.getsockname()[:2], timeout=20)
            connection.request("GET", f"/case/{index}")
            return connection

        yield get
        server.should_exit = True
        thread.join(20)


def test_overlays_of_slices_that_have_passed_are_left_out(ask: Ask, model: Model) -> None:
    first = ask(0)
    while not model.asked:
        time.sleep(0.01)
    passed = [ask(index) for index in range(1, 6)]
    time.sleep(0.2)
    for connection in passed:
        connection.close()
    last = ask(6)
    time.sleep(0.2)
    model.let_go.set()
    assert (first.getresponse().read(), last.getresponse().read()) == (bytes([0, 0]), bytes([6, 6]))
    assert model.asked == [0, 6]
