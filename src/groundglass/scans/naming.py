"""What a scan is called, after its file or folder."""

from __future__ import annotations

from pathlib import Path

from groundglass.scans import dicom_archive
from groundglass.scans import images
from groundglass.scans import nifti
from groundglass.scans import nrrd

ENDINGS = (".seg.nrrd", *nifti.SUFFIXES, *nrrd.SUFFIXES, *images.SUFFIXES, *dicom_archive.SUFFIXES, ".zip")
"""The first is what 3D Slicer gives segmentations."""


def stem(path: Path) -> str:
    """Name of a file without its ending, of which ``.nii.gz`` is one; of a folder all of it.

    Other dots stay: names of DICOM folders are often UIDs, and ``scan.v2.nii.gz`` is not ``scan.nii.gz``.
    """
    if path.is_dir():
        return path.name
    name = path.name.lower()
    return next((path.name[: -len(end)] for end in ENDINGS if name.endswith(end)), path.name)
