"""A CT scan from DICOM: a folder, a zip archive or a single slice."""

from __future__ import annotations

import logging
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation

from groundglass.errors import InputError
from groundglass.scans.dicom_archive import dicom_files
from groundglass.scans.dicom_geometry import at_same_place
from groundglass.scans.dicom_geometry import order_slices
from groundglass.scans.dicom_geometry import stack_affine
from groundglass.scans.dicom_pixels import hounsfield
from groundglass.scans.dicom_series import DicomSeries
from groundglass.scans.dicom_series import choose_series
from groundglass.scans.dicom_slice import Slice
from groundglass.scans.dicom_slice import read_slice
from groundglass.scans.intensity import check_intensity
from groundglass.scans.intensity import how_to_state
from groundglass.scans.readable import MAX_BYTES
from groundglass.scans.readable import readable
from groundglass.scans.scan import Intensity
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)


def read_dicom_series(
    path: str | Path, *, series: str | None = None, intensity: Intensity | None = None
) -> tuple[Scan, DicomSeries]:
    """Read one CT series as a scan in HU, together with its headers.

    Slices are ordered by position. Identical slices at one place are read once; different ones are refused. Missing or
    unevenly spaced slices are refused: no resampling could invent them.

    Args:
        path: A folder (searched with its subfolders), a .zip of DICOM files, or one file.
        series: SeriesInstanceUID, SeriesNumber or SeriesDescription, where there are several.
        intensity: ``"display"`` for CT objects that hold windowed 8-bit images, ``"hu"`` for those that lost their
            rescale intercept but hold HU nevertheless.

    Returns:
        The scan, int16 (float32 where slope or intercept are not whole), and the series.

    Raises:
        InputError: If there is no such series, or it is damaged or not a complete stack of slices.
    """
    path = Path(path)
    # Anonymised files often break the rules of a tag's format; that is no reason to bother the user.
    with readable(path), disable_value_validation(), dicom_files(path) as files:
        choice = choose_series([read_slice(file) for file in files], path, series)
        slices = _without_duplicates(order_slices(choice.slices))
        affine = stack_affine(slices, path)
        voxels = _stack(slices)
    if len(slices) == 1:
        logger.warning("%s: a single slice; give its folder if the whole scan is meant", path)
    if intensity is None and not all(one.rescaled for one in slices):
        raise InputError(
            f"{path}: states no rescale intercept, so its values may not be HU; {how_to_state('hu')} if they are"
        )
    scan = Scan(voxels, affine, check_intensity(voxels, path, intensity or "hu"), path)
    headers, names = (one.header for one in slices), (one.file.name for one in slices)
    return scan, DicomSeries(tuple(headers), tuple(names), choice.found, choice.left_out)


def read_patient_id(path: Path) -> str:
    """PatientID of a scan, by its first axial CT slice; empty if there is none. It may be compared, but never shown.

    Raises:
        InputError: If a file is damaged, or there are too many.
    """
    with readable(path), disable_value_validation(), dicom_files(path) as files:
        slices = (one for one in map(read_slice, files) if isinstance(one, Slice))
        return next((one.series.patient for one in slices), "")


def _stack(slices: list[Slice]) -> NDArray[Any]:
    """HU ``(D, H, W)``; the decoders release Python's lock, so threads help."""
    if len(slices) * math.prod(slices[0].shape) * 4 > MAX_BYTES:
        raise InputError(f"{slices[0].file.name}: its series is larger than any chest CT; give the series of one scan")
    whole = all(one.slope.is_integer() and one.intercept.is_integer() for one in slices)
    voxels = np.empty((len(slices), *slices[0].shape), np.int16 if whole else np.float32)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for index, image in enumerate(pool.map(hounsfield, slices)):
            voxels[index] = image
    return voxels


def _without_duplicates(slices: list[Slice]) -> list[Slice]:
    kept = slices[:1]
    for one in slices[1:]:
        if not at_same_place(kept[-1], one):
            kept.append(one)
        elif not np.array_equal(hounsfield(kept[-1]), hounsfield(one)):
            raise InputError(
                f"{one.file.name}: lies at the same place as {kept[-1].file.name} but differs from it; "
                "keep one of the two acquisitions in the folder"
            )
    if len(kept) < len(slices):
        logger.warning("%d slices are there twice; each is read once", len(slices) - len(kept))
    return kept
