from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.preprocessing import slice_masks
from groundglass.datasets.samples import SliceSamples
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.growth import Growth
from groundglass.labels.simulate import simulate_points
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan

GRID = Grid(size=(32, 32))
NATIVE = Grid(size=(48, 48))


def samples_of(folder: DatasetFolder, grid: Grid = GRID, **options: object) -> SliceSamples:
    return SliceSamples(folder, folder.split.training, grid, **options)


def mask_of(folder: DatasetFolder, case: Case) -> Scan:
    mask = folder.mask(case)
    assert mask is not None
    return mask


def test_a_sample_has_what_a_method_needs_and_no_mask(blobs: DatasetFolder) -> None:
    samples = samples_of(blobs)
    assert len(samples) == 8
    sample = samples[3]
    kinds = {key: (tuple(value.shape), value.dtype) for key, value in sample.items()}
    assert kinds == {
        "image": ((1, 32, 32), torch.float32),
        "target": ((1, 32, 32), torch.uint8),
        "lung": ((1, 32, 32), torch.bool),
        "tag": ((), torch.int8),
        "upright": ((), torch.bool),
        "case": ((), torch.int64),
        "index": ((), torch.int64),
    }
    assert (samples.case_names[int(sample["case"])], int(sample["index"])) == ("case1", 1)
    assert sample["lung"].all()


def test_images_are_the_slices_in_the_order_of_the_cases(blobs: DatasetFolder) -> None:
    samples = samples_of(blobs)
    expected = torch.cat([slice_images(blobs.scan(case), GRID) for case in blobs.split.training])
    batch = samples.batch(range(8))
    assert torch.allclose(batch["image"], expected, atol=1e-3)
    assert batch["case"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert torch.equal(samples.batch([6, 2])["image"], batch["image"][[6, 2]])


def test_points_become_targets_on_their_lesions(blobs: DatasetFolder) -> None:
    target = samples_of(blobs, NATIVE, kinds=("point",)).batch(range(8))["target"][:, 0].numpy()
    masks = np.concatenate([mask_of(blobs, case).voxels for case in blobs.split.training])
    assert masks[target == 1].all()
    assert not masks[target == 0].any()
    assert (target == 1).sum() == sum(
        len(simulate_points(mask_of(blobs, case), "")) // 2 for case in blobs.split.training
    )


def test_masks_become_targets_of_every_pixel(blobs: DatasetFolder) -> None:
    target = samples_of(blobs, kinds=("mask",)).batch(range(8))["target"][:, 0].numpy()
    assert np.array_equal(
        target, np.concatenate([slice_masks(mask_of(blobs, case), GRID) for case in blobs.split.training])
    )


def test_only_the_kinds_asked_for_are_used(blobs: DatasetFolder) -> None:
    tagged = samples_of(blobs, kinds=("slice_tag",))
    assert tagged.tensors["tag"].tolist() == [1, 0, 1, 1, 1, 1, 1, 0]
    wanted = torch.where(tagged.tensors["tag"] == 0, 0, 255).view(-1, 1, 1, 1)
    assert (tagged.tensors["target"] == wanted).all(), "clicks and masks are not used, and no lesion is background"
    assert (samples_of(blobs, kinds=("point",)).tensors["tag"] == -1).all()


def test_labeled_are_the_slices_with_a_labeled_pixel(blobs: DatasetFolder) -> None:
    """The second slice of cases 0 and 3 has no lesion and so no point."""
    assert samples_of(blobs, kinds=("point",)).labeled.tolist() == [True, False, *[True] * 5, False]


def test_slices_of_another_part_of_the_dataset_are_not_there(blobs: DatasetFolder) -> None:
    case = replace(blobs.split.training[1], slices=(1, 2))
    samples = SliceSamples(blobs, [case], GRID)
    assert samples.tensors["index"].tolist() == [1]
    assert torch.equal(samples[0]["image"], samples_of(blobs)[3]["image"])


def test_lungs_are_resized_like_the_image(blobs_copy: DatasetFolder) -> None:
    case = replace(blobs_copy.split.training[0], lungs="lungs.nii.gz")
    scan = blobs_copy.scan(case)
    lungs = np.zeros(scan.shape, np.uint8)
    lungs[:, :24, 12:] = 2
    write_nifti(scan.with_voxels(lungs, "mask"), blobs_copy.root / "lungs.nii.gz")
    lung = SliceSamples(blobs_copy, [case], GRID)[1]["lung"][0]
    assert lung[:16, 8:].all()
    assert lung.sum() == 16 * 24


def test_with_a_crop_labels_beside_it_are_left_out(blobs: DatasetFolder) -> None:
    """Background points are drawn from the whole slice; a crop must not turn them into an error."""
    whole = samples_of(blobs, NATIVE, kinds=("point",)).tensors["target"]
    cropped = samples_of(blobs, Grid(size=(40, 32), crop=(40, 32)), kinds=("point",)).tensors["target"]
    assert torch.equal(cropped, whole[:, :, 4:44, 8:40])
    assert (whole != 255).sum() > (cropped != 255).sum()


def test_a_dataset_part_without_cases_is_said(blobs: DatasetFolder) -> None:
    with pytest.raises(InputError, match="there is no case in this part"):
        SliceSamples(blobs, [], GRID)


def test_a_label_outside_its_image_is_said(blobs_copy: DatasetFolder) -> None:
    blobs_copy.store.append([Point(case="case2", seconds=3.0, position=(900.0, 0.0, -100.0), label=1, id="far")])
    with pytest.raises(InputError, match=r"case case2: label far at .* lies outside the image"):
        samples_of(blobs_copy)


def test_a_drawn_mask_of_another_size_is_said(blobs_copy: DatasetFolder) -> None:
    path = blobs_copy.root / "masks" / "case1.nii.gz"
    write_nifti(Scan(np.zeros((2, 40, 48), np.uint8), np.eye(4), "mask"), path)
    with pytest.raises(InputError, match=r"masks/case1\.nii\.gz: its size .*2, 40, 48"):
        samples_of(blobs_copy)


def test_a_missing_image_is_said(blobs_copy: DatasetFolder) -> None:
    (blobs_copy.root / "images" / "case3.nii.gz").unlink()
    with pytest.raises(InputError, match=r"images/case3\.nii\.gz"):
        samples_of(blobs_copy)


def test_clicks_are_grown_where_the_lungs_are_known(volumes_copy: DatasetFolder) -> None:
    """In a part of a scan too, and for the pool of active learning alike."""
    simulate_labels(volumes_copy, ["points"])
    whole = volumes_copy.split.training[0]
    cases = [whole, replace(whole, slices=(4, 8))]
    folder = replace(volumes_copy, split=replace(volumes_copy.split, training=tuple(cases[:1])))
    plain, more = (
        SliceSamples(folder, cases, GRID, kinds=("point",), grow=grow) for grow in (None, Growth(radius=0.3))
    )
    before, after = (samples.tensors["target"] for samples in (plain, more))
    assert torch.equal(after[before != 255], before[before != 255])
    mask = torch.from_numpy(slice_masks(mask_of(folder, whole), GRID)).unsqueeze(1)
    mask = torch.cat([mask, mask[4:8]])
    grown = after != before
    assert torch.equal(grown[12:], grown[4:8])
    assert (after[grown] == 1).sum() > 20
    assert mask[grown & (after == 1)].float().mean() > 0.75, "all but pixels on an edge"
    assert mask[grown & (after == 0)].float().mean() < 0.1
    part = Pool(folder, cases[1:2], GRID, Regions.of(GRID.size, 4), grow=Growth(radius=0.3))
    for label in folder.labels(["point"])[whole.case]:
        part.add([label])
    assert torch.equal(part.samples.tensors["target"], after[12:])
