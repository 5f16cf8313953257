"""A prepared dataset: a folder with ``dataset.json``, NIfTI images and masks, and the label store."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import cast

from groundglass.datasets.case import Case
from groundglass.datasets.splits import PARTS
from groundglass.datasets.splits import Split
from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.labels.events import KINDS
from groundglass.labels.events import Label
from groundglass.labels.store import LabelStore
from groundglass.scans.nifti import nifti_shape
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Intensity
from groundglass.scans.scan import Scan

DESCRIPTION = "dataset.json"


@dataclass(frozen=True, eq=False)
class DatasetFolder:
    """The cases and labels below a folder.

    ``dataset.json`` has the shape of a Decathlon datalist (``training``, ``validation`` and ``test`` lists with
    ``image`` and ``label``), so other tools read it too.

    Args:
        root: The folder.
        name: Name of the dataset, shown in every table.
        split: Its cases.
    """

    root: Path
    name: str
    split: Split

    @classmethod
    def open(cls, root: str | Path) -> DatasetFolder:
        """Open a prepared dataset.

        Raises:
            InputError: If it is not one, or its description is damaged.
        """
        root = Path(root)
        content = _read_description(root)
        parts = {name: tuple(map(Case.from_json, content[name])) for name in PARTS}
        split = Split(**parts, shared_patients=bool(content.get("shared_patients")))
        return cls(root, str(content.get("name", root.name)), split)

    def save(self) -> None:
        """Write ``dataset.json``.

        Raises:
            InputError: If it cannot be written.
        """
        content: dict[str, Any] = {
            "name": self.name,
            "modality": {"0": "CT"},
            "labels": {"0": "background", "1": "lesion"},
            "shared_patients": self.split.shared_patients,
            "split_hash": self.split.hash,
        }
        content |= {name: [case.to_json() for case in getattr(self.split, name)] for name in PARTS}
        write_text(self.root / DESCRIPTION, json.dumps(content, indent=1) + "\n")

    @property
    def store(self) -> LabelStore:
        """Where its label events are."""
        return LabelStore(self.root / "labels.jsonl")

    def labels(self, kinds: Container[str] = KINDS) -> dict[str, list[Label]]:
        """Label events of some kinds, by case.

        Raises:
            InputError: If the store cannot be read, or a line of it is not a label.
        """
        by_case: dict[str, list[Label]] = defaultdict(list)
        for label in self.store.read():
            if label.kind in kinds:
                by_case[label.case].append(label)
        return by_case

    def scan(self, case: Case) -> Scan:
        """The image of a case.

        Raises:
            InputError: If it cannot be read.
        """
        return read_scan(self.root / case.image, intensity=cast(Intensity, case.intensity))

    def mask(self, case: Case) -> Scan | None:
        """The lesion mask of a case, for evaluation, if there is one.

        Raises:
            InputError: If it cannot be read, or is of another size than the image.
        """
        return self._mask(case, case.label)

    def lungs(self, case: Case) -> Scan | None:
        """The lung mask of a case, if there is one.

        Raises:
            InputError: As for :meth:`mask`.
        """
        return self._mask(case, case.lungs)

    def _mask(self, case: Case, name: str | None) -> Scan | None:
        if name is None:
            return None
        mask = read_mask(self.root / name)
        image = self.root / case.image
        if mask.shape != (shape := nifti_shape(image)):
            raise InputError(
                f"{mask.path}: its size {mask.shape} is not the size {shape} of {image}; redraw it on that image"
            )
        return mask


def _read_description(root: Path) -> dict[str, Any]:
    path = root / DESCRIPTION
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{root}: not a prepared dataset (no {DESCRIPTION}); make one with 'groundglass prepare'"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged ({error}); run 'groundglass prepare' again") from error
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in PARTS):
        raise InputError(f"{path}: not of a prepared dataset; make one with 'groundglass prepare' in another folder")
    return content
