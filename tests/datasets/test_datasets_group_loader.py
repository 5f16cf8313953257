"""Batches of groups: so many of each, in an order that comes back."""

from __future__ import annotations

import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.group_loader import Draw
from groundglass.datasets.group_loader import GroupLoader
from groundglass.datasets.group_loader import GroupSampler
from groundglass.datasets.load import load_samples

DRAWS = [Draw(torch.tensor([0]), 1, 0), Draw(torch.tensor([0, 2, 4, 6]), 2, 1), Draw(torch.tensor([1, 3, 5]), 2, 2)]


def test_every_batch_has_so_many_of_each_group_and_each_is_gone_through() -> None:
    batches = list(GroupSampler(DRAWS, steps=6, seed=0))
    assert len(batches) == 6
    assert all(batch[0] == 0 and len(batch) == 5 for batch in batches)
    diseased = [index for batch in batches for index in batch[1:3]]
    assert all(sorted(diseased[start : start + 4]) == [0, 2, 4, 6] for start in (0, 4, 8))
    healthy = [index for batch in batches for index in batch[3:]]
    assert sorted(healthy[:3]) == [1, 3, 5]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        sampler = GroupSampler(DRAWS, steps=6, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_the_loader_says_which_part_a_sample_is_for(volumes: DatasetFolder) -> None:
    samples = load_samples(volumes, volumes.split.training, Grid(size=(32, 32), depth=8), kinds=("scan_tag",))
    loader = GroupLoader(samples, GroupSampler(DRAWS, steps=2, seed=0))
    batches = list(loader)
    assert len(batches) == len(loader) == 2
    assert batches[0]["part"].tolist() == [0, 1, 1, 2, 2]
    assert batches[0]["tag"].tolist() == [1, 1, 1, 0, 0]
    assert batches[0]["image"].shape == (5, 1, 8, 32, 32)
