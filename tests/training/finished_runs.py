"""Run folders with a result, written without any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from groundglass.experiments.config import Config
from groundglass.training.record import write_run_record

METRICS = {
    "dice_global": 0.5,
    "dice_global_at_threshold": 0.6,
    "dice_case": 0.4,
    "dice_case_sd": 0.1,
    "ppv": 0.7,
    "sensitivity": 0.8,
    "average_precision": 0.55,
}


def write_run(
    folder: Path,
    config: Config,
    *,
    data: str = "data",
    labels_hash: str = "abc",
    metrics: dict[str, float | None] | None = None,
    **changes: Any,
) -> Path:
    """A finished run; ``metrics`` change those of :data:`METRICS`, ``changes`` the rest of its result."""
    record = {"data": data, "split_hash": "5p1it", "labels_hash": labels_hash}
    write_run_record(folder, json.loads(json.dumps(record | config.to_dict())))
    result = {
        "dataset": "blobs",
        "split_hash": "5p1it",
        "seed": config.seed,
        "n_cases": 5,
        "metrics": METRICS | (metrics or {}),
        "label_seconds": 2070.0,
        "train_seconds": 100.0,
        "threads": 2,
        "machine": "some processor",
    }
    (folder / "result.json").write_text(json.dumps(result | changes))
    return folder
