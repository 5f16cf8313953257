"""Lesions from slice tags (papers 002 and 004) on covidcell: average precision and Dice of every method's heat map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.bench.image_level_data import covidcell
from groundglass.bench.image_level_data import is_lesion
from groundglass.bench.image_level_data import medseg100
from groundglass.bench.image_level_figures import write_figures
from groundglass.bench.image_level_rows import ABLATIONS
from groundglass.bench.image_level_rows import FAMILIES
from groundglass.bench.image_level_rows import ROWS
from groundglass.bench.image_level_rows import family
from groundglass.bench.image_level_scores import Scored
from groundglass.bench.image_level_scores import score
from groundglass.bench.image_level_tables import tables
from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.plan import run_missing
from groundglass.bench.plan import run_record
from groundglass.bench.plan import untrained_record
from groundglass.bench.pseudo_masks import pseudo_mask_scores
from groundglass.bench.results import read_results
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.experiments.recipe import merged
from groundglass.files import replacing
from groundglass.files import write_text
from groundglass.methods.attention_fusion import AttentionFusion
from groundglass.methods.smoothed_intensity import SmoothedIntensity
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.untrained import UNTRAINED
from groundglass.training.history import read_history
from groundglass.training.run import train

EXPERIMENT = "table-image-level"


def table_image_level(plan: Plan) -> str:
    """Train and score the rows, which are not run again once they are finished; gives the table, in Markdown.

    Scored are the lesion slices of the test runs, all pixels together, at the 512 x 512 of the slices; the released
    masks, 256 x 256, are cut at half white and doubled to it.

    Args:
        plan: The runs; its root holds ``covidcell`` and may hold ``medseg100``, on which the same runs are then
            scored too. A row is the name of a recipe, of an ablation or ``smoothed-intensity``.
    """
    assert plan.root is not None, "the command line sees to it"
    root = plan.root
    folder, side = covidcell(root, plan.work), medseg100(root, plan.work)
    plan = replace(plan, networks=("",))  # each recipe's own
    return run_missing(
        plan, lambda cell: _record(cell, plan, root, folder, side), lambda output: _write(output, plan.work), _name
    )


def _record(cell: Cell, plan: Plan, root: Path, folder: DatasetFolder, side: list[Pair]) -> dict[str, Any]:
    if cell.row in UNTRAINED:
        options, grid = UNTRAINED[cell.row]
        scored = score(Predictor(SmoothedIntensity(**options), grid, batch_size=4), folder, root, side)
        record = untrained_record(cell, plan, EXPERIMENT, folder, grid) | {
            "n_cases": sum(map(is_lesion, folder.split.test))
        }
    else:
        run = train(_config(cell, plan), folder.root, plan.work / _name(cell), resume=True, quiet=plan.quiet)
        scored = score(Predictor(run.method, run.config.grid), folder, root, side)
        record = run_record(cell, plan, EXPERIMENT, run, {}) | {"validation_curve": _progress(run.folder)}
        if isinstance(run.method, AttentionFusion):
            record["pseudo_masks"] = pseudo_mask_scores(run.folder, folder)
    _keep_panel(scored, plan, cell)
    method, variant = _method_and_variant(cell.row, _method(cell.row))
    beside = {"method": method, "variant": variant, "metrics": scored.metrics}
    return record | beside | {"row": cell.row, "precision_recall": scored.precision_recall}


def _config(cell: Cell, plan: Plan) -> Config:
    recipe, changes = ABLATIONS.get(cell.row, (cell.row, {}))
    return replace(load_recipe(recipe, merged(changes, dict(plan.overrides))), seed=cell.seed)


def _progress(run: Path) -> list[list[float]]:
    """Pairs of seconds of training and average precision on the validation slices."""
    rows = read_history(run / "history.csv")
    seconds = np.cumsum([float(row["seconds"]) for row in rows])
    scores = [row.get("val_average_precision") for row in rows]
    return [[round(float(at), 1), float(one)] for at, one in zip(seconds, scores, strict=True) if one]


def _method_and_variant(row: str, recipe_method: str) -> tuple[str, str]:
    """``decomposition-paper``, of method ``decomposition``, is its variant ``paper``."""
    if row.startswith(f"{recipe_method}-"):
        return recipe_method, row.removeprefix(f"{recipe_method}-")
    return row, "default"


def _name(cell: Cell) -> str:
    """``<method>-<variant>-seed<k>``."""
    method, variant = _method_and_variant(cell.row, _method(cell.row))
    return f"{method}-{variant}-seed{cell.seed}"


def _method(row: str) -> str:
    return "smoothed-intensity" if row in UNTRAINED else load_recipe(ABLATIONS.get(row, (row, {}))[0]).method


def _keep_panel(scored: Scored, plan: Plan, cell: Cell) -> None:
    with replacing(plan.work / "panels" / f"{_name(cell)}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **scored.panel)


def _write(output: Path, work: Path) -> str:
    """The tables of the results in ``output``, and their figures."""
    results = [one for one in read_results(output) if one.get("experiment") == EXPERIMENT]
    text = tables(results)
    write_text(output / f"{EXPERIMENT}.md", text)
    if methods := [one for one in results if one["row"] in ROWS]:
        write_figures(methods, output, work / "panels")
    for title, recipes in FAMILIES.items():
        own = [one for one in results if one["row"] in family(recipes)]
        if any(one["row"] in ABLATIONS for one in own):
            write_figures(own, output / title.lower().replace(" ", "-"), work / "panels")
    return text
