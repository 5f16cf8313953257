"""Saliency maps of one's own, read from a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.scans.intensity import IntensityError
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan


def read_saliency(samples: SliceSamples, folder: str | Path) -> Tensor:
    """The saliency of each slice on the network's grid, ``(N, 1, H, W)`` float16 in [0, 1], in the samples' order.

    Args:
        samples: The slices.
        folder: Holds ``<case>.nii.gz`` for each case: 8-bit, 0 to 255, on the grid of the case's image.

    Raises:
        InputError: If the map of a case is missing, of another size or not 8-bit.
    """
    return torch.cat([_of_case(samples, Path(folder), number) for number in range(len(samples.cases))])


def _of_case(samples: SliceSamples, folder: Path, number: int) -> Tensor:
    case = samples.cases[number]
    path = folder / f"{case.case}.nii.gz"
    if not path.is_file():
        raise InputError(f"{path}: there is no saliency map of case {case.case!r}; add it, or leave saliency out")
    scan = _eight_bit(path)
    image = samples.folder.scan(case)
    if scan.shape != image.shape:
        raise InputError(
            f"{path}: its size {scan.shape} is not the size {image.shape} of {case.image}; make it on that image"
        )
    lungs = case_lungs(samples.folder, case, image, samples.grid)
    first, last = case.slices or (0, image.shape[0])
    grid = replace(samples.grid, aerated=None)  # that is for images
    return slice_images(scan, grid.around(lungs), slice(first, last), lungs).half()


def _eight_bit(path: Path) -> Scan:
    """A saliency map; one that reaches no further than 1 is none of 0 to 255."""
    refused = InputError(
        f"{path}: a saliency map must be 8-bit, from 0 to 255, and this one is not; "
        "if it is from 0 to 1, multiply it by 255"
    )
    try:
        scan = read_scan(path, intensity="display")
    except IntensityError as error:
        raise refused from error
    if 0 < scan.voxels.max() <= 1:
        raise refused
    return scan
