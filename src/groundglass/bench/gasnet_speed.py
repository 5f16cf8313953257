"""How long a training step of GASNet takes, and the share of each of its three networks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
from lightning import Callback
from lightning import Trainer
from torch import Tensor
from torch import nn

from groundglass.datasets.group_loader import GroupLoader
from groundglass.datasets.group_loader import GroupSampler
from groundglass.datasets.volume_samples import VolumeSamples
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.experiments.recipe import merged
from groundglass.files import write_text
from groundglass.methods.gasnet import GASNet
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.machine import machine
from groundglass.training.machine import peak_memory_gb
from groundglass.training.machine import versions
from groundglass.training.trainer import quiet_lightning

STEPS = 6
WARM_UP = 2
VOLUME: dict[str, Any] = {"grid": {"size": [96, 96], "depth": 32}, "batch_size": 2}
TIMED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gasnet", {}),
    ("gasnet", {"method_options": {"critic_steps": 5}}),
    ("gasnet-released", {}),
)
"""Recipes and what is changed in them: ours, with as many updates of D as in the paper, and the release's networks. The
largest comes last, because memory is measured as the highest so far."""
PLAYERS = ("network", "generator", "discriminator")


class Scale(nn.Module):
    """Stands in for a network at next to no cost."""

    def __init__(self, *, pooled: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.pooled = pooled

    def forward(self, image: Tensor) -> Tensor:
        """The image, or a number of each, scaled."""
        return self.weight * (image.flatten(1).mean(dim=1) if self.pooled else image)


class Clock(Callback):
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.started = 0.0

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Start."""
        self.started = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop."""
        self.seconds.append(time.perf_counter() - self.started)


def gasnet_speed(path: Path, *, overrides: dict[str, Any] | None = None, threads: int = 2) -> str:
    """Time a step of the recipes ``gasnet`` and ``gasnet-released`` at 32 x 96 x 96, batch 2, on two threads.

    The share of a network is what a step is shorter by when a single multiplication takes its place; the rest is data,
    losses and optimizers, and what two networks share.

    Args:
        path: The JSON file to write.
        overrides: Recipe keys to change for all.
        threads: Threads to run on.

    Returns:
        The content of the file.
    """
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        timed = [_timed(recipe, merged(merged(VOLUME, changes), overrides or {})) for recipe, changes in TIMED]
    finally:
        torch.set_num_threads(before)
    results: dict[str, Any] = {"steps": timed, "threads": threads, "machine": machine(), "versions": versions()}
    content = json.dumps(results | {"command": "groundglass bench gasnet-speed"}, indent=1) + "\n"
    write_text(path, content)
    return content


def _timed(recipe: str, changes: dict[str, Any]) -> dict[str, Any]:
    config = load_recipe(recipe, changes)
    whole = _seconds(config)
    peak = peak_memory_gb()
    shares = {player: round(1 - _seconds(config, player) / whole, 3) for player in PLAYERS}
    return {
        "recipe": recipe,
        "changed": changes,
        "seconds_per_step": round(whole, 3),
        "share": {**shares, "rest": round(1 - sum(shares.values()), 3)},
        "peak_rss_gb": peak,
        "critic_steps": _method(config).critic_steps,
        "precision": config.precision,
        "parameters": _parameters(config),
    }


def _method(config: Config) -> GASNet:
    torch.manual_seed(0)
    method = build_method(config)
    assert isinstance(method, GASNet)
    method.synthetic_from = 0  # every term at work
    return method


def _parameters(config: Config) -> dict[str, int]:
    method = _method(config)
    players = (method.network, method.adversaries.generator, method.adversaries.discriminator)
    return {
        name: sum(one.numel() for one in player.parameters()) for name, player in zip(PLAYERS, players, strict=True)
    }


def _seconds(config: Config, without: str | None = None) -> float:
    """The fastest step: what other programs take counts least."""
    method = _method(config)
    if without == "network":
        method.network = Scale(pooled=False)
    elif without is not None:
        setattr(method.adversaries, without, Scale(pooled=without == "discriminator"))
    clock = Clock()
    samples = _samples(config)
    sampler = GroupSampler(method.draws(samples, config.batch_size), steps=STEPS, seed=0)
    with quiet_lightning():
        trainer = Trainer(
            max_epochs=1,
            accelerator="cpu",
            precision="bf16-mixed" if config.precision == "bf16" else "32-true",
            callbacks=[clock],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(method, GroupLoader(samples, sampler))
    return min(clock.seconds[WARM_UP:])


def _samples(config: Config) -> VolumeSamples:
    """Random volumes, one of them labeled: what is in them does not change the seconds."""
    samples = VolumeSamples.__new__(VolumeSamples)
    shape = (8, 1, int(config.grid.depth or 1), *config.grid.size)
    target = torch.full(shape, 255, dtype=torch.uint8)
    target[0] = torch.randint(2, shape[1:], dtype=torch.uint8)
    samples.case_names = [str(number) for number in range(8)]
    samples.tensors = {
        "image": torch.rand(shape).half(),
        "target": target,
        "tag": torch.tensor([1, 0] * 4, dtype=torch.int8),
        "lung": torch.ones(shape, dtype=torch.bool),
        "case": torch.arange(8),
        "index": torch.zeros(8, dtype=torch.long),
    }
    return samples
