"""Paper 000, Table 2: point supervision against full supervision on medseg100 (its COVID-19-A)."""

from __future__ import annotations

from groundglass.bench.medseg100 import make_table
from groundglass.bench.plan import Plan
from groundglass.bench.results import write_table
from groundglass.datasets.folder import DatasetFolder
from groundglass.prediction.evaluate import evaluate
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.training.run import Run

ROWS = ("pl", "cb-flip", "cb-flip-rot", "full", "cb-flip-rot-256")
PAPER = {
    "pl": (0.54, 0.37, 0.39, 0.88, 0.73),
    "cb-flip": (0.58, 0.41, 0.46, 0.80, 0.82),
    "cb-flip-rot": (0.73, 0.57, 0.65, 0.82, 0.92),
    "full": (0.65, 0.48, 0.52, 0.85, 0.85),
}
"""Dice, IoU, PPV, sensitivity and specificity the paper gives for FCN8-VGG16."""

ALL_ORIENTATIONS = 8


def table2(plan: Plan) -> str:
    """Train and score the rows, which are not run again once they are finished; gives the table, in Markdown."""
    return make_table(plan, "table2", _scores, lambda folder: write_table(folder, PAPER))


def _scores(run: Run, folder: DatasetFolder) -> dict[str, float]:
    metrics: dict[str, float] = dict(run.result["metrics"])
    if run.config.orientations == ALL_ORIENTATIONS:
        return metrics | {"dice_global_8_orientations": metrics["dice_global"]}
    turned = evaluate(
        Predictor(run.method, run.config.grid, orientations=ALL_ORIENTATIONS), scored_cases(folder, folder.split.test)
    )
    return metrics | {"dice_global_8_orientations": turned["dice_global"]}
