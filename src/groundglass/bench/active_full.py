"""The upper bound of an active-learning run: the same network and pool with every mask drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.training.run import train

VALIDATE_EVERY = 5
"""Epochs between two validations: covidcell's takes as long as an epoch."""


def full_dice(
    folder: DatasetFolder, output: Path, work: Path, seed: int, recipe: dict[str, Any], *, quiet: bool
) -> dict[str, float | None]:
    """Test Dice of full supervision on the whole pool, trained once a seed.

    Args:
        folder: The pool, with its masks as labels.
        output: Where ``full-seed<k>.json`` is kept.
        work: Where the run goes.
        seed: Its seed.
        recipe: What the active-learning run trained: its network, grid, precision and orientations are taken over.
        quiet: Show no progress.

    Returns:
        ``full_dice`` at a threshold of 0.5, and ``full_dice_at_threshold`` at the one chosen on validation.
    """
    path = output / f"full-seed{seed}.json"
    if not path.exists():
        result = train(_config(recipe, seed), folder.root, work / path.stem, resume=True, quiet=quiet).result
        write_text(path, json.dumps(result, indent=1) + "\n")
    metrics = json.loads(path.read_text("utf-8"))["metrics"]
    return {"full_dice": metrics["dice_global"], "full_dice_at_threshold": metrics["dice_global_at_threshold"]}


def _config(recipe: dict[str, Any], seed: int) -> Config:
    same = {key: recipe[key] for key in ("network", "network_options", "grid", "precision", "orientations")}
    return replace(load_recipe("full", same), seed=seed, validate_every=VALIDATE_EVERY)
