from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from scipy.spatial.transform import Rotation

from groundglass.errors import InputError
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan


def volume() -> SimpleITK.Image:
    voxels = np.random.default_rng(0).integers(-1000, 400, (3, 4, 5)).astype(np.int16)
    voxels[0, 0, 0] = -1000
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing((0.6, 0.7, 5))
    image.SetOrigin((-10, -20, -30))
    image.SetDirection(Rotation.from_euler("xyz", [5, 10, 175], degrees=True).as_matrix().ravel())
    return image


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.nhdr", "scan.mha", "scan.mhd"])
def test_every_voxel_is_where_itk_has_it(tmp_path: Path, name: str) -> None:
    image = volume()
    SimpleITK.WriteImage(image, str(tmp_path / name))
    scan = read_scan(tmp_path / name)
    np.testing.assert_array_equal(scan.voxels, SimpleITK.GetArrayFromImage(image))
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 3)):
        place = image.TransformIndexToPhysicalPoint(index[::-1])
        np.testing.assert_allclose(scan.to_mm(np.array([index]))[0], place, atol=1e-4)


def test_a_segmentation_keeps_its_classes(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.Cast(volume() > 0, SimpleITK.sitkUInt8) * 2, str(tmp_path / "mask.nrrd"))
    mask = read_mask(tmp_path / "mask.nrrd")
    assert mask.intensity == "mask"
    assert set(np.unique(mask.voxels)) == {0, 2}


def test_vectors_and_damaged_files_are_refused(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.Compose(volume(), volume()), str(tmp_path / "two.nrrd"))
    with pytest.raises(InputError, match=r"two\.nrrd: not a 3-D volume"):
        read_scan(tmp_path / "two.nrrd")
    SimpleITK.WriteImage(volume(), str(tmp_path / "cut.nrrd"))
    (tmp_path / "cut.nrrd").write_bytes((tmp_path / "cut.nrrd").read_bytes()[:-20])
    (tmp_path / "text.mha").write_text("not a scan")
    for name in ("cut.nrrd", "text.mha"):
        with pytest.raises(InputError, match=f"{name}: not a readable"):
            read_scan(tmp_path / name)


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: short\ndimension: 3\nsizes: 60000 60000 60000\nendian: little\nencoding: raw\n\n"
    (tmp_path / "huge.nrrd").write_bytes(header.encode() + bytes(100))
    with pytest.raises(InputError, match=r"huge\.nrrd: its header claims 216000000000000 voxels"):
        read_scan(tmp_path / "huge.nrrd")
