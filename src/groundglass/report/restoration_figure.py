"""GASNet's intermediate volumes as a picture (paper 003, Fig. 8)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from groundglass.prediction.restoration import Restoration
from groundglass.report.figures import png

TITLES = ("scan", "lesion probability", "generated", "scan with generated tissue")
NAMES = ("image", "mask", "generated", "synthetic")
SLICES = 4


def restoration_figure(volumes: Restoration, *, slices: int = SLICES) -> bytes:
    """A row for each of the slices with most lesion, feet first: the scan, the mask, what was generated, and both.

    Args:
        volumes: See :func:`groundglass.prediction.restoration.restoration`.
        slices: Rows at most.

    Returns:
        A PNG file's content.
    """
    shown = shown_slices(volumes, slices)
    figure = Figure(figsize=(9.6, 2.45 * len(shown) + 0.3), layout="constrained")
    for line, index in zip(figure.subplots(len(shown), len(NAMES), squeeze=False), shown, strict=True):
        for axes, name in zip(line, NAMES, strict=True):
            colors = "magma" if name == "mask" else "gray"
            axes.imshow(getattr(volumes, name)[index], cmap=colors, vmin=0, vmax=1, aspect=volumes.aspect)
            axes.set_axis_off()
    for axes, title in zip(figure.axes, TITLES, strict=False):
        axes.set_title(title, fontsize=10)
    return png(figure)


def shown_slices(volumes: Restoration, count: int) -> list[int]:
    """The slices with most lesion, none beside another as far as there is room, from the feet to the head."""
    areas = volumes.mask.sum(axis=(1, 2))
    chosen: list[int] = []
    for apart in (2, 1):
        for index in np.argsort(-areas, kind="stable").tolist():
            if len(chosen) < count and all(abs(index - other) >= apart for other in chosen):
                chosen.append(index)
    return sorted(chosen)
