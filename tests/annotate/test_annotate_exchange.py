"""Points to and from 3D Slicer and spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.posts import MAX_BODY
from groundglass.annotate.posts import MAX_IMPORT
from groundglass.labels.events import Point
from groundglass.labels.store import LabelStore

Answer = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, TestClient]]

ONE = "x_lps_mm,y_lps_mm,z_lps_mm\n-10,-20,-100\n"


def read(dataset: Path) -> list[Point]:
    labels = LabelStore(dataset / "labels.jsonl").read()
    return [label for label in labels if isinstance(label, Point)]


def bring(client: TestClient, name: str, text: str, case: str = "case0") -> Any:
    """What an import replies."""
    body = json.dumps({"case": case, "name": name, "text": text})
    return client.post("/api/import", content=body, headers={"Content-Type": "application/json"}).json()


def test_points_go_out_and_come_in(client: TestClient, dataset: Path, answer: Answer) -> None:
    client.post("/api/answers", json=answer())
    client.post("/api/answers", json=answer(label=0, row=3.0))
    table = client.get("/api/points.csv").text
    slicer = client.get("/api/cases/case0/points.mrk.json").text
    before = LabelStore(dataset / "labels.jsonl").read()
    (dataset / "labels.jsonl").unlink()
    body = {"case": "case0", "name": "mine.csv", "text": table}
    assert client.post("/api/import", json=body).json() == {"added": 2, "already": 0}
    assert client.post("/api/import", json=body).json() == {"added": 0, "already": 2}
    assert LabelStore(dataset / "labels.jsonl").read() == before
    imported = client.post("/api/import", json={"case": "case1", "name": "F.mrk.json", "text": slicer}).json()
    assert imported == {"added": 2, "already": 0}
    points = [label for label in LabelStore(dataset / "labels.jsonl").read() if label.case == "case1"]
    assert [point.label for point in points if isinstance(point, Point)] == [1, 0]


def test_ones_own_large_export_comes_back_in(client: TestClient) -> None:
    rows = [f"case0,{number % 300 / 10 - 19:.1f},{number // 300 / 10 - 29:.1f},-100" for number in range(15_000)]
    table = "\n".join(["case,x_lps_mm,y_lps_mm,z_lps_mm", *rows])
    assert bring(client, "many.csv", table) == {"added": 15_000, "already": 0}
    exported = client.get("/api/points.csv").text
    assert len(exported) > MAX_BODY
    assert bring(client, "points.csv", exported) == {"added": 0, "already": 15_000}


def test_a_file_that_is_too_large_is_said_with_what_to_do(client: TestClient) -> None:
    said = bring(client, "large.csv", "x" * MAX_IMPORT)["error"]
    assert said == "the file is larger than 32 MB; split it, for instance into one for each scan, and import those"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("points.txt", "", "neither"),
        ("points.csv", "x,y,z\n1,2,3\n", "name the axes"),
        ("points.csv", "l,p,s\n1,2,3\n5000,2,3\n", "of 2 points lie outside the image of case case0"),
        ("points.csv", "case,l,p,s\nnone,1,2,3\n", "no case of that name"),
        ("points.mrk.json", "{}", "not a Slicer point list"),
    ],
)
def test_a_wrong_file_of_points_is_refused_whole(
    client: TestClient, dataset: Path, name: str, text: str, says: str
) -> None:
    reply = client.post("/api/import", json={"case": "case0", "name": name, "text": text})
    assert reply.status_code == 400
    assert says in reply.json()["error"]
    assert not (dataset / "labels.jsonl").exists()


def test_ones_own_slicer_list_adds_nothing_whoever_brings_it_back(
    annotator: Annotator, log_in: LogIn, dataset: Path, answer: Answer
) -> None:
    clients = log_in(annotator, "anna", "ben")
    clients["anna"].post("/api/answers", json=answer())
    clients["ben"].post("/api/answers", json=answer(row=20.0))
    clients["ben"].post("/api/answers", json=answer(row=3.0, label=0))
    before = read(dataset)
    text = clients["anna"].get("/api/cases/case0/points.mrk.json").text
    for client in clients.values():
        assert bring(client, "points.mrk.json", text) == {"added": 0, "already": 3}
    assert read(dataset) == before


def test_what_was_added_or_moved_in_slicer_is_the_importers(
    annotator: Annotator, log_in: LogIn, dataset: Path, answer: Answer
) -> None:
    clients = log_in(annotator, "anna", "ben")
    for row in (10.0, 20.0):
        clients["anna"].post("/api/answers", json=answer(row=row))
    content = json.loads(clients["ben"].get("/api/cases/case0/points.mrk.json").text)
    controls = content["markups"][0]["controlPoints"]
    controls[0]["position"][0] += 2.0
    controls[0]["description"] = "anna; spiculated"
    controls[1]["description"] = "a remark"
    controls.append({"label": "F-3", "position": [-10.0, -20.0, -100.0]})
    for added in (2, 0):
        assert bring(clients["ben"], "F.mrk.json", json.dumps(content)) == {"added": added, "already": 3 - added}
    assert sorted(point.annotator for point in read(dataset)) == ["anna", "anna", "ben", "ben"]


def test_a_table_keeps_who_placed_what(annotator: Annotator, log_in: LogIn, dataset: Path, answer: Answer) -> None:
    clients = log_in(annotator, "anna", "ben")
    for client in clients.values():
        client.post("/api/answers", json=answer())
    table, before = clients["anna"].get("/api/points.csv").text, read(dataset)
    assert bring(clients["ben"], "points.csv", table) == {"added": 0, "already": 2}
    (dataset / "labels.jsonl").unlink()
    assert bring(clients["ben"], "points.csv", table) == {"added": 2, "already": 0}
    assert read(dataset) == before


def test_ids_that_are_numbers_of_each_case_drop_no_point(client: TestClient, dataset: Path) -> None:
    rows = [f"{number},case{case},-{9 + number},-20,-100" for case in (0, 1) for number in (1, 2)]
    table = "\n".join(["id,case,x_lps_mm,y_lps_mm,z_lps_mm", *rows])
    assert bring(client, "mine.csv", table) == {"added": 4, "already": 0}
    assert bring(client, "mine.csv", table) == {"added": 0, "already": 4}
    assert len(read(dataset)) == 4


def test_what_was_taken_back_can_be_imported_again(client: TestClient, dataset: Path) -> None:
    assert bring(client, "mine.csv", ONE) == {"added": 1, "already": 0}
    assert client.post("/api/undo", json={}).status_code == 200
    for added in (1, 0):
        assert bring(client, "mine.csv", ONE) == {"added": added, "already": 1 - added}
    assert len(read(dataset)) == 1
    assert len(client.get("/api/cases/case0").json()["marks"]) == 1


@pytest.mark.parametrize("time", ["", "yesterday", "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_undo_takes_back_what_was_imported_last_and_then_what_was_before(
    client: TestClient, annotator: Annotator, answer: Answer, time: str
) -> None:
    question = annotator.annotation.guide.next("anna")
    assert question is not None
    ids = [client.post("/api/answers", json=answer(case="case2")).json()["id"]]
    unsure = answer(kind="unsure", case=question.case, question=question.key)
    ids.append(client.post("/api/answers", json=unsure).json()["id"])
    assert bring(client, "a.csv", f"l,p,s,annotator,time,id\n-10,-20,-100,anna,{time},{'a' * 32}\n")["added"] == 1
    ids += ["a" * 32, client.post("/api/answers", json=answer(row=3.0)).json()["id"]]
    bring(client, "F.mrk.json", SLICER.replace("-10,", "-12,"), "case1")
    ids.append(annotator.annotation.labels.case("case1")[-1].id)
    ids.append(client.post("/api/answers", json=answer(row=5.0)).json()["id"])
    assert [one["id"] for one in client.get("/api/answers").json()] == ids[::-1]
    again = open_annotator(annotator.source.path).annotation
    assert {one["id"] for one in again.answers("anna")} == set(ids)
    assert [one["id"] for one in again.answers("anna") if not one["skipped"]] == ids[:1:-1] + ids[:1], "as written"
    for id in ids[::-1]:
        assert client.post("/api/undo", json={}).json()["id"] == id


def test_words_of_a_table_are_understood_or_refused(client: TestClient, dataset: Path) -> None:
    rows = [
        f"-{8 + number},-20,-100,{word}" for number, word in enumerate(("False", "no lesion", "negative", "lesion"))
    ]
    table = "\n".join(["l,p,s,label", *rows])
    said = bring(client, "mine.csv", table.replace("negative", "suspicious"))["error"]
    assert said == "line 4 of the table: the label 'suspicious' is neither lesion nor background (1 nor 0); mend it"
    assert read(dataset) == []
    assert bring(client, "mine.csv", table)["added"] == 4
    assert [point.label for point in read(dataset)] == [0, 0, 0, 1]


CSV = "case,x_lps_mm,y_lps_mm,z_lps_mm,annotator,seconds\n"
SLICER = '{"markups": [{"coordinateUnits": "mm", "controlPoints": [{"position": [-10, -20, -100]}]}]}'


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", CSV.replace("\n", "\rcase0,-10,-20,-100,,\r"), "carriage return"),
        ("a.csv", CSV + "x" * 140_000 + ",-10,-20,-100,,\n", "a cell is too long"),
        ("a.csv", CSV + "case0,-10,-20,-100,\ud800x,\n", "half a character"),
        ("a.csv", CSV + "\ud800,-10,-20,-100,,\n", "half a character"),
        ("a.csv", CSV + "case0,-10,-20,-100,,1e308\ncase0,-11,-20,-100,,1e308\n", "not from 0 to 600"),
        ("a.csv", CSV + "case0,1e400,-20,-100,,\n", "not a number"),
        ("a.csv", CSV + "case0,1e300,-20,-100,,\n", "outside the image"),
        ("a.mrk.json", "[" * 100_000, "not a Slicer point list"),
        ("a.mrk.json", SLICER.replace('"mm"', "[]"), "save it in LPS or RAS mm"),
        ("a.mrk.json", SLICER.replace('"mm"', '"\\ud800"'), "save it in LPS or RAS mm"),
        ("a.mrk.json", SLICER.replace("-10,", "1" + "0" * 400 + ","), "a position is not a number"),
        ("a.mrk.json", SLICER.replace("-10,", "1" + "0" * 5000 + ","), "not a Slicer point list"),
        ("a.mrk.json", SLICER.replace("-10,", "1e300,"), "outside the image"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence_and_poisons_nothing(
    client: TestClient, dataset: Path, name: str, text: str, says: str
) -> None:
    assert says in (said := bring(client, name, text)["error"])
    assert len(said) < 250
    assert not (dataset / "labels.jsonl").exists()
    for path in ("/api/summary", "/api/cases/case0", "/api/points.csv"):
        assert client.get(path).status_code == 200


def test_a_store_poisoned_before_is_refused_with_its_line(dataset: Path, client: TestClient) -> None:
    bring(client, "a.csv", ONE)
    path = dataset / "labels.jsonl"
    path.write_text(path.read_text().replace('"anna"', '"\\ud800x"'))
    assert "line 1: label of kind 'point': annotator cannot be" in client.get("/api/summary").json()["error"]
    with pytest.raises(ValueError, match="line 1"):
        open_annotator(dataset)
