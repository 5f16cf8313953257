"""nnU-Net's raw datasets."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path
from typing import ClassVar

from groundglass.datasets.catalog.description import MaskValues
from groundglass.datasets.catalog.description import read_description
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import complete_parts
from groundglass.datasets.catalog.layout import pair
from groundglass.datasets.catalog.own_masks import OwnMasks
from groundglass.datasets.catalog.patients import patients_of
from groundglass.errors import InputError
from groundglass.scans.reader import read_scan

logger = logging.getLogger(__name__)

CHANNEL = re.compile(r"(.+)_(\d{4})")


class NnUNetRaw(OwnMasks):
    """A folder ``DatasetXXX_Name`` with images ``CASE_0000`` and masks ``CASE``.

    ``imagesTs`` tests if there are masks in ``labelsTs``; without them nothing can be scored on it, and it is not read.
    What is missing of validation and test is held out of the training cases. nnU-Net does not know patients: each case
    counts as one, unless a ``patients.csv`` (columns ``case`` and ``patient``) says whose it is.

    A mask with voxels of the ``ignore`` label is refused: they would be taken for background.

    Args:
        root: The folder.
        lesion_labels: Values of the masks that are lesion; by default all but background.
        intensity: ``hu`` or ``display`` (8-bit) where the values do not make it plain.

    Raises:
        InputError: If there is no such folder.
    """

    expects: ClassVar[str] = "imagesTr, labelsTr and dataset.json"

    def sources(self) -> list[Source]:
        """Training, validation and test cases.

        Raises:
            InputError: If a folder or the mask or image of a case is missing, a case has several channels, or
                ``dataset.json`` is damaged.
        """
        path = self.root / "dataset.json"
        content = read_description(path)
        ending = content.get("file_ending", ".nii.gz")
        if not isinstance(ending, str):
            raise InputError(f"{path}: file_ending cannot be {ending!r}; mend it")
        values = MaskValues.declared(content.get("labels"), path, self.lesion_labels)
        parts = {"training": self._pairs("Tr", ending)}
        if (self.root / "labelsTs").is_dir():
            parts["test"] = self._pairs("Ts", ending)
        elif (self.root / "imagesTs").is_dir():
            logger.warning("%s: not read, as there is no labelsTs to score it by", self.root / "imagesTs")
        images = {name: image for pairs in parts.values() for name, (image, _) in pairs.items()}
        patients = patients_of(self.root, images, dealt=True)
        sources = [
            Source(
                case=name,
                patient=patients[name],
                image=partial(read_scan, image, intensity=self.intensity),
                mask=partial(values.read, mask),
                part=part,
            )
            for part, pairs in parts.items()
            for name, (image, mask) in pairs.items()
        ]
        return complete_parts(sources)

    def _pairs(self, suffix: str, ending: str) -> dict[str, tuple[Path, Path]]:
        """Image and mask of each case of a part."""
        folder = self.folder(f"images{suffix}")
        images = _without_channel(_files(folder, ending))
        masks = _files(self.folder(f"labels{suffix}"), ending)
        pair(images, masks, folder)
        return {name: (path, masks[name]) for name, path in images.items()}


def _files(folder: Path, ending: str) -> dict[str, Path]:
    paths = sorted(path for path in folder.iterdir() if path.name.endswith(ending) and not path.name.startswith("."))
    return {path.name.removesuffix(ending): path for path in paths}


def _without_channel(images: dict[str, Path]) -> dict[str, Path]:
    cases = {}
    for name, path in images.items():
        match = CHANNEL.fullmatch(name)
        if match is None:
            raise InputError(f"{path}: its name does not end in _0000; name it as nnU-Net does")
        if match[2] != "0000":
            raise InputError(f"{path}: is a further channel of its case; only datasets of CT alone are read")
        cases[match[1]] = path
    return cases
