"""The trivial baseline of the GASNet benchmark: brightness without thin structures, nothing trained."""

from __future__ import annotations

import json

from groundglass.bench.plan import Cell
from groundglass.bench.plan import Plan
from groundglass.bench.plan import plain
from groundglass.bench.plan import untrained_record
from groundglass.datasets.folder import DatasetFolder
from groundglass.files import write_text
from groundglass.methods.smoothed_intensity import SmoothedIntensity
from groundglass.prediction.evaluate import choose_threshold
from groundglass.prediction.evaluate import evaluate
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.untrained import UNTRAINED

ROW = "brightness-0masks"
OPTIONS, GRID = UNTRAINED["smoothed-intensity-opened"]
"""The best of the untrained rows of ``bench table-image-level``."""


def brightness(plan: Plan, folder: DatasetFolder, dataset: str) -> None:
    """Score it, at the threshold that the masks of the validation scans choose, if that is not done yet.

    Args:
        plan: The benchmark's.
        folder: Its dataset, with all masks.
        dataset: What the dataset is called in the results.
    """
    path = plan.output / f"{dataset}-{ROW}-seed0.json"
    if path.exists():
        return
    predictor = Predictor(SmoothedIntensity(**OPTIONS), GRID)
    threshold = choose_threshold(predictor, scored_cases(folder, folder.split.validation, GRID))
    found = evaluate(predictor, scored_cases(folder, folder.split.test, GRID), threshold=threshold)
    found |= {name: found[f"{name}_case"] for name in ("sensitivity", "specificity")}
    found["dice_case_at_threshold"] = found["dice_case"]
    record = untrained_record(Cell(ROW, "", 0), plan, "gasnet", folder, GRID) | {
        "dataset": dataset,
        "method": "brightness",
        "masks": 0,
        "threshold": threshold,
        "metrics": {name: plain(value) for name, value in found.items()},
    }
    write_text(path, json.dumps(record, indent=1) + "\n")
