"""Saliency maps of one's own, read from a folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.scans.reader import read_scan


def read_saliency(samples: SliceSamples, folder: str | Path) -> Tensor:
    """The saliency of each slice on the network's grid, ``(N, 1, H, W)`` float16 in [0, 1], in the samples' order.

    Args:
        samples: The slices.
        folder: Holds ``<case>.nii.gz`` for each case: 8-bit, 0 to 255, on the grid of the case's image.

    Raises:
        InputError: If the map of a case is missing or of another size.
    """
    return torch.cat([_of_case(samples, Path(folder), number) for number in range(len(samples.cases))])


def _of_case(samples: SliceSamples, folder: Path, number: int) -> Tensor:
    case = samples.cases[number]
    path = folder / f"{case.case}.nii.gz"
    if not path.is_file():
        raise InputError(f"{path}: there is no saliency map of case {case.case!r}; add it, or leave saliency out")
    scan = read_scan(path, intensity="display")
    image = samples.folder.scan(case)
    if scan.shape != image.shape:
        raise InputError(
            f"{path}: its size {scan.shape} is not the size {image.shape} of {case.image}; make it on that image"
        )
    lungs = case_lungs(samples.folder, case, image, samples.grid)
    first, last = case.slices or (0, image.shape[0])
    return slice_images(scan, samples.grid.around(lungs), slice(first, last), lungs).half()
