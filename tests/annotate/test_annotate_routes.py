"""The HTTP face: answers in, slices out, and a sentence for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.posts import MAX_BODY
from groundglass.scans.reader import read_scan

Answer = Callable[..., dict[str, Any]]


def lines(dataset: Path) -> list[dict[str, Any]]:
    path = dataset / "labels.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_click_is_one_line_in_lps_mm_with_name_and_seconds(client: TestClient, dataset: Path, answer: Answer) -> None:
    reply = client.post("/api/answers", json=answer(row=24.5, column=12.25))
    assert reply.status_code == 200
    (line,) = lines(dataset)
    scan = read_scan(dataset / "images" / "case0.nii.gz", intensity="hu")
    np.testing.assert_allclose(line["position"], scan.to_mm(np.array([[0, 24.5, 12.25]]))[0], atol=1e-4)
    assert (line["annotator"], line["seconds"], line["label"]) == ("anna", 2.5, 1)
    assert line["time"].endswith("+00:00")
    assert reply.json()["row"] == pytest.approx(24.5, abs=1e-3)


def test_an_answer_sent_twice_counts_once(client: TestClient, dataset: Path, answer: Answer) -> None:
    body = answer()
    assert client.post("/api/answers", json=body).json() == client.post("/api/answers", json=body).json()
    assert len(lines(dataset)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"row": -0.6},
        {"row": 47.6},
        {"column": -3},
        {"column": 48},
        {"slice": 2},
        {"slice": -1},
        {"row": 1e300},
    ],
)
def test_a_click_outside_the_image_is_refused(
    client: TestClient, dataset: Path, answer: Answer, change: dict[str, Any]
) -> None:
    reply = client.post("/api/answers", json=answer(**change))
    assert (reply.status_code, reply.json()) == (400, {"error": "the click lies outside the image; click inside it"})
    assert lines(dataset) == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "scribble"},
        {"kind": 3},
        {"case": None},
        {"case": "../case0"},
        {"case": "none"},
        {"case": ["case0"]},
        {"slice": 0.5},
        {"slice": True},
        {"row": "24"},
        {"row": None},
        {"label": 2},
        {"label": None},
        {"seconds": -1},
        {"seconds": "1"},
        {"id": "short"},
        {"id": "Z" * 32},
        {"question": "case0/0/0/24/0/24"},
        {"question": 7},
        {"kind": "unsure"},
        {"kind": "slice_tag", "slice": 9},
    ],
)
def test_a_senseless_answer_is_refused_with_a_sentence(
    client: TestClient, dataset: Path, answer: Answer, change: dict[str, Any]
) -> None:
    reply = client.post("/api/answers", json=answer(**change))
    assert reply.status_code == 400
    assert len(reply.json()["error"]) > 10
    assert lines(dataset) == []


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[1]", b"7", b'{"kind": NaN', b"\xff\xfe", b"[" * 100_000, b"null"]
)
def test_a_malformed_body_is_refused_without_a_traceback(client: TestClient, dataset: Path, body: bytes) -> None:
    reply = client.post("/api/answers", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert "Traceback" not in reply.text
    assert lines(dataset) == []


def test_numbers_that_are_none_are_refused(client: TestClient, dataset: Path, answer: Answer) -> None:
    for word in ("NaN", "Infinity"):
        body = json.dumps(answer(row=0.125)).replace("0.125", word)
        headers = {"Content-Type": "application/json"}
        assert client.post("/api/answers", content=body, headers=headers).status_code == 400
    assert lines(dataset) == []


@pytest.mark.parametrize("field", ["row", "column", "slice", "seconds", "label"])
def test_a_number_too_large_for_any_image_is_refused(
    client: TestClient, dataset: Path, answer: Answer, field: str
) -> None:
    reply = client.post("/api/answers", json=answer(**{field: 10**400}))
    assert reply.status_code == 400
    assert reply.json()["error"] == f"the request has no usable number {field!r}; reload the page"
    assert lines(dataset) == []


def test_answers_come_in_pages(client: TestClient, answer: Answer) -> None:
    ids = [client.post("/api/answers", json=answer(row=float(row))).json()["id"] for row in range(3)]
    assert [one["id"] for one in client.get("/api/answers").json()] == ids[::-1]
    assert [one["id"] for one in client.get(f"/api/answers?before={ids[1]}").json()] == ids[:1]
    assert client.get("/api/answers?before=none").status_code == 400


def test_a_huge_body_is_refused(client: TestClient, dataset: Path, answer: Answer) -> None:
    reply = client.post("/api/answers", json=answer(note="x" * MAX_BODY))
    assert reply.status_code == 413
    assert reply.json()["error"] == "the request is larger than 1 MB and was not taken; reload the page"
    assert lines(dataset) == []


def test_a_form_is_refused(client: TestClient) -> None:
    """What a page of another site can post without asking."""
    for path in ("/api/train", "/api/stop"):
        assert client.post(path, data={"a": "b"}).status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/static/../state.py",
        "/static/%2e%2e/state.py",
        "/static/..%2f..%2ferrors.py",
        "/api/cases/..%2f..%2fetc%2fpasswd",
        "/api/cases/%2e%2e/slices/0",
        "/api/cases/none",
        "/api/cases/case0/slices/2",
        "/api/cases/case0/slices/99999999999999999999",
        f"/api/cases/case0/slices/{'9' * 5000}",
        f"/api/cases/case0/slices/{'9' * 5000}/probability",
        f"/api/cases/case0/slices/{'9' * 5000}/uncertainty",
        "/api/cases/case0/slices/\u0663",
        "/api/cases/case0/slices/-1",
        "/images/case0.nii.gz",
        "/api/cases/none/points.mrk.json",
        "/api/answers/none",
    ],
)
def test_a_path_outside_the_dataset_gives_nothing(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code in (400, 404)
    assert "Traceback" not in reply.text
    assert "import" not in reply.text


def test_a_slice_comes_as_the_numbers_of_the_scan(client: TestClient, dataset: Path) -> None:
    scan = read_scan(dataset / "images" / "case1.nii.gz", intensity="hu")
    reply = client.get("/api/cases/case1/slices/1")
    np.testing.assert_array_equal(np.frombuffer(reply.content, "<i2").reshape(48, 48), scan.voxels[1])
    assert client.get("/api/cases/case1").json()["shape"] == [2, 48, 48]


def test_there_is_no_overlay_without_a_model(client: TestClient) -> None:
    reply = client.get("/api/cases/case0/slices/0/probability")
    assert (reply.status_code, reply.json()["error"]) == (400, "there is no model yet; train one first")


def test_the_page_learns_names_and_windows_but_no_path(client: TestClient, dataset: Path) -> None:
    session = client.get("/api/session").json()
    assert session["annotator"] == "anna"
    assert session["windows"]["lung"] == [-1250, 250]
    assert str(dataset) not in client.get("/api/summary").text + client.get("/api/cases/case0").text


def test_an_unforeseen_failure_shows_no_traceback(
    annotator: Annotator, client: TestClient, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(annotator.annotation, "answer", broken)
    gentle = TestClient(client.app, base_url=str(client.base_url), raise_server_exceptions=False)
    gentle.headers, gentle.cookies = client.headers, client.cookies
    reply = gentle.post("/api/answers", json=answer())
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text
