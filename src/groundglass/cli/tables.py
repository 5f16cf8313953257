"""Figures as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = {
    "dice_global": "Dice",
    "dice_case": "per case",
    "iou": "IoU",
    "ppv": "PPV",
    "sensitivity": "sens.",
    "specificity": "spec.",
}


def figures_table(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print results by name: the metrics, and the annotation time their labels cost.

    Args:
        results: Name of a row to the content of a ``result.json``.
    """
    table = Table(caption="Research use only: not a medical device.")
    table.add_column("")
    for title in (*COLUMNS.values(), "labels (s)"):
        table.add_column(title, justify="right")
    for name, result in results.items():
        seconds = result.get("label_seconds")
        cells = [_figure(result["metrics"][key]) for key in COLUMNS]
        table.add_row(name, *cells, "" if seconds is None else f"{seconds:.0f}")
    Console().print(table)


def threshold_sentence(result: Mapping[str, Any]) -> str:
    """Test Dice at 0.5, which the table shows, beside that at the threshold with which ``predict`` will work."""
    metrics, threshold = result["metrics"], result["threshold"]
    half, chosen = (_figure(metrics[key]) for key in ("dice_global", "dice_global_at_threshold"))
    return f"Test Dice: {half} at a threshold of 0.5, as in the table; {chosen} at {threshold:g}, which predict uses."


def _figure(value: float | None) -> str:
    """Three digits, or a dash for what is not defined, as the PPV where nothing was predicted."""
    return "-" if value is None or value != value else f"{value:.3f}"
