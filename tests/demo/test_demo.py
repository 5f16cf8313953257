"""The demo: a small one in every test run, the real one in the slow tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundglass.cli import main
from groundglass.demo import RECIPES
from groundglass.demo import run_demo
from groundglass.errors import InputError
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan


def test_small_demo_leaves_a_page_and_a_mask(tmp_path: Path) -> None:
    demo = run_demo(tmp_path / "demo", count=4, epochs=1, samples=8, quiet=True)
    assert [row.title for row in demo.rows] == ["clicks, point loss", "clicks, CB(Flip,Rot)+PL", "full masks"]
    assert demo.page.stat().st_size > 50_000
    mask = read_mask(tmp_path / "demo" / "unseen-lesions.nii.gz")
    assert mask.shape == read_scan(tmp_path / "demo" / "unseen.nii.gz").shape
    costs = [row.run.result["label_seconds"] for row in demo.rows]
    assert costs[0] == costs[1] < costs[2]


def test_demo_does_not_clear_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not a former demo"):
        run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


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
