"""Slices in memory, ready to train on."""

from __future__ import annotations

import logging
from collections.abc import Container
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.joined_tensors import JoinedTensors
from groundglass.datasets.lungs import NoLungsError
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.lungs import lungs_to_grow_in
from groundglass.datasets.lungs import say_lungs
from groundglass.datasets.preprocessing import slice_images
from groundglass.datasets.preprocessing import slice_masks
from groundglass.datasets.progress import Progress
from groundglass.datasets.progress import counted
from groundglass.errors import InputError
from groundglass.labels.events import KINDS
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.growth import Growth
from groundglass.labels.growth import grown
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.labels.rasterize import lesion_clicks
from groundglass.labels.rasterize import rasterize
from groundglass.labels.rasterize import slice_tags
from groundglass.scans.nifti import nifti_shape
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

Sample = dict[str, Tensor]


class SliceSamples(Dataset[Sample]):
    """All slices of some cases on the network's grid, as tensors in memory (147 kB a slice at 192 px).

    A sample has ``image (1, H, W) float32`` in [0, 1], ``target (1, H, W) uint8``, ``tag int8``,
    ``lung (1, H, W) bool`` (all true where no lung mask is known), ``upright bool`` (whether it is of a scan whose
    orientation is known, one in Hounsfield units), ``case`` and ``index``: numbers of its case in ``case_names`` and of
    its slice.

    Where the grid wants lungs, a case that shows none is left out with a warning that names it; see :func:`case_lungs`.

    Args:
        folder: The dataset.
        cases: The part of it to load.
        grid: What the network sees.
        kinds: Kinds of label events to use.
        grow: How far clicks on lesions speak for what is around them, where the lungs are known; ``None``: not at all.
        progress: Called with the number of cases loaded and their total.

    Raises:
        InputError: If there is no case or none is left, a file is damaged, or a label lies outside its image.
    """

    def __init__(
        self,
        folder: DatasetFolder,
        cases: Sequence[Case],
        grid: Grid,
        *,
        kinds: Container[str] = KINDS,
        grow: Growth | None = None,
        progress: Progress | None = None,
    ) -> None:
        if not cases:
            raise InputError(f"{folder.root}: there is no case in this part of the dataset; prepare it with more cases")
        say_lungs(folder, grid, grow=grow is not None)
        self.folder, self.grid, self.grow, self.left_out = folder, grid, grow, list[str]()
        self.cases, self.tensors = self._all(cases, folder.labels(kinds), progress)
        if not self.cases:
            raise InputError(f"{folder.root}: there is no scan with lungs in this part of the dataset; prepare it anew")
        self.case_names = [case.case for case in self.cases]
        self.datasets = numbered([case.dataset for case in self.cases])

    def __len__(self) -> int:
        return len(self.tensors["index"])

    def __getitem__(self, index: int) -> Sample:
        return {key: value[0] for key, value in self.batch([index]).items()}

    def batch(self, indices: Sequence[int]) -> Sample:
        """Several samples at once, stacked: one indexing a tensor instead of one a slice."""
        chosen = torch.as_tensor(indices)
        batch = {key: value[chosen] for key, value in self.tensors.items()}
        batch["image"] = batch["image"].float()
        return batch

    @property
    def labeled(self) -> Tensor:
        """``(N,)`` bool: slices with at least one labeled pixel."""
        return (self.tensors["target"] != IGNORE_INDEX).flatten(1).any(dim=1)

    def _all(
        self, cases: Sequence[Case], labels: Mapping[str, list[Label]], progress: Progress | None
    ) -> tuple[tuple[Case, ...], Sample]:
        """The cases that are not left out, and their tensors."""
        kept, joined = list[Case](), JoinedTensors(sum(map(self._length, cases)))
        for case in counted(cases, progress):
            if part := self._kept(case, labels.get(case.case, [])):
                joined.append(part | {"case": torch.full_like(part["index"], len(kept))})
                kept.append(case)
        return tuple(kept), joined.tensors()

    def _length(self, case: Case) -> int:
        """How many samples it will give, as far as its header tells."""
        first, last = case.slices or (0, 0)
        with suppress(InputError):  # what is wrong is said where it is read
            return last - first or nifti_shape(self.folder.root / case.image)[0]
        return 0

    def _kept(self, case: Case, labels: list[Label]) -> Sample | None:
        """Its part of the tensors; ``None``, and a warning, if the network wants lungs and it shows none."""
        try:
            return self._load(case, labels)
        except NoLungsError as error:
            logger.warning("case %s is left out: %s", case.case, error)
            self.left_out.append(case.case)
            return None

    def _load(self, case: Case, labels: list[Label]) -> Sample:
        """Its part of the tensors, without the number of the case."""
        scan = self.folder.scan(case)
        lungs = case_lungs(self.folder, case, scan, self.grid)
        grid = self.grid.around(lungs)
        affine, depth = grid.affine(scan), scan.shape[0]
        image = slice_images(scan, grid, lungs=lungs).half()
        target = self._target(case, labels, scan, grid)
        if self.grow:
            target = self._grown(target, case, labels, scan, lungs, grid, image)
        sample = {
            "image": image,
            "target": torch.from_numpy(target).unsqueeze(1),
            "tag": torch.from_numpy(slice_tags(labels, affine=affine, depth=depth)),
            "lung": _lung(lungs, grid, depth),
            "upright": torch.full((depth,), scan.intensity == "hu"),
            "index": torch.arange(depth),
        }
        first, last = case.slices or (0, depth)
        return {key: value[first:last] for key, value in sample.items()}

    def _grown(
        self,
        target: NDArray[np.uint8],
        case: Case,
        labels: list[Label],
        scan: Scan,
        lungs: Scan | None,
        grid: Grid,
        image: Tensor,
    ) -> NDArray[np.uint8]:
        """The target map with its clicks grown; lungs are looked for only where there are any."""
        clicks = lesion_clicks(labels, affine=grid.affine(scan), shape=target.shape, margin=grid.margin(scan.shape))
        if lungs is None and len(clicks):
            lungs = lungs_to_grow_in(self.folder, case, scan)
        if lungs is None or not len(clicks):
            return target
        assert self.grow is not None
        return grown(target, clicks, image[:, 0].float().numpy(), slice_masks(lungs, grid), self.grow)

    def _target(self, case: Case, labels: list[Label], scan: Scan, grid: Grid) -> NDArray[np.uint8]:
        """The target map ``(D, H, W)`` of its whole scan."""

        def mask_on_grid(label: MaskLabel) -> NDArray[np.bool_]:
            return slice_masks(drawn_mask(self.folder, case, label, scan), grid)

        shape = (scan.shape[0], *grid.size)
        margin = grid.margin(scan.shape)
        return rasterize(labels, affine=grid.affine(scan), shape=shape, read_mask=mask_on_grid, margin=margin)


def drawn_mask(folder: DatasetFolder, case: Case, label: MaskLabel, scan: Scan) -> Scan:
    """The mask of a mask label of a case, ``(D, H, W)`` of its scan.

    Raises:
        InputError: If it cannot be read or is of another size.
    """
    mask = read_mask(folder.root / label.path)
    if mask.shape != scan.shape:
        raise InputError(f"{mask.path}: its size {mask.shape} is not the size {scan.shape} of {case.image}")
    return mask


def numbered(names: Sequence[str | None]) -> Tensor:
    """``(N,)`` a number for each name, the same for the same name."""
    order = list(dict.fromkeys(names))
    return torch.tensor([order.index(name) for name in names])


def _lung(lungs: Scan | None, grid: Grid, depth: int) -> Tensor:
    if lungs is None:
        return torch.ones((depth, 1, *grid.size), dtype=torch.bool)
    return torch.from_numpy(slice_masks(lungs, grid)).unsqueeze(1)
