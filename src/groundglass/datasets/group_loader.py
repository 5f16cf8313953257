"""Batches that hold so many samples of each group, as diseased, healthy and labeled volumes."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Sampler

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples


@dataclass(frozen=True, eq=False)
class Draw:
    """What every batch holds of one group.

    Args:
        chosen: ``(N,)`` indices of the group's samples.
        count: Samples of it in a batch.
        part: Which part of the batch they are: 0, 1, ... for what a step uses first, second, ...
    """

    chosen: Tensor
    count: int
    part: int


class GroupSampler(Sampler[list[int]]):
    """Indices of whole batches. Each group is gone through in shuffled order, and again when it is used up.

    The order depends on seed and epoch alone, so that a resumed run sees what it would have seen.

    Args:
        draws: The groups of a batch, in order.
        steps: Batches an epoch.
        seed: Seed of the run.
    """

    def __init__(self, draws: Sequence[Draw], *, steps: int, seed: int) -> None:
        self.draws = draws
        self.steps = steps
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        orders = [_order(draw, self.steps * draw.count, generator) for draw in self.draws]
        for step in range(self.steps):
            yield [
                index
                for draw, order in zip(self.draws, orders, strict=True)
                for index in order[step * draw.count : (step + 1) * draw.count]
            ]


def _order(draw: Draw, length: int, generator: torch.Generator) -> list[int]:
    rounds = -(-length // len(draw.chosen))
    shuffled = [draw.chosen[torch.randperm(len(draw.chosen), generator=generator)] for _ in range(rounds)]
    return torch.cat(shuffled)[:length].tolist()


class GroupLoader:
    """Batches of samples with one key more, ``part (N,)``: the part of the batch a sample is drawn for."""

    def __init__(self, samples: SliceSamples, sampler: GroupSampler) -> None:
        self.samples = samples
        self.sampler = sampler
        self.part = torch.tensor([draw.part for draw in sampler.draws for _ in range(draw.count)])

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Sample]:
        for indices in self.sampler:
            yield {**self.samples.batch(indices), "part": self.part}
