"""Runs of a table that are not started twice, whatever they are run on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.training.machine import machine
from groundglass.training.machine import versions
from groundglass.training.run import Run


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The runs of a table.

    Args:
        root: Folder of the public dataset, or of several; ``None`` where there is none.
        output: Where ``<cell>.json`` and the table go.
        work: Where the dataset and the runs go.
        rows: Recipes to run.
        networks: Networks to run them with.
        seeds: Seeds of the runs.
        overrides: Recipe keys to change for all rows, as in a recipe.
        name: What these rows are called if they are kept apart from those of the table, an ablation for example.
        quiet: Show no progress.
    """

    root: Path | None
    output: Path
    work: Path
    rows: Sequence[str]
    networks: Sequence[str] = ("unet",)
    seeds: Sequence[int] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Cell:
    """One run of a plan: a recipe, a network, a seed."""

    row: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.row}-{self.network}-seed{self.seed}"

    @property
    def facts(self) -> dict[str, Any]:
        """What its record holds beside what every run's does."""
        return {"method": self.row}

    def config(self, overrides: Mapping[str, Any]) -> Config:
        """Its recipe, with the keys changed that the plan changes."""
        return replace(load_recipe(self.row, {"network": self.network, **overrides}), seed=self.seed)


def run_missing(
    plan: Plan,
    record: Callable[[Cell], dict[str, Any]],
    write: Callable[[Path], str],
    name: Callable[[Cell], str] = lambda cell: cell.name,
    *,
    cells: Iterable[Cell] | None = None,
) -> str:
    """Make the results that are not there yet, and the table after each.

    Args:
        plan: The runs.
        record: Runs a cell; gives what is written.
        write: Writes the table of the results in a folder, and gives it back.
        name: What a cell's files are called.
        cells: The runs; by default each row with each network and seed.

    Returns:
        The table, in Markdown.
    """
    for cell in _cells(plan) if cells is None else cells:
        path = plan.output / f"{name(cell)}.json"
        if not path.exists():
            write_text(path, json.dumps(record(cell), indent=1) + "\n")
            write(plan.output)
    return write(plan.output)


def _cells(plan: Plan) -> Iterator[Cell]:
    for network in plan.networks:
        for seed in plan.seeds:
            for row in plan.rows:
                yield Cell(row, network, seed)


def run_record(cell: Cell, plan: Plan, experiment: str, run: Run, metrics: Mapping[str, float]) -> dict[str, Any]:
    """What is kept of a run: its result with these metrics, those that are not a number as null."""
    return {
        "experiment": f"{experiment}-{plan.name}" if plan.name else experiment,
        **run.result,
        "metrics": {name: plain(value) for name, value in metrics.items()},
        **cell.facts,
        "variant": run.config.method_options.get("variant", "released"),
        "image_size": list(run.config.grid.size),
        "epochs": run.config.epochs,
        "orientations": run.config.orientations,
        "overrides": dict(plan.overrides),
        "command": command(cell, plan, experiment),
    }


def untrained_record(cell: Cell, plan: Plan, experiment: str, folder: DatasetFolder, grid: Grid) -> dict[str, Any]:
    """What is kept of a row with nothing to train, but for its metrics: as :func:`run_record`."""
    return {
        "experiment": experiment,
        "network": "none",
        "dataset": folder.name,
        "split_hash": folder.split.hash,
        "seed": cell.seed,
        "n_cases": len(folder.split.test),
        "label_seconds": 0.0,
        "train_seconds": 0.0,
        "cpu_seconds": 0.0,
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "versions": versions(),
        **cell.facts,
        "image_size": list(grid.size),
        "epochs": 0,
        "orientations": 1,
        "command": command(cell, plan, experiment),
    }


def plain(value: float | None) -> float | None:
    """A figure as JSON can hold it."""
    return None if value is None or value != value else round(value, 5)


def command(cell: Cell, plan: Plan, experiment: str) -> str:
    """What makes this very result again."""
    words = [*(["--root", plan.root.name] if plan.root else []), "--rows", cell.row]
    words += ["--networks", cell.network] if cell.network else []
    words += ["--seeds", str(cell.seed)]
    words += ["--name", plan.name] if plan.name else []
    return bench_command(experiment, words, plan.overrides)


def bench_command(experiment: str, words: Sequence[str], overrides: Mapping[str, Any] | None) -> str:
    """A line for the shell that runs a benchmark with these options."""
    changes = ["--overrides", json.dumps(overrides)] if overrides else []
    return shlex.join(["groundglass", "bench", experiment, *words, *changes])
