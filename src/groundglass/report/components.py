"""The connected lesions of a scan, the largest described one by one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.report.chest import Chest
from groundglass.report.crop import Box
from groundglass.report.crop import box_around
from groundglass.report.measurements import LUNGS
from groundglass.report.measurements import ZONES
from groundglass.report.measurements import Lesion
from groundglass.report.measurements import Lesions

SPECK_ML = 0.1
"""Smaller lesions are counted but are as likely noise: a ball of this size is 6 mm across."""

LISTED = 10
"""Lesions described one by one."""


@dataclass(frozen=True, eq=False)
class _Voxels:
    """Voxels of lesions: their index in the box of the lungs and what lies there."""

    index: NDArray[np.intp]
    lung: NDArray[Any]
    zone: NDArray[Any]
    hu: NDArray[Any] | None
    probability: NDArray[Any] | None

    @classmethod
    def at(cls, flat: NDArray[np.intp], chest: Chest, box: Box) -> _Voxels:
        """The voxels at flat places of a box within the box of the lungs."""
        places = np.unravel_index(flat, chest.zones[box].shape)
        index = tuple(place + part.start for place, part in zip(places, box, strict=True))
        hu, probability = (None if layer is None else layer[index] for layer in (chest.hu, chest.probabilities))
        return cls(np.stack(index, axis=1), chest.lungs.voxels[index], chest.zones[index], hu, probability)

    def between(self, first: int, last: int) -> _Voxels:
        """Those numbered ``first`` to ``last - 1``."""
        part = slice(first, last)
        hu, probability = (None if layer is None else layer[part] for layer in (self.hu, self.probability))
        return _Voxels(self.index[part], self.lung[part], self.zone[part], hu, probability)


def find_lesions(chest: Chest) -> Lesions:
    """Find the 26-connected lesions within the lungs and describe the largest."""
    box = box_around(chest.lesions.voxels)
    labels, count = ndimage.label(chest.lesions.voxels[box], structure=np.ones((3, 3, 3)), output=np.int32)
    volume_ml = np.bincount(labels.ravel(), minlength=count + 1)[1:] * chest.voxel_ml
    order = np.argsort(-volume_ml, kind="stable")[:LISTED]
    where, rank = _voxels_of(labels, order + 1)
    voxels = _Voxels.at(where, chest, box)
    ends = np.searchsorted(rank, np.arange(len(order) + 1)).tolist()
    largest = tuple(_describe(voxels.between(first, last), chest) for first, last in pairwise(ends))
    sizable = volume_ml[volume_ml >= SPECK_ML]
    median_ml = float(np.median(sizable)) if sizable.size else None
    return Lesions(int(count), int(count - sizable.size), SPECK_ML, median_ml, largest)


def _voxels_of(labels: NDArray[np.int32], chosen: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Flat places of the voxels of the chosen labels, sorted by rank, and their ranks."""
    ranks = np.full(labels.max(initial=0) + 1, -1, np.int32)
    ranks[chosen] = np.arange(len(chosen))
    flat = np.flatnonzero(labels)
    rank = ranks[labels.ravel()[flat]]
    kept = rank >= 0
    flat, rank = flat[kept], rank[kept]
    order = np.argsort(rank, kind="stable")
    return flat[order], rank[order]


def _describe(voxels: _Voxels, chest: Chest) -> Lesion:
    x, y, z = chest.lungs.to_mm(voxels.index.mean(axis=0, keepdims=True))[0].tolist()
    return Lesion(
        volume_ml=len(voxels.index) * chest.voxel_ml,
        centroid_mm=(x, y, z),
        slice_index=chest.first + _most(voxels.index[:, 0]),
        lung=LUNGS[_most(voxels.lung)],
        zone=ZONES[_most(voxels.zone)],
        mean_hu=_mean(voxels.hu),
        mean_probability=_mean(voxels.probability),
    )


def _most(values: NDArray[Any]) -> int:
    """The commonest of small whole numbers, the smallest of those as common."""
    return int(np.bincount(values).argmax())


def _mean(values: NDArray[Any] | None) -> float | None:
    return None if values is None else float(values.mean(dtype=np.float64))
