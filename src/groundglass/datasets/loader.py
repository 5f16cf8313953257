"""The order in which slices are trained on, the same again for the same seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples


class EpochSampler(Sampler[int]):
    """Shuffled indices whose order depends on seed and epoch alone, so that a resumed run sees what it would have seen.

    Args:
        chosen: ``(N,)`` indices to draw from.
        seed: Seed of the run.
        length: Samples an epoch, drawn with replacement (paper 000 as released: twice the number of test slices), or
            ``None`` for each once.
        weights: ``(N,)`` how often each is drawn, relative to the others; needs ``length``.
        pair: ``(N,)`` bool: what is drawn is in turn one of those that are true and one of the others; needs
            ``length``.
        rank: Number of this process among ``world_size``; each takes its share.
        world_size: Number of processes.
    """

    def __init__(
        self,
        chosen: torch.Tensor,
        *,
        seed: int,
        length: int | None = None,
        weights: torch.Tensor | None = None,
        pair: torch.Tensor | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.chosen = chosen
        self.seed = seed
        self.length = length
        self.weights = weights
        self.pair = pair
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        length = (self.length or len(self.chosen)) // self.world_size
        return length if self.pair is None else length // 2 * 2

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = self._order(generator)
        # What belongs together, a single slice or a pair, goes to the same process.
        share = order[self.rank :: self.world_size].flatten()[: len(self)]
        return iter(self.chosen[share].tolist())

    def _order(self, generator: torch.Generator) -> torch.Tensor:
        """Numbers in ``chosen`` in the order they are drawn, ``(n,)``, or ``(n, 2)`` if they are drawn in pairs."""
        if self.length is None:
            return torch.randperm(len(self.chosen), generator=generator)
        if self.pair is not None:
            kinds = [where.nonzero().flatten() for where in (self.pair, ~self.pair)]
            drawn = [kind[torch.randint(len(kind), (self.length // 2,), generator=generator)] for kind in kinds]
            return torch.stack(drawn, dim=1)
        if self.weights is None:
            return torch.randint(len(self.chosen), (self.length,), generator=generator)
        return torch.multinomial(self.weights, self.length, replacement=True, generator=generator)


class BatchLoader:
    """Batches of a :class:`SliceSamples`, cut from its tensors in one go; the last, incomplete one is dropped.

    With fewer samples than a batch there is one batch of all of them.
    """

    def __init__(self, samples: SliceSamples, sampler: EpochSampler, batch_size: int) -> None:
        self.samples = samples
        self.sampler = sampler
        self.batch_size = min(batch_size, max(len(sampler), 1))

    def __len__(self) -> int:
        return len(self.sampler) // self.batch_size

    def __iter__(self) -> Iterator[Sample]:
        order = list(self.sampler)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield self.samples.batch(order[start : start + self.batch_size])
