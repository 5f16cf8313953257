"""The slices that can be asked about, on the network's grid."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.active.regions import LUNG_SHARE
from groundglass.active.regions import Regions
from groundglass.active.selection import Neighborhood
from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.lungs import lungs_to_grow_in
from groundglass.datasets.preprocessing import slice_masks
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.growth import Growth
from groundglass.labels.growth import grown
from groundglass.labels.rasterize import lesion_clicks
from groundglass.labels.rasterize import rasterize
from groundglass.scans.scan import apply_affine


class Pool:
    """Training slices in memory, without a label until answers are added.

    Args:
        folder: The dataset; labels it has are not looked at.
        cases: The cases to ask about, all with masks, which stand in for the annotator.
        grid: What the network sees; regions are rectangles of it.
        regions: How a slice is divided.
        grow: As in :class:`SliceSamples`.

    Raises:
        InputError: If there is no case, one has no mask, or a file is damaged.
    """

    def __init__(
        self, folder: DatasetFolder, cases: Sequence[Case], grid: Grid, regions: Regions, *, grow: Growth | None = None
    ) -> None:
        if lacking := [case.case for case in cases if case.label is None]:
            raise InputError(
                f"{folder.root}: case {lacking[0]} has no mask, from which answers could be simulated; "
                "ask a person with 'groundglass annotate', or leave the case out"
            )
        self.regions, self.grow = regions, grow
        self.samples = SliceSamples(folder, cases, grid, kinds=(), grow=grow)
        self.answers: list[list[Label]] = [[] for _ in self.samples.cases]
        self._lungs: dict[int, NDArray[np.bool_] | None] = {}
        self.affines: list[NDArray[np.float64]] = []
        self.depths: list[int] = []
        parts = [self._masks(folder, case, grid) for case in self.samples.cases]
        self.masks: NDArray[np.bool_] = np.concatenate(parts)
        self.case: NDArray[np.int64] = self.samples.tensors["case"].numpy()
        self.index: NDArray[np.int64] = self.samples.tensors["index"].numpy()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def neighborhood(self) -> Neighborhood:
        """Which of its regions show nearly the same."""
        return Neighborhood(self.case, self.index, self.regions.side)

    def name(self, image: int) -> str:
        """Name of the case of a slice."""
        return self.samples.case_names[int(self.case[image])]

    def to_mm(self, image: int, pixels: NDArray[Any]) -> list[tuple[float, float, float]]:
        """LPS mm of pixels ``(N, 2)``, rows and columns, of a slice."""
        indices = np.column_stack([np.full(len(pixels), self.index[image]), pixels])
        positions = apply_affine(self.affines[self.case[image]], indices)
        return [(round(float(x), 4), round(float(y), 4), round(float(z), 4)) for x, y, z in positions]

    def shows_lung(self) -> NDArray[np.bool_]:
        """``(N, K)``: regions with some lung in them; all where no lung mask is known."""
        return self.regions.reduce(self.samples.tensors["lung"][:, 0].numpy()) >= LUNG_SHARE

    def add(self, labels: Iterable[Label]) -> None:
        """Draw answers into the target maps, with all that were given before."""
        by_case = sorted(labels, key=lambda label: label.case)
        for name, group in groupby(by_case, key=lambda label: label.case):
            number = self.samples.case_names.index(name)
            self.answers[number] += group
            chosen = np.flatnonzero(self.case == number)
            self.samples.tensors["target"][chosen] = self._drawn(number, chosen)

    def _drawn(self, number: int, chosen: NDArray[np.intp]) -> Tensor:
        """Target maps ``(N, 1, H, W)`` of the slices of a case, from all answers about it."""
        affine, shape = self.affines[number], (self.depths[number], *self.masks.shape[1:])
        answers, index = self.answers[number], self.index[chosen]
        drawn = rasterize(answers, affine=affine, shape=shape, read_mask=_no_mask)[index]
        clicks = lesion_clicks(answers, affine=affine, shape=shape) - [index[0], 0, 0]
        clicks = clicks[(clicks[:, 0] >= 0) & (clicks[:, 0] < len(index))]  # a case may be a part of a scan
        if self.grow and len(clicks) and (lungs := self._lungs_of(number)) is not None:
            image = self.samples.tensors["image"][chosen, 0].float().numpy()
            drawn = grown(drawn, clicks, image, lungs[index], self.grow)
        return torch.from_numpy(drawn).unsqueeze(1)

    def _lungs_of(self, number: int) -> NDArray[np.bool_] | None:
        """Lungs ``(D, H, W)`` of a whole case, looked for when its first click is to be grown."""
        if number not in self._lungs:
            folder, case = self.samples.folder, self.samples.cases[number]
            lungs = lungs_to_grow_in(folder, case, folder.scan(case))
            self._lungs[number] = None if lungs is None else slice_masks(lungs, self.samples.grid.around(lungs))
        return self._lungs[number]

    def _masks(self, folder: DatasetFolder, case: Case, grid: Grid) -> NDArray[np.bool_]:
        mask = folder.mask(case)
        assert mask is not None
        placed = grid.around(case_lungs(folder, case, folder.scan(case), grid)) if grid.uses_lungs else grid
        self.affines.append(placed.affine(mask))
        self.depths.append(mask.shape[0])
        return slice_masks(mask, placed)[slice(*(case.slices or (0, mask.shape[0])))]


def _no_mask(label: MaskLabel) -> NDArray[np.bool_]:
    raise InputError(f"label {label.id}: the answers of an active-learning run hold no mask files; remove it")
