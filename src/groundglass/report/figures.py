"""Pictures as PNG bytes: slices with masks over them, and curves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

LESION = "#e8590c"
TRUTH = "#22b8cf"
CLICKS = {1: "#ffd43b", 0: "#4dabf7"}
LINES = ("#868e96", "#e8590c", "#1f6f8b", "#5c940d", "#7048e8")

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


def png(figure: Figure) -> bytes:
    """A figure as a PNG file's content."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return content.getvalue()


def show_slice(axes: Axes, image: Image, *, mask: Mask | None = None, truth: Mask | None = None) -> None:
    """Draw a slice ``(H, W)`` in [0, 1], a mask as a tint and the truth as a line, right of the patient at the left."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    if mask is not None and mask.any():
        tint = np.zeros((*mask.shape, 4))
        tint[mask] = (0.91, 0.35, 0.05, 0.45)
        axes.imshow(tint, interpolation="nearest")
    if truth is not None and truth.any():
        axes.contour(truth, levels=[0.5], colors=[TRUTH], linewidths=0.9)
    axes.set_axis_off()


def comparison(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Slices below each other: the clicks or the truth at the left, each method's mask beside it.

    Args:
        rows: For each slice ``image``, ``truth`` and ``masks``, one for each column.
        columns: Names of the methods.
    """
    width = len(columns) + 1
    figure = Figure(figsize=(2.6 * width, 2.6 * len(rows) + 0.3), layout="constrained")
    grid = figure.subplots(len(rows), width, squeeze=False)
    for line, row in zip(grid, rows, strict=True):
        show_slice(line[0], row["image"], truth=row["truth"])
        for axes, mask in zip(line[1:], row["masks"], strict=True):
            show_slice(axes, row["image"], mask=mask, truth=row["truth"])
    for axes, title in zip(grid[0], ("truth", *columns), strict=True):
        axes.set_title(title, fontsize=10)
    return png(figure)


def clicks(images: Sequence[Image], points: Sequence[NDArray[np.float64]], truths: Sequence[Mask]) -> bytes:
    """Training slices with their clicks: yellow on lesions, blue on background.

    Args:
        images: Slices ``(H, W)`` in [0, 1].
        points: For each, ``(N, 3)``: row, column and label of its points.
        truths: The masks, for the eye only: no point method sees them.
    """
    figure = Figure(figsize=(2.9 * len(images), 3.1), layout="constrained")
    for axes, image, marks, truth in zip(
        figure.subplots(1, len(images), squeeze=False)[0], images, points, truths, strict=True
    ):
        show_slice(axes, image, truth=truth)
        for label, color in CLICKS.items():
            chosen = marks[marks[:, 2] == label]
            axes.scatter(chosen[:, 1], chosen[:, 0], s=26, color=color, edgecolors="black", linewidths=0.6, zorder=3)
    return png(figure)


def montage(images: Sequence[Image], masks: Sequence[Mask], titles: Sequence[str], *, columns: int = 4) -> bytes:
    """Slices with their masks in a grid."""
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.8 * rows), layout="constrained")
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, image, mask, title in zip(cells, images, masks, titles, strict=False):
        show_slice(axes, image, mask=mask)
        axes.set_title(title, fontsize=9)
    return png(figure)


def curves(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, xlabel: str, ylabel: str) -> bytes:
    """Lines by name, each ``(x, y)``."""
    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for (name, (x, y)), color in zip(series.items(), LINES, strict=False):
        axes.plot(x, y, label=name, color=color, linewidth=1.8)
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return png(figure)
