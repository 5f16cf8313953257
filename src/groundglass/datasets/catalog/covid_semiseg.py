"""MedSeg / SIRM's 100 axial slices as packed in COVID-SemiSeg (paper 000's dataset A)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import files_by_stem
from groundglass.datasets.catalog.layout import pair
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan

TRAINING = ("TrainingSet", "LungInfection-Train", "Doctor-label")
UNLABELED = ("TrainingSet", "LungInfection-Train", "Pseudo-label", "Imgs")
TEST = ("TestingSet", "LungInfection-Test")
IMAGES = (".jpg", ".jpeg", ".png")
VALIDATION_SHARE = 0.1


class CovidSemiSeg(FolderLayout):
    """50 training and 48 test slices, 8-bit.

    Images and masks are sorted by file name and paired by name; the last tenth of the training list validates. (The
    released loader cut only the list of images, so that it validated against the masks of other slices.) Which slices
    are of one patient is not known: each counts as its own.

    Args:
        root: The folder.
        unlabeled: Add the slices of ``Pseudo-label/Imgs``, of other scans, to the training cases. Nobody drew masks on
            them (the pseudo-labels of the release are not read).
    """

    expects: ClassVar[str] = (
        "TrainingSet/LungInfection-Train/Doctor-label/{Imgs,GT} and TestingSet/LungInfection-Test/{Imgs,GT}"
    )

    def __init__(self, root: str | Path, *, unlabeled: bool = False) -> None:
        super().__init__(root)
        self.unlabeled = unlabeled

    def sources(self) -> list[Source]:
        """Training, then validation, then test slices.

        Raises:
            InputError: If a folder, or the mask or image of a slice, is missing.
        """
        doctor = self._part(TRAINING, "training")
        cut = len(doctor) - max(1, round(VALIDATION_SHARE * len(doctor)))
        validation = [replace(source, part="validation") for source in doctor[cut:]]
        further = self._unlabeled() if self.unlabeled else []
        return doctor[:cut] + further + validation + self._part(TEST, "test")

    def _unlabeled(self) -> list[Source]:
        folder = self.folder(*UNLABELED)
        return [
            Source(
                case=f"unlabeled-{stem}",
                patient=f"unlabeled-{stem}",
                image=partial(read_scan, path, intensity="display"),
                part="training",
            )
            for stem, path in files_by_stem(folder, IMAGES).items()
        ]

    def _part(self, names: tuple[str, ...], part: str) -> list[Source]:
        images = files_by_stem(self.folder(*names, "Imgs"), IMAGES)
        masks = files_by_stem(self.folder(*names, "GT"), IMAGES)
        pair(images, masks, self.folder(*names, "Imgs"))
        prefix = "test" if part == "test" else "train"
        return [
            Source(
                case=f"{prefix}-{stem}",
                patient=f"{prefix}-{stem}",
                image=partial(read_scan, path, intensity="display"),
                mask=partial(read_mask, masks[stem]),
                part=part,
            )
            for stem, path in images.items()
        ]
