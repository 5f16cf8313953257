"""The GASNet benchmark: rows, masks and tables, on what is prepared in a moment."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from groundglass.bench import gasnet as gasnet_bench
from groundglass.bench import gasnet_data
from groundglass.bench.gasnet import ABLATION
from groundglass.bench.gasnet import ROWS
from groundglass.bench.gasnet import VolumeCell
from groundglass.bench.gasnet import gasnet
from groundglass.bench.gasnet_data import drawn_cases
from groundglass.bench.gasnet_speed import gasnet_speed
from groundglass.bench.gasnet_tables import write_tables
from groundglass.bench.plan import Plan
from groundglass.cli.bench import EXPERIMENTS
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.methods.gasnet_weights import resolve_weights

SMALL: dict[str, Any] = {
    "network_options": {"base": 2},
    "grid": {"size": [32, 32], "depth": 8},
    "method_options": {
        "generator": {"base": 2, "levels": 3},
        "discriminator": {"base": 2, "levels": 3, "cells": [1, 1, 1]},
        "synthetic_from": 1,
    },
    "epochs": 1,
    "epoch_samples": 2,
    "precision": "32",
}


@pytest.fixture
def plan(tmp_path: Path, volumes: DatasetFolder, monkeypatch: pytest.MonkeyPatch) -> Plan:
    for module in (gasnet_data, gasnet_bench):
        monkeypatch.setattr(module, "tagged_volumes", lambda plan, name: volumes)
    work = volumes.root.parent  # the dataset with masks lies beside the one without
    return Plan(root=None, output=tmp_path / "gasnet", work=work, rows=["full-1masks"], overrides=SMALL, quiet=True)


def test_rows_are_run_once_and_tables_made(plan: Plan) -> None:
    rows = ["brightness-0masks", "full-1masks", "gasnet-1masks", "gasnet-0masks", "plain-1masks"]
    plan = Plan(**{**vars(plan), "rows": rows, "seeds": (0,), "networks": ["unet3d"]})
    table = gasnet(plan)
    names = sorted(path.name for path in plan.output.glob("*.json"))
    assert names == [f"phantoms-{row}-seed0.json" for row in sorted(rows)]
    for title in (
        "brightness, nothing trained",
        "GASNet, tags alone",
        "GASNet with one mask less one mask alone",
        "L_recons",
        "1 masks",
    ):
        assert title in table
    result = json.loads((plan.output / "phantoms-gasnet-1masks-seed0.json").read_text())
    assert (result["method"], result["masks"], result["label_seconds"]) == ("gasnet", 1, 12 * 96)
    assert {"dice_case", "dice_case_sd", "sensitivity", "specificity"} <= set(result["metrics"])
    words = shlex.split(result["command"])
    assert words[:5] == ["groundglass", "bench", "gasnet", "--rows", "gasnet-1masks"]
    without = json.loads((plan.output / "phantoms-gasnet-0masks-seed0.json").read_text())
    assert without["label_seconds"] == 0
    assert without["threshold"] == 0.5
    assert without["metrics"]["sensitivity"] == without["metrics"]["sensitivity_case"]
    stamp = (plan.output / names[0]).stat().st_mtime_ns
    gasnet(plan)
    assert (plan.output / names[0]).stat().st_mtime_ns == stamp


def test_masks_are_of_diseased_training_scans_and_nested(volumes: DatasetFolder) -> None:
    assert set(drawn_cases(volumes, 4)) == {"scan00", "scan02", "scan04", "scan06"}
    assert drawn_cases(volumes, 1) == drawn_cases(volumes, 4)[:1]
    with pytest.raises(InputError, match="5 masks are more than the 4 diseased"):
        drawn_cases(volumes, 5)


def test_each_row_of_table_v_has_one_term_more() -> None:
    terms = ("recons", "ig_to_d", "id_to_d", "mil", "synthetic", "transplanted")
    for count, row in enumerate((*ABLATION, "gasnet")):
        options = VolumeCell(f"{row}-1masks", "unet3d", 0, "phantoms").config({}).method_options
        weights = resolve_weights("released", options["weights"])
        assert [getattr(weights, term) > 0 for term in terms] == [number < count for number in range(6)]


@pytest.mark.parametrize("row", ROWS[1:])  # the first has nothing to train
@pytest.mark.parametrize("network", ["unet3d", "vnet"])
def test_every_row_is_a_recipe(row: str, network: str) -> None:
    cell = VolumeCell(row, network, 3, "phantoms")
    config = cell.config({})
    assert config.seed == 3
    assert config.network == network
    assert config.method == (cell.method if cell.method in ("full", "mil") else "gasnet")
    assert config.labels == (["scan_tag"] if row == "gasnet-0masks" else None)
    assert cell.name.endswith(f"{cell.masks}masks-seed3")


@pytest.mark.parametrize("row", ["gasnet", "gasnet-masks", "unknown-1masks", "gasnet-1"])
def test_a_wrong_row_is_answered_with_what_there_is(row: str) -> None:
    with pytest.raises(InputError, match="methods are full, mil, gasnet"):
        VolumeCell(row, "unet3d", 0, "phantoms")


def test_the_share_of_each_network_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(perf_counter=time.process_time)  # steps of milliseconds, on a machine that may be busy
    monkeypatch.setattr("groundglass.bench.gasnet_speed.time", clock)
    overrides = {key: value for key, value in SMALL.items() if key in ("network_options", "grid", "method_options")}
    figures = json.loads(gasnet_speed(tmp_path / "speed.json", overrides=overrides, threads=1))
    ours, often, released = figures["steps"]
    assert [one["recipe"] for one in figures["steps"]] == ["gasnet", "gasnet", "gasnet-released"]
    assert (ours["critic_steps"], often["critic_steps"], released["critic_steps"]) == (1, 5, 5)
    assert set(ours["share"]) - {"rest"} == set(ours["parameters"]) == {"network", "generator", "discriminator"}
    assert sum(ours["share"].values()) == pytest.approx(1)
    assert often["seconds_per_step"] > ours["seconds_per_step"] > 0
    assert ours["share"]["network"] > 0
    assert 0 < ours["peak_rss_gb"] < 6


def test_the_command_knows_it() -> None:
    assert {"gasnet", "gasnet-speed"} <= set(EXPERIMENTS)


def test_a_table_of_other_networks(tmp_path: Path) -> None:
    base = {"dataset": "phantoms", "seed": 0, "train_seconds": 1.0, "machine": "m", "threads": 2}
    for method, network, masks, dice in (("full", "vnet", 1, 0.3), ("gasnet", "vnet", 4, 0.5)):
        record = base | {"method": method, "network": network, "masks": masks, "metrics": {"dice_case": dice}}
        (tmp_path / f"{method}.json").write_text(json.dumps(record))
    table = write_tables(tmp_path)
    assert "| masks alone | vnet | 0.300 | - |" in table
    assert "| GASNet | vnet | - | 0.500 |" in table
