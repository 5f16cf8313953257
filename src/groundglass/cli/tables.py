"""Figures as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

COLUMNS = {
    "dice_global": "Dice",
    "dice_case": "per\ncase",
    "iou": "IoU",
    "ppv": "PPV",
    "sensitivity": "sens.",
    "specificity": "spec.",
    "average_precision": "AP",
}
NAME_WIDTH = 19
"""Of the first column: what 80 columns leave, in which the longest word of a name fits."""


def figures_table(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print results by name: the metrics, and the annotation time their labels cost.

    Args:
        results: Name of a row to the content of a ``result.json``.
    """
    priced = any("label_seconds" in result for result in results.values())
    table = Table(caption="Research use only: not a medical device.", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", min_width=NAME_WIDTH)
    for title in (*COLUMNS.values(), *(["labels\n(s)"] if priced else [])):
        table.add_column(title, justify="right")
    for name, result in results.items():
        cells = [_figure(result["metrics"].get(key)) for key in COLUMNS]
        seconds = result.get("label_seconds")
        table.add_row(name, *cells, *([] if seconds is None else [f"{seconds:.0f}"]))
    Console().print(table)


def threshold_sentence(result: Mapping[str, Any]) -> str:
    """Test Dice at 0.5, which the table shows, beside that at the threshold with which ``predict`` will work."""
    metrics, threshold = result["metrics"], result["threshold"]
    half, chosen = (_figure(metrics[key]) for key in ("dice_global", "dice_global_at_threshold"))
    return f"Test Dice: {half} at a threshold of 0.5, as in the table; {chosen} at {threshold:g}, which predict uses."


def _figure(value: float | None) -> str:
    """Three digits, or a dash for what is not defined, as the PPV where nothing was predicted."""
    return "-" if value is None or value != value else f"{value:.3f}"
