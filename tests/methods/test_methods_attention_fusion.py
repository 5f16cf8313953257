"""Fusion of activation maps, pseudo masks, and the two stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Zoom
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.saliency import read_saliency
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.methods.attention_fusion import AttentionFusion
from groundglass.methods.attention_maps import AttentionMaps
from groundglass.methods.pseudo_masks import intensity_saliency
from groundglass.methods.pseudo_masks import pseudo_masks
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan


@pytest.fixture
def samples(blobs: DatasetFolder) -> SliceSamples:
    return SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), kinds=("slice_tag",))


def all_seen(maps: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(maps)


def test_the_average_is_the_mean_of_all_maps_and_the_maximum_their_maximum(samples: SliceSamples) -> None:
    torch.manual_seed(0)
    given = torch.rand(5, 3, 1, 4, 4)
    rows = torch.tensor([0, 2, 4])
    average, maximum = (AttentionMaps(samples, (4, 4), fusion) for fusion in ("average", "maximum"))  # type: ignore[arg-type]
    for each in given:
        average.add(rows, each, all_seen(each))
        maximum.add(rows, each, all_seen(each))
        maximum.add(rows, each, all_seen(each))  # again changes nothing
    assert torch.allclose(average.fused[rows], given.mean(0))
    assert torch.equal(maximum.fused[rows], given.amax(0))
    assert (maximum.fused >= average.fused - 1e-6).all()
    assert average.missing.tolist() == [1, 3, 5]


def test_a_slice_that_comes_twice_in_a_batch_counts_twice(samples: SliceSamples) -> None:
    maps = AttentionMaps(samples, (1, 1), "average")
    given = torch.tensor([0.2, 0.6]).view(2, 1, 1, 1)
    maps.add(torch.tensor([1, 1]), given, all_seen(given))
    assert float(maps.fused[1]) == pytest.approx(0.4)
    assert float(maps.count[1]) == 2


def test_what_was_out_of_view_is_not_averaged(samples: SliceSamples) -> None:
    maps = AttentionMaps(samples, (1, 2), "average")
    row = torch.tensor([0])
    maps.add(row, torch.tensor([[[[0.8, 0.4]]]]), torch.tensor([[[[1.0, 1.0]]]]))
    maps.add(row, torch.tensor([[[[0.0, 0.2]]]]), torch.tensor([[[[0.0, 1.0]]]]))
    assert maps.fused[0].flatten().tolist() == pytest.approx([0.8, 0.3])


def test_each_slice_with_a_lesion_has_its_own_map_and_others_none(samples: SliceSamples) -> None:
    maps = AttentionMaps(samples, (1, 1), "average")
    rows = maps.rows(samples.batch(range(len(samples))))
    lesion = samples.tensors["tag"] == 1
    assert rows[lesion].tolist() == list(range(int(lesion.sum())))
    assert (rows[~lesion] == -1).all()


def test_last_keeps_only_what_it_is_filled_with(samples: SliceSamples) -> None:
    maps = AttentionMaps(samples, (1, 1), "last")
    given = torch.full((1, 1, 1, 1), 0.5)
    maps.add(torch.tensor([0]), given, all_seen(given))
    assert len(maps.missing) == len(maps.slices)
    maps.fill(maps.missing, torch.full((len(maps.slices), 1, 1, 1), 0.7))
    assert not len(maps.missing)
    assert float(maps.fused[0]) == pytest.approx(0.7)


def test_an_enlargement_is_taken_back() -> None:
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 40), indexing="ij")
    smooth = torch.sin(3 * rows + 2 * columns).view(1, 1, 40, 40).repeat(4, 1, 1, 1)
    zoom = Zoom.sample(4, 1.5)
    back, seen = zoom.invert(zoom.apply(smooth)), zoom.invert(torch.ones_like(smooth))
    inner = seen > 0.999
    assert (back - smooth)[inner].abs().max() < 0.05
    assert torch.allclose(seen.mean(dim=(1, 2, 3)), 1 / zoom.factors**2, atol=0.06)


def build(fusion: Any = "average", settings: TrainingSettings | None = None, **options: Any) -> AttentionFusion:
    torch.manual_seed(0)
    network = build_network("classifier", {"encoder": "plain", "channels": [4, 8], "attention": True})
    options = {"fusion": fusion, "segmenter": "plain-unet", "segmenter_options": {"channels": [4, 8]}} | options
    settings = settings or TrainingSettings()
    method: AttentionFusion = METHODS.build("attention-fusion", options, network=network, settings=settings)
    return method


def test_maps_are_fused_where_the_slice_is_whatever_was_done_to_it(samples: SliceSamples) -> None:
    """The map of a turned slice, turned back, is that of the slice itself (up to what a map is on even sizes)."""
    method = build().eval()
    batch = samples.batch(samples.tensors["tag"].eq(1).nonzero().flatten().tolist())
    scores = torch.rand(len(batch["tag"]), 1, 8, 8) + 0.1
    moved = Dihedral.sample(len(scores), "dihedral")
    for one, moves in ((scores, []), (moved.apply(scores), [moved])):
        method.maps = AttentionMaps(samples, (8, 8), "average")
        method._fuse(batch, one, moves)
        assert torch.allclose(method.maps.fused, scores / scores.amax(dim=(2, 3), keepdim=True))


def test_several_moves_are_taken_back_last_one_first(samples: SliceSamples) -> None:
    """A quarter turn and a mirroring, which in the other order give another map."""
    method = build().eval()
    method.maps = AttentionMaps(samples, (8, 8), "average")
    batch = samples.batch(method.maps.slices.tolist())
    torch.manual_seed(0)
    scores = torch.rand(len(batch["tag"]), 1, 8, 8) + 0.1
    every, none = torch.ones(len(scores), dtype=torch.bool), torch.zeros(len(scores), dtype=torch.long)
    turn, mirror = Dihedral(~every, none + 1), Dihedral(every, none)
    seen = mirror.apply(turn.apply(scores))
    assert not torch.equal(seen, turn.apply(mirror.apply(scores)))
    method._fuse(batch, seen, [turn, mirror])
    torch.testing.assert_close(method.maps.fused, scores / scores.amax(dim=(2, 3), keepdim=True))


@pytest.mark.parametrize("epoch", [0, 1])
def test_maps_of_the_first_epoch_are_not_accepted(
    epoch: int, samples: SliceSamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = build()
    method.maps = AttentionMaps(samples, (16, 16), "average")
    assert method.network.head.bias is not None
    torch.nn.init.constant_(method.network.head.bias, 100.0)  # it calls every slice a lesion
    monkeypatch.setattr(AttentionFusion, "current_epoch", epoch)
    method.step_loss(samples.batch(range(len(samples))))
    assert len(method.maps.missing) == (len(method.maps.slices) if epoch == 0 else 0)


def test_only_lesions_that_are_called_so_are_accepted(samples: SliceSamples) -> None:
    method = build()
    method.maps = AttentionMaps(samples, (2, 2), "average")
    batch = samples.batch(range(len(samples)))
    scores = torch.full((len(samples), 1, 2, 2), 1.0)
    first, second = method.maps.slices[:2]
    scores[first] = -1.0
    scores[second, 0, 0, 0] = -9.0  # hot somewhere, but not a lesion on the whole
    method._fuse(batch, scores, [])
    assert method.maps.missing.tolist() == [0, 1]


def test_pseudo_masks_by_hand() -> None:
    attention = torch.tensor([1.0, 0.5, 0.5, 0.2, 0.9, 0.2, 1.0]).view(1, 1, 1, 7)
    saliency = torch.tensor([0.5, 0.6, 0.4, 0.0, 0.05, 0.2, 0.9]).view(1, 1, 1, 7)
    inside = torch.tensor([1, 1, 1, 1, 1, 1, 0], dtype=torch.bool).view(1, 1, 1, 7)
    # lesion; lesion; 0.5 is not above 0.6; background; hot and dark: open; too bright for background; outside
    assert pseudo_masks(attention, saliency, inside).flatten().tolist() == [1, 1, 255, 0, 255, 255, 0]


def test_small_lesions_are_kept_and_an_empty_map_gives_no_lesion() -> None:
    attention, saliency = torch.zeros(1, 1, 20, 20), torch.full((1, 1, 20, 20), 0.9)
    inside = torch.ones(1, 1, 20, 20, dtype=torch.bool)
    assert (pseudo_masks(attention, saliency, inside) == 255).all()
    attention[0, 0, 3, 3] = 1.0
    assert (pseudo_masks(attention, saliency, inside) == 1).sum() == 1


def test_brightness_in_the_lung_is_salient() -> None:
    torch.manual_seed(0)
    image = 0.3 + 0.01 * torch.rand(2, 1, 40, 40)
    lung = torch.zeros(2, 1, 40, 40, dtype=torch.bool)
    lung[:, :, 5:35, 5:35] = True
    image[:, :, 10:15, 10:15] = 0.8
    image[:, :, 36:] = 1.0  # outside
    saliency = intensity_saliency(image, lung)
    assert saliency[:, :, 12, 12].min() > 0.9
    assert not saliency[~lung].any()
    assert saliency[0][lung[0]].median() < 0.01
    lung[1] = False  # counts as all lung
    assert torch.isfinite(intensity_saliency(image, lung)).all()


def test_saliency_needs_no_quantile_of_bfloat16_which_gpus_do_not_have() -> None:
    torch.manual_seed(0)
    image, lung = torch.rand(2, 1, 20, 20), torch.ones(2, 1, 20, 20, dtype=torch.bool)
    exact, coarse = intensity_saliency(image, lung), intensity_saliency(image.bfloat16(), lung)
    assert (coarse.float() - exact).abs().mean() < 0.02


def test_targets_are_background_without_lesion_and_open_without_a_tag(samples: SliceSamples) -> None:
    method = build()
    method.maps = AttentionMaps(samples, (4, 4), "average")
    method.maps.fused[:] = 0.5
    method.maps.fused[:, 0, 0, 0] = 1.0
    batch = samples.batch(range(len(samples)))
    batch["tag"][0] = -1
    targets = method.targets(batch)
    assert (targets[0] == 255).all()
    assert not targets[batch["tag"] == 0].any()
    lesion = targets[batch["tag"] == 1]
    assert (lesion == 1).any()
    # Where it is about as hot everywhere, what is bright is lesion.
    assert batch["image"][batch["tag"] == 1][lesion == 1].mean() > batch["image"].mean() + 0.05


def write_saliency(folder: Path, blobs: DatasetFolder, names: list[str], value: int = 51) -> None:
    for case in blobs.split.training:
        if case.case in names:
            scan = blobs.scan(case)
            voxels = np.full(scan.shape, value, np.uint8)
            voxels[0, 0, 0] = 255
            write_nifti(Scan(voxels, scan.affine, "display"), folder / f"{case.case}.nii.gz")


def test_saliency_of_ones_own_is_read_onto_the_grid(
    samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path
) -> None:
    write_saliency(tmp_path, blobs, samples.case_names)
    found = read_saliency(samples, tmp_path)
    assert found.shape == samples.tensors["image"].shape
    assert float(found[:, :, 5:, 5:].float().mean()) == pytest.approx(0.2, abs=1e-3)
    method = build(saliency=str(tmp_path))
    maps = AttentionMaps(samples, (4, 4), "average")
    own = method.read_saliency(samples, maps)
    assert own is not None
    assert len(own) == len(maps.slices)


def test_what_is_done_to_the_gray_of_images_is_not_done_to_saliency(
    samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_saliency(tmp_path, blobs, samples.case_names)
    scan = blobs.scan(blobs.split.training[0])
    lungs = scan.with_voxels(np.ones(scan.shape, np.uint8), "mask")
    monkeypatch.setattr("groundglass.datasets.saliency.case_lungs", lambda *_: lungs)
    samples.grid = Grid(size=(32, 32), aerated=0.5)
    found = read_saliency(samples, tmp_path)
    assert float(found[:, :, 5:, 5:].float().mean()) == pytest.approx(0.2, abs=1e-3)


def test_a_missing_saliency_map_is_named(samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path) -> None:
    write_saliency(tmp_path, blobs, samples.case_names[1:])
    with pytest.raises(InputError, match=r"case0\.nii\.gz: there is no saliency map of case 'case0'"):
        read_saliency(samples, tmp_path)


def test_a_saliency_map_of_another_size_is_named(samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path) -> None:
    write_saliency(tmp_path, blobs, samples.case_names)
    scan = blobs.scan(blobs.split.training[0])
    small = Scan(np.full((2, 20, 20), 255, np.uint8), scan.affine, "display")
    small.voxels[0] = 0
    write_nifti(small, tmp_path / "case0.nii.gz")
    with pytest.raises(InputError, match=r"case0\.nii\.gz: its size \(2, 20, 20\) is not"):
        read_saliency(samples, tmp_path)


@pytest.mark.parametrize("segmenter", ["classifier", "decomposition", "unet3d", "unknown"])
def test_only_what_segments_slices_may_be_the_segmenter(segmenter: str) -> None:
    with pytest.raises(
        InputError, match=f"segmenter '{segmenter}' does not segment slices; choose one of unet, plain-u"
    ):
        build(segmenter=segmenter, segmenter_options={})


@pytest.mark.parametrize(("kind", "most"), [(np.float32, 1), (np.uint8, 1), (np.int16, 1000), (np.float32, -5)])
def test_a_saliency_map_that_is_not_8_bit_is_said_to_have_to_be(
    kind: type, most: int, samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path
) -> None:
    write_saliency(tmp_path, blobs, samples.case_names)
    scan = blobs.scan(blobs.split.training[0])
    values = np.linspace(0, most, scan.voxels.size).reshape(scan.shape).astype(kind)
    write_nifti(Scan(values, scan.affine, "display"), tmp_path / "case0.nii.gz")
    with pytest.raises(
        InputError, match=r"case0\.nii\.gz: a saliency map must be 8-bit, from 0 to 255, and .* multiply it by 255"
    ):
        read_saliency(samples, tmp_path)


def test_a_saliency_map_may_be_empty(samples: SliceSamples, blobs: DatasetFolder, tmp_path: Path) -> None:
    write_saliency(tmp_path, blobs, samples.case_names)
    scan = blobs.scan(blobs.split.training[0])
    write_nifti(Scan(np.zeros(scan.shape, np.uint8), scan.affine, "display"), tmp_path / "case0.nii.gz")
    assert not read_saliency(samples, tmp_path)[: len(scan.voxels)].any()


def test_its_views_are_those_the_pseudo_mask_is_made_of() -> None:
    method = build().eval()
    image = torch.rand(2, 1, 32, 32)
    image[..., :6] = 0
    with torch.no_grad():
        views = method.views(image)
    assert list(views) == ["activation map", "saliency", "pseudo mask", "heat map"]
    assert all(view.shape == image.shape and view.min() >= 0 and view.max() <= 1 for view in views.values())
    assert set(views["pseudo mask"].unique().tolist()) <= {0.0, 0.5, 1.0}
    assert torch.equal(views["saliency"], intensity_saliency(image, image > 0))
    lesion = views["pseudo mask"] == 1
    assert (views["activation map"][lesion] >= 0.29).all()
    assert (views["pseudo mask"][..., :6] == 0).all(), "black is background"
