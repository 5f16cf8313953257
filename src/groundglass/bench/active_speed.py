"""How long it takes to score a pool."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from groundglass.active.acquisition import Entropy
from groundglass.active.mc_dropout import lesion_draws
from groundglass.active.regions import Regions
from groundglass.active.settings import active_recipe
from groundglass.experiments.checkpoint import build_method
from groundglass.files import write_text
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.machine import machine
from groundglass.training.machine import versions

CHUNK = 16


def pool_speed(path: Path, *, slices: int = 100, draws: int = 20) -> str:
    """Score slices of the default size with the default network, and write the seconds.

    Args:
        path: ``speed.json``; what else is in it stays.
        slices: Slices in the pool.
        draws: Passes with dropout.

    Returns:
        The figures, as JSON.
    """
    keep_freed_memory()
    config = active_recipe(None)
    method = build_method(config).eval()
    images = torch.rand((slices, 1, *config.grid.size), generator=torch.Generator().manual_seed(0))
    regions = Regions.of(config.grid.size, 64)
    started, busy = time.perf_counter(), time.process_time()
    for start in range(0, slices, CHUNK):
        drawn = lesion_draws(method, images[start : start + CHUNK], draws)
        regions.reduce(Entropy().score(drawn).numpy())
    measured: dict[str, Any] = {
        "pool_seconds": round(time.perf_counter() - started, 2),
        "pool_cpu_seconds": round(time.process_time() - busy, 2),
        "pool_slices": slices,
        "pool_draws": draws,
        "size": list(config.grid.size),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "versions": versions(),
    }
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    content = json.dumps(before | measured, indent=1) + "\n"
    write_text(path, content)
    return content
