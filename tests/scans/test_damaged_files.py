"""A damaged file gives a scan or one sentence: never a traceback, a hang or a page of memory that is not there."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from mutations import mutations
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless
from pydicom.uid import RLELossless

from groundglass.errors import InputError
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.dicom_seg import write_dicom_seg
from groundglass.scans.dicom_seg_reader import read_dicom_seg
from groundglass.scans.nifti import write_nifti
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

Write = Callable[..., Any]
Good = tuple[Path, int]
"""An undamaged file and the length of its header."""

PIXEL_DATA = b"\xe0\x7f\x10\x00"
HANG_S = 5.0

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom says what it repairs

COUNTS = [pytest.param(100, id="100"), pytest.param(1000, id="1000", marks=pytest.mark.slow)]


def nifti(folder: Path, suffix: str) -> Good:
    voxels = np.random.default_rng(0).integers(-1000, 500, (3, 4, 5)).astype(np.int16)
    write_nifti(Scan(voxels, np.diag([3.0, 0.7, 0.7, 1]), "hu"), folder / "good.nii")
    return (folder / "good.nii").rename(folder / f"good{suffix}"), 352


def volume(folder: Path, suffix: str) -> Good:
    path = folder / f"good{suffix}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.full((3, 4, 5), -800, np.int16)), str(path))
    return path, path.stat().st_size - 120


def dicom(folder: Path, write_slice: Write, syntax: str) -> Good:
    stored = np.random.default_rng(0).integers(0, 3000, (32, 32)).astype(np.uint16)
    dataset = write_slice(folder / "good.dcm", stored)
    if syntax in ("rle", "jpeg-ls"):
        dataset.compress(RLELossless if syntax == "rle" else JPEGLSLossless)
    elif syntax != "plain":
        writer = SimpleITK.ImageFileWriter()
        writer.SetFileName(str(folder / "pixels.dcm"))
        writer.UseCompressionOn()
        writer.SetCompressor(syntax)
        writer.Execute(SimpleITK.GetImageFromArray(stored[None]))
        pixels = dcmread(folder / "pixels.dcm")
        dataset.file_meta.TransferSyntaxUID = pixels.file_meta.TransferSyntaxUID
        dataset["PixelData"] = pixels["PixelData"]
    dataset.save_as(folder / "good.dcm")
    whole = (folder / "good.dcm").read_bytes()
    return folder / "good.dcm", whole.index(PIXEL_DATA) if syntax == "plain" else len(whole)


def damage(good: Good, count: int, read: Callable[[Path], Any] = read_scan, pack: Any = bytes) -> None:
    path, header = good
    bad = path.with_name(f"bad{''.join(path.suffixes)}")
    messages = []
    for raw in mutations(path.read_bytes(), header, count, seed=count):
        bad.write_bytes(pack(raw))
        start = time.monotonic()
        try:
            read(bad)
        except InputError as error:
            messages.append(str(error))
        assert time.monotonic() - start < HANG_S
    assert 0 < len(messages) < count
    assert all(message.startswith(str(bad)) for message in messages)
    assert all("\n" not in message for message in messages)


def read_hu(path: Path) -> Scan:
    return read_scan(path, intensity="hu")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti(tmp_path: Path, suffix: str, count: int) -> None:
    damage(nifti(tmp_path, suffix), count, read_hu, gzip.compress if suffix == ".nii.gz" else bytes)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_nrrd_and_metaimage(tmp_path: Path, suffix: str, count: int) -> None:
    damage(volume(tmp_path, suffix), count, read_hu)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("syntax", ["plain", "rle", "JPEG", "JPEG2000", "jpeg-ls"])
def test_dicom(tmp_path: Path, write_slice: Write, syntax: str, count: int) -> None:
    damage(dicom(tmp_path, write_slice, syntax), count)


@pytest.mark.parametrize("count", COUNTS)
def test_dicom_elements(tmp_path: Path, write_slice: Write, count: int) -> None:
    """Well-formed files whose values are nonsense."""
    rng = np.random.default_rng(count)
    texts = ["", "0", "-1", "nan", "inf", "1e308", "abc", "1\\2", "1\\2\\3", "\\\\", "9" * 40, "\0", "é"]
    numbers = [0, 1, 65535, 32768]
    write_slice(tmp_path / "good.dcm", PixelPaddingValue=63536)
    bad, messages = tmp_path / "bad.dcm", []
    for _ in range(count):
        dataset = dcmread(tmp_path / "good.dcm")
        elements = [element for element in dataset if element.keyword != "PixelData"]
        for index in rng.choice(len(elements), rng.integers(1, 4), replace=False):
            element = elements[index]
            value = int(rng.choice(numbers)) if element.VR in ("US", "SS") else str(rng.choice(texts))
            if rng.random() < 0.2:
                dataset.pop(element.tag, None)
            else:
                # As bytes, or pydicom would refuse to write what others have written.
                raw = value.to_bytes(2, "little") if isinstance(value, int) else value.encode().ljust(2)
                dataset[element.tag]._value = raw
                dataset[element.tag].VR = "UN"
        dataset.save_as(bad)
        try:
            assert np.isfinite(read_scan(bad).affine).all()
        except InputError as error:
            messages.append(str(error))
    assert 0 < len(messages) < count
    assert all(message.startswith(str(bad)) for message in messages)


@pytest.mark.parametrize("count", [pytest.param(40, id="40"), COUNTS[1]])
def test_dicom_seg(tmp_path: Path, write_series: Write, count: int) -> None:
    write_series(tmp_path / "scan")
    scan, series = read_dicom_series(tmp_path / "scan")
    mask = scan.with_voxels((scan.voxels > 0).astype(np.uint8), "mask")
    path = tmp_path / "good.dcm"
    write_dicom_seg({"lesions": mask}, series, path, algorithm_name="threshold", algorithm_version="1")
    damage((path, path.stat().st_size), count, read_dicom_seg)
