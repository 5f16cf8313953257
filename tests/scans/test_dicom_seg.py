from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom.seg import segread
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import UID
from scipy.spatial.transform import Rotation

from groundglass.errors import InputError
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.dicom_seg import write_dicom_seg
from groundglass.scans.dicom_seg_reader import read_dicom_seg
from groundglass.scans.dicom_series import DicomSeries
from groundglass.scans.drawn_mask import mask_of
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

Write = Callable[..., Any]

UNIQUE = {
    "StudyInstanceUID": "1.2.7",
    "StudyDate": "20200301",
    "PatientBirthDate": "19500101",
    "PatientSex": "W",  # not one of DICOM's letters
    "InstitutionName": "Clinic",
}


def lesions(scan: Scan, slices: tuple[int, ...] = (1, 2)) -> Scan:
    """A lopsided mask in some slices of a scan."""
    voxels = np.zeros(scan.shape, np.uint8)
    for index in slices:
        voxels[index, 0, : 1 + index] = voxels[index, 2, 3] = 1
    return scan.with_voxels(voxels, "mask")


def write(masks: dict[str, Scan], series: DicomSeries, path: Path, **options: Any) -> Path:
    write_dicom_seg(masks, series, path, algorithm_name="threshold", algorithm_version="1.0", **options)
    return path


@pytest.fixture
def series_of_six(tmp_path: Path, write_series: Write) -> tuple[Scan, DicomSeries]:
    write_series(tmp_path / "scan", count=6, **UNIQUE)
    return read_dicom_series(tmp_path / "scan")


def turn(degrees: tuple[float, float, float]) -> dict[str, Any]:
    """Tags of a series turned in space."""
    axes = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    return {"step": tuple(2.5 * axes[:, 2]), "ImageOrientationPatient": [*axes[:, 0], *axes[:, 1]]}


ORIENTATIONS = {
    "usual": {},
    "head first": {"step": (0, 0, -2.0)},
    "prone, seen from the head": {"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]},
    "oblique": turn((10, -15, 20)),
    "oblique and flipped": turn((170, 12, -30)),
    "gantry tilt": {"ImageOrientationPatient": [1, 0, 0, 0, np.cos(0.3), -np.sin(0.3)]},
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_read_back_it_equals_the_nifti_mask_voxel_for_voxel(tmp_path: Path, write_series: Write, name: str) -> None:
    write_series(tmp_path / "scan", count=6, **ORIENTATIONS[name])
    scan, series = read_dicom_series(tmp_path / "scan")
    mask = lesions(scan, (1, 2, 4))
    write_nifti(mask, tmp_path / "mask.nii.gz")
    path = write({"lesions": mask}, series, tmp_path / "seg.dcm")
    again = read_dicom_seg(path, like=scan)
    np.testing.assert_array_equal(again.voxels, read_mask(tmp_path / "mask.nii.gz").voxels)
    np.testing.assert_allclose(again.affine, scan.affine)
    alone = read_dicom_seg(path)
    np.testing.assert_array_equal(alone.voxels, mask.voxels[1:5])
    np.testing.assert_allclose(alone.affine, scan.slab(1, 5).affine, atol=1e-6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slices=st.sets(st.integers(0, 5), min_size=1))
def test_any_slices_may_be_left_out(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries], slices: set[int]) -> None:
    scan, series = series_of_six
    mask = lesions(scan, tuple(slices))
    path = write({"lesions": mask}, series, tmp_path / "seg.dcm")
    assert segread(path).NumberOfFrames == len(slices)
    np.testing.assert_array_equal(read_dicom_seg(path, like=scan).voxels, mask.voxels)
    own = read_dicom_seg(path)
    np.testing.assert_allclose(own.to_mm(np.argwhere(own.voxels)), scan.to_mm(np.argwhere(mask.voxels)), atol=1e-6)


def test_a_scan_in_another_orientation_gets_the_mask_in_its_own(
    tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]
) -> None:
    scan, series = series_of_six
    path = write({"lesions": lesions(scan)}, series, tmp_path / "seg.dcm")
    flipped = Scan(np.ascontiguousarray(scan.voxels[::-1, :, ::-1].transpose(2, 0, 1)), np.eye(4), "hu")
    affine = np.stack([-scan.affine[:, 2], -scan.affine[:, 0], scan.affine[:, 1], scan.affine[:, 3]], axis=1)
    affine[:3, 3] = scan.to_mm(np.array([[5, 0, 4]]))[0]
    flipped = Scan(flipped.voxels, affine, "hu")
    again = read_dicom_seg(path, like=flipped)
    np.testing.assert_array_equal(to_canonical(again).voxels, lesions(scan).voxels)
    with pytest.raises(InputError, match="does not lie on the grid"):
        read_dicom_seg(path, like=scan.slab(0, 2))


def test_references_to_the_source(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    path = write({"lesions": lesions(scan, (1, 4))}, series, tmp_path / "seg.dcm")
    seg = dcmread(path)
    assert (seg.StudyInstanceUID, seg.FrameOfReferenceUID) == ("1.2.7", "1.2.9")
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3"
    assert seg.SeriesInstanceUID != "1.2.3"
    assert seg.SeriesNumber == 1002
    headers = {str(header.SOPInstanceUID): header for header in series.headers}
    frames = [
        (frame.DerivationImageSequence[0].SourceImageSequence[0], frame.PlanePositionSequence[0])
        for frame in seg.PerFrameFunctionalGroupsSequence
    ]
    for source, place in frames:
        header = headers[source.ReferencedSOPInstanceUID]
        assert list(place.ImagePositionPatient) == list(header.ImagePositionPatient)
    assert {source.ReferencedSOPInstanceUID for source, _ in frames} == {list(headers)[1], list(headers)[4]}


def test_segments_are_coded_and_may_overlap(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    lung = scan.with_voxels(np.ones(scan.shape, bool), "mask")
    masks = {"lesions": lesions(scan), "right lung": lung, "left lung": lesions(scan, (5,))}
    path = write(masks, series, tmp_path / "seg.dcm")
    for number, (name, mask) in enumerate(masks.items(), 1):
        for segment in (number, name):
            np.testing.assert_array_equal(read_dicom_seg(path, segment=segment, like=scan).voxels, mask.voxels)
    first, right, left = segread(path).SegmentSequence
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lesion"
    for segment, side in ((right, "Right"), (left, "Left")):
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        assert kind.CodeMeaning == "Lung"
        assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == side
    with pytest.raises(InputError, match="no segment 'heart'; choose one of lesions, right lung"):
        read_dicom_seg(path, segment="heart")


def test_nothing_found_is_written_as_empty_slices(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    path = write({"lesions": lesions(scan, ())}, series, tmp_path / "seg.dcm")
    assert segread(path).NumberOfFrames == 6
    assert not read_dicom_seg(path, like=scan).voxels.any()
    masks = {"lesions": lesions(scan, ()), "left lung": lesions(scan)}
    with pytest.raises(InputError, match="nothing is marked in its segment 1"):
        read_dicom_seg(write(masks, series, tmp_path / "both.dcm"))


def test_a_single_slice(tmp_path: Path, write_slice: Write) -> None:
    write_slice(tmp_path / "a.dcm", **UNIQUE)
    scan, series = read_dicom_series(tmp_path / "a.dcm")
    path = write({"lesions": lesions(scan, (0,))}, series, tmp_path / "seg.dcm")
    np.testing.assert_array_equal(read_dicom_seg(path, like=scan).voxels, lesions(scan, (0,)).voxels)
    assert read_dicom_seg(path).spacing == pytest.approx((3, 0.7, 0.6))


def test_a_series_that_does_not_state_its_thickness(tmp_path: Path, write_series: Write) -> None:
    write_series(tmp_path / "scan", SliceThickness=None)
    scan, series = read_dicom_series(tmp_path / "scan")
    path = write({"lesions": lesions(scan)}, series, tmp_path / "seg.dcm")
    assert read_dicom_seg(path).spacing[0] == pytest.approx(2)


def test_identity_is_left_out_unless_wanted(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    masks = {"lesions": lesions(scan)}
    bare = write(masks, series, tmp_path / "bare.dcm")
    for secret in (b"Doe", b"JD-1", b"19500101", b"20200301", b"Clinic", b"Thorax"):
        assert secret not in bare.read_bytes()
    kept = dcmread(write(masks, series, tmp_path / "kept.dcm", keep_identifiers=True))
    assert (kept.PatientName, kept.PatientID, kept.PatientBirthDate) == ("Doe^Jane", "JD-1", "19500101")
    assert (kept.PatientSex, kept.StudyDate) == ("W", "20200301")


def test_badly_anonymised_files_get_valid_uids_always_the_same(
    tmp_path: Path, write_series: Write, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"SeriesInstanceUID": "09bc8aea-ff9c", "SOPInstanceUID": "", "FrameOfReferenceUID": None}
    with pytest.warns(UserWarning, match="Invalid value"):
        write_series(tmp_path / "scan", **broken)
    scan, series = read_dicom_series(tmp_path / "scan")
    with caplog.at_level(logging.WARNING):
        path = write({"lesions": lesions(scan)}, series, tmp_path / "seg.dcm")
    assert "no valid StudyInstanceUID nor SeriesInstanceUID nor FrameOfReferenceUID nor SOPInstance" in caplog.text
    assert "viewers cannot link the DICOM-SEG to the source images" in caplog.text
    seg = segread(path)
    references = [one.ReferencedSOPInstanceUID for one in seg.SourceImageSequence]
    uids = [seg.StudyInstanceUID, seg.SeriesInstanceUID, seg.FrameOfReferenceUID, seg.SOPInstanceUID, *references]
    assert all(UID(uid).is_valid for uid in uids)
    assert len(set(uids)) == len(uids)
    again = segread(write({"lesions": lesions(scan)}, series, tmp_path / "again.dcm"))
    assert [again.StudyInstanceUID, again.SeriesInstanceUID, again.FrameOfReferenceUID] == uids[:3]
    np.testing.assert_array_equal(read_dicom_seg(path, like=scan).voxels, lesions(scan).voxels)


def test_other_masks_are_refused(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    with pytest.raises(InputError, match="masks heart: a DICOM-SEG holds some of lesions"):
        write({"heart": lesions(scan)}, series, tmp_path / "seg.dcm")
    moved = scan.affine.copy()
    moved[2, 3] += 2
    for wrong in (lesions(scan).slab(0, 3), Scan(lesions(scan).voxels, moved, "mask")):
        with pytest.raises(InputError, match="mask of the lesions: does not lie on the grid of its DICOM series"):
            write({"lesions": wrong}, series, tmp_path / "seg.dcm")


def test_what_is_no_segmentation_is_named(tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]) -> None:
    scan, series = series_of_six
    with pytest.raises(InputError, match=r"IM001\.dcm: not a DICOM-SEG"):
        read_dicom_seg(tmp_path / "scan" / "IM001.dcm")
    path = write({"lesions": lesions(scan)}, series, tmp_path / "seg.dcm")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(InputError, match=r"seg\.dcm: a damaged DICOM file"):
        read_dicom_seg(path)
    path.write_bytes(b"no DICOM")
    with pytest.raises(InputError, match=r"seg\.dcm: a damaged DICOM file"):
        read_dicom_seg(path)


def test_a_mask_of_any_kind_lies_on_the_grid_of_its_scan(
    tmp_path: Path, series_of_six: tuple[Scan, DicomSeries]
) -> None:
    scan, series = series_of_six
    first, second = lesions(scan), lesions(scan, (3, 4))
    seg = write({"lesions": first, "right lung": second}, series, tmp_path / "seg.dcm")
    seg.rename(tmp_path / "segmentation")  # as some archives name their files
    write_nifti(first, tmp_path / "mask.nii.gz")
    for name, segment, expected in (
        ("mask.nii.gz", 1, first),
        ("segmentation", 1, first),
        ("segmentation", 2, second),
        ("segmentation", "right lung", second),
    ):
        mask = mask_of(tmp_path / name, scan, segment=segment)
        assert np.array_equal(mask.voxels, expected.voxels)
        np.testing.assert_allclose(mask.affine, scan.affine)
    with pytest.raises(InputError, match="choose one of lesions, right lung"):
        mask_of(tmp_path / "segmentation", scan, segment=3)
