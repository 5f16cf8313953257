"""Lesion probabilities of a scan by any method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import restore
from groundglass.datasets.preprocessing import slice_images
from groundglass.experiments.checkpoint import load_method
from groundglass.methods.method import Method
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Intensity
from groundglass.scans.scan import Scan

Slab = tuple[slice, NDArray[np.float32]]


class Predictor:
    """Runs a trained method over the slices of a scan in canonical orientation.

    Args:
        method: The method, trained.
        grid: What its network was trained on.
        batch_size: Slices at once; memory does not grow with the number of slices.
        orientations: Average over this many of the eight flips and turns of each slice: 1, 2 (mirrored) or 8.
    """

    def __init__(self, method: Method, grid: Grid, *, batch_size: int = 16, orientations: int = 1) -> None:
        self.method = method
        self.grid = grid
        self.batch_size = batch_size
        self.orientations = orientations

    def slabs(self, scan: Scan) -> Iterator[Slab]:
        """Probabilities in [0, 1] on the scan's grid, a few slices ``(d, H, W)`` at a time."""
        for start in range(0, scan.shape[0], self.batch_size):
            part = slice(start, min(start + self.batch_size, scan.shape[0]))
            probabilities = self._probabilities(slice_images(scan, self.grid, part))
            yield part, restore(probabilities, self.grid, scan.shape).numpy()

    def mask(self, scan: Scan, threshold: float | None = None) -> Scan:
        """The lesion mask of a scan: 1 where the probability is above ``threshold``, by default the method's own."""
        threshold = float(self.method.threshold) if threshold is None else threshold
        mask = np.zeros(scan.shape, np.uint8)
        for part, probabilities in self.slabs(scan):
            mask[part] = probabilities > threshold
        return scan.with_voxels(mask, "mask")

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


def predict_mask(
    path: str | Path,
    checkpoint: str | Path,
    *,
    intensity: Intensity | None = None,
    threshold: float | None = None,
    orientations: int = 1,
) -> Scan:
    """The lesion mask of a scan file by a trained run, on the file's own grid.

    Args:
        path: A scan as :func:`groundglass.scans.read_scan` takes it.
        checkpoint: A run folder or a ``.ckpt`` file.
        intensity: ``"hu"`` or ``"display"`` if the file's numbers do not tell.
        threshold: Probability above which a voxel is lesion; by default the one chosen on the run's validation cases.
        orientations: Average over 1, 2 or 8 flips and turns.

    Raises:
        InputError: If a file cannot be used.
    """
    method, config = load_method(checkpoint)
    scan = read_scan(path, intensity=intensity)
    predictor = Predictor(method, config.grid, orientations=orientations)
    mask = predictor.mask(to_canonical(scan), threshold)
    return scan.with_voxels(from_canonical(mask.voxels, scan), "mask")
