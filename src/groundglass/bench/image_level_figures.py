"""Pictures of the image-level table, drawn from its results."""

from __future__ import annotations

import io
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from groundglass.files import write_bytes
from groundglass.report.figures import png
from groundglass.report.figures import show_slice

LEGEND_TITLE = "first seed of each row"
LINES = ("-", "--", ":")
INCHES_A_LETTER = 0.065
"""Of the panel's names, in 8 points."""
COLORS = 10
"""Of the color map; then the line style changes."""

Curve = Sequence[Sequence[float]]
Panel = Mapping[str, NDArray[np.uint8]]


def write_figures(results: Sequence[dict[str, Any]], output: Path, panels: Path) -> None:
    """Precision against recall, Dice against threshold, validation precision against time, and what it looks like.

    Args:
        results: What the table is made of; the first seed of each row is drawn.
        output: Where ``precision-recall.png``, ``dice-threshold.png``, ``precision-time.png`` and ``panel.png`` go.
        panels: Where the runs left their heat maps; rows whose are not there are left out of the panel.
    """
    first = {one["row"]: one for one in reversed(results)}
    rows = dict(sorted(first.items()))
    recall = {row: one["precision_recall"] for row, one in rows.items()}
    write_bytes(output / "precision-recall.png", _curves(recall, "recall", "precision", steps=True))
    dice = {row: one["metrics"]["dice_curve"] for row, one in rows.items()}
    write_bytes(output / "dice-threshold.png", _curves(dice, "threshold", "Dice (global)"))
    progress = {row: one["validation_curve"] for row, one in rows.items() if one.get("validation_curve")}
    if progress:
        content = _curves(progress, "seconds of training", "average precision, validation")
        write_bytes(output / "precision-time.png", content)
    found = {row: panels / f"{one['method']}-{one['variant']}-seed{one['seed']}.npz" for row, one in rows.items()}
    maps = {row: dict(np.load(path)) for row, path in found.items() if path.is_file()}
    if maps:
        write_bytes(output / "panel.png", _panel(maps))


def _curves(series: Mapping[str, Curve], xlabel: str, ylabel: str, *, steps: bool = False) -> bytes:
    """Lines, or steps where nothing lies between two points: of a constant map there are but two."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, points) in enumerate(series.items()):
        x, y = np.array(points, float).T
        line = LINES[number // COLORS % len(LINES)]
        order = np.argsort(x, kind="stable")
        style = "steps-pre" if steps else "default"
        axes.plot(x[order], y[order], line, label=name, linewidth=1.6, color=f"C{number % COLORS}", drawstyle=style)
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1))
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    beside = (1.01, 1.0)  # there are many rows
    axes.legend(
        frameon=False, fontsize=8, title=LEGEND_TITLE, title_fontsize=8, loc="upper left", bbox_to_anchor=beside
    )
    return png(figure)


def _panel(maps: Mapping[str, Panel]) -> bytes:
    """A column a slice: the slice, annotator A's lesions, and below them the heat map of each row of the table."""
    first = next(iter(maps.values()))
    count = len(first["image"])
    names = 0.3 + INCHES_A_LETTER * max(map(len, maps))
    figure = Figure(figsize=(1.8 * count + names, 1.2 * (len(maps) + 2)))
    edges = {
        "left": names / (1.8 * count + names),
        "right": 0.99,
        "bottom": 0.01,
        "top": 0.99,
        "wspace": 0.06,
        "hspace": 0.06,
    }
    grid = figure.subplots(len(maps) + 2, count, squeeze=False, gridspec_kw=edges)
    for line, title in zip(grid, ("slice", "annotator A", *maps), strict=True):
        line[0].set_title(title, fontsize=8, x=-0.05, y=0.42, ha="right")
    for index, column in enumerate(grid.T):
        box = _box(first["image"][index] > 0)
        image, truth = (first[key][index][box] for key in ("image", "truth"))
        show_slice(column[0], image / np.float32(255))
        show_slice(column[1], image / np.float32(255), mask=truth > 0)
        for axes, one in zip(column[2:], maps.values(), strict=True):
            _heat(axes, one["heat"][index][box])
    return _palette(png(figure))


def _palette(content: bytes) -> bytes:
    """The same PNG in 256 colors, a third of the size; the noise of a CT does not compress."""
    smaller = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").quantize(256).save(smaller, "png", optimize=True)
    return smaller.getvalue()


def _heat(axes: Axes, heat: NDArray[np.uint8]) -> None:
    """A heat map up to its own brightest pixels: methods differ in how large their values are."""
    axes.imshow(heat, cmap="inferno", vmin=0, vmax=max(float(np.percentile(heat, 99.5)), 1.0))
    axes.set_axis_off()


def _box(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
