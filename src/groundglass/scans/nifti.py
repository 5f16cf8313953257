"""NIfTI files, read and written without loss."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel import Nifti1Image
from nibabel import Nifti1Pair
from nibabel.affines import apply_affine
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.spatialimages import HeaderTypeError
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.files import replacing
from groundglass.scans.readable import MAX_BYTES
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

SUFFIXES = (".nii", ".nii.gz")

RAS_TO_LPS = np.array([[-1.0], [-1.0], [1.0], [1.0]])
"""Signs of the rows of an affine; its own inverse."""

KJI = [2, 1, 0, 3]
"""Columns of an affine for the array order ``(k, j, i)`` = ``(d, h, w)``; its own inverse."""

GZIP_RATIO = 1032
"""The most a gzip stream can expand: a header that claims more is broken, and nothing is allocated for it."""

STEP_BYTES = 2**20

UNIT_MM = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Codes for meters, millimeters and microns in a header; others are taken for mm, as everyone means it."""

PLACE_MM = 1.0
"""How far qform and sform may place a corner apart: they are rounded differently."""

BROKEN = (ImageFileError, HeaderDataError, HeaderTypeError, EOFError, zlib.error, ValueError, OverflowError)
"""What nibabel raises on a damaged file (besides OSError)."""


def read_nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels ``(k, j, i)`` = ``(D, H, W)`` in the file's axis order, and their affine to LPS mm.

    Raises:
        InputError: If it is not a readable 3-D grey-value NIfTI.
    """
    try:
        image: Any = nibabel.load(path, mmap=False)
        if not isinstance(image, Nifti1Pair):
            raise ImageFileError(f"it is {type(image).__name__.removesuffix('Image')}")
        _check_size(image, path)
        with _whole(image, path) as checked:
            voxels, affine = np.asanyarray(checked.dataobj), affine_mm(image)
    except BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: not a readable NIfTI file ({reason}); export or copy it again") from error
    if voxels.dtype.kind not in "biuf":
        raise InputError(f"{path}: holds colors or complex numbers; give a NIfTI with one grey value a voxel")
    _warn_of_place(image, path)
    return _three_axes(voxels, path).transpose(2, 1, 0), affine


@contextmanager
def _whole(image: Any, path: Path) -> Iterator[Any]:
    """The image, and at the end of the block the rest of its gzip stream, at whose end the checksum is.

    nibabel stops at the last voxel, so that most damage of a file on its way would become other voxels.
    """
    if not path.name.lower().endswith(".gz"):
        yield image
        return
    with gzip.open(path) as stream:
        yield type(image).from_stream(stream)
        for _ in range(MAX_BYTES // STEP_BYTES):  # no bomb goes off behind the voxels
            if not stream.read(STEP_BYTES):
                return
        raise ValueError("more follows after its voxels than any chest CT has")


def affine_mm(image: Any) -> NDArray[np.float64]:
    """``(4, 4)`` from indices ``(k, j, i)`` of a NIfTI image of nibabel's to LPS mm."""
    unit = UNIT_MM.get(int(image.header["xyzt_units"]) % 8, 1.0)  # the other bits are the unit of time
    return RAS_TO_LPS * [[unit], [unit], [unit], [1]] * np.asarray(image.affine, np.float64)[:, KJI]


def nifti_shape(path: Path) -> tuple[int, ...]:
    """Number of voxels ``(D, H, W)`` in the file's axis order, from its header alone.

    Raises:
        InputError: If it is not a readable NIfTI.
    """
    return tuple(_header(path).shape[::-1])


def nifti_affine(path: Path) -> NDArray[np.float64]:
    """``(4, 4)`` from indices ``(D, H, W)`` in the file's axis order to LPS mm, from its header alone.

    Raises:
        InputError: If it is not a readable NIfTI.
    """
    return affine_mm(_header(path))


def _header(path: Path) -> Any:
    try:
        return nibabel.load(path)
    except (*BROKEN, OSError) as error:
        raise InputError(f"{path}: not a readable NIfTI file; export or copy it again") from error


def write_nifti(scan: Scan, path: str | Path) -> None:
    """Write a scan or mask so that reading it gives the same voxels and affine.

    int16, uint8 and float32 are kept. The file appears complete or not at all. An affine with shears, which a
    quaternion cannot hold, is written as sform alone.

    Raises:
        InputError: If the name does not end in .nii or .nii.gz, or the file cannot be written.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path}: a NIfTI file must be named .nii or .nii.gz; change its name")
    with replacing(path) as unfinished:
        nibabel.save(_to_image(scan), unfinished)


def _to_image(scan: Scan) -> Nifti1Image:
    affine = RAS_TO_LPS * scan.affine[:, KJI]
    image = Nifti1Image(_storable(scan.voxels).transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code="scanner")
    rigid = np.allclose(image.get_qform(), affine, atol=1e-4)
    image.set_qform(affine, code="scanner" if rigid else "unknown")
    image.set_sform(affine, code="scanner")
    return image


def _storable(voxels: NDArray[Any]) -> NDArray[Any]:
    """The voxels in a type every NIfTI reader knows."""
    if voxels.dtype in (np.int16, np.uint8, np.float32):
        return voxels
    if voxels.dtype.kind == "f":
        return voxels.astype(np.float32)
    return voxels.astype(np.uint8 if voxels.dtype == bool else np.int32)


def _check_size(image: Any, path: Path) -> None:
    claimed = float(np.prod(image.shape, dtype=float)) * image.get_data_dtype().itemsize
    held = path.stat().st_size * (GZIP_RATIO if path.name.lower().endswith(".gz") else 1)
    if claimed > held:
        raise ValueError(f"its header claims {claimed:.0f} bytes of voxels, more than the file holds")
    if claimed > MAX_BYTES:
        raise ValueError(f"it becomes {claimed / 1024**3:.0f} GB in memory, more than any chest CT")


def _warn_of_place(image: Any, path: Path) -> None:
    """Say where a header leaves open, or says twice, where its voxels lie."""
    quaternion, matrix = (int(image.header[code]) for code in ("qform_code", "sform_code"))
    if not (quaternion or matrix):
        logger.warning(
            "%s: does not say how the patient lies in it; taken as the format's default, left to right", path
        )
    if not (quaternion and matrix):
        return
    far = np.array([[0, 0, 0], [length - 1 for length in (*image.shape, 1, 1)[:3]]])
    try:
        apart = np.abs(apply_affine(image.get_qform(), far) - apply_affine(image.get_sform(), far)).max()
    except BROKEN:  # a quaternion that is none places nothing
        return
    if apart > PLACE_MM:
        logger.warning(
            "%s: its header says twice where it lies (qform and sform), %.0f mm apart; the sform is taken, other "
            "programs may take the qform and show left and right or the place otherwise",
            path,
            apart,
        )


def _three_axes(voxels: NDArray[Any], path: Path) -> NDArray[Any]:
    """``(i, j, k)``: further axes of length 1 dropped, a missing slice axis added."""
    size = voxels.shape
    if any(length != 1 for length in size[3:]):
        count = int(np.prod(size[3:]))
        raise InputError(f"{path}: has {count} time points or channels; give a NIfTI with one volume")
    return voxels.reshape((*size, 1, 1)[:3])
