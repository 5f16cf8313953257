from __future__ import annotations

import errno
import gzip
import os
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from groundglass.errors import InputError
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan


def hu(shape: tuple[int, ...] = (3, 4, 5), dtype: type = np.int16) -> np.ndarray:
    voxels = np.random.default_rng(0).integers(-1000, 500, shape).astype(dtype)
    voxels.flat[0] = -1000
    return voxels


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Any place, spacing, axis order, flip, oblique turn and shear."""
    angles = draw(st.tuples(*[st.floats(-180, 180)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.3, 8)] * 3))
    shear = np.eye(3)
    shear[0, 1] = draw(st.sampled_from([0.0, 0.3, -0.2]))
    flips = draw(st.tuples(*[st.sampled_from([1, -1])] * 3))
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ shear @ np.diag(spacing) * flips
    affine[:3, :3] = affine[:3, list(draw(st.permutations(range(3))))]
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return affine


@settings(max_examples=50, deadline=None)
@given(affine=affines(), dtype=st.sampled_from([np.int16, np.float32]))
def test_reading_undoes_writing(affine: np.ndarray, dtype: type) -> None:
    scan = Scan(hu(dtype=dtype), affine, "hu")
    with tempfile.TemporaryDirectory() as folder:
        write_nifti(scan, Path(folder) / "scan.nii.gz")
        again = read_scan(Path(folder) / "scan.nii.gz")
    np.testing.assert_array_equal(again.voxels, scan.voxels)
    assert again.voxels.dtype == dtype
    np.testing.assert_allclose(again.affine, affine, atol=1e-4)
    assert again.intensity == "hu"


@settings(max_examples=200, deadline=None)
@given(affine=affines(), index=st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4)))
def test_a_lesion_found_on_the_canonical_grid_is_written_where_it_is_in_the_patient(
    affine: np.ndarray, index: tuple[int, int, int]
) -> None:
    voxels = hu()
    voxels[index] = voxels[index[0], index[1], :2] = 2000
    with tempfile.TemporaryDirectory() as folder:
        write_nifti(Scan(voxels, affine, "hu"), Path(folder) / "scan.nii")
        scan = read_scan(Path(folder) / "scan.nii")
        mask = from_canonical((to_canonical(scan).voxels == 2000).astype(np.uint8), scan)
        write_nifti(scan.with_voxels(mask, "mask"), Path(folder) / "mask.nii")
        written = nibabel.load(Path(folder) / "mask.nii")
        found = np.argwhere(np.asarray(written.dataobj))
    places = nibabel.affines.apply_affine(written.affine, found) * (-1, -1, 1)
    expected = np.argwhere(voxels == 2000) @ affine[:3, :3].T + affine[:3, 3]
    assert len(places) == len(expected)
    for place in expected:
        assert np.linalg.norm(places - place, axis=1).min() < 1e-3


def test_a_flipped_bit_in_a_packed_file_never_becomes_another_voxel(tmp_path: Path) -> None:
    write_nifti(Scan(hu((8, 40, 40)), np.eye(4), "hu"), tmp_path / "scan.nii.gz")
    good = (tmp_path / "scan.nii.gz").read_bytes()
    for place in range(500, len(good) - 8, len(good) // 25):
        damaged = bytearray(good)
        damaged[place] ^= 4
        (tmp_path / "bad.nii.gz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"copy it again|damaged or not complete"):
            read_scan(tmp_path / "bad.nii.gz")
    (tmp_path / "short.nii.gz").write_bytes(good[:-4])
    with pytest.raises(InputError, match="copy it again"):
        read_scan(tmp_path / "short.nii.gz")


def test_what_follows_after_the_voxels_is_read_to_its_end_but_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nifti(Scan(hu(), np.eye(4), "hu"), tmp_path / "scan.nii")
    content = (tmp_path / "scan.nii").read_bytes()
    (tmp_path / "more.nii.gz").write_bytes(gzip.compress(content + bytes(3000)))
    assert read_scan(tmp_path / "more.nii.gz").shape == (3, 4, 5)
    monkeypatch.setattr("groundglass.scans.nifti.MAX_BYTES", 2000)
    monkeypatch.setattr("groundglass.scans.nifti.STEP_BYTES", 1000)
    with pytest.raises(InputError, match="more follows after its voxels"):
        read_scan(tmp_path / "more.nii.gz")


def test_a_header_that_places_the_voxels_twice_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = nibabel.Nifti1Image(hu().transpose(2, 1, 0), np.eye(4))
    image.set_sform(np.eye(4), 1)
    image.set_qform(np.diag([1.0, 1.0, 1.0, 1.0]), 1)
    nibabel.save(image, tmp_path / "agrees.nii")
    read_scan(tmp_path / "agrees.nii")
    assert not caplog.messages
    image.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]), 1)
    nibabel.save(image, tmp_path / "differs.nii")
    np.testing.assert_allclose(read_scan(tmp_path / "differs.nii").affine, read_scan(tmp_path / "agrees.nii").affine)
    assert "twice where it lies (qform and sform), 8 mm apart; the sform is taken" in caplog.messages[0]


def test_file_axis_order_and_lps(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 1000
    nibabel.save(nibabel.Nifti1Image(data, np.diag([2.0, 3.0, 4.0, 1.0])), tmp_path / "scan.nii")
    scan = read_scan(tmp_path / "scan.nii")
    assert scan.shape == (4, 3, 2)
    assert scan.voxels[3, 1, 0] == data[0, 1, 3]
    np.testing.assert_allclose(scan.to_mm(np.array([[3, 1, 1]])), [[-2, -3, 12]])


def test_itk_sees_the_written_file_at_the_same_place(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix() @ np.diag([3.0, 0.7, 0.8])
    affine[:3, 3] = [-100, 50, 20]
    scan = Scan(hu(), affine, "hu")
    write_nifti(scan, tmp_path / "scan.nii.gz")
    image = SimpleITK.ReadImage(str(tmp_path / "scan.nii.gz"))
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint((4, 3, 2)), scan.to_mm(np.array([[2, 3, 4]]))[0], atol=1e-3
    )
    assert image.GetPixel((4, 3, 2)) == scan.voxels[2, 3, 4]


def test_a_sheared_affine_is_kept_as_sform_alone(tmp_path: Path) -> None:
    sheared = np.diag([2.0, 1.0, 1.0, 1.0])
    sheared[1, 0] = 0.5
    write_nifti(Scan(hu(), sheared, "hu"), tmp_path / "tilt.nii")
    write_nifti(Scan(hu(), np.diag([2.0, 1.0, 1.0, 1.0]), "hu"), tmp_path / "straight.nii")
    tilt, straight = nibabel.load(tmp_path / "tilt.nii").header, nibabel.load(tmp_path / "straight.nii").header
    assert (int(tilt["qform_code"]), int(tilt["sform_code"])) == (0, 1)
    assert (int(straight["qform_code"]), int(straight["sform_code"])) == (1, 1)


@pytest.mark.parametrize(("dtype", "kept"), [(np.uint8, np.uint8), (bool, np.uint8), (np.int64, np.int32)])
def test_type_in_the_file(tmp_path: Path, dtype: type, kept: type) -> None:
    mask = Scan((hu() > 0).astype(dtype), np.eye(4), "mask")
    write_nifti(mask, tmp_path / "mask.nii.gz")
    assert nibabel.load(tmp_path / "mask.nii.gz").get_data_dtype() == kept


def test_rescaled_and_big_endian_files_are_read_in_hu(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(hu((5, 4, 3)).astype(">i2"), np.eye(4), header)
    nibabel.save(image, tmp_path / "big.nii")
    np.testing.assert_array_equal(read_scan(tmp_path / "big.nii").voxels, hu((5, 4, 3)).T)
    image = nibabel.Nifti1Image(hu((5, 4, 3)) + np.int16(1024), np.eye(4))
    image.header.set_slope_inter(1, -1024)
    nibabel.save(image, tmp_path / "scaled.nii")
    raw = (tmp_path / "scaled.nii").read_bytes()
    (tmp_path / "scaled.nii").write_bytes(raw[:112] + np.array([1, -1024], "<f4").tobytes() + raw[120:])
    np.testing.assert_array_equal(read_scan(tmp_path / "scaled.nii").voxels, hu((5, 4, 3)).T)


def test_one_time_point_is_dropped_and_more_are_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(hu((5, 4, 3, 1)), np.eye(4)), tmp_path / "one.nii")
    nibabel.save(nibabel.Nifti1Image(hu((5, 4, 3, 2)), np.eye(4)), tmp_path / "two.nii")
    assert read_scan(tmp_path / "one.nii").shape == (3, 4, 5)
    with pytest.raises(InputError, match=r"two\.nii: has 2 time points"):
        read_scan(tmp_path / "two.nii")


def test_color_is_refused(tmp_path: Path) -> None:
    color = np.zeros((5, 4, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(color, np.eye(4)), tmp_path / "rgb.nii")
    with pytest.raises(InputError, match="colors"):
        read_scan(tmp_path / "rgb.nii")


def test_the_place_of_voxels_must_be_known(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(hu((5, 4, 3)), np.eye(4))
    image.header["srow_z"] = 0
    image.header["sform_code"] = 1
    image.to_filename(tmp_path / "flat.nii")
    raw = bytearray((tmp_path / "flat.nii").read_bytes())
    raw[312:328] = bytes(16)  # srow_z
    (tmp_path / "flat.nii").write_bytes(raw)
    with pytest.raises(InputError, match="where the voxels lie"):
        read_scan(tmp_path / "flat.nii")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_truncated_and_foreign_files_are_named(tmp_path: Path, suffix: str) -> None:
    good = tmp_path / f"good{suffix}"
    write_nifti(Scan(hu((20, 20, 20)), np.eye(4), "hu"), good)
    for name, content in {"cut": good.read_bytes()[:-200], "text": b"not a scan", "empty": b""}.items():
        (tmp_path / f"{name}{suffix}").write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}{suffix}: "):
            read_scan(tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize(("code", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001), (2 + 8, 1), (7, 1)])
def test_units_of_length(tmp_path: Path, code: int, factor: float) -> None:
    image = nibabel.Nifti1Image(hu((5, 4, 3)), np.diag([0.7 / factor, 0.8 / factor, 2 / factor, 1]))
    image.header["xyzt_units"] = code
    nibabel.save(image, tmp_path / "scan.nii")
    assert read_scan(tmp_path / "scan.nii").spacing == pytest.approx((2, 0.8, 0.7))


@pytest.mark.parametrize("spacing", [700.0, 1e20, 1e-3])
def test_voxels_no_scanner_makes_are_refused(tmp_path: Path, spacing: float) -> None:
    nibabel.save(nibabel.Nifti1Image(hu((5, 4, 3)), np.diag([spacing, 3, 3, 1])), tmp_path / "scan.nii")
    with pytest.raises(InputError, match=r"scan\.nii: its header says that a voxel has 3 x 3 x .* mm, which"):
        read_scan(tmp_path / "scan.nii")


def test_a_nan_in_the_affine_is_refused(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 3] = np.nan
    image = nibabel.Nifti1Image(hu((5, 4, 3)), np.eye(4))
    image.header.set_sform(affine, code=1)
    image.header["qform_code"] = 0
    image.to_filename(tmp_path / "scan.nii")
    raw = bytearray((tmp_path / "scan.nii").read_bytes())
    raw[292:296] = np.array([np.nan], "<f4").tobytes()  # srow_x, translation
    raw[254:256] = np.array([1], "<i2").tobytes()  # sform_code
    (tmp_path / "scan.nii").write_bytes(raw)
    with pytest.raises(InputError, match=r"scan\.nii: its header does not say where the voxels lie"):
        read_scan(tmp_path / "scan.nii")


def test_a_file_without_orientation_is_read_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nibabel.save(nibabel.Nifti1Image(hu((5, 4, 3)), None), tmp_path / "scan.nii")
    assert read_scan(tmp_path / "scan.nii").shape == (3, 4, 5)
    assert "does not say how the patient lies" in caplog.text


def test_another_format_under_the_name_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.MGHImage(hu((5, 4, 3)).astype(np.float32), np.eye(4)), tmp_path / "scan.mgz")
    (tmp_path / "scan.mgz").rename(tmp_path / "scan.nii.gz")
    with pytest.raises(InputError, match=r"scan\.nii\.gz: not a readable NIfTI"):
        read_scan(tmp_path / "scan.nii.gz")


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nifti(Scan(np.full((50, 60, 60), -1000, np.int16), np.eye(4), "hu"), tmp_path / "bomb.nii.gz")
    monkeypatch.setattr("groundglass.scans.nifti.MAX_BYTES", 100_000)
    with pytest.raises(InputError, match=r"bomb\.nii\.gz: .*more than any chest CT"):
        read_scan(tmp_path / "bomb.nii.gz")


def test_a_header_that_claims_terabytes_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    write_nifti(Scan(hu(), np.eye(4), "hu"), tmp_path / "huge.nii.gz")
    raw = bytearray(gzip.decompress((tmp_path / "huge.nii.gz").read_bytes()))
    raw[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()
    (tmp_path / "huge.nii.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(InputError, match="more than the file holds"):
        read_scan(tmp_path / "huge.nii.gz")


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "mask.nii.gz"
    target.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"mask\.nii\.gz: .*No space left"):
        write_nifti(Scan(hu(), np.eye(4), "hu"), target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_other_names_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be named"):
        write_nifti(Scan(hu(), np.eye(4), "hu"), tmp_path / "mask.nrrd")
