"""Pictures of sections with the borders of lesion and lungs, as PNG bytes, the patient's right at the left."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groundglass.report.figures import png
from groundglass.report.views import View

LESION = "#ff9220"
LUNG = "#74c0fc"
WIDTH = 10.0
"""Inches across a figure, at 100 pixels an inch."""
CAPTION = 0.26
"""Inches for a line of text."""
GAP = 0.03


def montage(views: Sequence[View], captions: Sequence[str], *, columns: int = 4) -> bytes:
    """Axial slices, each with the borders below itself without them, so that no line hides what it marks.

    Args:
        views: Sections of one scan, of one size.
        captions: One for each.
        columns: Slices beside each other.
    """
    columns = min(columns, len(views))
    width = min(WIDTH / columns, WIDTH / 3)
    tall = width * _height_by_width(views[0])
    rows = -(-len(views) // columns)
    canvas = _Canvas(width * columns, rows * (2 * tall + CAPTION + 2 * GAP))
    for place, (view, caption) in enumerate(zip(views, captions, strict=True)):
        row, column = divmod(place, columns)
        left, top = column * width, row * (2 * tall + CAPTION + 2 * GAP)
        canvas.write(left + width / 2, top + CAPTION / 2, caption)
        for marked in (False, True):
            below = top + CAPTION + marked * (tall + GAP)
            show(canvas.axes(left, below, width - GAP, tall), view, marked=marked)
    return png(canvas.figure)


def pair(view: View, caption: str, *, width: float = WIDTH / 2) -> bytes:
    """One section without and with the borders, beside each other."""
    tall = width * _height_by_width(view)
    canvas = _Canvas(2 * width, tall + CAPTION)
    canvas.write(width, CAPTION / 2, caption)
    for marked in (False, True):
        show(canvas.axes(marked * width, CAPTION, width - GAP, tall), view, marked=marked)
    return png(canvas.figure)


def show(axes: Axes, view: View, *, marked: bool = True) -> None:
    """Draw a section, with the borders of lesion and lungs or without."""
    axes.imshow(view.image, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="bilinear")
    if marked and min(view.image.shape) > 1:
        for mask, color, width in ((view.lung, LUNG, 0.6), (view.lesion, LESION, 1.0)):
            if mask.any() and not mask.all():
                axes.contour(mask, levels=[0.5], colors=[color], linewidths=width)
    box = {"facecolor": "black", "edgecolor": "none", "pad": 1.2, "alpha": 0.6}
    axes.text(0.02, 0.975, "R", transform=axes.transAxes, color="white", fontsize=8, va="top", bbox=box)
    axes.set_axis_off()


def _height_by_width(view: View) -> float:
    rows, columns = view.image.shape
    return view.aspect * int(rows) / int(columns)


class _Canvas:
    """A black figure on which things are placed in inches from the top left."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="black")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def write(self, x: float, y: float, text: str) -> None:
        self.figure.text(
            x / self.width, 1 - y / self.height, text, color="white", fontsize=8.5, ha="center", va="center"
        )
