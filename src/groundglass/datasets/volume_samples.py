"""Whole scans in memory, each as one volume, ready to train on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.datasets.samples import drawn_mask
from groundglass.datasets.volumes import Box
from groundglass.datasets.volumes import lung_box
from groundglass.datasets.volumes import volume_affine
from groundglass.datasets.volumes import volume_image
from groundglass.datasets.volumes import volume_mask
from groundglass.datasets.volumes import volume_shape
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.labels.rasterize import rasterize
from groundglass.labels.rasterize import scan_tag
from groundglass.scans.scan import Scan


class VolumeSamples(SliceSamples):
    """Scans as volumes of one size, as tensors in memory (4 MB a scan at 40 x 160 x 160).

    The keys are those of slices: ``image (1, D, H, W) float32`` in [0, 1], ``target (1, D, H, W) uint8``, ``tag int8``
    of the scan (0 healthy, 1 diseased, -1 unknown), ``lung (1, D, H, W) bool``, ``upright bool``, ``case`` and
    ``index`` (always 0).

    A scan whose lungs cannot be found, or whose lung mask is empty, is left out with a warning that names it.

    Args:
        folder: The dataset.
        cases: The part of it to load.
        grid: What the network sees; its ``depth`` is a number.
        kinds: Kinds of label events to use.
        progress: Called with the number of cases loaded and their total.

    Raises:
        InputError: If no scan is left, a file is damaged, or a label lies outside its image.
    """

    def _length(self, case: Case) -> int:
        return 1

    def _load(self, case: Case, labels: list[Label]) -> Sample:
        scan = self.folder.scan(case)
        lungs = case_lungs(self.folder, case, scan, self.grid)
        box, shape = _box(case, scan, lungs), volume_shape(self.grid)
        lung = torch.ones((1, *shape), dtype=torch.bool)
        if lungs is not None:
            lung = volume_mask(lungs.voxels.astype(np.uint8), box, self.grid) > 0
        return {
            "image": volume_image(scan, box, self.grid, lungs).half().unsqueeze(0),
            "target": _target(self.folder, case, labels, self.grid, scan, box).unsqueeze(0),
            "tag": torch.tensor([scan_tag(labels)], dtype=torch.int8),
            "lung": lung.unsqueeze(0),
            "upright": torch.tensor([scan.intensity == "hu"]),
            "index": torch.tensor([0]),
        }


def _box(case: Case, scan: Scan, lungs: Scan | None) -> Box:
    """The box around the lungs in the case's part of the scan, on the grid of the whole scan."""
    first, last = case.slices or (0, scan.shape[0])
    planes, rows, columns = lung_box(scan.slab(first, last), None if lungs is None else lungs.slab(first, last))
    return slice(planes.start + first, planes.stop + first), rows, columns


def _target(folder: DatasetFolder, case: Case, labels: list[Label], grid: Grid, scan: Scan, box: Box) -> Tensor:
    """The target map ``(1, D, H, W)``: masks drawn on the scan and resampled, clicks and regions set on top."""

    def drawn(label: MaskLabel) -> NDArray[np.bool_]:
        return np.asarray(drawn_mask(folder, case, label, scan).voxels > 0)

    masks = [label for label in labels if isinstance(label, MaskLabel)]
    others = [label for label in labels if not isinstance(label, MaskLabel)]
    target = volume_mask(rasterize(masks, affine=scan.affine, shape=scan.shape, read_mask=drawn), box, grid)
    exact = rasterize(
        others,
        affine=volume_affine(scan, box, grid),
        shape=volume_shape(grid),
        read_mask=drawn,
        margin=_margin(scan, box, grid),
    )
    answers = torch.from_numpy(exact).unsqueeze(0)
    return torch.where(answers == IGNORE_INDEX, target, answers)


def _margin(scan: Scan, box: Box, grid: Grid) -> tuple[float, float, float]:
    """How far the scan goes on beyond the box, in voxels of the network's volume."""
    depth, height, width = (
        max(part.start, have - part.stop) * size / (part.stop - part.start)
        for part, have, size in zip(box, scan.shape, volume_shape(grid), strict=True)
    )
    return depth, height, width
