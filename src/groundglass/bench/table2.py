"""Paper 000, Table 2: point supervision against full supervision on medseg100 (its COVID-19-A)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundglass.bench.medseg100 import Row
from groundglass.bench.medseg100 import train_rows
from groundglass.bench.results import write_table
from groundglass.files import write_text
from groundglass.prediction.evaluate import evaluate
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor

ROWS = ("pl", "cb-flip", "cb-flip-rot", "full")
PAPER = {
    "pl": (0.54, 0.37, 0.39, 0.88, 0.73),
    "cb-flip": (0.58, 0.41, 0.46, 0.80, 0.82),
    "cb-flip-rot": (0.73, 0.57, 0.65, 0.82, 0.92),
    "full": (0.65, 0.48, 0.52, 0.85, 0.85),
}
"""Dice, IoU, PPV, sensitivity and specificity the paper gives for FCN8-VGG16."""


def table2(
    root: Path,
    *,
    output: Path,
    work: Path,
    rows: Sequence[str] = ROWS,
    networks: Iterable[str] = ("unet",),
    seeds: Iterable[int] = (0, 1, 2),
    overrides: dict[str, Any] | None = None,
    quiet: bool = False,
) -> str:
    """Train and score the rows; what is finished already is not run again.

    Args:
        root: Folder of medseg100.
        output: Where ``<method>-<network>-seed<k>.json`` and ``table2.md`` go.
        work: Where the dataset and the runs go.
        rows: Recipes to run.
        networks: Networks to run them with.
        seeds: Seeds of the runs.
        overrides: Recipe keys to change for all rows, as in a recipe.
        quiet: Show no progress.

    Returns:
        The table, in Markdown.
    """
    finished = train_rows(
        root,
        output=output,
        work=work,
        rows=rows,
        networks=networks,
        seeds=seeds,
        overrides=overrides or {},
        quiet=quiet,
    )
    for row in finished:
        write_text(row.path, json.dumps(_record(row, root), indent=1) + "\n")
        write_table(output, PAPER)
    return write_table(output, PAPER)


def _record(row: Row, root: Path) -> dict[str, Any]:
    run, folder = row.run, row.folder
    turned = evaluate(Predictor(run.method, run.config.grid, orientations=8), scored_cases(folder, folder.split.test))
    result = dict(run.result)
    result["metrics"] |= {"dice_global_8_orientations": round(turned["dice_global"], 5)}
    return {
        "experiment": "table2",
        **result,
        "method": row.recipe,
        "variant": run.config.method_options.get("variant", "released"),
        "image_size": list(run.config.grid.size),
        "epochs": run.config.epochs,
        "command": f"groundglass bench table2 --root {root.name}",
    }
