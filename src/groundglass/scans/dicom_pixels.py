"""Pixels of DICOM slices: decoded by pydicom where it can, by SimpleITK's GDCM where it cannot."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID
from pydicom.uid import CTImageStorage
from pydicom.uid import JPEGLossless
from pydicom.uid import JPEGLosslessSV1
from pydicom.uid import JPEGLSLossless
from pydicom.uid import JPEGLSNearLossless
from pydicom.uid import generate_uid

from groundglass.errors import InputError
from groundglass.scans.dicom_archive import DicomFile
from groundglass.scans.dicom_slice import BROKEN
from groundglass.scans.dicom_slice import Slice
from groundglass.scans.dicom_values import damaged
from groundglass.scans.intensity import AIR_HU
from groundglass.scans.readable import readable

PIXEL_TAGS = (
    *("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PhotometricInterpretation"),
)

JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
"""Left to GDCM: pydicom's decoder can spend minutes on a damaged slice."""

READ_BY_GDCM = (*JPEG_LS, JPEGLossless, JPEGLosslessSV1)

JPEG_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""SOF0..SOF15 and JPEG-LS; the three left out are tables between them."""


def hounsfield(one: Slice) -> NDArray[np.float32]:
    """One slice in HU ``(H, W)``; padding becomes -1024, air.

    Values below air are padding, and so is PixelPaddingValue if a corner has it: the field of view is round, and a
    value that is not outside of it is tissue, whatever the tag says.

    Raises:
        InputError: If its pixels are damaged or missing, or packed in a way that is not read.
    """
    stored = _stored_values(one.file)
    if stored.shape != one.shape:
        raise damaged(one.file.name)
    values = stored.astype(np.float32) * np.float32(one.slope) + np.float32(one.intercept)
    if one.padding is not None:
        outside = (stored >= one.padding[0]) & (stored <= one.padding[1])
        if outside[:: max(1, len(outside) - 1), [0, -1]].any():
            values[outside] = AIR_HU
    return np.asarray(np.clip(values, AIR_HU, np.iinfo(np.int16).max))


def read_raw_dicom_slice(path: Path) -> NDArray[Any]:
    """The stored values ``(H, W)`` of one file, decoded but without slope and intercept: not HU.

    Raises:
        InputError: If it is not DICOM, or its pixels are damaged or missing.
    """
    with readable(path), disable_value_validation():
        return _stored_values(DicomFile(str(path), lambda: path.open("rb")))


def _stored_values(file: DicomFile) -> NDArray[Any]:
    try:
        with file.open() as content:
            dataset = dcmread(content)
        syntax = dataset.file_meta.TransferSyntaxUID
        _check_syntax(syntax, file.name)
        if syntax.is_encapsulated:
            _check_jpeg(next(generate_frames(dataset.PixelData, number_of_frames=1)), dataset)
        if syntax not in JPEG_LS and get_decoder(syntax).is_available:
            return np.asarray(dataset.pixel_array)
        return _decode_with_gdcm(dataset)
    except InputError:
        raise
    except BROKEN as error:
        raise damaged(file.name) from error


def _check_syntax(syntax: UID, name: str) -> None:
    """Tell pixels that nothing here decodes from damage."""
    if syntax in READ_BY_GDCM or not syntax.is_valid:
        return
    try:
        decoded = get_decoder(syntax).is_available
    except NotImplementedError:  # one that pydicom does not know
        decoded = False
    if not decoded:
        raise InputError(
            f"{name}: its pixels are packed as {syntax.name}, which is not read; export the series uncompressed"
        )


def _decode_with_gdcm(dataset: Dataset) -> NDArray[Any]:
    """Hand SimpleITK a file of nothing but the pixels, so that it neither rescales nor stumbles over other tags."""
    bare = Dataset()
    for keyword in PIXEL_TAGS:
        setattr(bare, keyword, dataset[keyword].value)
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    bare.PixelData = encapsulate([frame])
    bare.SOPClassUID, bare.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=["pixels"])
    bare["PixelData"].is_undefined_length = True
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    handle, name = tempfile.mkstemp(suffix=".dcm")
    try:
        with os.fdopen(handle, "wb") as file:
            bare.save_as(file, enforce_file_format=True)
        return np.asarray(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(name, imageIO="GDCMImageIO"))[0])
    finally:
        os.unlink(name)


def _check_jpeg(frame: bytes, dataset: Dataset) -> None:
    """Refuse a JPEG or JPEG-LS whose own header contradicts the file's.

    GDCM would write past its buffer and end the process. What is no JPEG passes.
    """
    if not frame.startswith(b"\xff\xd8"):
        return
    place = 2
    while place < len(frame):
        start, marker, length = struct.unpack_from(">BBH", frame, place)
        if start != 0xFF:
            break
        if marker == 0xFF:  # filling between markers
            place += 1
            continue
        if marker in JPEG_FRAME_MARKERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, place + 4)
            if (rows, columns, samples) == (dataset.Rows, dataset.Columns, 1) and bits <= dataset.BitsAllocated:
                return
            break
        place += 2 + length
    raise ValueError("the JPEG header contradicts the DICOM header")
