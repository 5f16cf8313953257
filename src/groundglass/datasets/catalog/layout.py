"""What a layout on disk is: where its cases are, and how its own protocol splits them."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from typing import Literal

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.point_files import GivenPoints
from groundglass.datasets.catalog.slice_table import CountedTags
from groundglass.datasets.splits import HELD_OUT
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import deal_patients
from groundglass.datasets.splits import patient_split
from groundglass.errors import InputError
from groundglass.scans.naming import stem
from groundglass.scans.scan import Scan

StatedIntensity = Literal["hu", "display"]


class UnreadableScanError(InputError):
    """A scan cannot be read, and its case may be left out; most layouts need every one of their scans."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A case before it is written: names, and how to read it.

    Args:
        case: Unique name; becomes a file name.
        patient: Name of the patient.
        image: Reads the image.
        mask: Reads the lesion mask, every non-zero voxel of which is lesion, if there is one.
        lungs: Reads the lung mask, if there is one.
        part: ``training``, ``validation`` or ``test`` where the layout itself says so.
        voxelwise: The masks belong to the image voxel by voxel, whatever their headers say or if they have none.
            Otherwise they must lie where the image lies.
        dataset: Which of several joined datasets it is of.
        tag: 1 diseased, 0 healthy, if the record says so.
        slice_tags: Those that the record has of its slices, if any.
        points: Somebody's clicks, if there are any already.
    """

    case: str
    patient: str
    image: Callable[[], Scan]
    mask: Callable[[], Scan] | None = None
    lungs: Callable[[], Scan] | None = None
    part: str | None = None
    voxelwise: bool = False
    dataset: str | None = None
    tag: int | None = None
    slice_tags: CountedTags | None = None
    points: GivenPoints | None = None

    def planned(self) -> Case:
        """The case as it will be; its intensity is known once it has been read."""
        name = f"{self.case}.nii.gz"
        return Case(
            case=self.case,
            patient=self.patient,
            image=f"images/{name}",
            intensity="",
            label=f"masks/{name}" if self.mask else None,
            lungs=f"lungs/{name}" if self.lungs else None,
            dataset=self.dataset,
            tag=self.tag,
        )


class Layout(ABC):
    """A kind of dataset that ``groundglass prepare`` understands."""

    @abstractmethod
    def sources(self) -> list[Source]:
        """Its cases.

        Raises:
            InputError: If what is there is not of this layout, naming what is missing.
        """

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """How the cases are split if their sources do not say.

        Args:
            cases: Its cases, in the order of :meth:`sources`.
            depths: Number of slices of each.
            protocol: ``separate``, ``mixed``, or ``None`` for the layout's own.

        Raises:
            InputError: If the layout has no such protocol, or there are too few cases for it.
        """
        if protocol is not None:
            raise InputError(f"this layout has no {protocol!r} protocol; leave --protocol out")
        return patient_split(cases)


class FolderLayout(Layout):
    """A layout on disk.

    Args:
        root: The folder.

    Raises:
        InputError: If there is no such folder.
    """

    expects: ClassVar[str]
    """The folder's structure in words, for messages."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f"{self.root}: there is no such folder; give the folder that holds {self.expects}")

    def folder(self, *names: str) -> Path:
        """A folder below the root that must exist.

        Raises:
            InputError: If it does not.
        """
        path = self.root.joinpath(*names)
        if not path.is_dir():
            raise InputError(f"{path}: there is no such folder; this layout needs {self.expects}")
        return path


def complete_parts(sources: Sequence[Source]) -> list[Source]:
    """Hold out training patients for validation and test where there are none yet.

    Only patients with masks are held out, since nothing can be scored without one; without any mask all cases stay
    as they are, to be labeled.

    Raises:
        InputError: If there are too few patients.
    """
    shares = {part: share for part, share in HELD_OUT.items() if part not in {source.part for source in sources}}
    training = [source for source in sources if source.part == "training"]
    candidates = {source.patient for source in training} - {one.patient for one in training if one.mask is None}
    if not shares or not candidates:
        return list(sources)
    parts = deal_patients(candidates, shares)
    return [
        replace(source, part=parts.get(source.patient, "training")) if source.part == "training" else source
        for source in sources
    ]


def files_by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files of a folder with one of the suffixes, by their names without it, sorted by name.

    Raises:
        InputError: If two files have the same name but for the suffix.
    """
    return by_stem(path for path in folder.iterdir() if path.name.lower().endswith(suffixes))


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Files or folders by their names without ending (see :func:`stem`), sorted by name; hidden ones are left out.

    Raises:
        InputError: If two have the same name but for the suffix.
    """
    stems: dict[str, Path] = {}
    for path in sorted((path for path in paths if not path.name.startswith(".")), key=lambda path: path.name):
        other = stems.setdefault(stem(path), path)
        if other is not path:
            raise InputError(f"{path}: has the same name but for its ending as {other.name}; rename one of them")
    return stems


def pair(
    images: dict[str, Path],
    masks: dict[str, Path],
    folder: Path,
    *,
    of: Path | None = None,
    kind: str = "mask",
    some: bool = False,
) -> None:
    """Check that every image has a mask of its name and every mask an image.

    Args:
        images: By name.
        masks: By name.
        folder: Where the images are.
        of: Where the masks are, if it is another folder.
        kind: What the masks are, for the message.
        some: Images may be without a mask.

    Raises:
        InputError: Naming the first file that stands alone, or an empty folder.
    """
    if not images:
        raise InputError(f"{folder}: holds no image; give the folder the images are in")
    if of and not masks:
        raise InputError(f"{of}: holds no {kind}; put the missing files in, or take the folder away")
    if alone := sorted(set(masks) - set(images) if some else set(images) ^ set(masks)):
        path = images.get(alone[0]) or masks[alone[0]]
        lacking, place = (kind, of) if alone[0] in images else ("image", folder)
        where = f" in {place}" if place else ""
        raise InputError(f"{path}: has no {lacking} of the same name{where}; add it, or take this file away")
