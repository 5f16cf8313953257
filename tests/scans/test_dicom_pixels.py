from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import RLELossless

from groundglass.errors import InputError
from groundglass.scans.dicom_pixels import _check_jpeg
from groundglass.scans.dicom_pixels import _decode_with_gdcm
from groundglass.scans.dicom_pixels import read_raw_dicom_slice

Write = Callable[..., Any]


def test_raw_values_are_not_rescaled(tmp_path: Path, write_slice: Write) -> None:
    stored = np.arange(20, dtype=np.uint16).reshape(4, 5)
    write_slice(tmp_path / "a.dcm", stored)
    np.testing.assert_array_equal(read_raw_dicom_slice(tmp_path / "a.dcm"), stored)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_gdcm_decodes_the_stored_values_as_pydicom_does(tmp_path: Path, write_slice: Write, dtype: type) -> None:
    stored = (np.random.default_rng(0).integers(0, 3000, (16, 8)) - 1000 * (dtype == np.int16)).astype(dtype)
    dataset = write_slice(tmp_path / "a.dcm", stored, RescaleSlope=3)
    dataset.compress(RLELossless)
    np.testing.assert_array_equal(_decode_with_gdcm(dataset), stored)


@pytest.mark.parametrize(("place", "value"), [(4, 200), (6, 200), (8, 200)])
def test_a_jpeg_that_contradicts_its_header_never_reaches_gdcm(
    tmp_path: Path, write_slice: Write, place: int, value: int
) -> None:
    jpeg = bytearray(b"\xff\xd8\xff\xc3\x00\x0b\x10\x00\x04\x00\x05\x01\x01\x11\x00\xff\xd9\x00")
    dataset = write_slice(tmp_path / "a.dcm")
    _check_jpeg(bytes(jpeg), dataset)
    jpeg[place + 2] = value
    with pytest.raises(ValueError, match="contradicts"):
        _check_jpeg(bytes(jpeg), dataset)


def test_a_file_that_is_not_dicom_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"no")
    with pytest.raises(InputError, match=r"a\.dcm: "):
        read_raw_dicom_slice(tmp_path / "a.dcm")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.dcm: there is no such file"):
        read_raw_dicom_slice(tmp_path / "b.dcm")
