"""What a finished run leaves behind: figures and ``result.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.progress import Progress
from groundglass.experiments.config import Config
from groundglass.files import write_text
from groundglass.labels.cost import label_seconds
from groundglass.labels.events import Label
from groundglass.methods.method import Method
from groundglass.prediction.build import build_predictor
from groundglass.prediction.evaluate import evaluate_at
from groundglass.prediction.evaluate import has_masks
from groundglass.prediction.evaluate import scored_cases
from groundglass.training.figures import learning_curves
from groundglass.training.history import read_history
from groundglass.training.machine import machine
from groundglass.training.machine import peak_memory_gb
from groundglass.training.machine import versions


def finish_run(
    method: Method,
    config: Config,
    folder: DatasetFolder,
    output: Path,
    *,
    labels: Sequence[Label],
    cpu_seconds: float,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the test cases, draw the learning curves and write ``result.json``.

    Args:
        method: The trained method, best on validation.
        config: Its recipe.
        folder: The dataset.
        output: The run folder.
        labels: What it was trained on; their annotation time is the run's price.
        cpu_seconds: Processor seconds of all threads, for machines on which something else was running too.
        progress: Called with the number of test cases scored and their total.

    Returns:
        The content of ``result.json``.
    """
    history = read_history(output / "history.csv")
    learning_curves(history, output / "figures" / "learning-curves.png", config.monitor)
    metrics = _test_metrics(method, config, folder, progress) if has_masks(folder.split.test) else {}
    result = {
        "method": config.method,
        "network": config.network,
        "dataset": folder.name,
        "split_hash": folder.split.hash,
        "seed": config.seed,
        "n_cases": int(metrics.pop("n_cases", 0)),
        "metrics": {key: round(value, 5) if value == value else None for key, value in metrics.items()},
        "threshold": float(f"{float(method.threshold):.4g}"),
        "label_seconds": label_seconds(labels),
        "train_seconds": round(sum(float(row["seconds"]) for row in history), 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_rss_gb": peak_memory_gb(),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "versions": versions(),
    }
    write_text(output / "result.json", json.dumps(result, indent=1) + "\n")
    return result


def _test_metrics(method: Method, config: Config, folder: DatasetFolder, progress: Progress | None) -> dict[str, float]:
    """Test figures at a threshold of 0.5, as the papers have them, and Dice at the one chosen on validation.

    Average precision, which knows no threshold, is among them.
    """
    cases = scored_cases(folder, folder.split.test, config.grid, progress=progress)
    predictor = build_predictor(method, config)
    metrics, chosen = evaluate_at(predictor, cases, [0.5, float(method.threshold)])
    return metrics | {f"{name}_at_threshold": chosen[name] for name in ("dice_global", "dice_case")}
