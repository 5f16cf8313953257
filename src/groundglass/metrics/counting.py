"""How many lesions: absolute error of the count, over the slice and over the cells of a grid (paper 000, 4.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

IN_SLICE = np.zeros((3, 3, 3), bool)
IN_SLICE[1] = True
"""8-connected within a slice, unconnected across slices."""

Points = NDArray[np.float64]


def blob_centers(mask: NDArray[np.bool_]) -> Points:
    """Centroids ``(N, 2)`` of the 8-connected blobs of a slice's mask ``(H, W)``, in pixels.

    Example:
        >>> blob_centers(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], bool)).tolist()
        [[0.0, 0.5], [1.0, 3.0]]
    """
    blobs, count = ndimage.label(mask, IN_SLICE[1])
    centers = ndimage.center_of_mass(mask, blobs, range(1, count + 1))
    return np.asarray(centers, float).reshape(-1, 2)


def game(predicted: Points, true: Points, shape: tuple[int, int], level: int) -> int:
    """Grid average mean absolute error of one slice: count differences of ``2^L x 2^L`` cells, added up.

    Every cell is ``H / 2^L`` by ``W / 2^L`` pixels, so the cells cover the whole slice. The release cuts that size to
    whole pixels and so leaves out what lies in the remainder at the bottom and at the right. GAME(0) is the absolute
    error of the count.

    Args:
        predicted: ``(N, 2)`` positions in pixels.
        true: ``(M, 2)`` positions in pixels.
        shape: ``(H, W)`` of the slice.
        level: L; paper 000 has 4, its release 3.

    Example:
        >>> game(np.array([[1.0, 1.0]]), np.array([[6.0, 6.0]]), (8, 8), 1)
        2
    """
    return int(np.abs(_per_cell(predicted, shape, level) - _per_cell(true, shape, level)).sum())


def _per_cell(points: Points, shape: tuple[int, int], level: int) -> NDArray[np.intp]:
    cells = 2**level
    index = ((points + 0.5) * cells / np.array(shape)).astype(np.intp).clip(0, cells - 1)
    return np.bincount(index[:, 0] * cells + index[:, 1], minlength=cells * cells)


class CountMeter:
    """Collects slices and gives the mean absolute error of their counts, and GAME at some levels.

    A predicted blob is 8-connected within its slice, however small. Every slice counts alike, slices without lesion
    among them.

    Args:
        levels: Levels L of GAME: by default the release's 3 and the paper's 4.

    Example:
        >>> meter = CountMeter(levels=[1])
        >>> meter.update("a", np.eye(4, dtype=bool)[:, ::-1] & False, np.eye(4, dtype=bool))
        >>> meter.compute()["mae"], meter.compute()["game1"]
        (1.0, 1.0)
    """

    def __init__(self, levels: Sequence[int] = (3, 4)) -> None:
        self.levels = tuple(levels)
        self._predicted: list[int] = []
        self._true: list[int] = []
        self._errors: list[list[int]] = []

    def update(self, case: str, prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
        """Add slices of ``case``.

        Args:
            case: Its name; slices are counted one by one, whichever case they are of.
            prediction: ``(H, W)`` or ``(D, H, W)`` bool.
            truth: Lesion mask of the same shape, or clicks of a pixel each: every 8-connected part is one lesion.
        """
        if prediction.shape != truth.shape:
            raise ValueError(f"case {case}: prediction {prediction.shape} and truth {truth.shape} differ in shape")
        height, width = prediction.shape[-2:]
        slices = (array.reshape(-1, height, width) for array in (prediction, truth))
        for predicted, true in zip(*slices, strict=True):
            self.add_points(blob_centers(predicted), blob_centers(true), (height, width))

    def add_points(self, predicted: Points, true: Points, shape: tuple[int, int]) -> None:
        """Add one slice, of which the positions are known: ``(N, 2)`` and ``(M, 2)`` pixels."""
        self._predicted.append(len(predicted))
        self._true.append(len(true))
        self._errors.append([game(predicted, true, shape, level) for level in self.levels])

    def compute(self) -> dict[str, float]:
        """Means over the slices: ``mae``, ``game<L>``, ``count_predicted`` and ``count_true``; NaN if there is none."""
        names = ["mae", *(f"game{level}" for level in self.levels), "count_predicted", "count_true"]
        if not self._errors:
            return {name: float("nan") for name in names}
        predicted, true = np.array(self._predicted), np.array(self._true)
        columns = [np.abs(predicted - true), *np.array(self._errors, int).reshape(len(true), -1).T, predicted, true]
        return {name: float(np.mean(column)) for name, column in zip(names, columns, strict=True)}
