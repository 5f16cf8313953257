"""What the image-level table is measured on: covidcell with its three sets of masks, and medseg100 beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.catalog.covidcell import ANNOTATORS
from groundglass.datasets.catalog.covidcell import CovidCell
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.unfinished import reopen
from groundglass.labels.events import Label
from groundglass.labels.simulate import simulate_slice_tags
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import scored_cases
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

SIDE = "medseg100"
TISSUE = 150
"""Of 255 in a slice of medseg100: what is darker is lung or air in it."""
CLOSING = 12
"""Pixels across which vessels and lesions are counted to the lung around them."""


def covidcell(root: Path, work: Path) -> DatasetFolder:
    """The prepared dataset, made if it is not there. Slices of lesion runs are tagged "lesion", those of others not.

    A slice's tag is the folder it comes from, also where annotator A saw nothing to draw. Only lesion runs can be
    scored: normal ones of validation and test have no mask, as in the paper's test.

    Args:
        root: Folder with ``covidcell``.
        work: Where the dataset goes.
    """
    path = work / "dataset"
    if (path / DESCRIPTION).exists() and (path / "labels.jsonl").exists():
        return DatasetFolder.open(path)
    reopen(path)
    folder = prepare(CovidCell(root / "covidcell"), path, name="covidcell")
    validation, test = (tuple(map(_without_normal, part)) for part in (folder.split.validation, folder.split.test))
    folder = DatasetFolder(path, "covidcell", replace(folder.split, validation=validation, test=test))
    folder.save()
    folder.store.append([tag for case in folder.split.training for tag in _tags(folder, case)])
    return folder


def is_lesion(case: Case) -> bool:
    """Whether a case is a lesion run."""
    return case.case.startswith("lesion")


def _without_normal(case: Case) -> Case:
    return case if is_lesion(case) else replace(case, label=None)


def _tags(folder: DatasetFolder, case: Case) -> list[Label]:
    mask = folder.mask(case)
    assert mask is not None
    return simulate_slice_tags(mask.with_voxels(np.full(mask.shape, is_lesion(case), np.uint8), "mask"), case.case)


def all_masks(root: Path, folder: DatasetFolder) -> Iterator[tuple[Pair, dict[str, Scan]]]:
    """The test cases with the masks of annotators ``a``, ``b`` and ``released``, all of the size of the slices."""
    sources = {
        name: {one.case: one for one in CovidCell(root / "covidcell", annotator=name, parts=["test"]).sources()}
        for name in ANNOTATORS
        if name != "a"
    }
    for pair in scored_cases(folder, folder.split.test):
        masks = {"a": pair.mask}
        for name, cases in sources.items():
            read = cases[pair.case.case].mask
            assert read is not None
            masks[name] = to_canonical(read())
        yield pair, masks


def medseg100(root: Path, work: Path) -> list[Pair]:
    """The 48 test slices of medseg100 with lung masks, none if it is not beside covidcell.

    Its slices lie on their side, the spine at the right, and are turned upright, as covidcell's are. There are no
    lung masks in that dataset; they are found by :func:`aerated`.
    """
    if not (root / SIDE).is_dir():
        return []
    path = work / SIDE
    if not (path / DESCRIPTION).exists():
        prepare(CovidSemiSeg(root / SIDE), path, name=SIDE)
    folder = DatasetFolder.open(path)
    pairs = (
        pair._replace(scan=_upright(pair.scan), mask=_upright(pair.mask))
        for pair in scored_cases(folder, folder.split.test)
    )
    return [pair._replace(lungs=pair.scan.with_voxels(aerated(pair.scan.voxels), "mask")) for pair in pairs]


def _upright(scan: Scan) -> Scan:
    """A slice turned clockwise: right becomes down. Its affine stays, as nothing is measured in mm here."""
    return replace(scan, voxels=np.ascontiguousarray(np.rot90(scan.voxels, -1, axes=(1, 2))))


def aerated(voxels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Lungs ``(D, H, W)`` of 8-bit slices: what is dark, with the vessels and lesions it closes around."""
    disc = np.hypot(*np.mgrid[-CLOSING : CLOSING + 1, -CLOSING : CLOSING + 1]) <= CLOSING
    return np.stack([_aerated(plane < TISSUE, disc) for plane in np.asarray(voxels)]).astype(np.uint8)


def _aerated(dark: NDArray[np.bool_], disc: NDArray[np.bool_]) -> NDArray[np.bool_]:
    dark = ndimage.binary_opening(dark, iterations=2)
    around = np.pad(dark, CLOSING)
    closed = ndimage.binary_closing(around, disc)[CLOSING:-CLOSING, CLOSING:-CLOSING]
    parts, count = ndimage.label(ndimage.binary_fill_holes(closed))
    sizes = ndimage.sum_labels(np.ones_like(parts), parts, np.arange(1, count + 1))
    large = 1 + np.flatnonzero(sizes >= 0.02 * parts.size)
    return np.asarray(np.isin(parts, large))
