"""Paper 000, Tables 7 and 8: counting and localizing lesions from clicks, on medseg100.

The paper gives these tables for its datasets B and C (volumes); here they are run on dataset A, whose slices all have
lesions. So the paper's figures stand beside ours for their order, not for their size.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.bench.medseg100 import make_table
from groundglass.bench.plan import Plan
from groundglass.bench.results import read_results
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.recipe import merged
from groundglass.files import write_text
from groundglass.metrics.counting import CountMeter
from groundglass.metrics.counting import blob_centers
from groundglass.metrics.localization import LocalizationMeter
from groundglass.metrics.localization import find_lesions
from groundglass.metrics.localization import lesion_centers
from groundglass.metrics.overlap import OverlapMeter
from groundglass.prediction.evaluate import Pairs
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.report.markdown import machines
from groundglass.report.markdown import markdown
from groundglass.report.markdown import mean_sd
from groundglass.training.run import Run

ROWS = ("pl", "lcfcn", "cb-lcfcn", "full")
PAPER = {"pl": (5.97, 7.24), "lcfcn": (1.15, 2.09), "cb-lcfcn": (0.66, 1.74)}
"""MAE and GAME(4) the paper gives for FCN8-VGG16 on its COVID-19-B-Mixed."""

DISTANCE = 10.0
"""Farthest a found lesion's center may lie from the true one; the files have no pixel size: one counts as 1 mm."""

LIKE_LCFCN: dict[str, Any] = {"network_options": {"stride": 8}, "monitor": "count"}
"""All rows have the network of the LCFCN recipes, and the epoch with the best count, as in the paper."""

COLUMNS = {
    "mae": "MAE",
    "game3": "GAME(3)",
    "game4": "GAME(4)",
    "f_score_10px": "F-score, 10 px",
    "dice_global": "Dice",
    "mae_at_threshold": "MAE*",
    "game4_at_threshold": "GAME(4)*",
    "f_score_10px_at_threshold": "F-score, 10 px*",
    "dice_global_at_threshold": "Dice*",
}


def table7(plan: Plan) -> str:
    """Train and score the rows, which are not run again once they are finished; gives the table, in Markdown.

    Every test slice is scored at its mask's own size: the blobs of the prediction, however small, against the
    8-connected parts of the mask, which is what the simulated clicks are one of each of. The threshold is 0.5, as
    published, and beside it the one with the best Dice on the validation slices.
    """
    plan = replace(plan, overrides=merged(LIKE_LCFCN, plan.overrides))
    return make_table(plan, "table7", _count, write_table)


def count_scores(predictor: Predictor, pairs: Pairs, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """``mae``, ``game3``, ``game4``, ``f_score_10px`` and ``dice_global`` for each threshold, in one pass."""
    scores = [_Scores(threshold) for threshold in thresholds]
    for case, scan, mask, lungs in pairs:
        for slab, probabilities in predictor.slabs(scan, lungs):
            for plane, truth in zip(probabilities, mask.voxels[slab] > 0, strict=True):
                for score in scores:
                    score.update(case.case, plane, truth)
    return [score.compute() for score in scores]


class _Scores:
    """The meters of one threshold."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.counts, self.overlap = CountMeter(levels=(3, 4)), OverlapMeter()
        self.places = LocalizationMeter(DISTANCE)

    def update(self, case: str, probabilities: Any, truth: Any) -> None:
        """Add a slice ``(H, W)``."""
        found = lesion_centers(find_lesions(probabilities, self.threshold), 2)
        true = lesion_centers(find_lesions(truth.astype(float)), 2)
        self.counts.update(case, probabilities > self.threshold, truth)
        self.places.update(case, found, true, spacing=(1.0, 1.0))
        self.overlap.update(case, probabilities > self.threshold, truth)

    def compute(self) -> dict[str, float]:
        """All figures by name."""
        places = {f"{name}_10px": value for name, value in self.places.compute().items()}
        return self.counts.compute() | places | {"dice_global": self.overlap.compute()["dice_global"]}


def _count(run: Run, folder: DatasetFolder) -> dict[str, float]:
    predictor = Predictor(run.method, run.config.grid, orientations=run.config.orientations)
    pairs = scored_cases(folder, folder.split.test)
    plain, chosen = count_scores(predictor, pairs, [0.5, float(run.method.threshold)])
    return plain | {f"{name}_at_threshold": value for name, value in chosen.items()} | constant_scores(folder)


def constant_scores(folder: DatasetFolder) -> dict[str, float]:
    """What no model at all gives: ``mae_constant``, calling the training slices' median count on every test slice.

    Predicting nothing has a MAE, and a GAME of any level, of ``count_true``.
    """
    train, test = (
        [len(blob_centers(plane > 0)) for pair in scored_cases(folder, cases) for plane in pair.mask.voxels]
        for cases in (folder.split.training, folder.split.test)
    )
    return {"mae_constant": float(np.abs(np.array(test) - np.median(train)).mean())}


def write_table(folder: Path) -> str:
    """The table of the results in ``folder``, written there as ``table7.md`` too."""
    results = read_results(folder)
    notes = "Mean ± sd over seeds. *: at the threshold with the best Dice on the validation slices, else at 0.5."
    for result in results[:1]:  # the same of all
        metrics = result["metrics"]
        notes += f" The median count of the training slices on every slice: MAE {metrics['mae_constant']:.3f}. "
        notes += f"Nothing predicted: MAE and GAME {metrics['count_true']:.3f}."
    table = f"{_markdown(results)}\n\n{notes} Machine: {machines(results)}.\n"
    write_text(folder / f"{folder.name}.md", table)
    return table


def _markdown(results: Sequence[Mapping[str, Any]]) -> str:
    titles = ["method", "network", "seeds", *COLUMNS.values(), "labels (s)", "paper, dataset B: MAE / GAME(4)"]
    order = {row: index for index, row in enumerate(ROWS)}
    keys = {(result["network"], order.get(result["method"], len(ROWS)), result["method"]) for result in results}
    return markdown(titles, [_row(method, network, results) for network, _, method in sorted(keys)])


def _row(method: str, network: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
    own = [result for result in results if (result["method"], result["network"]) == (method, network)]
    figures = [mean_sd([result["metrics"].get(name) for result in own]) for name in COLUMNS]
    seconds = f"{own[0]['label_seconds']:.0f}"
    beside = " / ".join(f"{value:.2f}" for value in PAPER.get(method, ())) or "-"
    return [method, network, str(len(own)), *figures, seconds, beside]
