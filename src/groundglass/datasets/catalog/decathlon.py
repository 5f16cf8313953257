"""Datalists as in the Medical Segmentation Decathlon, MONAI and Auto3DSeg."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from typing import ClassVar

from groundglass.datasets.catalog.description import MaskValues
from groundglass.datasets.catalog.description import read_description
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.catalog.layout import complete_parts
from groundglass.datasets.catalog.own_masks import OwnMasks
from groundglass.datasets.catalog.patients import patients_of
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.scans.naming import stem
from groundglass.scans.reader import read_scan

logger = logging.getLogger(__name__)

LISTS = {"training": "training", "validation": "validation", "test": "test", "testing": "test"}
"""Keys of a datalist and the part each holds; Auto3DSeg writes ``testing``."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One entry of a list. ``fold`` and ``patient`` may be missing."""

    part: str
    image: Path
    label: Path | None
    fold: int | None
    patient: str | None


class DecathlonDatalist(OwnMasks):
    """A JSON file with lists ``training``, ``validation`` and ``test`` of ``{"image", "label"}``.

    Paths are relative to the JSON file or absolute. An entry may have a ``patient`` (else ``patients.csv`` beside the
    JSON file or a DICOM header may tell, or it counts as one of its own) and a ``fold``. Without a ``validation`` list
    the entries of one fold validate. What is missing of validation and test is held out of the training patients.
    Validation and test entries without a label cannot be scored and are not read, which holds for the test list of the
    Decathlon itself.

    A case is named after its image file, or after the whole path where that leaves two with the same name.

    Args:
        root: The JSON file, or the folder that holds ``dataset.json`` or only one JSON file.
        fold: The fold that validates.
        lesion_labels: Values of the masks that are lesion; by default all but background.
        intensity: ``hu`` or ``display`` (8-bit) where the values do not make it plain.

    Raises:
        InputError: If there is no such file or folder.
    """

    expects: ClassVar[str] = "a datalist, dataset.json"

    def __init__(
        self,
        root: str | Path,
        *,
        fold: int = 0,
        lesion_labels: tuple[int, ...] | None = None,
        intensity: StatedIntensity | None = None,
    ) -> None:
        path = Path(root)
        super().__init__(path.parent if path.is_file() else path, lesion_labels=lesion_labels, intensity=intensity)
        self.path = path if path.is_file() else _json_in(path)
        self.fold = fold

    def sources(self) -> list[Source]:
        """Training, validation and test cases.

        Raises:
            InputError: If the list is damaged, empty, or names a fold or label that it does not have.
        """
        content = read_description(self.path)
        values = MaskValues()
        if "labels" in content or self.lesion_labels is not None:
            values = MaskValues.declared(content.get("labels"), self.path, self.lesion_labels)
        entries = self._with_fold([entry for key in LISTS for entry in self._entries(content, key)])
        scored = [entry for entry in entries if entry.part == "training" or entry.label is not None]
        if len(scored) < len(entries):
            logger.warning("%s: %d without a label not read", self.path, len(entries) - len(scored))
        names = _names([entry.image for entry in scored], self.root)
        patients = self._patients(dict(zip(names, scored, strict=True)))
        return complete_parts(
            [self._source(entry, name, patients[name], values) for entry, name in zip(scored, names, strict=True)]
        )

    def _patients(self, entries: dict[str, _Entry]) -> dict[str, str]:
        listed = {name: entry.patient for name, entry in entries.items() if entry.patient}
        parts = {entry.part for entry in entries.values()}
        masked = any(entry.label for entry in entries.values())
        scans = {name: entry.image for name, entry in entries.items()}
        return patients_of(self.root, scans, dealt=masked and len(parts) < len(PARTS), known=listed)

    def _source(self, entry: _Entry, name: str, patient: str, values: MaskValues) -> Source:
        return Source(
            case=name,
            patient=patient,
            image=partial(read_scan, entry.image, intensity=self.intensity),
            mask=None if entry.label is None else partial(values.read, entry.label),
            part=entry.part,
        )

    def _entries(self, content: dict[str, Any], key: str) -> list[_Entry]:
        records = content.get(key) or []
        if not isinstance(records, list):
            raise InputError(f"{self.path}: {key!r} is not a list; mend it")
        return [self._entry(record, key) for record in records]

    def _entry(self, record: Any, key: str) -> _Entry:
        record = {"image": record} if isinstance(record, str) else record
        if not isinstance(record, dict) or not isinstance(record.get("image"), str):
            raise InputError(f"{self.path}: {key!r} has the entry {record!r}; give each one image file")
        label, fold, patient = record.get("label") or None, record.get("fold"), record.get("patient")
        if not isinstance(label, str | None) or not isinstance(fold, int | None):
            raise InputError(f"{self.path}: {key!r} has the entry {record!r}; give each one mask file and a whole fold")
        return _Entry(
            part=LISTS[key],
            image=self.root / record["image"],
            label=None if label is None else self.root / label,
            fold=fold,
            patient=None if patient is None else str(patient),
        )

    def _with_fold(self, entries: list[_Entry]) -> list[_Entry]:
        """The entries of one fold moved to validation, if there are folds and no list of its own."""
        folds = {entry.fold for entry in entries if entry.part == "training"} - {None}
        if not folds or any(entry.part == "validation" for entry in entries):
            return entries
        if self.fold not in folds:
            raise InputError(f"{self.path}: has no fold {self.fold}; choose one of {', '.join(map(str, folds))}")
        return [
            replace(entry, part="validation") if entry.part == "training" and entry.fold == self.fold else entry
            for entry in entries
        ]


def _json_in(folder: Path) -> Path:
    found = sorted(folder.glob("*.json"))
    if folder / "dataset.json" in found:
        return folder / "dataset.json"
    if len(found) != 1:
        raise InputError(f"{folder}: holds {len(found)} JSON files and no dataset.json; give the one that is meant")
    return found[0]


def _names(paths: Sequence[Path], root: Path) -> list[str]:
    """A file name for each path: its own, or all of its path where two would be the same."""
    names = [stem(path) for path in paths]
    if len(set(map(str.casefold, names))) < len(names):
        folders = [path.parent.relative_to(root) if path.is_relative_to(root) else path.parent for path in paths]
        names = ["_".join([*folder.parts, name]) for folder, name in zip(folders, names, strict=True)]
    return [re.sub(r"[^\w+=-]+", "_", name).lstrip("_+=-") or "case" for name in names]
