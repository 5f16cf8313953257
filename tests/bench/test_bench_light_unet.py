from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from groundglass.bench import light_unet as module
from groundglass.bench.light_unet import light_unet
from groundglass.bench.light_unet import multiply_adds


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
