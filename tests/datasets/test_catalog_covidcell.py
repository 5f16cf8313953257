from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_files import write_picture

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.covidcell import CovidCell
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError

RUNS = {("lesion", 0): (3, 12, 4), ("lesion", 1): (7,), ("normal", 0): (1, 2), ("normal", 1): (5,), ("lesion", 2): (9,)}
SPLITS = {("lesion", 0): "train", ("lesion", 1): "val", ("normal", 0): "train", ("normal", 1): "val"}


def picture(number: int) -> np.ndarray:
    """A lung with a dark hole in it, and the slice's number as its grey value."""
    lung = np.zeros((20, 20), np.uint8)
    lung[4:16, 3:9] = 100 + number
    lung[8:10, 5:7] = 0
    return lung


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lines = ["kind,id,run,split"]
    for (kind, run), numbers in RUNS.items():
        for number in numbers:
            name = f"{kind}_{number}.png"
            write_picture(tmp_path / "raw" / kind / name, picture(number))
            if kind == "lesion":
                for offset, annotator in enumerate(("mask_annotator_a", "mask_annotator_b")):
                    mask = np.zeros((20, 20), np.uint8)
                    mask[5 + offset, 4 : 4 + 3] = 255
                    write_picture(tmp_path / "raw" / annotator / name, mask)
            lines.append(f"{kind},{number},{run},{SPLITS.get((kind, run), 'test')}")
    (tmp_path / "raw" / "runs.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "raw"


def prepared(root: Path, **options: str) -> DatasetFolder:
    return prepare(LAYOUTS.build("covidcell", options, root=root), root.parent / "data", name="covidcell")


def test_a_run_is_a_case_with_its_slices_in_order(root: Path) -> None:
    folder = prepared(root)
    names = [[case.case for case in part] for part in (folder.split.training, folder.split.validation)]
    assert names == [["lesion-000", "normal-000"], ["lesion-001", "normal-001"]]
    scan = folder.scan(folder.split.training[0])
    assert scan.intensity == "display"
    assert scan.voxels[:, 5, 5].tolist() == [103, 104, 112]


def test_normal_runs_have_an_empty_mask_and_are_tagged_so(root: Path) -> None:
    folder = prepared(root)
    simulate_labels(folder, ["slice-tags"])
    tags = {name: [label.label for label in labels] for name, labels in folder.labels(["slice_tag"]).items()}  # type: ignore[attr-defined]
    assert tags == {"lesion-000": [1, 1, 1], "normal-000": [0, 0]}


def test_the_lungs_are_what_is_not_black_with_holes_filled(root: Path) -> None:
    folder = prepared(root)
    lungs = folder.lungs(folder.split.training[1])
    assert lungs is not None
    assert lungs.voxels[0].sum() == 12 * 6
    assert lungs.voxels[0, 8, 5] == 1


@pytest.mark.parametrize(("annotator", "row"), [("a", 5), ("b", 6)])
def test_the_masks_are_of_one_annotator(root: Path, annotator: str, row: int) -> None:
    folder = prepared(root, annotator=annotator)
    mask = folder.mask(folder.split.test[0])
    assert mask is not None
    assert np.argwhere(mask.voxels).tolist() == [[0, row, 4], [0, row, 5], [0, row, 6]]


def test_some_parts_can_be_read_alone(root: Path) -> None:
    assert {source.part for source in CovidCell(root, parts=["validation"]).sources()} == {"validation"}


def test_an_annotator_who_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(InputError, match="annotator 'c': choose a, b or released"):
        CovidCell(root, annotator="c")


def test_a_missing_slice_is_named(root: Path) -> None:
    (root / "lesion" / "lesion_12.png").unlink()
    with pytest.raises(InputError, match=r"lesion_12\.png: there is no such file"):
        CovidCell(root).sources()


@pytest.mark.parametrize("line", ["lesion,x,0,train", "lesion,3", "cat,3,0,train", "lesion,3,0,training"])
def test_a_damaged_table_is_named(root: Path, line: str) -> None:
    with (root / "runs.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=r"runs\.csv: "):
        CovidCell(root).sources()


def test_released_masks_are_cut_at_half_white_and_doubled(root: Path) -> None:
    for numbers in (numbers for (kind, _), numbers in RUNS.items() if kind == "lesion"):
        for number in numbers:
            mask = np.zeros((10, 10), np.uint8)
            mask[3, 2:5] = (128, 127, 255)
            write_picture(root / "mask_released" / f"lesion_{number}.png", mask)
    folder = prepared(root, annotator="released")
    mask = folder.mask(folder.split.training[0])
    assert mask is not None
    wanted = np.zeros((20, 20), bool)
    wanted[6:8, [4, 5, 8, 9]] = True
    assert (mask.voxels.astype(bool) == wanted).all()


def test_masks_of_another_size_are_refused(root: Path) -> None:
    for path in (root / "mask_annotator_b").iterdir():
        write_picture(path, np.zeros((15, 15), np.uint8))
    with pytest.raises(InputError, match="neither the size of"):
        prepared(root, annotator="b")


def test_short_runs_can_be_left_out(root: Path) -> None:
    folder = prepare(CovidCell(root, shortest=2), root.parent / "data", name="covidcell")
    assert [case.case for case in folder.split.training] == ["lesion-000", "normal-000"]
    assert not folder.split.validation
