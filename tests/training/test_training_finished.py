"""Runs read from their folders, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_runs import write_run

from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.training.finished import read_finished


def test_settings_are_flat_and_know_no_seed(tmp_path: Path, small_config: Callable[..., Config]) -> None:
    config = small_config(seed=7, method_options={"reduction": "balanced"})
    run = read_finished(write_run(tmp_path / "run", config))
    assert (run.seed, run.settings["grid.size"], run.settings["epochs"]) == (7, [32, 32], 2)
    assert run.settings["method_options.reduction"] == "balanced"
    assert run.settings["labels_hash"] == "abc"
    assert not {"seed", "data", "split_hash"} & run.settings.keys()


def test_one_recipe_is_told_by_all_but_seed_and_place(tmp_path: Path, small_config: Callable[..., Config]) -> None:
    one, seed, moved, other, labels = (
        read_finished(write_run(tmp_path / name, small_config(**changes), **data)).recipe
        for name, changes, data in (
            ("a", {}, {}),
            ("b", {"seed": 1}, {}),
            ("c", {}, {"data": "elsewhere"}),
            ("d", {"epochs": 3}, {}),
            ("e", {}, {"labels_hash": "more clicks"}),
        )
    )
    assert one == seed == moved
    assert len({one, other, labels}) == 3


def test_keys_younger_than_a_run_have_their_defaults(tmp_path: Path, small_config: Callable[..., Config]) -> None:
    new, old = write_run(tmp_path / "new", small_config()), write_run(tmp_path / "old", small_config())
    record = yaml.safe_load((old / "config.yaml").read_text())
    del record["smooth_mm"], record["settings"]["noise"]
    (old / "config.yaml").write_text(yaml.safe_dump(record))
    assert read_finished(old).recipe == read_finished(new).recipe


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.yaml", None, "is no run; give folders that 'groundglass train' has made"),
        ("config.yaml", "[", "config.yaml: damaged"),
        ("config.yaml", "epoch: 3", "config.yaml: from another version of groundglass .*'epoch'"),
        ("result.json", None, "this run was not finished; go on with it by groundglass train --resume"),
        ("result.json", "{", "result.json: damaged"),
        ("result.json", "{}", "result.json: damaged"),
    ],
)
def test_what_cannot_be_compared_is_said(
    name: str, content: str | None, message: str, tmp_path: Path, small_config: Callable[..., Config]
) -> None:
    folder = write_run(tmp_path / "run", small_config())
    (folder / name).unlink() if content is None else (folder / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_finished(folder)


@pytest.mark.parametrize("change", [{"metrics": {"ppv": "high"}}, {"metrics": None}, {"n_cases": "5"}])
def test_a_result_of_the_wrong_kind_is_damaged(
    change: dict[str, Any], tmp_path: Path, small_config: Callable[..., Config]
) -> None:
    path = write_run(tmp_path / "run", small_config()) / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=r"result\.json: damaged"):
        read_finished(path.parent)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: there is no such file or folder"):
        read_finished(tmp_path / "nowhere")


def test_reading_does_without_torch() -> None:
    code = "import sys, groundglass.report.run_comparison; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
