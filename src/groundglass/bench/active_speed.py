"""How long it takes to score a pool, and how quickly the annotator answers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundglass.active.acquisition import Entropy
from groundglass.active.regions import Regions
from groundglass.active.scoring import score_maps
from groundglass.active.settings import active_recipe
from groundglass.bench.annotator_speed import annotator_speed
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.experiments.precision import multiplying
from groundglass.files import write_text
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.machine import machine
from groundglass.training.machine import versions

REGIONS = 64


def speed(path: Path) -> str:
    """Measure both and write them.

    Args:
        path: The ``speed.json`` to write.

    Returns:
        The figures, as JSON.
    """
    keep_freed_memory()
    config = active_recipe(None)
    measured = pool_speed(config)
    faster = pool_speed(replace(config, precision="bf16"))
    measured |= {f"{key}_bf16": faster[key] for key in ("pool_seconds", "pool_cpu_seconds")}
    measured |= annotator_speed()
    measured |= {"threads": torch.get_num_threads(), "machine": machine(), "versions": versions()}
    content = json.dumps(measured | {"command": "groundglass bench speed"}, indent=1) + "\n"
    write_text(path, content)
    return content


def pool_speed(config: Config, *, slices: int = 100, draws: int = 20) -> dict[str, Any]:
    """Seconds, of the wall clock and of all processors, to score the regions of a pool.

    Args:
        config: The recipe: network, size and precision.
        slices: Slices in the pool.
        draws: Passes with dropout.
    """
    method = build_method(config).eval()
    images = torch.rand((slices, 1, *config.grid.size), generator=torch.Generator().manual_seed(0))
    regions = Regions.of(config.grid.size, REGIONS)
    started, busy = time.perf_counter(), time.process_time()
    with multiplying(config, method.device):
        regions.reduce(score_maps(method, images, Entropy(), draws))
    return {
        "pool_seconds": round(time.perf_counter() - started, 2),
        "pool_cpu_seconds": round(time.process_time() - busy, 2),
        "pool_slices": slices,
        "pool_draws": draws,
        "size": list(config.grid.size),
    }
