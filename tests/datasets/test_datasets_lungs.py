"""Lungs of cases whose dataset has no mask of them, or an empty one: found, used as a whole, or left out and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.datasets import lungs as module
from groundglass.datasets import samples as samples_module
from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.lungs import NoLungsError
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.saliency import read_saliency
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.labels.events import Point
from groundglass.labels.growth import Growth
from groundglass.prediction.evaluate import scored_cases
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan
from groundglass.training.run import train

CROP = Grid(size=(32, 32), crop="lungs")
BLACK = Grid(size=(32, 32), outside="black")
PLAIN = Grid(size=(32, 32))


@pytest.fixture(autouse=True)
def _nothing_is_said_yet() -> None:
    module._say.cache_clear()


@pytest.fixture
def chest(blobs_copy: DatasetFolder) -> tuple[DatasetFolder, Case, Scan]:
    """A dataset with the scan of a chest in it, in HU and without a lung mask."""
    scan = generate_phantom(3, shape=(24, 64, 64)).scan
    write_nifti(scan, blobs_copy.root / "images" / "chest.nii.gz")
    case = Case(case="chest", patient="p", image="images/chest.nii.gz", intensity="hu")
    return blobs_copy, case, blobs_copy.scan(case)


def emptied(folder: DatasetFolder, case: Case) -> Case:
    """The case with a lung mask in which there is nothing."""
    path = f"lungs/{case.case}.nii.gz"
    scan = folder.scan(case)
    write_nifti(scan.with_voxels(np.zeros(scan.shape, np.uint8), "mask"), folder.root / path)
    return replace(case, lungs=path)


def filled(folder: DatasetFolder, case: Case, *slices: int) -> Case:
    """The case with a lung mask of everything, of some slices only if they are given."""
    scan = folder.scan(case)
    voxels = np.zeros(scan.shape, np.uint8)
    voxels[list(slices) or slice(None), 4:44, 4:44] = 1
    write_nifti(scan.with_voxels(voxels, "mask"), folder.root / f"lungs/{case.case}.nii.gz")
    return replace(case, lungs=f"lungs/{case.case}.nii.gz")


def with_parts(folder: DatasetFolder, change: Callable[[DatasetFolder, Case], Case], *parts: str) -> DatasetFolder:
    """The dataset with a lung mask in every case, and with those of some parts changed."""
    split = folder.split
    for part in ("training", "validation", "test"):
        made = tuple((change if part in parts else filled)(folder, case) for case in getattr(split, part))
        split = replace(split, **{part: made})
    changed = DatasetFolder(folder.root, folder.name, split)
    changed.save()
    return changed


def test_lungs_are_looked_for_once_a_scan(
    chest: tuple[DatasetFolder, Case, Scan], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, case, scan = chest
    find, calls = module.lung_mask, []
    monkeypatch.setattr(module, "lung_mask", lambda scan: calls.append(1) or find(scan))
    found = [case_lungs(folder, case, scan, grid) for grid in (CROP, BLACK, Grid(size=(32, 32), depth=8))]
    again = case_lungs(DatasetFolder(folder.root, "again", folder.split), replace(case, slices=(8, 12)), scan, CROP)
    assert len(calls) == 1
    for lungs in (*found, again):
        assert lungs is not None
        assert np.array_equal(lungs.voxels, find(scan).voxels)
        assert lungs.intensity == "mask"
    write_nifti(scan.with_voxels(scan.voxels + 1), folder.root / case.image)
    case_lungs(folder, case, folder.scan(case), CROP)
    assert len(calls) == 2, "another image has other lungs"


def test_few_masks_are_kept(chest: tuple[DatasetFolder, Case, Scan], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, case, scan = chest
    monkeypatch.setattr(module, "KEPT", 1)
    monkeypatch.setattr(module, "_kept", type(module._kept)())
    for name in ("a", "b", "c"):
        write_nifti(scan, folder.root / f"images/{name}.nii.gz")
        case_lungs(folder, replace(case, case=name, image=f"images/{name}.nii.gz"), scan, CROP)
    assert [path.name for path, *_ in module._kept] == ["c.nii.gz"]


def test_lungs_are_not_looked_for_where_none_are_wanted_or_can_be_found(
    chest: tuple[DatasetFolder, Case, Scan], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, case, scan = chest
    monkeypatch.setattr(module, "lung_mask", lambda _: pytest.fail("looked for lungs"))
    assert case_lungs(folder, case, scan, PLAIN) is None
    display = scan.with_voxels(np.zeros(scan.shape, np.uint8), "display")
    assert case_lungs(folder, case, display, CROP) is None
    given = case_lungs(folder, filled(folder, case), scan, CROP)
    assert given is not None
    assert (given.voxels > 0).sum() == 24 * 40 * 40


def test_whatever_goes_with_the_slices_lies_where_they_lie(
    chest: tuple[DatasetFolder, Case, Scan], tmp_path: Path
) -> None:
    """Masks that stand in for an annotator, and saliency maps, are cropped to the lungs that were found."""
    folder, case, scan = chest
    lungs = case_lungs(folder, case, scan, CROP)
    assert lungs is not None
    inside = scan.with_voxels((lungs.voxels > 0).astype(np.uint8), "mask")
    write_nifti(inside, folder.root / "masks" / "chest.nii.gz")
    flat = replace(folder.split.training[0], label="masks/case0.nii.gz")
    grid = Grid(size=(32, 32), crop="lungs", outside="black")
    pool = Pool(folder, [flat, replace(case, label="masks/chest.nii.gz")], grid, Regions.of(grid.size, 4))
    assert pool.samples.left_out == ["case0"]
    assert np.array_equal(pool.masks, pool.samples.tensors["lung"][:, 0].numpy())
    assert pool.masks.any(axis=(0, 2)).mean() > 0.9, "the box is that of the lungs"
    write_nifti(inside.with_voxels(inside.voxels * 255, "display"), tmp_path / "chest.nii.gz")
    assert torch.equal(read_saliency(pool.samples, tmp_path) >= 0.5, pool.samples.tensors["lung"])


def test_a_part_of_a_scan_without_lung_is_said(chest: tuple[DatasetFolder, Case, Scan]) -> None:
    folder, case, scan = chest
    case = replace(filled(folder, case, 5, 6), slices=(0, 6))
    assert case_lungs(folder, case, scan, CROP) is not None
    with pytest.raises(NoLungsError, match=r"chest\.nii\.gz: its lung mask is empty in slices 0 to 4; draw"):
        case_lungs(folder, replace(case, slices=(0, 5)), scan, CROP)
    assert case_lungs(folder, replace(case, slices=(0, 5)), scan, PLAIN) is not None


@pytest.mark.parametrize("grid", [CROP, BLACK])
def test_a_training_case_without_lung_is_left_out_and_named(
    grid: Grid, blobs_copy: DatasetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """One with an empty mask, and one in HU in which no lungs are found; the dataset's others have masks."""
    first, second, *others = blobs_copy.split.training
    cases = [emptied(blobs_copy, first), second, *(filled(blobs_copy, case) for case in others)]
    samples = SliceSamples(blobs_copy, cases, grid)
    assert samples.left_out == ["case0", "case1"]
    assert samples.case_names == [case.case for case in samples.cases] == ["case2", "case3"]
    assert samples.tensors["case"].tolist() == [0, 0, 1, 1]
    assert "case case0 is left out" in caplog.text
    assert "lung mask is empty" in caplog.text
    assert "case case1 is left out" in caplog.text
    assert "no lungs are in view" in caplog.text
    assert len(SliceSamples(blobs_copy, cases, PLAIN).cases) == 4, "who wants no lungs misses none"
    with pytest.raises(InputError, match="there is no scan with lungs in this part"):
        SliceSamples(blobs_copy, cases[:2], grid)


def test_8_bit_images_without_lung_mask_are_used_as_a_whole_and_it_is_said(
    blobs_copy: DatasetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    split = blobs_copy.split
    for case in split.training:
        gray = blobs_copy.scan(case).with_voxels(np.full((2, 48, 48), 90, np.uint8), "display")
        write_nifti(gray, blobs_copy.root / case.image)
    cases = tuple(replace(case, intensity="display") for case in split.training)
    folder = DatasetFolder(blobs_copy.root, "gray", replace(split, training=cases, validation=(), test=()))
    samples = SliceSamples(folder, cases, BLACK)
    assert samples.tensors["lung"].all()
    assert (samples.tensors["image"] > 0).all()
    assert f"{folder.root}: 4 of 4 scans are 8-bit without a lung mask, so they are used as a whole" in caplog.text


def test_a_damaged_lung_mask_is_an_error_and_no_case_to_leave_out(blobs_copy: DatasetFolder) -> None:
    case = filled(blobs_copy, blobs_copy.split.training[0])
    (blobs_copy.root / str(case.lungs)).write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"lungs/case0\.nii\.gz"):
        SliceSamples(blobs_copy, [case, filled(blobs_copy, blobs_copy.split.training[1])], CROP)


def test_a_case_without_lung_is_not_scored_and_named(
    blobs_copy: DatasetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, *_ = blobs_copy.split.training
    cases = [emptied(blobs_copy, first), filled(blobs_copy, second)]
    assert [pair.case.case for pair in scored_cases(blobs_copy, cases, CROP)] == ["case1"]
    assert "case case0 is not scored" in caplog.text
    assert len(list(scored_cases(blobs_copy, cases, PLAIN))) == 2


@pytest.mark.parametrize("grid", [{"size": [32, 32], "crop": "lungs"}, {"size": [32, 32], "depth": 4}])
def test_validation_without_lungs_keeps_the_last_epoch_and_says_so(
    grid: dict[str, Any],
    blobs_copy: DatasetFolder,
    small_config: Callable[..., Config],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = with_parts(blobs_copy, emptied, "validation", "test")
    network = {"network": "unet3d", "network_options": {"base": 2}} if "depth" in grid else {}
    config = small_config(method="full", grid=grid, epochs=1, **network)
    run = train(config, folder.root, tmp_path / "run", device="cpu", quiet=True)
    assert (
        f"{folder.root}: of the validation cases with a mask none shows lungs, so the last epoch is kept and the "
        "threshold stays at 0.5"
    ) in caplog.text
    assert "case case4 is not scored" in caplog.text
    assert "case case5 is not scored" in caplog.text
    assert float(run.method.threshold) == 0.5
    assert run.result["n_cases"] == 0


def test_lungs_are_found_to_grow_clicks_in(
    chest: tuple[DatasetFolder, Case, Scan], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the network wants none, and whoever shows no lung is not left out for it."""
    folder, case, scan = chest
    lungs = case_lungs(folder, case, scan, CROP)
    assert lungs is not None
    dense = np.argwhere((lungs.voxels > 0) & (scan.voxels > -650))[0]
    x, y, z = scan.to_mm(dense[None])[0]
    (folder.root / "labels.jsonl").unlink()
    folder.store.append([Point(case="chest", seconds=3, position=(x, y, z), label=1)])
    native = Grid(size=(64, 64))
    cases = [folder.split.training[0], case]
    plain, samples = (SliceSamples(folder, cases, native, grow=grow) for grow in (None, Growth()))
    assert plain.tensors["lung"].all()
    assert samples.tensors["lung"].all(), "the network wants none"
    assert (plain.tensors["target"] != 255).sum() == 1
    grown = samples.tensors["target"][2:, 0].numpy() != 255
    assert grown.sum() > 1
    assert (lungs.voxels[grown] > 0).all()
    monkeypatch.setattr(samples_module, "lungs_to_grow_in", lambda *_: pytest.fail("no click, no search"))
    SliceSamples(folder, cases, native, kinds=("region",), grow=Growth())
    assert "scans have no lung mask; their lungs are found by density" in caplog.text
    monkeypatch.undo()
    write_nifti(scan.with_voxels(np.full(scan.shape, 90, np.uint8), "display"), folder.root / case.image)
    gray = DatasetFolder(folder.root, "gray", replace(folder.split, training=(replace(case, intensity="display"),)))
    samples = SliceSamples(gray, gray.split.training, native, grow=Growth())
    assert (samples.tensors["target"] != 255).sum() == 1
    assert "1 of 3 scans are 8-bit without a lung mask, so clicks in them are not grown" in caplog.text
