"""Activation maps of the training slices, fused while the classifier trains (OAA; Jiang et al., ICCV 2019)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples

Fusion = Literal["average", "maximum", "last"]


class AttentionMaps:
    """One fused map for each slice tagged lesion, in float32 and in the processor's memory.

    Args:
        samples: The training slices.
        size: Rows and columns ``(h, w)`` of a map.
        fusion: ``average``: the mean of all maps that were accepted; ``maximum``: their pixelwise maximum; ``last``:
            none of them, only what :meth:`fill` is given.
    """

    def __init__(self, samples: SliceSamples, size: tuple[int, int], fusion: Fusion) -> None:
        self.fusion: Fusion = fusion
        self.slices = (samples.tensors["tag"] == 1).nonzero().flatten()
        """Numbers of the slices, among all samples."""
        case, index = samples.tensors["case"], samples.tensors["index"]
        self._rows = torch.full((int(case.max()) + 1, int(index.max()) + 1), -1)
        self._rows[case[self.slices], index[self.slices]] = torch.arange(len(self.slices))
        self.fused = torch.zeros(len(self.slices), 1, *size)
        self.count = torch.zeros(len(self.slices), 1, *size)
        """Of each place, how many maps have shown it."""

    def rows(self, batch: Sample) -> Tensor:
        """Which map is that of each sample of a batch; -1 for slices without a lesion."""
        return self._rows[batch["case"].cpu(), batch["index"].cpu()]

    def add(self, rows: Tensor, maps: Tensor, seen: Tensor) -> None:
        """Fuse maps into those that are there.

        Args:
            rows: ``(n,)`` from :meth:`rows`, none of them -1; a slice may come twice.
            maps: ``(n, 1, h, w)`` in [0, 1].
            seen: ``(n, 1, h, w)``: 1 where the map shows the slice, 0 where an enlargement had it out of view.
        """
        if self.fusion == "last":
            return
        for row, new, part in zip(rows.tolist(), maps.float().cpu(), seen.float().cpu(), strict=True):
            if self.fusion == "maximum":
                self.fused[row] = torch.maximum(self.fused[row], new * part)
            else:
                self.fused[row] += part * (new - self.fused[row]) / (self.count[row] + 1)
            self.count[row] += part

    @property
    def missing(self) -> Tensor:
        """Rows without any map."""
        return (~self.count.flatten(1).any(dim=1)).nonzero().flatten()

    def fill(self, rows: Tensor, maps: Tensor) -> None:
        """Set maps as they are."""
        self.fused[rows], self.count[rows] = maps.float().cpu(), 1.0

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {"fused": self.fused, "count": self.count}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.fused, self.count = state["fused"].clone(), state["count"].clone()
