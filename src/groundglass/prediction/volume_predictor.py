"""Lesion probabilities of a scan by a method that sees it as one volume."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Tensor

from groundglass.datasets.volumes import known_lungs
from groundglass.datasets.volumes import lung_box
from groundglass.datasets.volumes import restore_slices
from groundglass.datasets.volumes import volume_image
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.predictor import Slab
from groundglass.scans.scan import Scan

MIRRORINGS = [axes for count in range(4) for axes in combinations((-1, -2, -3), count)]
"""The eight of a volume: none first, then left to right."""


class VolumePredictor(Predictor):
    """Runs a trained method over the box around the lungs of a scan in canonical orientation.

    Probabilities are zero outside the lungs, where those are known (paper 003 as released). ``orientations``: averaged
    over 1, 2 (left-right) or 8 mirrorings.
    """

    def slabs(self, scan: Scan, lungs: Scan | None = None) -> Iterator[Slab]:
        """Probabilities in [0, 1] on the scan's grid, a few slices ``(d, H, W)`` at a time.

        Args:
            scan: The whole scan ``(D, H, W)`` in canonical orientation.
            lungs: Its lung mask; without one it is found in a scan in HU, and an 8-bit one is used as a whole.

        Raises:
            InputError: If the lung mask is empty, or no lungs are found.
        """
        lungs = known_lungs(scan, lungs)
        box = lung_box(scan, lungs)
        probabilities = self._volume(volume_image(scan, box, self.grid, lungs).unsqueeze(0))[0, 0]
        for start in range(0, scan.shape[0], self.batch_size):
            part = slice(start, min(start + self.batch_size, scan.shape[0]))
            slab = restore_slices(probabilities, box, scan.shape, part)
            if lungs is not None:
                slab *= lungs.voxels[part] > 0
            yield part, slab

    def _volume(self, image: Tensor) -> Tensor:
        training = self.method.training
        self.method.eval()
        with torch.inference_mode():
            image = image.to(self.method.device, memory_format=torch.channels_last_3d)
            found = [self.method.probabilities(image.flip(axes)).flip(axes) for axes in MIRRORINGS[: self.orientations]]
        self.method.train(training)
        return torch.stack(found).mean(dim=0).float().cpu()
