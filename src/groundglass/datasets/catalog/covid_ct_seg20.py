"""COVID-19-CT-Seg: 20 volumes with lung and lesion masks (Zenodo 3757476; paper 000's dataset C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import files_by_stem
from groundglass.datasets.catalog.layout import pair
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import published_split
from groundglass.scans.nifti import SUFFIXES
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

IMAGE_FOLDERS = ("CT", "COVID-19-CT-Seg_20cases")
TRAINING = 15
VALIDATION = 1
OUR_SIDES = np.array([0, 2, 1], np.uint8)
"""Ours for each of its lung labels: its authors evaluate 1 as the left and 2 as the right lung."""


class CovidCtSeg20(FolderLayout):
    """10 volumes of coronacases.org in HU and 10 of Radiopaedia, which were windowed to -1250..250 HU as 8-bit.

    What a volume is shows in its values and is stated with its case. The masks belong to the images voxel by voxel:
    every published reader takes them so, and none looks at their headers. A value 3 in a lung mask is an artefact.

    The volumes of one Radiopaedia case are one patient: ``10_85902_1`` and ``_3``, as the authors confirm, and
    ``29_86490_1`` and ``29_86491_1``, two studies of case 29. Paper 000's separate split (15 volumes train, 1
    validates, 4 test, sorted by name) trains on one study of case 29 and validates on the other. Here both validate
    (14, 2, 4); the test volumes are the paper's.

    Args:
        root: The folder.
    """

    expects: ClassVar[str] = "CT (or COVID-19-CT-Seg_20cases), Infection_Mask and, if wanted, Lung_Mask"

    def sources(self) -> list[Source]:
        """The volumes, sorted by name.

        Raises:
            InputError: If a folder, or the mask or image of a volume, is missing.
        """
        folder = next((self.root / name for name in IMAGE_FOLDERS if (self.root / name).is_dir()), None)
        folder = folder or self.folder(IMAGE_FOLDERS[0])
        images = files_by_stem(folder, SUFFIXES)
        masks = files_by_stem(self.folder("Infection_Mask"), SUFFIXES)
        pair(images, masks, folder)
        lungs = self._lungs(images, folder)
        return [
            Source(
                case=stem,
                patient=_patient(stem),
                image=partial(read_scan, path),
                mask=partial(read_mask, masks[stem]),
                lungs=partial(_read_lungs, lungs[stem]) if lungs else None,
                voxelwise=True,
            )
            for stem, path in images.items()
        ]

    def _lungs(self, images: dict[str, Path], folder: Path) -> dict[str, Path]:
        if not (self.root / "Lung_Mask").is_dir():
            return {}
        lungs = files_by_stem(self.root / "Lung_Mask", SUFFIXES)
        pair(images, lungs, folder, of=self.root / "Lung_Mask", kind="lung mask")
        return lungs

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """Paper 000's ``separate`` (the default) or ``mixed`` protocol."""
        return published_split(cases, depths, protocol, training=TRAINING, validation=VALIDATION)


def _patient(stem: str) -> str:
    """``radiopaedia_<case>_<study>_<series>``: a case is one patient."""
    origin, _, rest = stem.partition("_")
    return f"{origin}_{rest.split('_')[0]}"


def _read_lungs(path: Path) -> Scan:
    mask = read_mask(path)
    sides = np.where(mask.voxels < len(OUR_SIDES), mask.voxels, 0)
    return mask.with_voxels(OUR_SIDES[sides])
