"""Morphology in millimeters on grids whose voxels are not cubes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.lungs.coarse import Bools

Spacing = tuple[float, float, float]

IN_PLANE = np.zeros((3, 3, 3), bool)
"""Neighbors within an axial slice only: slices are treated one by one, in one call."""
IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)


def dilate(mask: Bools, mm: float, spacing: Spacing) -> Bools:
    """All voxels within ``mm`` of the mask, by Euclidean distance between voxel centers."""
    if not mask.any():
        return mask
    grown = mask.copy()
    box = bounding_box(mask, mm, spacing)
    grown[box] = ndimage.distance_transform_edt(~mask[box], sampling=spacing) <= mm
    return grown


def close(mask: Bools, mm: float, spacing: Spacing) -> Bools:
    """Closing by a ball: fill what a ball of radius ``mm`` outside the mask cannot enter.

    Beyond the first and last slice the mask is taken to go on as it ends, so a slab is closed like a part of a whole.
    """
    if not mask.any():
        return mask
    pad = [int(mm / step) + 2 for step in spacing]
    box = bounding_box(mask, 0, spacing)
    wide = np.pad(mask[box], [(n, n) for n in pad])
    if box[0].start == 0:
        wide[: pad[0]] = wide[pad[0]]
    if box[0].stop == mask.shape[0]:
        wide[-pad[0] :] = wide[-pad[0] - 1]
    grown = ndimage.distance_transform_edt(~wide, sampling=spacing) <= mm
    shrunk = ndimage.distance_transform_edt(grown, sampling=spacing) > mm
    closed = mask.copy()
    closed[box] |= shrunk[tuple(slice(n, -n) for n in pad)]
    return closed


def bounding_box(mask: NDArray[np.generic], mm: float, spacing: Spacing) -> tuple[slice, slice, slice]:
    """The smallest box around all nonzero voxels, ``mm`` wider on every side as far as the grid goes."""
    slices = []
    for axis, step in enumerate(spacing):
        found = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        reach = int(mm / step) + 1 if mm else 0
        slices.append(slice(max(0, int(found[0]) - reach), min(mask.shape[axis], int(found[-1]) + 1 + reach)))
    return slices[0], slices[1], slices[2]


def depth_mm(mask: Bools, spacing: Spacing) -> NDArray[np.float64]:
    """How deep inside the mask each voxel lies, in mm.

    The sides of the image end the mask; the first and last slice do not, since the mask goes on beyond them.
    """
    wide = np.pad(mask, [(0, 0), (1, 1), (1, 1)])
    return np.asarray(ndimage.distance_transform_edt(wide, sampling=spacing)[:, 1:-1, 1:-1], np.float64)


def components(mask: Bools, structure: Bools | None = None) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Connected components and how many voxels each number has; number 0, what is outside, counts 0."""
    names, count = ndimage.label(mask, structure)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    sizes[0] = 0
    return names, sizes


def fill_in_plane(mask: Bools) -> Bools:
    """Fill the holes of every axial slice."""
    names, sizes = components(~mask, IN_PLANE)
    outside = np.zeros(len(sizes), bool)
    for edge in (names[:, 0], names[:, -1], names[:, :, 0], names[:, :, -1]):
        outside[np.unique(edge)] = True
    outside[0] = False
    return np.asarray(~outside[names], bool)


def open_(mask: Bools, mm: float, spacing: Spacing) -> Bools:
    """Opening by a ball: what is left of the mask where a ball of radius ``mm`` fits in."""
    if not mask.any():
        return mask
    return dilate(ndimage.distance_transform_edt(mask, sampling=spacing) > mm, mm, spacing)


def widen_in_plane(mask: Bools, mm: float, spacing: Spacing) -> Bools:
    """The mask grown by a square in every axial slice, by ``mm`` on each side."""
    _, height, width = (2 * round(mm / step) + 1 for step in spacing)
    return np.asarray(ndimage.maximum_filter(mask, (1, height, width)), bool)
