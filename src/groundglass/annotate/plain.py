"""A plain folder of scans, annotated as it is and copied into a dataset when it is first trained on."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from groundglass.annotate.unreadable import ReadableOnly
from groundglass.annotate.unreadable import remember
from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.catalog.layout import by_stem
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.prepare import SAFE_NAME
from groundglass.datasets.prepare import prepare
from groundglass.datasets.splits import Split
from groundglass.datasets.unfinished import reopen
from groundglass.errors import InputError
from groundglass.labels.store import LabelStore
from groundglass.scans import images
from groundglass.scans.dicom_archive import is_dicom
from groundglass.scans.discover import WHOLE_SCANS
from groundglass.scans.discover import holds_slices
from groundglass.scans.discover import is_scan_folder
from groundglass.scans.images import natural_key
from groundglass.scans.reader import KINDS
from groundglass.scans.reader import read_scan


def plain_scans(path: Path) -> dict[str, Path]:
    """The scans at ``path`` by case name: a file, or a folder of volumes, of zip archives and of folders of slices.

    A folder that itself holds DICOM files or pictures, and no volume, is one scan: its slices. Of a folder with
    ``images/`` each file and folder in there is one, pictures too, as ``groundglass prepare`` takes them.

    Raises:
        InputError: If there is no scan, or a name cannot name a case.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the path")
    scans = by_stem(_paired(path) if _has_images(path) else _loose(path))
    if not scans:
        raise InputError(f"{path}: holds no scan; give a folder of {KINDS}")
    for name, scan in scans.items():
        if not SAFE_NAME.fullmatch(name):
            raise InputError(f"{scan}: cannot name a case; use letters, digits, spaces and . _ + - = only")
    return scans


def _has_images(path: Path) -> bool:
    return (path / "images").is_dir()


def _paired(path: Path) -> Iterable[Path]:
    files = (*WHOLE_SCANS, *images.SUFFIXES)
    return (one for one in (path / "images").iterdir() if one.is_dir() or one.name.lower().endswith(files))


def stray(path: Path) -> list[str]:
    """Names of the pictures, DICOM files and folders of a folder of scans that are no scans by themselves."""
    if not path.is_dir() or _has_images(path) or _is_one_scan(path):
        return []
    others = (one for one in path.iterdir() if not (one.name.startswith(".") or _is_volume(one)))
    return sorted((one.name for one in others if _may_be_missed(one) and not _is_scan(one)), key=natural_key)


def _loose(path: Path) -> Iterable[Path]:
    return [path] if _is_one_scan(path) else filter(_is_scan, path.iterdir())


def _is_one_scan(path: Path) -> bool:
    return path.is_file() or (not any(map(_is_volume, path.iterdir())) and holds_slices(path))


def _is_scan(path: Path) -> bool:
    return not path.name.startswith(".") and (_is_volume(path) or (path.is_dir() and is_scan_folder(path)))


def _may_be_missed(path: Path) -> bool:
    return path.is_dir() or path.name.lower().endswith(images.SUFFIXES) or is_dicom(path)


def _is_volume(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(WHOLE_SCANS) and not path.name.startswith(".")


class PlainScans(Layout):
    """The scans of :func:`plain_scans` as a layout: without masks, so all of them are for training.

    Args:
        path: File or folder.
        intensity: ``hu`` or ``display`` (8-bit) where the values do not make it plain.

    Raises:
        InputError: If there is no scan.
    """

    def __init__(self, path: Path, intensity: StatedIntensity | None = None) -> None:
        self.scans = plain_scans(path)
        self.intensity: StatedIntensity | None = intensity

    def sources(self) -> list[Source]:
        """One case a scan, each taken for another patient."""
        return [
            Source(case=name, patient=name, image=partial(read_scan, path, intensity=self.intensity))
            for name, path in self.scans.items()
        ]

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """All for training."""
        return Split(training=tuple(cases), validation=(), test=())


def prepare_plain(path: Path, output: Path, intensity: StatedIntensity | None = None) -> None:
    """Copy the scans at ``path`` as a dataset to ``output``, beside the labels that may be there already.

    Positions of labels are in mm, so they hold for the copies, whatever the orientation of the files. A dataset that
    was made from fewer of these scans before is made anew; its labels and runs stay. A scan that cannot be read is left
    out, and written down, unless it has answers.

    Raises:
        InputError: If nothing can be read or written, or a scan with answers cannot be read.
    """
    paired = _has_images(path)
    layout: Layout = PairedFolders(path, intensity=intensity) if paired else PlainScans(path, intensity)
    readable = ReadableOnly(layout, plain_scans(path), LabelStore(output / "labels.jsonl"))
    reopen(output)
    prepare(readable, output, name=path.name)
    remember(output, readable.reasons)
