"""MosMedData: 1110 chest CT scans by severity, 50 of them with lesion masks (paper 003's datasets C and D)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import by_stem
from groundglass.datasets.catalog.layout import files_by_stem
from groundglass.errors import InputError
from groundglass.scans.naming import stem
from groundglass.scans.nifti import SUFFIXES
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan

HEALTHY = "CT-0"
MASK_ENDING = "_mask"


class MosMed(FolderLayout):
    """``studies/CT-0`` to ``studies/CT-4`` with a NIfTI scan a study, and ``masks/study_<number>_mask``.

    A scan of CT-0 is tagged healthy, any other diseased. Scans without a mask are for training. Of those with a mask,
    in the order of their names, the first ``training`` train, the next ``validation`` validate and the rest test.

    Args:
        root: The folder.
        training: Scans with a mask to train on.
        validation: Scans with a mask to validate on.

    Raises:
        InputError: If there is no such folder.
    """

    expects: ClassVar[str] = "studies/CT-0/ to studies/CT-4/ and masks/"

    def __init__(self, root: str | Path, *, training: int = 1, validation: int = 10) -> None:
        super().__init__(root)
        self.training = training
        self.validation = validation

    def sources(self) -> list[Source]:
        """All scans, sorted by name.

        Raises:
            InputError: If there is no scan, a mask has none, or there are too few masks.
        """
        folders = sorted(path for path in self.folder("studies").iterdir() if path.is_dir())
        found = [(path, folder.name) for folder in folders for path in files_by_stem(folder, SUFFIXES).values()]
        scans = by_stem(path for path, _ in found)
        if not scans:
            raise InputError(f"{self.root / 'studies'}: holds no scan; this layout needs {self.expects}")
        classes = {stem(path): name for path, name in found}
        parts = self._parts(masks := self._masks(scans))
        return [
            Source(
                case=name,
                patient=name,
                image=partial(read_scan, path),
                mask=partial(read_mask, masks[name]) if name in masks else None,
                part=parts.get(name, "training"),
                tag=int(classes[name] != HEALTHY),
            )
            for name, path in scans.items()
        ]

    def _masks(self, scans: dict[str, Path]) -> dict[str, Path]:
        files = files_by_stem(self.folder("masks"), SUFFIXES)
        masks = {name.removesuffix(MASK_ENDING): path for name, path in files.items()}
        if alone := sorted(masks.keys() - scans.keys()):
            raise InputError(f"{masks[alone[0]]}: there is no scan {alone[0]} in studies/; add it")
        return masks

    def _parts(self, masks: dict[str, Path]) -> dict[str, str]:
        """The part of each scan with a mask."""
        held_out = self.training + self.validation
        if len(masks) <= held_out:
            raise InputError(
                f"{self.root / 'masks'}: holds {len(masks)} masks, of which {self.training} train and "
                f"{self.validation} validate, so none is left for a test; set options training and validation"
            )
        order = ["training"] * self.training + ["validation"] * self.validation + ["test"] * (len(masks) - held_out)
        return dict(zip(sorted(masks), order, strict=True))
