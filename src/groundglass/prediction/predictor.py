"""Lesion probabilities of a scan by any method."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import restore
from groundglass.datasets.preprocessing import slice_images
from groundglass.methods.method import Method
from groundglass.prediction.smoothing import across_slices
from groundglass.scans.scan import Scan

Slab = tuple[slice, NDArray[np.float32]]


class Predictor:
    """Runs a trained method over the slices of a scan in canonical orientation.

    Args:
        method: The method, trained.
        grid: What its network was trained on.
        batch_size: Slices at once; memory hardly grows with the number of slices; see :func:`across_slices`.
        orientations: Average over this many of the eight flips and turns of each slice: 1, 2 (mirrored) or 8.
        smooth_mm: Standard deviation of a Gaussian across slices, in mm; 0 for none. Of scans in HU alone, whose
            spacing is known.
    """

    def __init__(
        self, method: Method, grid: Grid, *, batch_size: int = 16, orientations: int = 1, smooth_mm: float = 0.0
    ) -> None:
        self.method = method
        self.grid = grid
        self.batch_size = batch_size
        self.orientations = orientations
        self.smooth_mm = smooth_mm

    def slabs(self, scan: Scan, lungs: Scan | None = None) -> Iterator[Slab]:
        """Probabilities in [0, 1] on the scan's grid, a few slices ``(d, H, W)`` at a time.

        Args:
            scan: The scan ``(D, H, W)`` in canonical orientation.
            lungs: Its lung mask, if there is one; a network trained on lungs alone then sees them alone, and what lies
                outside has a probability of 0, since nothing was ever said about it.
        """
        grid = self.grid.around(lungs)
        starts = range(0, scan.shape[0], self.batch_size)
        parts = [slice(start, min(start + self.batch_size, scan.shape[0])) for start in starts]
        images = (slice_images(scan, grid, part, lungs) for part in parts)
        if self.smooth_mm > 0 and scan.intensity == "hu":
            found = across_slices(map(self._with_inside, images), self.smooth_mm / scan.spacing[0])
        else:
            found = map(self._probabilities, images)
        for part, probabilities in zip(parts, found, strict=True):
            slab = restore(probabilities, grid, scan.shape).numpy()
            if lungs is not None and self.grid.uses_lungs:
                slab *= lungs.voxels[part] > 0
            yield part, slab

    def mask(self, scan: Scan, threshold: float | None = None, lungs: Scan | None = None) -> Scan:
        """The lesion mask of a scan: 1 where the probability is above ``threshold``, by default the method's own."""
        threshold = float(self.method.threshold) if threshold is None else threshold
        mask = np.zeros(scan.shape, np.uint8)
        for part, probabilities in self.slabs(scan, lungs):
            mask[part] = probabilities > threshold
        return scan.with_voxels(mask, "mask")

    def _with_inside(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities, and where they mean something: not in the black outside the lungs."""
        inside = images > 0 if self.grid.outside == "black" else torch.ones_like(images, dtype=torch.bool)
        return self._probabilities(images), inside

    def _probabilities(self, images: Tensor) -> Tensor:
        training = self.method.training
        self.method.eval()
        with torch.inference_mode():
            images = images.to(self.method.device, memory_format=torch.channels_last)
            turned = [self._oriented(images, moved) for moved in _orientations(len(images), self.orientations)]
        self.method.train(training)
        return torch.stack(turned).mean(dim=0).float().cpu()

    def _oriented(self, images: Tensor, moved: Dihedral) -> Tensor:
        return moved.invert(self.method.probabilities(moved.apply(images)))


def _orientations(batch_size: int, count: int) -> Iterator[Dihedral]:
    for number in range(count):
        flip, turns = number % 2, number // 2
        yield Dihedral(torch.full((batch_size,), bool(flip)), torch.full((batch_size,), turns))
