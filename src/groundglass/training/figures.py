"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from groundglass.files import replacing
from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import TITLES
from groundglass.prediction.validation import as_shown


def measured(history: Sequence[Mapping[str, str]], column: str) -> tuple[list[int], list[float]]:
    """The epochs, counted from 1, in which something was measured, and what was: a column of ``history.csv``.

    Example:
        >>> measured([{"epoch": "0", "train_loss": ""}, {"epoch": "1", "train_loss": "0.5"}], "train_loss")
        ([2], [0.5])
    """
    rows = [row for row in history if row.get(column)]
    return [int(row["epoch"]) + 1 for row in rows], [float(row[column]) for row in rows]


def learning_curves(history: Sequence[Mapping[str, str]], path: Path, monitor: str = "dice") -> None:
    """Training loss and the validation score that chooses the weights against the epoch, as a PNG.

    Args:
        history: Rows of ``history.csv``.
        path: The picture to write.
        monitor: A key of :data:`MONITORS`: the score that is drawn.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    score = f"val_{MONITORS[monitor]}"
    titles = {"train_loss": "training loss", score: TITLES[monitor]}
    shown = [column for column in titles if any(row.get(column) for row in history)] or ["train_loss"]
    for axis, column in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        epochs, values = measured(history, column)
        if column == score:
            values = [as_shown(monitor, value) for value in values]
        sparse = len(epochs) < max(len(history), 2)
        axis.plot(epochs, values, color="#1f6f8b", marker="o" if sparse else None)
        axis.set_xlim(0.5, len(history) + 0.5)
        axis.locator_params(axis="x", integer=True)
        axis.set(xlabel="epoch", title=titles[column])
        axis.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
