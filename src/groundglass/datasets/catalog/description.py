"""``dataset.json`` as nnU-Net and the Decathlon write it, and what it says of the values of a mask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import InputError
from groundglass.scans.readable import readable
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: If there is no such file, or it holds anything else.
    """
    with readable(path):
        text = path.read_bytes()
    try:
        content = json.loads(text)
    except ValueError as error:  # not JSON, or not text
        raise InputError(f"{path}: not a JSON file ({error}); mend it") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is not a JSON object; give the description of a dataset")
    return content


@dataclass(frozen=True, kw_only=True)
class MaskValues:
    """What the values of a dataset's masks mean.

    Args:
        lesion: Values that are lesion; ``None`` for all but 0.
        known: All values there can be; ``None`` for any.
        ignore: nnU-Net's value for what was not labeled.
    """

    lesion: frozenset[int] | None = None
    known: frozenset[int] | None = None
    ignore: int | None = None

    @classmethod
    def declared(cls, labels: Any, path: Path, wanted: Sequence[int] | None) -> MaskValues:
        """From the ``labels`` of a description: name to value or values (nnU-Net v2), or value to name (Decathlon).

        Args:
            labels: The JSON value.
            path: The description, for messages.
            wanted: Values that are lesion; ``None`` for all that are not background.

        Raises:
            InputError: If the labels are neither, or a wanted value is not among them.
        """
        try:
            pairs = [(int(key), value) if isinstance(value, str) else (value, key) for key, value in labels.items()]
            values = {name: np.ravel(value).astype(int).tolist() for value, name in pairs}
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{path}: its labels are not names and whole numbers; mend it") from error
        ignore = next(iter(values.pop("ignore", [])), None)
        foreground = frozenset(value for some in values.values() for value in some) - {0}
        lesion = foreground if wanted is None else frozenset(wanted)
        if not lesion or lesion - foreground:
            raise InputError(
                f"{path}: lesions {sorted(lesion)} are not among its labels {sorted(foreground)}; set lesion_labels"
            )
        return cls(lesion=lesion, known=foreground | {0}, ignore=ignore)

    def read(self, path: Path) -> Scan:
        """The lesions of a mask file, 0 or 1.

        Raises:
            InputError: If it is damaged, has a value that is not declared, or is not labeled everywhere.
        """
        mask = read_mask(path, classes=True)
        if self.lesion is None:
            return mask
        present = set(np.unique(mask.voxels).tolist())
        if self.ignore in present:
            raise InputError(
                f"{path}: some of it has nnU-Net's label 'ignore' ({self.ignore}), but a mask must say of every voxel "
                "whether it is lesion; finish it, or take the case away"
            )
        if self.known is not None and present - self.known:
            raise InputError(
                f"{path}: holds the value {min(present - self.known)}, which its dataset.json does not name; "
                "name it there, or mend the mask"
            )
        return mask.with_voxels(np.isin(mask.voxels, list(self.lesion)).astype(np.uint8))
