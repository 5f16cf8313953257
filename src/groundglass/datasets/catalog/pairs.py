"""One's own images and masks, by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import by_stem
from groundglass.datasets.catalog.layout import pair
from groundglass.datasets.catalog.lesion_values import read_lesions
from groundglass.datasets.catalog.own_masks import OwnMasks
from groundglass.datasets.catalog.patients import patients_of
from groundglass.datasets.catalog.point_files import read_points
from groundglass.datasets.catalog.slice_table import read_slice_table
from groundglass.datasets.catalog.table import read_column
from groundglass.datasets.splits import HELD_OUT
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import deal_patients
from groundglass.datasets.splits import split_by
from groundglass.errors import InputError
from groundglass.scans import images
from groundglass.scans.dicom_archive import is_dicom
from groundglass.scans.drawn_mask import mask_of
from groundglass.scans.drawn_mask import needs_scan
from groundglass.scans.drawn_mask import read_drawn_mask
from groundglass.scans.reader import VOLUME_SUFFIXES
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

FILES = (*VOLUME_SUFFIXES, *images.SUFFIXES, ".zip")


class PairedFolders(OwnMasks):
    """``images/``, and with the same names (but for the ending) ``masks/`` and, if wanted, ``lungs/``.

    An image is a NIfTI, NRRD or image file, a zip archive of DICOM files, or a folder of the DICOM files or images of
    one scan. A mask is any of these, but of DICOM the first segment of a DICOM-SEG file. Without ``masks/`` the images
    all become training cases, to be labeled.

    A mask must lie where its image lies, in whatever orientation. PNG and JPEG do not say where they lie, so as masks
    they fit images of their own kind only.

    Patients are read from ``patients.csv`` (columns ``case`` and ``patient``) if it is there. Otherwise DICOM scans are
    of one patient if their PatientID is one, and each other image is taken for another patient, which a warning says:
    names like ``patient01_slice003`` are not guessed at.

    Diagnoses are read from ``tags.csv`` (columns ``case`` and ``tag``, 1 diseased or 0 healthy) if it is there. Then
    not every image needs a mask, since the tags are labels, too: images without one are for training. The same goes for
    ``slice_tags.csv``, see :func:`read_slice_table`, and for clicks in ``points.csv`` or ``points/``, see
    :func:`read_points`.

    A mask of several values is refused, unless it is said which of them are lesion.

    Args:
        root: The folder.
        lesion_labels: Values of the masks that are lesion; by default the one that is not 0.
        intensity: ``hu`` or ``display`` (8-bit) where the values do not make it plain.

    Raises:
        InputError: If there is no such folder, or a value cannot be one of lesions.
    """

    expects: ClassVar[str] = "images/ and, with files of the same names, masks/"

    def sources(self) -> list[Source]:
        """One case for each image, sorted by name.

        Raises:
            InputError: If there is no image, an image or mask stands alone, or a table lacks a case or is wrong.
        """
        folder = self.folder("images")
        scans = _scans(folder)
        if not scans:
            raise InputError(f"{folder}: holds no image; put the scans there, one file or folder each")
        tags = read_column(self.root / "tags.csv", "tag", scans)
        if wrong := [name for name, tag in tags.items() if tag not in ("0", "1")]:
            raise InputError(f"{self.root / 'tags.csv'}: case {wrong[0]} has the tag {tags[wrong[0]]!r}; give 0 or 1")
        table = self.root / "slice_tags.csv"
        slice_tags = read_slice_table(table, scans) if table.exists() else {}
        points = read_points(self.root, scans)
        masks = self._masks("masks", scans, some=bool(tags or slice_tags or points))
        lungs = self._masks("lungs", scans)
        patients = patients_of(self.root, scans, dealt=bool(masks))
        readers = {name: partial(read_scan, path, intensity=self.intensity) for name, path in scans.items()}
        read = partial(read_lesions, lesion_labels=self.lesion_labels)
        return [
            Source(
                case=name,
                patient=patients[name],
                image=image,
                mask=partial(_mask, masks[name], image, read) if name in masks else None,
                lungs=partial(_mask, lungs[name], image, read_drawn_mask) if lungs else None,
                tag=int(tags[name]) if tags else None,
                slice_tags=slice_tags.get(name),
                points=points.get(name),
            )
            for name, image in readers.items()
        ]

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """By patients; those without masks, which validation and test need, are for training."""
        unmasked = {case.patient for case in cases if case.label is None}
        masked = {case.patient for case in cases} - unmasked
        if protocol is not None or not unmasked:
            return super().split(cases, depths, protocol)
        parts = deal_patients(masked, HELD_OUT) if len(masked) > len(HELD_OUT) else {}
        return split_by(cases, lambda case: parts.get(case.patient, "training"))

    def _masks(self, name: str, scans: dict[str, Path], *, some: bool = False) -> dict[str, Path]:
        """Masks by case; ``some``: not every image needs one."""
        if not (self.root / name).is_dir():
            return {}
        paths = (self.root / name).iterdir()
        masks = by_stem(path for path in paths if path.is_dir() or _is_readable(path) or is_dicom(path))
        kind = "lung mask" if name == "lungs" else "mask"
        pair(scans, masks, self.root / "images", of=self.root / name, kind=kind, some=some)
        return masks


def _scans(folder: Path) -> dict[str, Path]:
    """Files and folders with a scan each; what is no image is left out, and said so."""
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    other = [path for path in paths if not (path.is_dir() or _is_readable(path))]
    if loose := [path for path in other if is_dicom(path)]:
        raise InputError(f"{loose[0]}: a DICOM file on its own; put the files of each scan in a folder of their own")
    if other:
        logger.warning("%s: left out, as it is no image: %s", folder, ", ".join(path.name for path in other))
    return by_stem(path for path in paths if path not in other)


def _mask(path: Path, image: Callable[[], Scan], read: Callable[[Path], Scan]) -> Scan:
    """A mask, for which the image is read once more only where that is needed."""
    return mask_of(path, image()) if needs_scan(path) else read(path)


def _is_readable(path: Path) -> bool:
    return path.name.lower().endswith(FILES)
