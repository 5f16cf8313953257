"""Masks as people save them: JPEG smears their edges, and DICOM-SEG leaves empty slices out."""

from __future__ import annotations

from pathlib import Path

from groundglass.scans import images
from groundglass.scans.alignment import on_grid
from groundglass.scans.dicom_archive import is_dicom
from groundglass.scans.readable import readable
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

JPEG_THRESHOLD = 127
"""The edges of a mask are smeared in a JPEG."""


def read_drawn_mask(path: Path) -> Scan:
    """Read somebody's mask as :func:`read_mask` does; of JPEG only what is brighter than 127 counts.

    Args:
        path: File, or folder of images.

    Returns:
        Voxels ``(D, H, W)`` uint8, intensity ``"mask"``.

    Raises:
        InputError: If there is no readable mask.
    """
    return read_mask(path, threshold=JPEG_THRESHOLD if is_smeared(path) else 0)


def is_smeared(path: Path) -> bool:
    """Whether a mask is a JPEG, or holds one.

    Raises:
        InputError: If there is no such file.
    """
    with readable(path):
        return any(file.suffix.lower() in images.JPEG for file in (path.iterdir() if path.is_dir() else [path]))


def needs_scan(path: Path) -> bool:
    """Whether a mask is a DICOM file: a DICOM-SEG leaves empty slices out, so it is read for the scan it was made for.

    Raises:
        InputError: If there is no such file.
    """
    with readable(path):
        return path.is_file() and is_dicom(path)


def mask_of(path: Path, scan: Scan, *, segment: int | str = 1) -> Scan:
    """Somebody's mask on the grid of its scan.

    Args:
        path: As for :func:`read_drawn_mask`, or a DICOM-SEG.
        scan: ``(D, H, W)``.
        segment: Of a DICOM-SEG: its number, from 1, or its label.

    Returns:
        Voxels as those of the scan, uint8, intensity ``"mask"``.

    Raises:
        InputError: If it cannot be read or does not lie on the grid of the scan.
    """
    if needs_scan(path):
        from groundglass.scans.dicom_seg_reader import read_dicom_seg  # pydicom takes 0.3 s

        return read_dicom_seg(path, segment=segment, like=scan)
    return on_grid(read_drawn_mask(path), scan)
