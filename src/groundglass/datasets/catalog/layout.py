"""What a layout on disk is: where its cases are, and how its own protocol splits them."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from groundglass.datasets.case import Case
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import patient_split
from groundglass.errors import InputError
from groundglass.scans.scan import Scan


@dataclass(frozen=True, kw_only=True)
class Source:
    """A case before it is written: names, and how to read it.

    Args:
        case: Unique name; becomes a file name.
        patient: Name of the patient.
        image: Reads the image.
        mask: Reads the lesion mask on the image's grid, if there is one.
        lungs: Reads the lung mask, if there is one.
        part: ``training``, ``validation`` or ``test`` where the layout itself says so.
    """

    case: str
    patient: str
    image: Callable[[], Scan]
    mask: Callable[[], Scan] | None = None
    lungs: Callable[[], Scan] | None = None
    part: str | None = None


class Layout(ABC):
    """A kind of folder that ``groundglass prepare`` understands.

    Args:
        root: The folder.
    """

    expects: ClassVar[str]
    """The folder's structure in words, for messages."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f"{self.root}: there is no such folder; give the folder that holds {self.expects}")

    @abstractmethod
    def sources(self) -> list[Source]:
        """Its cases.

        Raises:
            InputError: If the folder is not of this layout, naming what is missing.
        """

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """How the cases are split if the layout does not say.

        Args:
            cases: Its cases, in the order of :meth:`sources`.
            depths: Number of slices of each.
            protocol: ``separate``, ``mixed``, or ``None`` for the layout's own.
        """
        if protocol is not None:
            raise InputError(f"layout has no {protocol!r} protocol; leave --protocol out")
        return patient_split(cases)

    def folder(self, *names: str) -> Path:
        """A folder below the root that must exist."""
        path = self.root.joinpath(*names)
        if not path.is_dir():
            raise InputError(f"{path}: there is no such folder; this layout needs {self.expects}")
        return path


def files_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Files of a folder by their name without suffix, sorted by name."""
    found = [path for path in folder.iterdir() if path.name.lower().endswith(tuple(suffixes))]
    return {path.name.split(".")[0]: path for path in sorted(found, key=lambda path: path.name)}


def pair(images: dict[str, Path], masks: dict[str, Path], folder: Path) -> None:
    """Check that every image has a mask of its name and every mask an image.

    Raises:
        InputError: Naming the first file that stands alone, or an empty folder.
    """
    if not images:
        raise InputError(f"{folder}: holds no image; give the folder the images are in")
    if alone := sorted(set(images) ^ set(masks)):
        path = images.get(alone[0]) or masks[alone[0]]
        other = "mask" if alone[0] in images else "image"
        raise InputError(f"{path}: has no {other} of the same name; add it, or take this file away")
