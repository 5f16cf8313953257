"""A slice as a trained method sees it: the slice, its versions if the method has them, and the heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.preprocessing import slice_masks
from groundglass.errors import InputError
from groundglass.methods.method import Method
from groundglass.report.figures import TRUTH
from groundglass.report.figures import png
from groundglass.report.figures import show_slice


def slice_views(method: Method, grid: Grid, folder: DatasetFolder, case: Case, index: int) -> bytes:
    """A PNG: the slice with its mask, if there is one, as a line, and beside it what the method makes of it.

    Args:
        method: Trained.
        grid: What its network was trained on; the picture is on this grid.
        folder: The dataset.
        case: One of its cases.
        index: Number of the slice, from 0.

    Raises:
        InputError: If there is no such slice, or the network wants lungs and the case shows none.
    """
    scan, mask = folder.scan(case), folder.mask(case)
    if not 0 <= index < scan.shape[0]:
        there = f"slices 0 to {scan.shape[0] - 1}" if scan.shape[0] > 1 else "slice 0 alone"
        raise InputError(f"case {case.case} has {there}, not {index}; choose from these, counted from 0 at the feet")
    lungs = case_lungs(folder, case, scan, grid)
    grid = grid.around(lungs)
    image = slice_images(scan, grid, slice(index, index + 1), lungs)
    with torch.no_grad():
        views = {"slice": image, **method.eval().views(image)}
    truth = None if mask is None else slice_masks(mask.slab(index, index + 1), grid)[0]
    return _picture(views, truth)


def _picture(views: dict[str, Tensor], truth: NDArray[np.bool_] | None) -> bytes:
    figure = Figure(figsize=(2.9 * len(views), 3.2), layout="constrained")
    for axes, (name, view) in zip(figure.subplots(1, len(views)), views.items(), strict=True):
        pixels: Any = view[0, 0].float().cpu().numpy()
        if name == "heat map":
            top = float(pixels.max())
            axes.imshow(pixels, cmap="inferno", vmin=0, vmax=top or 1.0)
            axes.set_axis_off()
            name = f"{name} (0 to {top:.2g})" if top else f"{name} (0 everywhere)"
        else:
            show_slice(axes, pixels, truth=truth if name == "slice" else None)
        axes.set_title(name, fontsize=10)
        if name == "slice" and truth is not None and truth.any():
            axes.legend(handles=[Line2D([], [], color=TRUTH, label="mask")], loc="lower right", fontsize=8)
    return png(figure)
