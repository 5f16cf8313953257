"""``groundglass compare``: trained runs in a table, printed and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from finished_runs import write_run

from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
from groundglass.training.run import train


@pytest.fixture
def runs(tmp_path: Path, small_config: Callable[..., Config]) -> list[str]:
    return [str(write_run(tmp_path / f"run{seed}", small_config(seed=seed))) for seed in range(3)]


def test_what_train_leaves_behind_can_be_compared(
    blobs: DatasetFolder, small_config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        train(small_config(seed=seed, epochs=1), blobs.root, tmp_path / str(seed), quiet=True, device="cpu")
    assert main(["compare", str(tmp_path / "0"), str(tmp_path / "1")]) == 0
    shown = capsys.readouterr().out
    assert "| points | plain-unet | 2 |" in shown
    assert f"test cases: 1 of blobs, split {blobs.split.hash}" in shown
    assert "Research use only" in shown


def test_the_table_is_written_too(runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "-o", str(tmp_path / "new" / "table.md")]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "new" / "table.md").read_text("utf-8") == printed
    assert main(["compare", *runs, "-o", str(tmp_path / "table.csv")]) == 0
    assert capsys.readouterr().out == printed
    assert (tmp_path / "table.csv").read_text().startswith("method,network,seeds,dice_global,dice_global_sd_over_seeds")


@pytest.mark.parametrize(
    ("output", "words"), [("table.txt", ".md or .csv"), ("old.md", "exists already"), ("file/table.md", "not")]
)
def test_an_output_that_cannot_be_is_refused_and_nothing_lost(
    output: str, words: str, runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.md").write_text("mine")
    (tmp_path / "file").touch()
    assert main(["compare", *runs, "-o", str(tmp_path / output)]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""
    assert (tmp_path / "old.md").read_text() == "mine"


def test_what_is_no_run_is_refused(runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert shown.err == f"groundglass: {tmp_path}: is no run; give folders that 'groundglass train' has made\n"
    assert shown.out == ""
    assert main(["compare", *runs, runs[0]]) == 2
    assert "would count twice" in capsys.readouterr().err
