from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_files import write_picture

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError

DOCTOR = "TrainingSet/LungInfection-Train/Doctor-label"
TEST = "TestingSet/LungInfection-Test"


def write_pair(folder: Path, name: str, number: int) -> None:
    """Image and mask of a slice that say which one they are: a grey value and a column."""
    image = np.full((16, 16), 10 * number, np.uint8)
    mask = np.zeros((16, 16), np.uint8)
    mask[2:9, number % 16] = 127 if number % 2 else 255
    write_picture(folder / "Imgs" / f"{name}.png", image)
    write_picture(folder / "GT" / f"{name}.png", mask)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """20 training slices, whose names sort otherwise than their numbers, and 3 test slices named like them."""
    for number in range(20):
        write_pair(tmp_path / "raw" / DOCTOR, f"slice{number}", number)
    for number in range(3):
        write_pair(tmp_path / "raw" / TEST, f"slice{number}", number + 21)
    return tmp_path / "raw"


def numbers(folder: DatasetFolder, part: str) -> list[tuple[int, int]]:
    """What image and mask say of each case."""
    found = []
    for case in getattr(folder.split, part):
        mask = folder.mask(case)
        assert mask is not None
        columns = np.flatnonzero(mask.voxels.any(axis=(0, 1)))
        assert len(columns) == 1
        found.append((int(folder.scan(case).voxels.max()) // 10, int(columns[0])))
    return found


def test_every_image_has_its_own_mask_and_the_last_tenth_validates(root: Path, tmp_path: Path) -> None:
    folder = prepare(LAYOUTS.build("covid-semiseg", {}, root=root), tmp_path / "set", name="a")
    by_name = sorted(range(20), key=str)
    assert numbers(folder, "training") == [(number, number % 16) for number in by_name[:18]]
    assert numbers(folder, "validation") == [(8, 8), (9, 9)]
    assert numbers(folder, "test") == [(21, 5), (22, 6), (23, 7)]
    assert {case.intensity for case in folder.split.training} == {"display"}
    assert [case.case for case in folder.split.test] == ["test-slice0", "test-slice1", "test-slice2"]


def test_there_is_one_protocol(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no 'mixed' protocol"):
        prepare(CovidSemiSeg(root), tmp_path / "set", name="a", protocol="mixed")


@pytest.mark.parametrize(("folder", "lacks"), [("Imgs", "image"), ("GT", "mask")])
def test_a_slice_without_its_other_half_is_refused(root: Path, folder: str, lacks: str) -> None:
    (root / DOCTOR / folder / "slice7.png").unlink()
    with pytest.raises(InputError, match=f"slice7.png: has no {lacks}"):
        CovidSemiSeg(root).sources()


def test_a_missing_or_empty_folder_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder; give the folder that holds TrainingSet"):
        CovidSemiSeg(tmp_path / "nothing")
    (root / "TestingSet").rename(root / "Testing")
    with pytest.raises(InputError, match=r"TestingSet.*this layout needs TrainingSet"):
        CovidSemiSeg(root).sources()
    (root / "TestingSet/LungInfection-Test/Imgs").mkdir(parents=True)
    (root / "TestingSet/LungInfection-Test/GT").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        CovidSemiSeg(root).sources()


def test_further_slices_without_masks_train_only_where_they_are_wanted(root: Path, tmp_path: Path) -> None:
    further = root / "TrainingSet/LungInfection-Train/Pseudo-label/Imgs"
    for number in range(4):
        write_picture(further / f"slice{number}.png", np.full((16, 16), 200 + number, np.uint8))
    assert not any(source.case.startswith("unlabeled") for source in CovidSemiSeg(root).sources())
    folder = prepare(CovidSemiSeg(root, unlabeled=True), tmp_path / "more", name="more")
    cases = {case.case: case for case in folder.split.training}
    assert len(cases) == 18 + 4
    assert cases["unlabeled-slice2"].label is None
    assert folder.scan(cases["unlabeled-slice2"]).voxels.max() == 202
    assert len(folder.split.validation) == 2
    assert len(folder.split.test) == 3
