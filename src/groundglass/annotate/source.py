"""What is annotated: the cases of a prepared dataset or of a plain folder, and where the answers go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from groundglass.annotate.plain import plain_scans
from groundglass.datasets.case import Slices
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError

Stamp = tuple[int, int]


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
        """Changes when the file does.

        Raises:
            InputError: If it is gone.
        """
        return _stamp(self.path)


class Source:
    """The cases at a path.

    Args:
        path: A dataset made by ``groundglass prepare``, or a file or folder of scans.
        work: Where the labels and runs of a plain folder go; by default beside it, ``<name>-groundglass``.
        intensity: ``hu`` or ``display`` for a plain folder whose values do not make it plain.

    Raises:
        InputError: If there is nothing to annotate, or a dataset points at files outside its folder.
    """

    def __init__(
        self, path: str | Path, *, work: str | Path | None = None, intensity: StatedIntensity | None = None
    ) -> None:
        self.path = Path(path).absolute()
        self.intensity: StatedIntensity | None = intensity
        prepared = (self.path / DESCRIPTION).is_file()
        beside = self.path.with_name(f"{self.path.name.split('.')[0] or self.path.name}-groundglass")
        self.work = self.path if prepared else Path(work).absolute() if work else beside
        self.reload()

    @property
    def is_prepared(self) -> bool:
        """Whether it can be trained on as it is."""
        return (self.work / DESCRIPTION).is_file()

    @property
    def has_changed(self) -> bool:
        """Whether the dataset was prepared anew, or its description is gone, since it was read."""
        return self.stamp != self._now()

    def reload(self) -> None:
        """Read the list of cases again.

        Raises:
            InputError: As for the constructor.
        """
        self.stamp = self._now()
        if self.is_prepared:
            folder = DatasetFolder.open(self.work)
            self.name, self.images = folder.name, _prepared(folder)
        else:
            self.name, self.images = self.path.name, _plain(self.path, self.intensity)
        if not self.images:
            raise InputError(f"{self.path}: has no case to annotate; prepare it with scans")

    def go_on(self) -> None:
        """Take the dataset that was just made from these very scans as known, without opening its copies."""
        self.stamp = self._now()

    def image(self, case: str) -> Image:
        """A case by name.

        Raises:
            InputError: If there is none of that name.
        """
        if case not in self.images:
            raise InputError("there is no case of that name in this dataset; reload the page")
        return self.images[case]

    def _now(self) -> Stamp | None:
        return _stamp(self.work / DESCRIPTION) if self.is_prepared else None


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path.name}: is no longer there; put it back or start the annotator again") from error
    return status.st_mtime_ns, status.st_size


def _plain(path: Path, intensity: StatedIntensity | None) -> dict[str, Image]:
    return {name: Image(case=name, path=scan, intensity=intensity) for name, scan in plain_scans(path).items()}


def _prepared(folder: DatasetFolder) -> dict[str, Image]:
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
