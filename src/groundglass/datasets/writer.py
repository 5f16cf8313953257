"""One case written as a prepared dataset has it: NIfTI in canonical orientation, masks on the image's grid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Source
from groundglass.errors import InputError
from groundglass.labels.rasterize import UNKNOWN_TAG
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

TOLERANCE = 0.1
"""How far, in voxels, any corner of a mask may lie from its image: headers are rounded, grids are not confused."""


class Written(NamedTuple):
    """What was written of a case.

    Args:
        case: With its intensity.
        depth: Its number of slices.
        has_lesion: Whether its mask holds one; ``None`` without a mask.
    """

    case: Case
    depth: int
    has_lesion: bool | None


def write_case(source: Source, case: Case, output: Path) -> Written:
    """Read a case and write its files.

    Args:
        source: What to read.
        case: Where to write, below ``output``.
        output: The dataset folder.

    Returns:
        The case with its intensity, its number of slices, and whether it has a lesion.

    Raises:
        InputError: If a file is damaged, a mask does not fit its image or is all lesion, a slice is tagged or a place
            clicked that is not there, or a file that is read would be overwritten.
    """
    scan = source.image()
    image = to_canonical(scan)
    slice_tags = source.slice_tags.feet_first(image.shape[0]) if source.slice_tags else None
    if source.points:
        source.points.check_inside(source.case, image)
    _write(image, output / case.image)

    def read_mask(read: Callable[[], Scan]) -> Scan:
        mask = read()
        return place_on(to_canonical(replace(mask, affine=scan.affine) if source.voxelwise else mask), image)

    has_lesion = None
    if source.mask and case.label:
        lesions = _lesions(read_mask(source.mask))
        has_lesion = bool(lesions.voxels.any())
        _say_contradictions(source.case, slice_tags, lesions)
        _write(lesions, output / case.label)
    if source.tag == 0 and has_lesion:
        logger.warning("case %s: tagged as healthy, but its mask has lesions; mend the one or the other", source.case)
    if source.lungs and case.lungs:
        _write(read_mask(source.lungs), output / case.lungs)
    return Written(replace(case, intensity=image.intensity, slice_tags=slice_tags), image.shape[0], has_lesion)


def _say_contradictions(case: str, slice_tags: tuple[int, ...] | None, lesions: Scan) -> None:
    """A table that counts from the wrong end shows here."""
    if slice_tags is None:
        return
    tags, has_lesion = np.array(slice_tags), np.any(lesions.voxels, axis=(1, 2))
    known = tags != UNKNOWN_TAG
    if wrong := np.count_nonzero(tags[known] != has_lesion[known]):
        logger.warning(
            "case %s: %d of %d slice tags contradict its mask; check from which end the table counts",
            *(case, wrong, np.count_nonzero(known)),
        )


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
