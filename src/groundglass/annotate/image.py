"""A case as the annotator opens it, of a prepared dataset or of a plain folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from groundglass.annotate.plain import plain_scans
from groundglass.annotate.stamp import stamp
from groundglass.datasets.case import Slices
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.scans.images import natural_key

Stamp = str


@dataclass(frozen=True, kw_only=True)
class Image:
    """A case as the annotator opens it.

    Args:
        case: Its name; the browser knows it by nothing else.
        path: File or folder of the scan.
        intensity: What its numbers are, or ``None`` to tell from their range.
        part: ``training``, ``validation`` or ``test``. Only answers on training cases are trained on.
        slices: First and past-the-last slice of that part, or ``None`` for all.
        lungs: File of its lung mask, if the dataset has one.
    """

    case: str
    path: Path
    intensity: StatedIntensity | None = None
    part: str = "training"
    slices: Slices | None = None
    lungs: Path | None = None

    @property
    def stamp(self) -> Stamp:
        """Changes when the file does, or any file of the folder.

        Raises:
            InputError: If it is gone.
        """
        return stamp(self.path)


def plain_images(path: Path, intensity: StatedIntensity | None) -> dict[str, Image]:
    """The scans of a folder, or the one scan at ``path``."""
    return {name: Image(case=name, path=scan, intensity=intensity) for name, scan in plain_scans(path).items()}


def prepared_images(folder: DatasetFolder) -> dict[str, Image]:
    """Training cases first; a case that is split by slices is the training part's."""
    found: dict[str, Image] = {}
    for part in PARTS:
        for case in getattr(folder.split, part):
            if any(os.path.isabs(name) or ".." in Path(name).parts for name in (case.image, case.lungs or "")):
                raise InputError(f"{folder.root / DESCRIPTION}: case {case.case} lies outside the dataset; prepare it")
            image = Image(
                case=case.case,
                path=folder.root / case.image,
                intensity=cast(StatedIntensity, case.intensity),
                part=part,
                slices=case.slices,
                lungs=folder.root / case.lungs if case.lungs else None,
            )
            found.setdefault(case.case, image)
    return found


def in_order(images: dict[str, Image]) -> dict[str, Image]:
    """Training cases first, and case2 before case10."""
    return dict(sorted(images.items(), key=lambda item: (PARTS.index(item[1].part), natural_key(item[0]))))
