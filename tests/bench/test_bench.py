"""Benchmarks: rows are run once, tables are made from what is committed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from slices import SMALL
from slices import small_plan

from groundglass.bench import network_cost as network_cost_module
from groundglass.bench import throughput as throughput_module
from groundglass.bench.table2 import table2
from groundglass.bench.throughput import throughput


def test_table2_runs_rows_once_and_writes_the_table(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, rows=["pl", "full"], seeds=[0, 1])
    table = table2(plan)
    assert "| full | plain-unet | 32 | 2 | 2 |" in table
    assert "0.54 / 0.37 / 0.39 / 0.88 / 0.73" in table
    result = json.loads((plan.output / "pl-plain-unet-seed1.json").read_text())
    wanted = {"experiment", "method", "network", "variant", "dataset", "split_hash", "seed", "n_cases", "metrics"}
    wanted |= {"label_seconds", "train_seconds", "threads", "versions", "command"}
    assert wanted <= set(result)
    assert {"dice_global", "dice_case", "iou", "ppv", "sensitivity", "specificity"} <= set(result["metrics"])
    assert (result["n_cases"], result["seed"], result["label_seconds"]) == (3, 1, 9 * 4 * 3.0)
    assert (result["experiment"], result["overrides"]) == ("table2", SMALL)
    words = shlex.split(result["command"])
    assert words[:5] == ["groundglass", "bench", "table2", "--root", "medseg100"]
    assert words[5:9] == ["--rows", "pl", "--networks", "plain-unet"]
    assert (words[9:12], json.loads(words[12])) == (["--seeds", "1", "--overrides"], SMALL)
    marked = plan.output / "full-plain-unet-seed0.json"
    stamp = marked.stat().st_mtime_ns
    table2(plan)
    assert marked.stat().st_mtime_ns == stamp


def test_rows_of_a_name_are_another_experiment(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, output=tmp_path / "table2-brief", rows=["pl"], seeds=[0], name="brief")
    table2(plan)
    result = json.loads((plan.output / "pl-plain-unet-seed0.json").read_text())
    assert result["experiment"] == "table2-brief"
    assert "--name brief" in result["command"]


def test_throughput_splits_a_step_into_network_and_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = throughput_module.load_recipe("pl", {"network": "plain-unet", **SMALL})
    monkeypatch.setattr(throughput_module, "load_recipe", lambda recipe: small)
    monkeypatch.setattr(throughput_module, "keep_freed_memory", lambda: True)
    figures = json.loads(throughput(tmp_path / "throughput.json"))["kept_memory"]["pl"]
    assert figures["images_per_second"] == pytest.approx(4 / figures["seconds_per_step"], rel=0.02)
    assert 0 < figures["share_outside_network"] < 1


def test_the_cost_of_networks_is_that_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [network_cost_module.Setting("plain-unet", 32, 2), network_cost_module.Setting("plain-unet", 64, 2)]
    monkeypatch.setattr(network_cost_module, "SETTINGS", settings)
    monkeypatch.setattr(network_cost_module, "keep_freed_memory", lambda: True)
    record = json.loads(network_cost_module.network_cost(tmp_path / "network-cost.json"))
    small, large = record["rows"]
    assert 0 < small["seconds_per_image"] < large["seconds_per_image"]
    assert small["parameters"] == large["parameters"] > 1_000_000
    ratio = large["seconds_per_image"] / small["seconds_per_image"]
    assert record["times_cheaper_than_the_paper"] == pytest.approx(ratio, rel=0.05)
