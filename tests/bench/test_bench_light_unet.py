from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from slices import SMALL
from slices import small_plan
from torch import nn

from groundglass.bench import light_unet as module
from groundglass.bench.light_unet import light_unet
from groundglass.bench.light_unet import multiply_adds
from groundglass.bench.light_unet_ablation import light_unet_ablation
from groundglass.errors import InputError


def test_multiply_adds_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 2, 1))
    assert multiply_adds(network, (10, 8)) == 80 * (4 * 9 + 4 * 9 + 4 * 2)


@pytest.mark.slow  # importing monai takes seconds
def test_the_table_has_a_row_for_each_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE", 64)
    table = light_unet(tmp_path / "light-unet.json")
    rows: list[dict[str, Any]] = json.loads((tmp_path / "light-unet.json").read_text())["rows"]
    assert (tmp_path / "light-unet.md").read_text() == table
    sizes = {(row["network"], row["channels"]): row["parameters"] for row in rows}
    assert sizes["U-Net", "64 to 1024"] > 30e6
    assert sizes["light U-Net", "32 to 512"] < sizes["U-Net", "32 to 512"]
    assert all(f"| {name} |" in table for name, _ in sizes)
    assert torch.is_grad_enabled()


def test_the_ablation_leaves_out_what_it_says(tmp_path: Path) -> None:
    rows = ["baseline", "fe-rc", "fe-rc-mdppm", "plain-unet"]
    plan = small_plan(tmp_path, output=tmp_path / "light-unet-ablation", rows=rows, seeds=[0], networks=[""])
    table = light_unet_ablation(plan)
    lines = [line.split(" | ")[0].strip("| ") for line in table.splitlines()[2:6]]
    assert lines == rows
    results = [json.loads((plan.output / f"{row}-seed0.json").read_text()) for row in rows]
    assert [one["network"] for one in results] == ["light-unet"] * 3 + ["plain-unet"]
    assert [one["method"] for one in results] == rows
    parameters = [one["metrics"]["parameters"] for one in results[:3]]
    assert parameters == sorted(set(parameters))
    assert results[0]["overrides"] == SMALL
    assert results[0]["experiment"] == "light-unet-ablation"
    assert (plan.output / "light-unet-ablation.md").read_text() == table


def test_an_unknown_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fe-rc-mdppm"):
        light_unet_ablation(small_plan(tmp_path, rows=["psp"]))
