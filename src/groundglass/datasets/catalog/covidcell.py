"""COVID-cell / CNCB slices as released with paper 002: stretches of neighboring slices with the lungs cut out."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import ndimage

from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Source
from groundglass.errors import InputError
from groundglass.scans.images import read_images
from groundglass.scans.readable import readable
from groundglass.scans.scan import Scan

PARTS = {"train": "training", "val": "validation", "test": "test"}
ANNOTATORS = {"a": "mask_annotator_a", "b": "mask_annotator_b", "released": "mask_released"}
HALF = 127
"""The released masks have grey edges: what is brighter than this is lesion."""
COLUMNS = ("kind", "id", "run", "split")


class CovidCell(FolderLayout):
    """``lesion/`` and ``normal/`` slices, 512 x 512, 8-bit, black outside the lungs, and ``runs.csv``.

    A case is a *run*: slices that follow each other in one scan. Which runs are of one patient is not known; each
    counts as its own, and ``runs.csv`` says which part it belongs to. Normal runs have an empty mask. The lung mask
    is what is not black.

    Args:
        root: The folder.
        annotator: Whose masks: ``a`` or ``b`` (512 x 512, drawn independently of each other), or ``released``
            (256 x 256 with grey edges; cut at half white, each pixel then doubled to the size of the slices).
        parts: Parts to read, of training, validation and test.
        shortest: Leave out runs of fewer slices; runs of 8 and more serve as small volumes.

    Raises:
        InputError: If there is no such folder or annotator.
    """

    expects: ClassVar[str] = "lesion/, normal/, mask_annotator_a/ (or _b/) and runs.csv"

    def __init__(
        self, root: str | Path, *, annotator: str = "a", parts: list[str] | None = None, shortest: int = 1
    ) -> None:
        super().__init__(root)
        if annotator not in ANNOTATORS:
            raise InputError(f"annotator {annotator!r}: choose a, b or released")
        self.masks = ANNOTATORS[annotator]
        self.parts = parts or list(PARTS.values())
        self.shortest = shortest

    def sources(self) -> list[Source]:
        """One case for each run: training, then validation, then test.

        Raises:
            InputError: If ``runs.csv``, a slice or a mask is missing.
        """
        runs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
        for kind, number, run, split in self._rows():
            runs[split, kind, run].append(number)
        order = sorted(runs, key=lambda key: (list(PARTS).index(key[0]), *key[1:]))
        return [
            self._source(kind, run, sorted(runs[split, kind, run]), PARTS[split])
            for split, kind, run in order
            if PARTS[split] in self.parts and len(runs[split, kind, run]) >= self.shortest
        ]

    def _rows(self) -> list[tuple[str, int, int, str]]:
        path = self.root / "runs.csv"
        with readable(path):
            lines = path.read_text("utf-8").splitlines()
        try:
            rows = [tuple(row[name] for name in COLUMNS) for row in csv.DictReader(lines)]
            found = [(kind, int(number), int(run), split) for kind, number, run, split in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not a table with the columns {', '.join(COLUMNS)}; copy it again") from error
        if wrong := [row for row in found if row[0] not in ("lesion", "normal") or row[3] not in PARTS]:
            raise InputError(f"{path}: has a line with {wrong[0][0]!r} and {wrong[0][3]!r}; copy it again")
        return found

    def _source(self, kind: str, run: int, numbers: list[int], part: str) -> Source:
        images = self._files(kind, kind, numbers)
        masks = self._files(self.masks, kind, numbers) if kind == "lesion" else []
        name = f"{kind}-{run:03d}"
        return Source(
            case=name,
            patient=name,
            image=partial(_image, images),
            mask=partial(_mask, masks, images) if masks else partial(_nothing, images),
            lungs=partial(_lungs, images),
            part=part,
        )

    def _files(self, folder: str, kind: str, numbers: list[int]) -> list[Path]:
        paths = [self.folder(folder) / f"{kind}_{number}.png" for number in numbers]
        if missing := [path for path in paths if not path.is_file()]:
            raise InputError(f"{missing[0]}: there is no such file, though runs.csv names it; copy the dataset again")
        return paths


def _image(paths: list[Path]) -> Scan:
    with readable(paths[0]):
        voxels, affine = read_images(paths)
    return Scan(voxels.astype(np.uint8), affine, "display", paths[0].parent)


def _mask(paths: list[Path], images: list[Path]) -> Scan:
    scan = _image(images)
    drawn = _image(paths).voxels
    if drawn.shape == scan.shape:
        return scan.with_voxels((drawn > 0).astype(np.uint8), "mask")
    if tuple(2 * length for length in drawn.shape[1:]) != scan.shape[1:]:
        raise InputError(f"{paths[0]}: neither the size of {images[0]} nor half of it; copy the dataset again")
    doubled = (drawn > HALF).repeat(2, axis=1).repeat(2, axis=2)
    return scan.with_voxels(doubled.astype(np.uint8), "mask")


def _nothing(paths: list[Path]) -> Scan:
    scan = _image(paths)
    return scan.with_voxels(np.zeros_like(scan.voxels), "mask")


def _lungs(paths: list[Path]) -> Scan:
    scan = _image(paths)
    filled = np.stack([ndimage.binary_fill_holes(plane > 0) for plane in scan.voxels])
    return scan.with_voxels(filled.astype(np.uint8), "mask")
