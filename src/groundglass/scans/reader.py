"""Read a scan or a mask from whatever file or folder holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans import dicom_archive
from groundglass.scans import images
from groundglass.scans import nifti
from groundglass.scans import nrrd
from groundglass.scans.intensity import check_intensity
from groundglass.scans.intensity import clip_padding
from groundglass.scans.intensity import voxel_range
from groundglass.scans.readable import readable
from groundglass.scans.scan import Intensity
from groundglass.scans.scan import Scan

if TYPE_CHECKING:
    from groundglass.scans.dicom_series import DicomSeries

Grid = tuple[NDArray[Any], NDArray[np.float64]]
"""Voxels ``(D, H, W)`` and their affine to LPS mm."""

READERS: dict[tuple[str, ...], Callable[[Path], Grid]] = {
    nifti.SUFFIXES: nifti.read_nifti,
    nrrd.SUFFIXES: nrrd.read_nrrd,
    images.SUFFIXES: lambda path: images.read_images([path]),
}
MIN_MM, MAX_MM = 0.01, 100.0
"""Voxel sizes beyond these are mistakes, for instance of units."""

VOLUME_SUFFIXES = (*nifti.SUFFIXES, *nrrd.SUFFIXES)
KINDS = "NIfTI, NRRD, MetaImage, DICOM (folder, zip or file), PNG, JPEG or TIFF (one slice or a folder of slices)"


def read_scan(path: str | Path, *, intensity: Intensity | None = None, series: str | None = None) -> Scan:
    """Read a chest CT: NIfTI, NRRD, DICOM (folder, zip, file) or images (one, or a folder of slices).

    The file's own axis order is kept, so a mask written on the scan's grid fits the file.

    Args:
        path: File or folder.
        intensity: ``"hu"`` or ``"display"`` (8-bit) where the range of values does not make it plain.
        series: SeriesInstanceUID, SeriesNumber or SeriesDescription of a DICOM series.

    Returns:
        Voxels ``(D, H, W)`` in HU, padding raised to -1024, or 8-bit grey values; int16, uint8 or float32.

    Raises:
        InputError: If there is no readable scan at ``path`` or its values are not what is stated.

    Example:
        >>> read_scan("patient7.nii.gz").intensity  # doctest: +SKIP
        'hu'
    """
    return read_scan_and_series(path, intensity=intensity, series=series)[0]


def read_scan_and_series(
    path: str | Path, *, intensity: Intensity | None = None, series: str | None = None
) -> tuple[Scan, DicomSeries | None]:
    """:func:`read_scan`, and the headers of the series if it was DICOM, for objects that refer to it."""
    path = Path(path)
    with readable(path):
        if _is_dicom(path):
            from groundglass.scans.dicom import read_dicom_series  # pydicom and SimpleITK take 0.8 s

            return read_dicom_series(path, series=series, intensity=intensity)
        if series is not None:
            raise InputError(f"{path}: not DICOM, so it has no series {series!r}; leave --series out")
        voxels, affine = _read_grid(path)
    voxels = _plain(voxels)
    kind = check_intensity(voxels, path, intensity)
    scan = _scan(clip_padding(voxels) if kind == "hu" else voxels, affine, kind, path)
    return replace(scan, measured=_is_volume(path)), None


def read_mask(path: str | Path, *, threshold: float = 0, classes: bool = False) -> Scan:
    """Read a mask: NIfTI, NRRD or images; not DICOM.

    A volume keeps its class values, unless 255 is the only one, which is the 8-bit way of writing 1. An image has grey
    values, and what is above the threshold is lesion, 1. Take 127 for JPEG, whose edges are smeared. Of colors the
    largest channel counts.

    Args:
        path: File, or folder of images.
        threshold: Values above it are lesion. Above 0 it holds for volumes as well, which then lose their classes.
        classes: Keep 255 as it is, and the grey values of an image if they are whole numbers 0..255.

    Returns:
        Voxels ``(D, H, W)`` uint8, intensity ``"mask"``.

    Raises:
        InputError: If there is no readable mask, a volume holds other values than whole numbers 0..255, or an image
            holds something, but nothing above the threshold.
    """
    path = Path(path)
    with readable(path):
        if _is_dicom(path):
            raise InputError(
                f"{path}: masks are not read from DICOM slices; export the mask as NIfTI or as one DICOM-SEG file"
            )
        voxels, affine = _read_grid(path, images.read_masks)
    low, high = voxel_range(voxels, path)
    if not _is_volume(path):
        _check_brightness(voxels, path, threshold)
    values = voxels.astype(np.uint8) if low >= 0 and high <= 255 else None
    whole = values is not None and np.array_equal(values, voxels)
    if threshold > 0 or not (_is_volume(path) or (classes and whole)):
        return _scan((voxels > threshold).astype(np.uint8), affine, "mask", path)
    if values is None or not whole:
        raise InputError(
            f"{path}: min {low:g}, max {high:g}{_fractions(voxels)}: not a mask of whole numbers 0..255; give the "
            "mask itself"
        )
    if not classes and high == 255 and not ((values > 0) & (values < 255)).any():
        values = (values > 0).astype(np.uint8)
    return _scan(np.ascontiguousarray(values), affine, "mask", path)


def _fractions(voxels: NDArray[Any]) -> str:
    return ", with fractions, as probabilities are" if np.any(voxels != np.rint(voxels)) else ""


def _is_volume(path: Path) -> bool:
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def _check_brightness(voxels: NDArray[Any], path: Path, threshold: float) -> None:
    """A slice that holds something shows it: what is smeared lies around what is bright."""
    brightest = voxels.max(axis=(1, 2))
    if (faint := np.flatnonzero((brightest > 0) & (brightest <= threshold))).size:
        raise InputError(
            f"{path}: slice {faint[0] + 1} has no pixel above {brightest[faint[0]]:g}, but of a JPEG mask what is "
            f"above {threshold:g} counts; save it as PNG, or with what is marked in white (255)"
        )


def _is_dicom(path: Path) -> bool:
    if path.is_dir():
        return dicom_archive.holds_dicom(path)
    return path.suffix.lower() == ".zip" or (_reader(path) is None and dicom_archive.is_dicom(path))


def _reader(path: Path) -> Callable[[Path], Grid] | None:
    return next((read for suffixes, read in READERS.items() if path.name.lower().endswith(suffixes)), None)


def _read_grid(path: Path, read_pictures: Callable[[list[Path]], Grid] = images.read_images) -> Grid:
    if path.is_dir():
        return read_pictures(_slices_in(path))
    if path.name.lower().endswith(images.SUFFIXES):
        return read_pictures([path])
    read = _reader(path)
    if read is None:
        raise InputError(f"{path}: not a kind of file that is read; give one of {KINDS}")
    return read(path)


def _slices_in(folder: Path) -> list[Path]:
    if found := images.find_images(folder):
        return found
    volumes = [path.name for path in sorted(folder.iterdir()) if path.name.lower().endswith(VOLUME_SUFFIXES)]
    if volumes:
        raise InputError(f"{folder}: a folder with {len(volumes)} volume(s) such as {volumes[0]}; give one of them")
    raise InputError(f"{folder}: a folder without a readable image; give one of {KINDS}")


def _plain(voxels: NDArray[Any]) -> NDArray[Any]:
    """The voxels as int16, uint8 or float32 of this machine's byte order, contiguous."""
    kind: type
    if voxels.dtype in (bool, np.uint8):
        kind = np.uint8
    elif voxels.dtype.kind in "iu" and _fits_int16(voxels):
        kind = np.int16
    else:
        kind = np.float32
    with np.errstate(over="ignore"):  # an overflow becomes infinite and is refused as such
        return np.ascontiguousarray(voxels, dtype=kind)


def _fits_int16(voxels: NDArray[Any]) -> bool:
    limits = np.iinfo(np.int16)
    return bool(voxels.size == 0 or (voxels.min() >= limits.min and voxels.max() <= limits.max))


def _scan(voxels: NDArray[Any], affine: NDArray[np.float64], intensity: Intensity, path: Path) -> Scan:
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise InputError(f"{path}: its header does not say where the voxels lie; export the scan again")
    scan = Scan(voxels, affine, intensity, path)
    if not MIN_MM <= min(scan.spacing) <= max(scan.spacing) <= MAX_MM:
        size = " x ".join(f"{length:.3g}" for length in scan.spacing)
        raise InputError(f"{path}: its header says that a voxel has {size} mm, which no scanner makes; mend the header")
    return scan
