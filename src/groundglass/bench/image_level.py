"""Lesions from slice tags (papers 002 and 004) on covidcell: average precision and Dice of every method's heat map."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from groundglass.bench.image_level_data import covidcell
from groundglass.bench.image_level_data import is_lesion
from groundglass.bench.image_level_data import medseg100
from groundglass.bench.image_level_figures import write_figures
from groundglass.bench.image_level_scores import Scored
from groundglass.bench.image_level_scores import score
from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.plan import run_missing
from groundglass.bench.plan import run_record
from groundglass.bench.plan import untrained_record
from groundglass.bench.pseudo_masks import pseudo_mask_scores
from groundglass.bench.results import mean_sd
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
from groundglass.training.callbacks import read_history
from groundglass.training.run import train

EXPERIMENT = "table-image-level"
NO_OPACITIES: dict[str, Any] = {"opacities": 0.0}
ROWS = (
    *UNTRAINED,
    *("cam", "gradcam", "bl", "vagan", "decomposition"),
    *("seam", "irn", "icd", "cam-crf", "attention-fusion", "attention-fusion-max", "attention-fusion-last"),
)
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "decomposition-no-critic": ("decomposition", {"method_options": {"adversarial": 0.0}}),
    "decomposition-no-opacities": ("decomposition", {"method_options": NO_OPACITIES}),
    "decomposition-no-fidelity": ("decomposition", {"method_options": {**NO_OPACITIES, "fidelity": 0.0}}),
    "decomposition-no-lesion-decoder": (
        "decomposition",
        {"method_options": {**NO_OPACITIES, "lesion_decoder": False, "heat": "positive"}},
    ),
    "decomposition-from-scratch": (
        "decomposition",
        {"network_options": {"encoder": "plain", "channels": [16, 32, 64, 128]}},
    ),
    "attention-fusion-max": ("attention-fusion", {"method_options": {"fusion": "maximum"}}),
    "attention-fusion-last": ("attention-fusion", {"method_options": {"fusion": "last"}}),
    "vagan-positive": ("vagan", {"method_options": {"heat": "positive"}}),
    "bl-change": ("bl", {"method_options": {"change": True, "common_lungs": True}}),
}
"""Rows that are a recipe with something changed. The paper's two, without fidelity and without lesion decoder, have no
opacities either, which are taught by these very terms: compare them with ``decomposition-no-opacities``. ``bl-change``
is given what the recipe of decomposition has: a start from the slice itself, and the lungs in common.
``vagan-positive`` is read as decomposition is: what became darker, not the size of the map."""
COLUMNS = {
    "ap_a": "AP, annotator A",
    "ap_b": "AP, B",
    "ap_released": "AP, released",
    "dice_at_best_validation_threshold": "Dice (A) at the threshold chosen on validation",
    "pseudo_mask_dice": "Dice (A) of its pseudo masks of the training slices",
    "medseg100_ap": "AP on medseg100",
    "medseg100_dice": "Dice on medseg100",
}
PAPER = {"cam": 0.061, "gradcam": 0.179, "bl": 0.36, "decomposition": 0.63}
"""Area under the precision-recall curve in paper 002, of another sample."""
NOTE = (
    "Lesion slices of the test runs alone, all pixels together; mean ± sd over seeds. AP: average precision. "
    "The paper's figures are of another sample."
)


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
    """The table of the results in ``output``, and their figures."""
    results = [one for one in read_results(output) if one.get("experiment") == EXPERIMENT]
    table = f"{_table(results)}\n\n{NOTE}\n"
    write_text(output / f"{EXPERIMENT}.md", table)
    write_figures([one for one in results if one["row"] in ROWS], output, work / "panels")
    if ablations := [one for one in results if one["row"] not in ROWS]:
        changed = {ABLATIONS.get(one["row"], (one["row"],))[0] for one in ablations}
        beside = [one for one in results if one["row"] in changed]
        write_figures(beside + ablations, output / "ablations", work / "panels")
    return table


def _table(results: Sequence[dict[str, Any]]) -> str:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["row"]].append(result)
    order = [*ROWS, *ABLATIONS]
    rows = sorted(groups, key=lambda row: (order.index(row) if row in order else len(order), row))
    titles = ["row", "size", "seeds", *COLUMNS.values(), "parameters", "multiply-adds", "training (s)", "paper: AUC"]
    lines = [_line(row, groups[row]) for row in rows]
    return "\n".join([f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}", *lines])


def _line(row: str, results: Sequence[dict[str, Any]]) -> str:
    beside = [{"pseudo_mask_dice": one.get("pseudo_masks", {}).get("dice_global"), **one["metrics"]} for one in results]
    figures = [mean_sd([one.get(name) for one in beside]) for name in COLUMNS]
    first = results[0]
    size = " x ".join(map(str, first["image_size"]))
    work = [f"{first['metrics'][name]:,}" for name in ("parameters", "multiply_adds")]
    seconds = f"{mean(one['train_seconds'] for one in results):.0f}"
    paper = f"{PAPER[row]:.2f}" if row in PAPER else "-"
    return f"| {' | '.join([row, size, str(len(results)), *figures, *work, seconds, paper])} |"
