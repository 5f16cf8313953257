"""Where the lesions are: a list of them from probabilities, and how many were found within a distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

Points = NDArray[np.float64]


class Lesion(NamedTuple):
    """A connected part of a prediction.

    Args:
        center: Index of the voxel of the lesion nearest to its probability-weighted centroid (a concave lesion's
            centroid can lie outside of it), ``(d, h, w)`` or ``(h, w)``.
        size: Number of voxels.
        confidence: Its highest probability.
    """

    center: tuple[int, ...]
    size: int
    confidence: float


def find_lesions(probabilities: NDArray[np.floating], threshold: float = 0.5) -> list[Lesion]:
    """The lesions of a probability map, largest first.

    Args:
        probabilities: ``(D, H, W)`` or ``(H, W)``, in [0, 1].
        threshold: A voxel above it is lesion; voxels that touch, at a corner too, are one lesion.

    Returns:
        A list of ``(center, size, confidence)``; confidence is the highest probability within, so it says how sure
        the network is that there is a lesion at all, not how sure it is of its outline.

    Example:
        >>> find_lesions(np.array([[0.1, 0.9, 0.8], [0.2, 0.1, 0.3]]))
        [Lesion(center=(0, 1), size=2, confidence=0.9)]
    """
    touching = np.ones((3,) * probabilities.ndim, bool)
    parts, _ = ndimage.label(probabilities > threshold, touching)
    lesions = [
        _lesion(probabilities[box], parts[box] == number, [edge.start for edge in box])
        for number, box in enumerate(ndimage.find_objects(parts), start=1)
    ]
    return sorted(lesions, key=lambda lesion: -lesion.size)


def _lesion(probabilities: NDArray[np.floating], part: NDArray[np.bool_], corner: Sequence[int]) -> Lesion:
    voxels, weights = np.argwhere(part), probabilities[part].astype(np.float64)
    centroid = (weights[:, None] * voxels).sum(axis=0) / weights.sum() if weights.sum() > 0 else voxels.mean(axis=0)
    center = voxels[((voxels - centroid) ** 2).sum(axis=1).argmin()] + np.array(corner)
    return Lesion(tuple(int(index) for index in center), len(voxels), float(weights.max()))


def lesion_centers(lesions: Sequence[Lesion], dimensions: int) -> Points:
    """Centers of a list of lesions as ``(N, dimensions)``."""
    return np.array([lesion.center for lesion in lesions], float).reshape(-1, dimensions)


def count_matches(predicted: Points, true: Points, distance: float) -> int:
    """The most pairs of a predicted and a true point no farther apart than ``distance``, each point in one pair.

    Args:
        predicted: ``(N, d)``, in the unit of the distance.
        true: ``(M, d)``.
        distance: Farthest that still counts as found.
    """
    if not len(predicted) or not len(true):
        return 0
    far = cdist(predicted, true) > distance
    rows, columns = linear_sum_assignment(far)
    return int(np.count_nonzero(~far[rows, columns]))


class LocalizationMeter:
    """Collects slices or volumes and gives the F-score of their lesion positions, all lesions counted together.

    Args:
        distance: Farthest a predicted center may lie from a true one, in mm.

    Example:
        >>> meter = LocalizationMeter(distance=10)
        >>> meter.update("a", np.array([[5.0, 5.0], [50.0, 50.0]]), np.array([[5.0, 9.0]]), spacing=(2.0, 2.0))
        >>> round(meter.compute()["f_score"], 3)
        0.667
    """

    def __init__(self, distance: float) -> None:
        self.distance = distance
        self.found = self.predicted = self.true = 0

    def update(self, case: str, predicted: Points, true: Points, spacing: Sequence[float]) -> None:
        """Add a slice or volume of ``case``.

        Args:
            case: Its name, for messages.
            predicted: ``(N, d)`` voxel indices.
            true: ``(M, d)`` voxel indices: clicks, or centers of the lesions of a mask.
            spacing: mm a voxel along each of the ``d`` axes.
        """
        if predicted.shape[1:] != (len(spacing),) or true.shape[1:] != (len(spacing),):
            raise ValueError(f"case {case}: positions {predicted.shape} and {true.shape} do not fit spacing {spacing}")
        scale = np.asarray(spacing, float)
        self.found += count_matches(predicted * scale, true * scale, self.distance)
        self.predicted += len(predicted)
        self.true += len(true)

    def compute(self) -> dict[str, float]:
        """``f_score``, and ``precision`` and ``sensitivity`` behind it; NaN for a ratio of nothing to nothing."""
        return {
            "f_score": _ratio(2 * self.found, self.predicted + self.true),
            "precision": _ratio(self.found, self.predicted),
            "sensitivity": _ratio(self.found, self.true),
        }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
