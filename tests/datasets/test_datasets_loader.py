from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.loader import BatchLoader
from groundglass.datasets.loader import EpochSampler
from groundglass.datasets.samples import SliceSamples

CHOSEN = torch.arange(10, 50)


def order(epoch: int = 0, *, seed: int = 0, **options: int) -> list[int]:
    sampler = EpochSampler(CHOSEN, seed=seed, **options)
    sampler.set_epoch(epoch)
    indices = list(sampler)
    assert len(indices) == len(sampler)
    return indices


def test_each_chosen_slice_comes_once_an_epoch() -> None:
    assert sorted(order()) == CHOSEN.tolist()


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    torch.manual_seed(1)
    first = order(3, seed=2)
    torch.manual_seed(99)
    assert order(3, seed=2) == first
    others = [order(epoch, seed=seed) for epoch in range(4) for seed in range(4)]
    assert len({tuple(one) for one in others}) == 16


def test_drawing_with_replacement_takes_chosen_slices_only() -> None:
    drawn = order(length=4000)
    assert len(drawn) == 4000
    assert set(drawn) == set(CHOSEN.tolist())
    assert max(Counter(drawn).values()) < 160
    assert order(1, length=60) != order(2, length=60)


def test_weights_say_how_often_a_slice_is_drawn() -> None:
    weights = torch.ones(40)
    weights[:10], weights[10:20] = 3, 0
    drawn = Counter(EpochSampler(CHOSEN, seed=0, length=5000, weights=weights))
    assert set(drawn) == set(CHOSEN[:10].tolist()) | set(CHOSEN[20:].tolist())
    first = sum(drawn[index] for index in CHOSEN[:10].tolist())
    assert abs(first - 3000) < 150
    assert list(EpochSampler(CHOSEN, seed=0, length=50, weights=weights)) == list(
        EpochSampler(CHOSEN, seed=0, length=50, weights=weights)
    )


@given(st.integers(1, 5), st.integers(0, 9))
def test_processes_take_shares_of_the_same_size_that_do_not_overlap(world_size: int, epoch: int) -> None:
    shares = [order(epoch, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert {len(share) for share in shares} == {len(CHOSEN) // world_size}
    taken = [index for share in shares for index in share]
    assert len(set(taken)) == len(taken)


@pytest.fixture(scope="module")
def samples(blobs: DatasetFolder) -> SliceSamples:
    return SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)))


def loader_of(samples: SliceSamples, batch_size: int) -> BatchLoader:
    return BatchLoader(samples, EpochSampler(torch.arange(len(samples)), seed=0), batch_size)


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 8), (3, 2), (4, 2), (5, 1), (8, 1)])
def test_the_last_incomplete_batch_is_dropped(samples: SliceSamples, batch_size: int, batches: int) -> None:
    loader = loader_of(samples, batch_size)
    assert len(loader) == batches
    assert [len(batch["image"]) for batch in loader] == [batch_size] * batches


def test_fewer_samples_than_a_batch_make_one_batch(samples: SliceSamples) -> None:
    assert [len(batch["image"]) for batch in loader_of(samples, 100)] == [8]


def test_batches_follow_the_samplers_order(samples: SliceSamples) -> None:
    loader = loader_of(samples, 2)
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        expected = samples.batch(list(loader.sampler))
        for key in ("image", "target", "case", "index"):
            assert torch.equal(torch.cat([batch[key] for batch in loader]), expected[key])
