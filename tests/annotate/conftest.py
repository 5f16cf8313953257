"""An annotator on a small dataset, and a browser's stand-in that is logged in."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Annotating
from browser import annotating
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.server import build_app
from groundglass.annotate.sessions import Sessions
from groundglass.annotate.state import Annotation
from groundglass.datasets.folder import DatasetFolder

ORIGIN = "http://127.0.0.1:8000"
TINY_RECIPE = """
method: points
network: plain-unet
network_options: {channels: [4, 8]}
grid: {size: [32, 32]}
epochs: 2
batch_size: 4
"""


@pytest.fixture
def dataset(blobs_copy: DatasetFolder) -> Path:
    """A prepared dataset of six cases of two slices of 48 x 48 pixels, without a label."""
    blobs_copy.store.path.unlink()
    return blobs_copy.root


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe that trains in seconds."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_RECIPE)
    return path


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Annotating]:
    """A page in Chromium for the tests of a module, with as many regions a slice as its ``REGIONS`` says."""
    regions = getattr(request.module, "REGIONS", 4)
    with annotating(tmp_path_factory.mktemp("page") / "data", "--regions", str(regions)) as shared:
        yield shared


@pytest.fixture
def anna(opened: Annotating) -> Annotating:
    """The page as a test finds it: no points of the tests before."""
    opened.begin()
    return opened


@pytest.fixture
def annotator(dataset: Path, recipe: Path) -> Annotator:
    """An annotator of four regions a slice."""
    return open_annotator(dataset, settings=Settings(regions=4, recipe=str(recipe)))


@pytest.fixture
def annotation(annotator: Annotator) -> Annotation:
    """What is behind the page, without HTTP."""
    return annotator.annotation


@pytest.fixture
def log_in() -> Callable[..., dict[str, TestClient]]:
    """Makes clients that are logged in, by name."""

    def make(annotator: Annotator, *names: str) -> dict[str, TestClient]:
        sessions = Sessions(names)
        links = {name: token for token, name in sessions.tokens.items()}
        app = build_app(annotator, sessions, port=8000)
        clients = {}
        for name in names:
            clients[name] = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN})
            assert clients[name].get(f"/login?token={links[name]}", follow_redirects=False).status_code == 303
        return clients

    return make


@pytest.fixture
def client(annotator: Annotator, log_in: Callable[..., dict[str, TestClient]]) -> TestClient:
    """Logged in as anna."""
    return log_in(annotator, "anna")["anna"]


@pytest.fixture
def answer() -> Callable[..., dict[str, Any]]:
    """Makes the body of an answer: by default a lesion click in the middle of the first slice of case0."""

    def make(**changes: Any) -> dict[str, Any]:
        click = {"kind": "point", "case": "case0", "slice": 0, "row": 24.0, "column": 12.0, "label": 1}
        return click | {"seconds": 2.5, "id": uuid.uuid4().hex} | changes

    return make
