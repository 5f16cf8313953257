from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom import dcmwrite
from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from pydicom.uid import JPEG2000Lossless
from pydicom.uid import JPEGLosslessSV1
from pydicom.uid import JPEGLSLossless
from pydicom.uid import RLELossless
from scipy.spatial.transform import Rotation

from groundglass.errors import InputError
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan

Write = Callable[..., Any]


def test_slices_are_stacked_by_position_in_hu(tmp_path: Path, write_series: Write) -> None:
    expected = write_series(tmp_path)
    scan = read_scan(tmp_path)
    np.testing.assert_array_equal(scan.voxels, expected)
    assert scan.voxels.dtype == np.int16
    assert scan.intensity == "hu"
    np.testing.assert_allclose(scan.affine, [[0, 0, 0.6, -10], [0, 0.7, 0, -20], [2, 0, 0, -30], [0, 0, 0, 1]])


def test_itk_puts_every_voxel_at_the_same_place(tmp_path: Path, write_series: Write) -> None:
    turn = Rotation.from_euler("xyz", [10, -5, 170], degrees=True).as_matrix()
    write_series(tmp_path, step=tuple(2 * turn[:, 2]), ImageOrientationPatient=[*turn[:, 0], *turn[:, 1]])
    scan = read_scan(tmp_path)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    for index in ((0, 0, 0), (3, 2, 4)):
        place = scan.to_mm(np.array([index]))[0]
        itk_index = image.TransformPhysicalPointToIndex(place.tolist())
        assert image.GetPixel(itk_index) == scan.voxels[index]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(itk_index), place, atol=1e-3)


def test_gantry_tilt_becomes_a_shear(tmp_path: Path, write_series: Write) -> None:
    tilt = np.deg2rad(20)
    direction = [1, 0, 0, 0, np.cos(tilt), -np.sin(tilt)]
    write_series(tmp_path, step=(0, 0, 3.0), ImageOrientationPatient=direction)
    scan = read_scan(tmp_path)
    np.testing.assert_allclose(scan.affine[:3, 0], [0, 0, 3])
    np.testing.assert_allclose(scan.to_mm(np.array([[3, 0, 0]]))[0], [-10, -20, -21])
    assert abs(scan.affine[:3, 0] @ scan.affine[:3, 1]) > 0.5


def test_headers_come_in_slice_order_and_the_scan_has_no_identity(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path)
    scan, series = read_dicom_series(tmp_path)
    assert [header.ImagePositionPatient[2] for header in series.headers] == [-30, -28, -26, -24]
    assert [Path(name).name for name in series.files] == ["IM004.dcm", "IM003.dcm", "IM002.dcm", "IM001.dcm"]
    assert (series.series_uid, series.frame_of_reference_uid, series.description) == ("1.2.3", "1.2.9", "Thorax 2.0")
    assert "PixelData" not in series.headers[0]
    assert "Doe" not in repr(scan)
    assert "JD-1" not in repr(scan)


def test_padding_is_raised_to_air(tmp_path: Path, write_slice: Write) -> None:
    stored = np.full((4, 5), -976, np.int16)
    stored[0] = -32768
    write_slice(tmp_path / "a.dcm", stored, RescaleIntercept=0)
    assert read_scan(tmp_path / "a.dcm").voxels[0, :2, 0].tolist() == [-1024, -976]


def test_slope_and_intercept_of_each_slice_count(tmp_path: Path, write_slice: Write) -> None:
    write_slice(tmp_path / "a.dcm", np.full((4, 5), 100, np.uint16), RescaleSlope=2, RescaleIntercept=-1000)
    write_slice(tmp_path / "b.dcm", np.full((4, 5), 101, np.uint16), RescaleSlope=0.5, ImagePositionPatient=[0, 0, 3])
    assert read_scan(tmp_path).voxels[:, 0, 0].tolist() == [-800, -973.5]


def test_ct_without_intercept_is_not_taken_for_hu(tmp_path: Path, write_slice: Write) -> None:
    stored = np.arange(20, dtype=np.uint16).reshape(4, 5) * 100
    write_slice(tmp_path / "a.dcm", stored, RescaleIntercept=None, RescaleSlope=None)
    with pytest.raises(InputError, match="states no rescale intercept"):
        read_scan(tmp_path / "a.dcm")
    assert read_scan(tmp_path / "a.dcm", intensity="hu").voxels.max() == 1900


def test_windowed_ct_must_be_stated(tmp_path: Path, write_slice: Write) -> None:
    stored = np.arange(20, dtype=np.uint8).reshape(4, 5) * 12
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "RescaleIntercept": 0}
    write_slice(tmp_path / "a.dcm", stored, **bits)
    with pytest.raises(InputError, match="8-bit, not Hounsfield units"):
        read_scan(tmp_path / "a.dcm")
    assert read_scan(tmp_path / "a.dcm", intensity="display").intensity == "display"


def test_run_length_encoded_pixels(tmp_path: Path, write_slice: Write) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (32, 32)).astype(np.uint16)
    dataset = write_slice(tmp_path / "a.dcm", stored)
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.dcm").voxels[0], stored.astype(int) - 1024)


@pytest.mark.parametrize(("compressor", "syntax"), [("JPEG", JPEGLosslessSV1), ("JPEG2000", JPEG2000Lossless)])
def test_jpeg_pixels(tmp_path: Path, write_slice: Write, compressor: str, syntax: str) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (32, 32)).astype(np.uint16)
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "pixels.dcm"))
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.Execute(SimpleITK.GetImageFromArray(stored[None]))
    pixels = dcmread(tmp_path / "pixels.dcm")
    assert pixels.file_meta.TransferSyntaxUID == syntax
    slice_ = write_slice(tmp_path / "scan" / "a.dcm", stored)
    slice_.file_meta.TransferSyntaxUID = syntax
    slice_["PixelData"] = pixels["PixelData"]
    slice_.save_as(tmp_path / "scan" / "a.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan").voxels[0], stored.astype(int) - 1024)


def test_a_single_slice_has_its_stated_thickness(
    tmp_path: Path, write_slice: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write_slice(tmp_path / "IM0001")  # no suffix, as scanners write them
    assert read_scan(tmp_path / "IM0001").spacing == pytest.approx((3, 0.7, 0.6))
    assert "a single slice; give its folder" in caplog.text


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: there is no such file or folder"):
        read_dicom_series(tmp_path / "nowhere")


def test_other_objects_in_the_folder_are_left_out_and_named(
    tmp_path: Path, write_series: Write, write_slice: Write, caplog: pytest.LogCaptureFixture
) -> None:
    expected = write_series(tmp_path / "study" / "series")
    write_slice(tmp_path / "study" / "scout.dcm", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_slice(tmp_path / "study" / "mr.dcm", Modality="MR")
    write_slice(tmp_path / "study" / "cor.dcm", ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    write_slice(tmp_path / "study" / "shot.dcm", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    (tmp_path / "study" / "README.txt").write_text("CD of the clinic")
    (tmp_path / "study" / "._IM001.dcm").write_bytes(b"macOS")
    with caplog.at_level(logging.WARNING):
        scan = read_scan(tmp_path)
    np.testing.assert_array_equal(scan.voxels, expected)
    for reason in ("localizer", "this is MR, not CT", "coronal", "screenshot", "not DICOM"):
        assert reason in caplog.text


def test_the_chest_series_with_most_slices_is_read(
    tmp_path: Path, write_series: Write, caplog: pytest.LogCaptureFixture
) -> None:
    abdomen = {"SeriesInstanceUID": "1.2.5", "SeriesNumber": 5, "SeriesDescription": "Abdomen"}
    long = {
        "SeriesInstanceUID": "1.2.4",
        "SeriesNumber": 3,
        "SeriesDescription": "Lung 1.0",
        "ConvolutionKernel": "D40s",
    }
    write_series(tmp_path / "a", count=4)
    write_series(tmp_path / "b", count=6, **long)
    write_series(tmp_path / "c", count=8, **abdomen)
    with caplog.at_level(logging.WARNING):
        assert read_scan(tmp_path).shape[0] == 6
    assert "reading series 3 (6 slices, kernel D40s); not reading: 2 (4 slices); 5 (8 slices)" in caplog.text
    assert "Lung" not in caplog.text
    for wanted, count in {"1.2.3": 4, "5": 8, "thorax 2.0": 4}.items():
        assert read_scan(tmp_path, series=wanted).shape[0] == count
    with pytest.raises(InputError, match=r"no axial CT series 'Brain'; choose one of: .*5 \(8 slices\)"):
        read_scan(tmp_path, series="Brain")


def test_scans_of_two_patients_are_not_mixed(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", PatientID="JD-2", SeriesInstanceUID="1.2.4", SeriesNumber=9)
    with pytest.raises(InputError, match="several patients"):
        read_scan(tmp_path)
    assert read_scan(tmp_path, series="9").shape[0] == 4


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"Modality": "MR"}, "this is MR, not CT"),
        ({"NumberOfFrames": 3}, "multi-frame"),
        ({"ImagePositionPatient": None}, "without ImagePositionPatient"),
        ({"PixelSpacing": None}, "without PixelSpacing"),
        ({"PixelSpacing": [0, 0]}, "damaged"),
        ({"Rows": 40}, "damaged"),
    ],
)
def test_what_is_not_a_ct_slice_is_refused_with_the_reason(
    tmp_path: Path, write_slice: Write, tags: dict[str, object], message: str
) -> None:
    write_slice(tmp_path / "a.dcm", **tags)
    with pytest.raises(InputError, match=rf"a\.dcm: .*{message}"):
        read_scan(tmp_path / "a.dcm")


def test_a_missing_slice_is_located(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path, count=6)
    (tmp_path / "IM003.dcm").unlink()
    with pytest.raises(InputError, match=r"after IM004\.dcm \(z = -26 mm\) there is a step of 4 mm \(1 missing"):
        read_scan(tmp_path)


def test_uneven_spacing_is_refused_and_jitter_tolerated(tmp_path: Path, write_slice: Write) -> None:
    for name, places in {"jitter": (0, 5.2, 10.1, 15.2), "uneven": (0, 5, 10, 16.5)}.items():
        for index, z in enumerate(places):
            write_slice(tmp_path / name / f"{index}.dcm", ImagePositionPatient=[0, 0, z])
    assert read_scan(tmp_path / "jitter").spacing[0] == pytest.approx(15.2 / 3)
    with pytest.raises(InputError, match=r"after 2\.dcm .* a step of 6\.5 mm"):
        read_scan(tmp_path / "uneven")


def test_a_slice_that_is_there_twice(
    tmp_path: Path, write_series: Write, write_slice: Write, caplog: pytest.LogCaptureFixture
) -> None:
    expected = write_series(tmp_path)
    (tmp_path / "copy.dcm").write_bytes((tmp_path / "IM002.dcm").read_bytes())
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_scan(tmp_path).voxels, expected)
    assert "1 slices are there twice" in caplog.text
    write_slice(tmp_path / "other.dcm", ImagePositionPatient=[-10, -20, -26])
    with pytest.raises(InputError, match="lies at the same place"):
        read_scan(tmp_path)


def test_truncated_empty_and_foreign_files_are_named(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path)
    bad = tmp_path / "IM002.dcm"
    whole = bad.read_bytes()
    for content in (whole[:-10], whole[:400], whole[:100], b""):
        bad.write_bytes(content)
        with pytest.raises(InputError, match=r"IM002\.dcm: "):
            read_scan(tmp_path)


@pytest.mark.parametrize(
    "tags",
    [
        {"SliceThickness": "inf"},
        {"RescaleSlope": "1e300"},
        {"RescaleIntercept": "nan"},
        {"ImagePositionPatient": [0, 0, "1e300"]},
        {"PixelSpacing": ["4e5", "4e5"]},
        {"ImageOrientationPatient": [2, 0, 0, 0, 2, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 0.6, 0.8, 0]},
    ],
)
def test_absurd_numbers_are_damage(tmp_path: Path, write_slice: Write, tags: dict[str, object]) -> None:
    with disable_value_validation():
        write_slice(tmp_path / "a.dcm", **tags)
    with pytest.raises(InputError, match=r"a\.dcm: a damaged DICOM file"):
        read_scan(tmp_path / "a.dcm")


@pytest.mark.parametrize(("limit", "signed"), [(None, False), (4095, False), (None, True)])
def test_padding_that_the_file_names_is_air_where_it_surrounds(
    tmp_path: Path, write_slice: Write, limit: int | None, signed: bool
) -> None:
    stored = np.full((4, 5), 1000, np.int16 if signed else np.uint16)
    stored[0, 0] = stored[0, 1] = 4000
    named = {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": limit}
    write_slice(tmp_path / "a.dcm", stored, **named)
    assert read_scan(tmp_path / "a.dcm", intensity="hu").voxels[0, 0].tolist() == [-1024, -1024, -24, -24, -24]
    stored[0, 0] = 24
    write_slice(tmp_path / "a.dcm", stored, **named)  # now it is bone, or metal
    assert read_scan(tmp_path / "a.dcm").voxels[0, 0].tolist() == [-1000, 2976, -24, -24, -24]


def test_padding_written_without_its_sign(tmp_path: Path, write_slice: Write) -> None:
    stored = np.full((4, 5), -976, np.int16)
    stored[0] = -100
    dataset = write_slice(tmp_path / "a.dcm", stored, RescaleIntercept=0)
    dataset.add_new("PixelPaddingValue", "US", 2**16 - 100)
    dataset.save_as(tmp_path / "a.dcm")
    assert read_scan(tmp_path / "a.dcm").voxels[0, :2, 0].tolist() == [-1024, -976]


def test_a_series_beyond_any_chest_ct_is_refused(
    tmp_path: Path, write_series: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path)
    monkeypatch.setattr("groundglass.scans.dicom.MAX_BYTES", 100)
    with pytest.raises(InputError, match="larger than any chest CT"):
        read_scan(tmp_path)


def test_jpeg_ls_pixels(tmp_path: Path, write_slice: Write) -> None:
    stored = np.random.default_rng(0).integers(0, 3000, (32, 32)).astype(np.uint16)
    dataset = write_slice(tmp_path / "a.dcm", stored)
    dataset.compress(JPEGLSLossless)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path / "a.dcm").voxels[0], stored.astype(int) - 1024)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100", "1.2.840.113619.5.2"])
def test_pixels_packed_in_a_way_that_is_not_read_are_not_called_damaged(
    tmp_path: Path, write_slice: Write, syntax: str
) -> None:
    dataset = write_slice(tmp_path / "a.dcm")
    dataset.PixelData = encapsulate([dataset.PixelData])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dcmwrite(tmp_path / "a.dcm", dataset, implicit_vr=False, little_endian=True)
    with pytest.raises(InputError, match=r"a\.dcm: its pixels are packed as .*, which is not read; export"):
        read_scan(tmp_path)


def test_rounding_at_a_half_does_not_take_every_other_slice(tmp_path: Path, write_slice: Write) -> None:
    for index in range(6):
        spacing = [0.6835 + (1e-9 if index % 2 else -1e-9)] * 2
        write_slice(tmp_path / f"{index}.dcm", PixelSpacing=spacing, ImagePositionPatient=[0, 0, 3.0 * index])
    assert read_scan(tmp_path).spacing[0] == pytest.approx(3)
    write_slice(tmp_path / "other.dcm", PixelSpacing=[0.69, 0.69], ImagePositionPatient=[0, 0, 18.0])
    assert read_scan(tmp_path).shape[0] == 6, "another spacing is another series"


def test_dicom_and_nifti_of_one_scan_are_the_same_to_a_network(tmp_path: Path, write_series: Write) -> None:
    turn = Rotation.from_euler("xyz", [170, -5, 20], degrees=True).as_matrix()
    write_series(tmp_path / "scan", step=tuple(-2 * turn[:, 2]), ImageOrientationPatient=[*turn[:, 0], *turn[:, 1]])
    scan = read_scan(tmp_path / "scan")
    write_nifti(scan, tmp_path / "scan.nii.gz")
    again = read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(to_canonical(again).voxels, to_canonical(scan).voxels)
    np.testing.assert_allclose(to_canonical(again).affine, to_canonical(scan).affine, atol=1e-4)


def test_tags_that_break_the_rules_do_not_warn(tmp_path: Path, write_series: Write) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_series(tmp_path, SeriesInstanceUID="896911bf-1143-4c8d", SOPInstanceUID="")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_scan(tmp_path).shape[0] == 4


@pytest.mark.real_data
@pytest.mark.skipif("GROUNDGLASS_DATA" not in os.environ, reason="GROUNDGLASS_DATA is not set")
def test_a_real_jpeg_lossless_series() -> None:
    scan = read_scan(Path(os.environ["GROUNDGLASS_DATA"]) / "covid-ct-md" / "P002")
    assert scan.shape == (133, 512, 512)
    assert scan.spacing == pytest.approx((2, 0.6035, 0.6035), abs=1e-3)
    assert scan.voxels.min() == -1024
    assert scan.affine[2, 3] == pytest.approx(-437.7)
