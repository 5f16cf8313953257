"""What the tables on medseg100 (paper 000's COVID-19-A) share: the dataset and its rows."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.plan import run_missing
from groundglass.bench.plan import run_record
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.training.run import Run
from groundglass.training.run import train

Scores = Callable[[Run, DatasetFolder], Mapping[str, float]]


def make_table(plan: Plan, experiment: str, scores: Scores, write: Callable[[Path], str]) -> str:
    """Train and score each recipe with each network and seed whose result is not there yet, and write the table.

    Args:
        plan: The runs; its root is the folder of medseg100.
        experiment: Name of the benchmark.
        scores: The metrics of a finished run; those that are not a number become null.
        write: Writes the table of the results in a folder, and gives it back.

    Returns:
        The table, in Markdown.
    """

    def record(cell: Cell) -> dict[str, Any]:
        run, folder = _train(cell, plan)
        return run_record(cell, plan, experiment, run, scores(run, folder))

    return run_missing(plan, record, write)


def _train(cell: Cell, plan: Plan) -> tuple[Run, DatasetFolder]:
    config = replace(load_recipe(cell.row, {"network": cell.network, **plan.overrides}), seed=cell.seed)
    folder = _dataset(plan, unlabeled=bool(config.method_options.get("unlabeled")))
    return train(config, folder.root, plan.work / cell.name, resume=True, quiet=plan.quiet), folder


def _dataset(plan: Plan, *, unlabeled: bool) -> DatasetFolder:
    path = plan.work / ("dataset-unlabeled" if unlabeled else "dataset")
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    (path / DESCRIPTION).unlink(missing_ok=True)
    folder = prepare(CovidSemiSeg(plan.root, unlabeled=unlabeled), path, name="medseg100")
    simulate_labels(folder, ["points", "masks"])
    return folder
