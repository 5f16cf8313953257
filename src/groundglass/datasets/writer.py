"""One case written as a prepared dataset has it: NIfTI in canonical orientation, masks on the image's grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Source
from groundglass.errors import InputError
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

TOLERANCE = 0.1
"""How far, in voxels, any corner of a mask may lie from its image: headers are rounded, grids are not confused."""


def write_case(source: Source, case: Case, output: Path) -> tuple[Case, int]:
    """Read a case and write its files.

    Args:
        source: What to read.
        case: Where to write, below ``output``.
        output: The dataset folder.

    Returns:
        The case with its intensity, and its number of slices.

    Raises:
        InputError: If a file is damaged, a mask does not fit its image or is all lesion, or a file that is read would
            be overwritten.
    """
    scan = source.image()
    image = to_canonical(scan)
    _write(image, output / case.image)

    def read_mask(read: Callable[[], Scan]) -> Scan:
        mask = read()
        return place_on(to_canonical(replace(mask, affine=scan.affine) if source.voxelwise else mask), image)

    if source.mask and case.label:
        _write(_lesions(read_mask(source.mask)), output / case.label)
    if source.lungs and case.lungs:
        _write(read_mask(source.lungs), output / case.lungs)
    return replace(case, intensity=image.intensity), image.shape[0]


def place_on(mask: Scan, image: Scan) -> Scan:
    """A mask on the very grid of its image; both in canonical orientation, so flips and axis orders no longer differ.

    Args:
        mask: ``(D, H, W)``.
        image: ``(D, H, W)``.

    Returns:
        The mask with the image's affine.

    Raises:
        InputError: If the sizes differ, or the mask lies elsewhere in the patient.
    """
    if mask.shape != image.shape:
        raise InputError(
            f"{mask.path}: its size {mask.shape} is not the size {image.shape} of its image {image.path}; "
            "redraw it on that image"
        )
    corners = np.array(list(product(*[(0, length - 1) for length in image.shape])))
    places = mask.to_mm(corners)
    if np.abs(image.to_indices(places) - corners).max() > TOLERANCE:
        away = np.linalg.norm(places - image.to_mm(corners), axis=1).max()
        raise InputError(
            f"{mask.path}: lies up to {away:.3g} mm from where its image {image.path} lies; "
            "export the mask on the grid of that image"
        )
    return replace(mask, affine=image.affine)


def _lesions(mask: Scan) -> Scan:
    lesions = mask.voxels > 0
    if lesions.all():
        raise InputError(f"{mask.path}: every pixel is lesion; check that it is a mask and not an image")
    return mask.with_voxels(lesions.astype(np.uint8))


def _write(scan: Scan, path: Path) -> None:
    if scan.path is not None and scan.path.resolve() == path.resolve():
        raise InputError(f"{path}: is read and would be overwritten; choose another output folder")
    write_nifti(scan, path)
