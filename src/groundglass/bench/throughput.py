"""How fast the default trains, and where its seconds go."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from groundglass.datasets.loader import BatchLoader
from groundglass.datasets.loader import EpochSampler
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.methods.method import Method
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.machine import machine
from groundglass.training.machine import versions

STEPS = 12
WARM_UP = 3
RECIPES = ("pl", "cb-flip-rot", "full", "cb-flip-rot-256")


class NetworkClock:
    """Adds up the seconds of a network's forward passes by hooks."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.seconds = 0.0
        self._started = 0.0
        network.register_forward_pre_hook(self._start)
        network.register_forward_hook(self._stop)

    def _start(self, *_: Any) -> None:
        self._started = time.perf_counter()

    def _stop(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self._started


@dataclass(frozen=True)
class Step:
    """Seconds of one training step, and of them in the network: forward, backward and update."""

    total: float
    network: float


def throughput(path: Path) -> str:
    """Time training steps of the recipes at batch 8 and 192 px, with and without kept memory; write JSON.

    Returns:
        The content of the file.
    """
    results: dict[str, Any] = {"default_allocator": {recipe: _figures(recipe) for recipe in RECIPES}}
    kept = keep_freed_memory()
    results["kept_memory" if kept else "kept_memory_not_available"] = {recipe: _figures(recipe) for recipe in RECIPES}
    results |= {"threads": torch.get_num_threads(), "machine": machine(), "versions": versions()}
    results["command"] = "groundglass bench throughput"
    content = json.dumps(results, indent=1) + "\n"
    write_text(path, content)
    return content


def _figures(recipe: str) -> dict[str, float]:
    config = load_recipe(recipe)
    steps = timed_steps(config)[WARM_UP:]
    total = median(step.total for step in steps)
    outside = 1 - sum(step.network for step in steps) / sum(step.total for step in steps)
    return {
        "seconds_per_step": round(total, 4),
        "images_per_second": round(config.batch_size / total, 2),
        "share_outside_network": round(outside, 4),
    }


def timed_steps(config: Config, count: int = STEPS) -> list[Step]:
    """Training steps of a recipe on random slices."""
    torch.manual_seed(config.seed)
    method = build_method(config).train()
    optimizer = torch.optim.Adam(method.parameters(), lr=config.settings.lr)
    clock = NetworkClock(method.network)
    samples = _samples(config)
    sampler = EpochSampler(torch.arange(len(samples)), seed=0, length=count * config.batch_size)
    batches = iter(BatchLoader(samples, sampler, config.batch_size))
    return [_step(method, optimizer, clock, batches) for _ in range(count)]


def _step(method: Method, optimizer: torch.optim.Optimizer, clock: NetworkClock, batches: Any) -> Step:
    clock.seconds = 0.0
    started = time.perf_counter()
    loss = method.step_loss(next(batches))["loss"]
    before = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    ended = time.perf_counter()
    return Step(ended - started, clock.seconds + ended - before)


def _samples(config: Config) -> SliceSamples:
    """Random slices with clicks or masks: what is in them does not change the seconds."""
    samples = SliceSamples.__new__(SliceSamples)
    size = config.grid.size
    target = torch.full((48, 1, *size), IGNORE_INDEX, dtype=torch.uint8)
    if config.method == "full":
        target = torch.randint(2, target.shape, dtype=torch.uint8)
    else:
        target[:, :, ::24, ::24] = torch.randint(2, target[:, :, ::24, ::24].shape, dtype=torch.uint8)
    samples.tensors = _tensors(target)
    return samples


def _tensors(target: Tensor) -> Sample:
    return {"image": torch.rand(target.shape).half(), "target": target, "index": torch.arange(len(target))}
