from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_files import write_dicom

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.medseg9 import MedSeg9
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError

DEPTH, SIZE = 4, 16
FLIP = Image.Transpose.FLIP_LEFT_RIGHT


def truth(scan: int, z: int) -> NDArray[np.uint8]:
    """Lesions where they lie in the DICOM image: an L that no flip or turn maps to itself; none at the head."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    if z < DEPTH - 1:
        mask[2 : 9 + z, 3] = 255
        mask[2, 3 : 5 + scan % 9] = 127
    return mask


def lung_truth(z: int) -> NDArray[np.uint8]:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[1:13, 2 : 7 + z] = 255
    return mask


def stored_values(scan: int, z: int) -> NDArray[np.uint16]:
    """HU + 1024, lesions bright."""
    return (100 + 10 * z + np.where(truth(scan, z) > 0, 900, 0) + scan).astype(np.uint16)


def infection_file(mask: NDArray[np.uint8]) -> Image.Image:
    """As published: the inverse of what the released loader does to it."""
    image = Image.fromarray(mask).rotate(-90).transpose(FLIP)
    np.testing.assert_array_equal(np.array(image.transpose(FLIP).rotate(90)), mask)
    return image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Nine scans (number 10 must sort last) whose slice numbers run from head to feet."""
    root = tmp_path / "raw"
    for name in ("InfectionMasks", "LungMasks"):
        (root / name).mkdir(parents=True)
    for scan in (1, 2, 3, 4, 5, 6, 7, 8, 10):
        for number in range(DEPTH):
            z = DEPTH - 1 - number
            path = root / f"OpenSourceDCMs/DCM{scan}/rp{scan}_s{number:04d}.dcm"
            write_dicom(path, stored_values(scan, z), 5.0 * z, SeriesInstanceUID=f"1.2.{scan}")
            infection_file(truth(scan, z)).save(root / f"InfectionMasks/{scan}_z{number}.png")
            Image.fromarray(lung_truth(z)).transpose(FLIP).save(root / f"LungMasks/{scan}_z{number}.png")
    return root


def names(folder: DatasetFolder, part: str) -> list[str]:
    return [case.case for case in getattr(folder.split, part)]


def test_slices_and_masks_lie_on_one_grid_in_true_order(root: Path, tmp_path: Path) -> None:
    folder = prepare(LAYOUTS.build("medseg9", {}, root=root), tmp_path / "set", name="b")
    for case in (folder.split.training[2], folder.split.test[2]):
        scan, mask, lungs = folder.scan(case), folder.mask(case), folder.lungs(case)
        assert mask is not None
        assert lungs is not None
        number = int(case.case.removeprefix("scan"))
        expected = np.stack([stored_values(number, z).astype(int) - 1024 for z in range(DEPTH)])
        np.testing.assert_array_equal(scan.voxels, expected)
        np.testing.assert_array_equal(mask.voxels, np.stack([truth(number, z) > 0 for z in range(DEPTH)]))
        np.testing.assert_array_equal(lungs.voxels, np.stack([lung_truth(z) > 0 for z in range(DEPTH)]))
        assert scan.spacing == pytest.approx((5, 0.7, 0.8))


def test_the_published_splits(root: Path, tmp_path: Path) -> None:
    separate = prepare(MedSeg9(root), tmp_path / "separate", name="b")
    assert names(separate, "training") == ["scan1", "scan2", "scan3", "scan4", "scan5"]
    assert names(separate, "validation") == ["scan6"]
    assert names(separate, "test") == ["scan7", "scan8", "scan10"]
    mixed = prepare(MedSeg9(root), tmp_path / "mixed", name="b", protocol="mixed")
    assert [case.slices for case in mixed.split.training] == [(0, 1)] * 9
    assert [case.slices for case in mixed.split.test] == [(2, 4)] * 9


def test_intensities_are_hu_or_as_released(root: Path, tmp_path: Path) -> None:
    hu = prepare(MedSeg9(root), tmp_path / "hu", name="b")
    assert {case.intensity for case in hu.split.training} == {"hu"}
    layout = LAYOUTS.build("medseg9", {"intensity": "released"}, root=root)
    released = prepare(layout, tmp_path / "released", name="b")
    case = released.split.training[0]
    assert case.intensity == "display"
    expected = [(stored_values(1, z) / 4095 * 255).astype(np.uint8) for z in range(DEPTH)]
    np.testing.assert_array_equal(released.scan(case).voxels, np.stack(expected))


def test_released_values_out_of_range_are_clipped(root: Path) -> None:
    path = root / "OpenSourceDCMs/DCM1/rp1_s0000.dcm"
    write_dicom(path, np.full((SIZE, SIZE), 5000, np.uint16), 15.0, SeriesInstanceUID="1.2.1")
    scan = MedSeg9(root, intensity="released").sources()[0].image()
    assert (scan.voxels[3] == 255).all()


@pytest.mark.parametrize("folder", ["InfectionMasks", "LungMasks"])
def test_a_slice_without_a_mask_is_refused(root: Path, tmp_path: Path, folder: str) -> None:
    (root / folder / "3_z1.png").unlink()
    with pytest.raises(InputError, match=rf"{folder}/3_z1\.png: this slice has no mask"):
        prepare(MedSeg9(root), tmp_path / "set", name="b")


def test_a_mask_without_a_slice_is_refused(root: Path) -> None:
    infection_file(truth(1, 0)).save(root / "InfectionMasks/1_z77.png")
    mask = MedSeg9(root).sources()[0].mask
    assert mask is not None
    with pytest.raises(InputError, match=r"1_z77\.png: this slice has no DICOM slice"):
        mask()


def test_incomplete_folders_are_refused(root: Path) -> None:
    for path in (root / "LungMasks").glob("4_z*.png"):
        path.unlink()
    with pytest.raises(InputError, match="scan 4 is not in all of OpenSourceDCMs, InfectionMasks, LungMasks"):
        MedSeg9(root).sources()
    (root / "OpenSourceDCMs").rename(root / "away")
    (root / "OpenSourceDCMs").mkdir()
    with pytest.raises(InputError, match="OpenSourceDCMs: holds no scan"):
        MedSeg9(root).sources()
    (root / "OpenSourceDCMs").rmdir()
    with pytest.raises(InputError, match="OpenSourceDCMs: there is no such folder"):
        MedSeg9(root).sources()


def test_a_slice_without_a_number_is_refused(root: Path) -> None:
    folder = root / "OpenSourceDCMs/DCM2"
    (folder / "rp2_s0001.dcm").rename(folder / "rp2_1.dcm")
    mask = MedSeg9(root).sources()[1].mask
    assert mask is not None
    with pytest.raises(InputError, match=r"rp2_1\.dcm: has no slice number"):
        mask()
