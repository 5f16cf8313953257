"""What a training step of each network costs: how much cheaper than the paper's is the default?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from typing import NamedTuple

import torch

from groundglass.bench.throughput import timed_steps
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.machine import machine
from groundglass.training.machine import versions


class Setting(NamedTuple):
    """A network at a size, and how many slices a step has there."""

    network: str
    size: int
    batch_size: int


SETTINGS = (
    Setting("unet", 192, 8),
    Setting("unet", 256, 8),
    Setting("plain-unet", 192, 8),
    Setting("fcn8", 192, 2),
    Setting("fcn8", 352, 1),
)
STEPS = 3
"""After one more to warm up."""


def network_cost(path: Path) -> str:
    """Time steps of CB(Flip,Rot)+PL, two forward passes and one backward, with each network; write JSON.

    Returns:
        The content of the file.
    """
    keep_freed_memory()
    rows = [_row(setting) for setting in SETTINGS]
    record: dict[str, Any] = {"experiment": "network-cost", "recipe": "cb-flip-rot", "rows": rows}
    record |= {"times_cheaper_than_the_paper": round(rows[-1]["seconds_per_image"] / rows[0]["seconds_per_image"], 1)}
    record |= {"threads": torch.get_num_threads(), "machine": machine(), "versions": versions()}
    content = json.dumps(record | {"command": "groundglass bench network-cost"}, indent=1) + "\n"
    write_text(path, content)
    return content


def _row(setting: Setting) -> dict[str, Any]:
    config = load_recipe("cb-flip-rot", {"network": setting.network, "batch_size": setting.batch_size})
    config = replace(config, grid=replace(config.grid, size=(setting.size, setting.size)))
    steps = timed_steps(config, 1 + STEPS)[1:]
    parameters = sum(weight.numel() for weight in build_method(config).network.parameters())
    seconds = median(step.total for step in steps) / setting.batch_size
    return {**setting._asdict(), "parameters": parameters, "seconds_per_image": round(seconds, 4)}
