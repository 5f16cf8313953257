"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from groundglass.files import replacing


def learning_curves(history: Sequence[dict[str, str]], path: Path) -> None:
    """Training loss and validation Dice against the epoch, as a PNG.

    Args:
        history: Rows of ``history.csv``.
        path: The picture to write.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    titles = {"train_loss": "training loss", "val_dice_global": "validation Dice (global)"}
    shown = [column for column in titles if any(row.get(column) for row in history)]
    epochs = [int(row["epoch"]) + 1 for row in history]
    for axis, column in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        marker = "o" if len(epochs) == 1 else None
        # An epoch in which the critic alone was trained has no training loss.
        axis.plot(epochs, [float(row[column] or "nan") for row in history], color="#1f6f8b", marker=marker)
        axis.locator_params(axis="x", integer=True)
        axis.set(xlabel="epoch", title=titles[column])
        axis.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
