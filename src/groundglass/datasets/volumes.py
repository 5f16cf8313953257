"""From a whole scan to the volume a network sees, and back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.scans.lungs import lung_mask
from groundglass.scans.scan import Scan
from groundglass.scans.scan import resized_affine
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan

Box = tuple[slice, slice, slice]


def known_lungs(scan: Scan, lungs: Scan | None) -> Scan | None:
    """The lung mask of a scan: the given one, or one found by density; ``None`` for an 8-bit scan without one.

    Args:
        scan: ``(D, H, W)`` in canonical orientation.
        lungs: Its lung mask, if there is one.

    Raises:
        InputError: If the mask is empty, or no lungs are found.
    """
    if lungs is None:
        return lung_mask(scan) if scan.intensity == "hu" else None
    if not lungs.voxels.any():
        raise InputError(f"{lungs.path or scan.path or 'the scan'}: its lung mask is empty; draw or make another")
    return lungs


def lung_box(scan: Scan, lungs: Scan | None) -> Box:
    """The tight box around the lungs (paper 003, section III-D); the whole scan where they are not known."""
    if lungs is None:
        depth, height, width = scan.shape
        return slice(0, depth), slice(0, height), slice(0, width)
    planes, rows, columns = (np.flatnonzero(np.any(lungs.voxels, axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    return _around(planes), _around(rows), _around(columns)


def _around(indices: NDArray[np.intp]) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1)


def volume_shape(grid: Grid) -> tuple[int, int, int]:
    """``(D, H, W)`` the network sees."""
    if grid.depth is None:
        raise ValueError("this grid is one of slices")
    return grid.depth, *grid.size


def volume_affine(scan: Scan, box: Box, grid: Grid) -> NDArray[np.float64]:
    """Index ``(d, h, w)`` of the network's volume to LPS mm, ``(4, 4)``."""
    corner = scan.affine.copy()
    corner[:3, 3] += scan.affine[:3, :3] @ np.array([part.start for part in box])
    return resized_affine(corner, tuple(part.stop - part.start for part in box), volume_shape(grid))


def volume_image(scan: Scan, box: Box, grid: Grid, lungs: Scan | None = None) -> Tensor:
    """The box as the network sees it, ``(1, D, H, W)`` float32 in [0, 1].

    Linear along each axis, with antialiasing where it shrinks.

    Args:
        scan: ``(D, H, W)``; in HU it is windowed, 8-bit is taken as windowed.
        box: See :func:`lung_box`.
        grid: What the network sees of it.
        lungs: Lung mask, outside of which a grid may want black.
    """
    images = window_scan(Scan(scan.voxels[box], scan.affine, scan.intensity), Window(*grid.window))
    if grid.outside == "black" and lungs is not None:
        images *= lungs.voxels[box] > 0
    depth, height, width = volume_shape(grid)
    planes = _resize(torch.from_numpy(images).unsqueeze(1), (height, width))
    return _resize(planes.view(1, 1, len(planes), -1), (depth, height * width)).view(1, depth, height, width)


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def volume_mask(values: NDArray[np.uint8], box: Box, grid: Grid) -> Tensor:
    """A mask or target map ``(D, H, W)`` of the scan in the network's volume, ``(1, D, H, W)`` uint8, nearest voxel."""
    part = torch.from_numpy(np.ascontiguousarray(values[box]))[None, None]
    return F.interpolate(part, size=volume_shape(grid), mode="nearest-exact")[0]


def restore_slices(probabilities: Tensor, box: Box, shape: tuple[int, ...], part: slice) -> NDArray[np.float32]:
    """Slices ``part`` of the scan's probabilities, ``(d, H, W)``, trilinear; zero outside the box.

    Args:
        probabilities: ``(D, H, W)`` of the network.
        box: Where in the scan they belong.
        shape: ``(D, H, W)`` of the scan.
        part: Which slices of the scan; all of them at once would not always fit into memory.
    """
    planes, rows, columns = box
    first, last = max(part.start, planes.start), min(part.stop, planes.stop)
    whole = np.zeros((part.stop - part.start, *shape[1:]), np.float32)
    if first < last:
        between = _between(probabilities, torch.arange(first, last) - planes.start, planes.stop - planes.start)
        size = (rows.stop - rows.start, columns.stop - columns.start)
        restored = F.interpolate(between.unsqueeze(1), size=size, mode="bilinear", align_corners=False)[:, 0]
        whole[first - part.start : last - part.start, rows, columns] = restored.numpy()
    return whole


def _between(probabilities: Tensor, wanted: Tensor, depth: int) -> Tensor:
    """The planes at the given slices of ``depth``, linear between the nearest two of the network's."""
    count = len(probabilities)
    place = ((wanted + 0.5) * count / depth - 0.5).clamp(0, count - 1)
    below = place.floor().long()
    share = (place - below).view(-1, 1, 1)
    return torch.lerp(probabilities[below], probabilities[(below + 1).clamp(max=count - 1)], share)
