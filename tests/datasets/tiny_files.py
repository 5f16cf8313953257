"""Small files in the formats that layouts hold, written by other libraries, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.uid import generate_uid

from groundglass.datasets.catalog.layout import Source
from groundglass.scans.scan import Scan

SHAPE = (8, 16, 16)
RAS = np.array([[-0.8, 0, 0, 10], [0, -0.7, 0, 20], [0, 0, 5, -100], [0, 0, 0, 1]], float)
"""Index (i, j, k) to RAS mm: i to the left, j to the back, k to the head, so (k, j, i) is canonical already."""

LPS = np.array([[0, 0, 0.8, -10], [0, 0.7, 0, -20], [5, 0, 0, -100], [0, 0, 0, 1]], float)
"""The same grid as index (d, h, w) to LPS mm."""


def hu(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.int16]:
    """Voxels ``(D, H, W)`` that can only be Hounsfield units."""
    return np.random.default_rng(seed).integers(-1000, 200, shape).astype(np.int16)


def lesion(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """A mask ``(D, H, W)`` that no flip or turn maps to itself; nothing in the last slices."""
    mask = np.zeros(shape, np.uint8)
    mask[1:3, 2:4, 3:9] = 1
    mask[2, 10, 5] = 1
    return mask


def write_volume(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64] = RAS) -> NDArray[Any]:
    """Write ``(D, H, W)`` voxels as NIfTI with nibabel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine), path)
    return voxels


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Write ``(H, W)`` pixels with Pillow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def write_dicom(path: Path, stored: NDArray[np.uint16], z: float, **tags: Any) -> None:
    """Write ``(H, W)`` stored values, HU + 1024, as one CT slice with pydicom."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    defaults: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "SeriesInstanceUID": "1.2.3",
        "Modality": "CT",
        "ImagePositionPatient": [-10, -20, z],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.7, 0.8],
        "SliceThickness": 5,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
    }
    for keyword, value in (defaults | tags).items():
        setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def make_source(name: str, *, lesions: NDArray[Any] | None = None, **changes: Any) -> Source:
    """A case in memory with a mask ``lesions``; ``changes`` replaces fields of its source."""
    fields: dict[str, Any] = {
        "case": name,
        "patient": name,
        "image": lambda: Scan(hu(len(name)), LPS, "hu"),
        "mask": lambda: Scan(lesion() if lesions is None else lesions, LPS, "mask", Path(f"{name}-mask")),
    }
    return Source(**(fields | changes))
