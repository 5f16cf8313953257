from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_files import RAS
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.covid_ct_seg20 import CovidCtSeg20
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError

CORONACASES = [f"coronacases_{number:03d}" for number in range(1, 11)]
RADIOPAEDIA = [
    *("radiopaedia_10_85902_1", "radiopaedia_10_85902_3", "radiopaedia_14_85914_0", "radiopaedia_27_86410_0"),
    *("radiopaedia_29_86490_1", "radiopaedia_29_86491_1", "radiopaedia_36_86526_0", "radiopaedia_40_86625_0"),
    *("radiopaedia_4_85506_1", "radiopaedia_7_85703_0"),
]
"""As Python sorts them."""


def lungs_file() -> np.ndarray:
    """1 on the patient's left, 2 on the right, and a stray 3."""
    lungs = np.zeros((8, 16, 16), np.uint8)
    lungs[:, 2:14, 9:15] = 1
    lungs[:, 2:14, 1:7] = 2
    lungs[0, 0, 0] = 3
    return lungs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The Zenodo archive, with headers of the masks that disagree with the images'."""
    root = tmp_path / "raw"
    for seed, name in enumerate([*CORONACASES, *RADIOPAEDIA]):
        voxels = hu(seed) if name in CORONACASES else (hu(seed) % 256).astype(np.uint8)
        write_volume(root / "COVID-19-CT-Seg_20cases" / f"{name}.nii.gz", voxels)
        write_volume(root / "Infection_Mask" / f"{name}.nii.gz", lesion(), np.eye(4))
        write_volume(root / "Lung_Mask" / f"{name}.nii.gz", lungs_file(), np.eye(4))
    return root


def names(folder: DatasetFolder, part: str) -> list[str]:
    return [case.case for case in getattr(folder.split, part)]


def test_the_papers_test_volumes_test_and_no_patient_is_on_two_sides(root: Path, tmp_path: Path) -> None:
    folder = prepare(LAYOUTS.build("covid-ct-seg20", {}, root=root), tmp_path / "set", name="c")
    assert names(folder, "training") == [*CORONACASES, *RADIOPAEDIA[:4]]
    assert names(folder, "validation") == ["radiopaedia_29_86490_1", "radiopaedia_29_86491_1"]
    assert names(folder, "test") == RADIOPAEDIA[6:]
    patients = {case.case: case.patient for case in folder.split.training}
    assert patients["radiopaedia_10_85902_1"] == patients["radiopaedia_10_85902_3"]
    assert len(set(patients.values())) == 13


def test_each_volume_states_what_its_numbers_are(root: Path, tmp_path: Path) -> None:
    split = prepare(CovidCtSeg20(root), tmp_path / "set", name="c").split
    assert [case.intensity for case in split.training] == ["hu"] * 10 + ["display"] * 4


def test_masks_belong_to_the_image_voxel_by_voxel(root: Path, tmp_path: Path) -> None:
    folder = prepare(CovidCtSeg20(root), tmp_path / "set", name="c")
    case = folder.split.training[0]
    mask, lungs = folder.mask(case), folder.lungs(case)
    assert mask is not None
    assert lungs is not None
    np.testing.assert_array_equal(mask.voxels, lesion())
    assert lungs.voxels[4, 8, 3] == 1, "the right lung is 1"
    assert lungs.voxels[4, 8, 12] == 2, "the left lung is 2"
    assert lungs.voxels[0, 0, 0] == 0, "3 is an artefact"


def test_an_image_stored_feet_last_takes_its_mask_along(root: Path, tmp_path: Path) -> None:
    name = "coronacases_001"
    write_volume(root / "COVID-19-CT-Seg_20cases" / f"{name}.nii.gz", hu(), RAS @ np.diag([1.0, 1, -1, 1]))
    folder = prepare(CovidCtSeg20(root), tmp_path / "set", name="c")
    case = folder.split.training[0]
    mask = folder.mask(case)
    assert mask is not None
    np.testing.assert_array_equal(folder.scan(case).voxels, hu()[::-1])
    np.testing.assert_array_equal(mask.voxels, lesion()[::-1])


def test_mixed_shares_patients_by_intent(root: Path, tmp_path: Path) -> None:
    split = prepare(CovidCtSeg20(root), tmp_path / "set", name="c", protocol="mixed").split
    assert split.shared_patients
    assert len(split.training) == len(split.test) == 20


def test_the_papers_folder_names_and_a_set_without_lungs_are_read(root: Path) -> None:
    (root / "COVID-19-CT-Seg_20cases").rename(root / "CT")
    (root / "Lung_Mask").rename(root / "Elsewhere")
    sources = CovidCtSeg20(root).sources()
    assert [source.case for source in sources] == [*CORONACASES, *RADIOPAEDIA]
    assert {source.lungs for source in sources} == {None}


def test_an_incomplete_download_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "Lung_Mask/coronacases_004.nii.gz").unlink()
    with pytest.raises(InputError, match=r"coronacases_004\.nii\.gz: has no lung mask of the same name in .*Lung_Mask"):
        CovidCtSeg20(root).sources()
    for folder in ("COVID-19-CT-Seg_20cases", "Infection_Mask", "Lung_Mask"):
        for path in (root / folder).glob("radiopaedia*"):
            path.unlink()
        (root / folder / "coronacases_004.nii.gz").unlink(missing_ok=True)
    with pytest.raises(InputError, match="there are 9 scans"):
        prepare(CovidCtSeg20(root), tmp_path / "set", name="c")
    (root / "COVID-19-CT-Seg_20cases").rename(root / "Images")
    with pytest.raises(InputError, match=r"CT: there is no such folder.*COVID-19-CT-Seg_20cases"):
        CovidCtSeg20(root).sources()
