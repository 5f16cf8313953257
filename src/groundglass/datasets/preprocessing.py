"""From the slices of a scan to what a network sees, and back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.grid import Grid
from groundglass.scans.intensity import DISPLAY_MAX
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan


def slice_images(scan: Scan, grid: Grid, slices: slice = slice(None), lungs: Scan | None = None) -> Tensor:
    """Slices as the network sees them, ``(D, 1, H, W)`` float32 in [0, 1].

    Args:
        scan: The scan ``(D, H, W)``.
        grid: What the network sees of it; see :meth:`Grid.around` for a grid that depends on the lungs.
        slices: Which slices.
        lungs: Its lung mask ``(D, H, W)``, outside of which a grid may want black.
    """
    rows, columns = grid.box(scan.shape)
    part = Scan(scan.voxels[slices, rows, columns], scan.affine, scan.intensity)
    images = window_scan(part, Window(*grid.window))
    if grid.aerated is not None and scan.intensity == "display" and lungs is not None:
        images **= aerated_gamma(scan, lungs, grid.aerated)
    if grid.outside == "black" and lungs is not None:
        images *= lungs.voxels[slices, rows, columns] > 0
    return _resize(torch.from_numpy(images).unsqueeze(1), grid)


AERATED_PERCENTILE = 20
"""Of the lung's voxels: low enough to be aerated in all but the worst lungs, high enough not to be airways."""


def aerated_gamma(scan: Scan, lungs: Scan, gray: float) -> float:
    """The power that brings the aerated lung of an 8-bit scan to ``gray`` and leaves black black and white white.

    Args:
        scan: ``(D, H, W)`` 8-bit.
        lungs: Its lung mask ``(D, H, W)``.
        gray: In (0, 1).

    Returns:
        1 where there is no lung, or nothing but black or white in it.
    """
    inside = scan.voxels[lungs.voxels > 0]
    found = float(np.percentile(inside, AERATED_PERCENTILE)) / DISPLAY_MAX if inside.size else 0.0
    return float(np.log(gray) / np.log(found)) if 0 < found < 1 else 1.0


def slice_masks(mask: Scan, grid: Grid) -> NDArray[np.bool_]:
    """A mask on the network's grid, ``(D, H, W)``: a pixel is lesion if half of it is."""
    rows, columns = grid.box(mask.shape)
    part = torch.from_numpy((mask.voxels[:, rows, columns] > 0).astype(np.float32)).unsqueeze(1)
    resized: NDArray[np.bool_] = (_resize(part, grid)[:, 0] >= 0.5).numpy()
    return resized


def restore(probabilities: Tensor, grid: Grid, shape: tuple[int, ...]) -> Tensor:
    """``(N, 1, H, W)`` of the network back to ``(N, *shape[1:])`` of the scan, bilinear; zero outside the crop."""
    rows, columns = grid.box(shape)
    size = (rows.stop - rows.start, columns.stop - columns.start)
    whole = probabilities.new_zeros((len(probabilities), *shape[1:]))
    whole[:, rows, columns] = F.interpolate(probabilities, size=size, mode="bilinear", align_corners=False)[:, 0]
    return whole


def _resize(images: Tensor, grid: Grid) -> Tensor:
    """Bilinear, with antialiasing where it shrinks."""
    resized = F.interpolate(images, size=grid.size, mode="bilinear", align_corners=False, antialias=True)
    return resized.clamp(0, 1)
