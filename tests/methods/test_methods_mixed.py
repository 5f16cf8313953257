from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.losses.weighted_bce_iou import weighted_bce_iou
from groundglass.methods import METHODS
from groundglass.methods.mixed import MixedLabels
from groundglass.methods.settings import TrainingSettings


def method(network: nn.Module, **options: Any) -> MixedLabels:
    built: MixedLabels = METHODS.build("mixed", options, network=network, settings=TrainingSettings(lr=1e-2))
    return built.train()


def batch_of(*targets: torch.Tensor, tags: list[int]) -> Sample:
    target = torch.stack(targets).unsqueeze(1)
    torch.manual_seed(3)
    image = torch.rand(target.shape)
    return {
        "image": image,
        "target": target,
        "tag": torch.tensor(tags, dtype=torch.int8),
        "lung": torch.ones_like(target, dtype=torch.bool),
    }


def unlabeled() -> torch.Tensor:
    return torch.full((16, 16), 255, dtype=torch.uint8)


def clicked() -> torch.Tensor:
    target = unlabeled()
    target[3, 3], target[12, 12] = 1, 0
    return target


def drawn() -> torch.Tensor:
    target = torch.zeros(16, 16, dtype=torch.uint8)
    target[4:8, 4:8] = 1
    return target


def test_each_slice_gives_the_loss_of_its_label(small_network: nn.Module) -> None:
    batch = batch_of(drawn(), clicked(), unlabeled(), unlabeled(), unlabeled(), tags=[-1, -1, 0, 1, -1])
    terms = method(small_network).loss(batch)
    assert set(terms) == {"loss", "masks", "points", "tags", "consistency"}
    assert all(float(term.detach()) > 0 for term in terms.values())
    parts = sum(float(terms[name].detach()) for name in ("masks", "points", "tags", "consistency"))
    assert float(terms["loss"].detach()) == pytest.approx(parts, rel=1e-5)


def test_masks_and_lesion_free_slices_alone_are_full_supervision(small_network: nn.Module) -> None:
    batch = batch_of(drawn(), unlabeled(), tags=[1, 0])
    terms = method(small_network).loss(batch)
    target = torch.cat([batch["target"][:1], torch.zeros_like(batch["target"][:1])])
    expected = weighted_bce_iou(small_network(batch["image"]), target)
    assert float(terms["masks"].detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    assert float(terms["loss"].detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_a_tag_adds_nothing_to_what_is_labeled_pixel_by_pixel(small_network: nn.Module) -> None:
    with_tag = method(small_network).loss(batch_of(clicked(), tags=[1]))
    assert float(with_tag["tags"].detach()) == 0


def test_without_consistency_the_network_looks_once(small_network: nn.Module) -> None:
    seen: list[int] = []
    small_network.register_forward_hook(lambda _module, given, _result: seen.append(len(given[0])))
    batch = batch_of(drawn(), clicked(), unlabeled(), tags=[-1, -1, 1])
    assert "consistency" not in method(small_network, consistency=0.0).loss(batch)
    method(small_network).loss(batch)
    assert seen == [3, 5]  # a second look at what is not labeled everywhere


def test_nothing_labeled_gives_a_finite_loss_with_a_gradient(small_network: nn.Module) -> None:
    loss = method(small_network, consistency=0.0).loss(batch_of(unlabeled(), tags=[-1]))["loss"]
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0


def test_slices_with_a_tag_or_a_label_are_usable(blobs: DatasetFolder, small_network: nn.Module) -> None:
    mixed = method(small_network)
    grid = Grid(size=(32, 32))
    tagged = SliceSamples(blobs, blobs.split.training, grid, kinds=["slice_tag"])
    assert torch.equal(tagged.labeled, tagged.tensors["tag"] == 0), "no lesion: all background"
    assert mixed.usable(tagged).all()
    nothing = SliceSamples(blobs, blobs.split.training, grid, kinds=[])
    assert not mixed.usable(nothing).any()


def test_it_learns_from_a_mask_clicks_and_tags_together(blobs: DatasetFolder, small_network: nn.Module) -> None:
    grid = Grid(size=(32, 32))
    by_kind = {
        kind: SliceSamples(blobs, blobs.split.training, grid, kinds=[kind]) for kind in ("mask", "point", "slice_tag")
    }
    chosen = {"mask": [0], "point": [2, 4], "slice_tag": [1, 3, 5, 6]}
    parts = [by_kind[kind].batch(indices) for kind, indices in chosen.items()]
    batch = {key: torch.cat([part[key] for part in parts]) for key in ("image", "target", "tag", "lung")}
    mixed = method(small_network)
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(mixed.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        mixed.loss(batch)["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    mixed.eval()
    truth = SliceSamples(blobs, blobs.split.training, grid, kinds=["mask"])
    with torch.inference_mode():
        found = mixed.probabilities(truth.batch(list(range(8)))["image"]) > 0.5
    lesion = truth.tensors["target"] == 1
    assert float(2 * (found & lesion).sum() / (found.sum() + lesion.sum())) > 0.7
