"""What the tests of reading and writing share: small CT series in DICOM, written by pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage
from pydicom.uid import ExplicitVRLittleEndian
from pydicom.uid import generate_uid

WriteSlice = Callable[..., FileDataset]
WriteSeries = Callable[..., NDArray[np.int16]]

AXIAL = (1, 0, 0, 0, 1, 0)


def make_slice(stored: NDArray[Any], **tags: Any) -> FileDataset:
    """A CT slice whose stored values are HU + 1024; ``tags`` overrides or, with ``None``, removes elements."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    defaults = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientName": "Doe^Jane",
        "PatientID": "JD-1",
        "SeriesInstanceUID": "1.2.3",
        "SeriesNumber": 2,
        "SeriesDescription": "Thorax 2.0",
        "FrameOfReferenceUID": "1.2.9",
        "ImagePositionPatient": [0, 0, 0],
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": [0.7, 0.6],
        "SliceThickness": 3,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
    }
    for keyword, value in (defaults | tags).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes()
    return dataset


@pytest.fixture
def write_slice() -> WriteSlice:
    """Write one slice: ``write_slice(path, stored=None, **tags)``; without values it is all air, HU -1000."""

    def write(path: Path, stored: NDArray[Any] | None = None, **tags: Any) -> FileDataset:
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = make_slice(np.full((4, 5), 24, np.uint16) if stored is None else stored, **tags)
        dataset.save_as(path, enforce_file_format=True)
        return dataset

    return write


@pytest.fixture
def write_series(write_slice: WriteSlice) -> WriteSeries:
    """Write slices whose names and numbers run against their position, and give their HU, feet first."""

    def write(folder: Path, *, count: int = 4, step: tuple[float, ...] = (0, 0, 2.0), **tags: Any) -> NDArray[np.int16]:
        rng = np.random.default_rng(count)
        stored = rng.integers(24, 2000, (count, 4, 5)).astype(np.uint16)
        for index in range(count):
            place = (np.array([-10.0, -20.0, -30.0]) + index * np.array(step)).tolist()
            changing = {"ImagePositionPatient": place, "InstanceNumber": (index * 7) % count}
            write_slice(folder / f"IM{(count - index):03d}.dcm", stored[index], **(changing | tags))
        return (stored.astype(int) - 1024).astype(np.int16)

    return write
