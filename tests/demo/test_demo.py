"""The demo: a small one in every test run, the real one in the slow tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from groundglass.cli import main
from groundglass.demo.folder import MARK
from groundglass.demo.folder import begin
from groundglass.demo.run import RECIPES
from groundglass.demo.run import _dataset
from groundglass.demo.run import run_demo
from groundglass.errors import InputError
from groundglass.experiments.precision import quickest
from groundglass.labels.events import ScanTag
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan

SMALL: dict[str, Any] = {"count": 4, "epochs": 1, "samples": 8, "quiet": True}


def test_small_demo_leaves_a_page_and_a_mask(tmp_path: Path) -> None:
    made = run_demo(tmp_path / "demo", **SMALL)
    assert [row.title for row in made.rows] == ["clicks, point loss", "clicks, CB(Flip,Rot)+PL", "full masks"]
    assert made.page.stat().st_size > 50_000
    assert "One seed: differences of a few points are chance." in made.page.read_text()
    assert re.search(r"have lesions in \d+ % of the lung,\s+the test scans in \d+ %", made.page.read_text())
    mask = read_mask(tmp_path / "demo" / "unseen-lesions.nii.gz")
    assert mask.shape == read_scan(tmp_path / "demo" / "unseen.nii.gz").shape
    assert {row.run.config.precision for row in made.rows} == {quickest()}
    costs = [row.run.result["label_seconds"] for row in made.rows]
    assert costs[0] == costs[1] < costs[2]


def test_demo_leaves_a_folder_alone_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no interrupted demo"):
        run_demo(tmp_path)
    with pytest.raises(InputError, match="no interrupted demo"):
        run_demo(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_finished_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MARK).touch()
    (tmp_path / "index.html").touch()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds a finished demo; open its index\.html"):
        run_demo(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_interrupted_demo_goes_on_and_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("groundglass.demo.run._predict_unseen", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_demo(tmp_path / "demo", **SMALL)
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="begun with other options"):
        run_demo(tmp_path / "demo", seed=1, **SMALL)
    assert run_demo(tmp_path / "demo", **SMALL).page.exists()
    assert (tmp_path / "demo" / "notes.txt").read_text() == "mine"


def test_a_demo_whose_dataset_somebody_answered_in_is_left_alone(tmp_path: Path) -> None:
    begin(tmp_path, {"seed": 0, "count": 4, "epochs": 1, "samples": 8})
    folder = _dataset(tmp_path / "dataset", 0, 4)
    folder.store.append([ScanTag(case="phantom-000", seconds=1.0, label=1, annotator="anna")])
    before = folder.store.path.read_bytes()
    with pytest.raises(InputError, match="somebody has answered in it"):
        run_demo(tmp_path, **SMALL)
    assert folder.store.path.read_bytes() == before


def test_an_output_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="could not be written"):
        run_demo(tmp_path / "file" / "demo")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_demo_comes_out_in_the_papers_order_and_prints_its_page_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "-o", str(tmp_path / "demo"), "--quiet"]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1] == str(tmp_path / "demo" / "index.html")
    results = [json.loads((tmp_path / "demo" / "runs" / recipe / "result.json").read_text()) for recipe in RECIPES]
    points, consistency, full = (result["metrics"]["dice_global"] for result in results)
    assert points < consistency < full
