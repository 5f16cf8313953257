"""One case of a dataset: an image, and what is known about it."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

from groundglass.errors import InputError

Slices = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An image, its mask for evaluation, and the patient it is of. Paths are relative to the dataset folder.

    Args:
        case: Unique name; also the name of its files.
        patient: Cases of one patient never come to lie on both sides of a split.
        image: NIfTI image, in canonical orientation (slices feet to head, rows to the back, columns to the left).
        intensity: ``"hu"`` or ``"display"``.
        label: NIfTI lesion mask on the image's grid, read for evaluation and as a mask label only.
        lungs: NIfTI lung mask (0 none, 1 right, 2 left).
        slices: First and past-the-last slice that belongs to this part of the dataset, or ``None`` for all.
    """

    case: str
    patient: str
    image: str
    intensity: str
    label: str | None = None
    lungs: str | None = None
    slices: Slices | None = None

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Case:
        """A case from its JSON record.

        Raises:
            InputError: If a key is missing or unknown.
        """
        slices = record.get("slices")
        try:
            return cls(**{**record, "slices": tuple(slices) if slices else None})
        except TypeError as error:
            raise InputError(f"case {record.get('case', '?')!r} has wrong keys: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """The record, without what is not known."""
        return {key: value for key, value in asdict(self).items() if value is not None}
