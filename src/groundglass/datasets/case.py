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
        label: NIfTI lesion mask (0 none, 1 lesion) on the image's grid, read for evaluation and as a mask label only.
        lungs: NIfTI lung mask (0 none, 1 right, 2 left; all 1 where the sides are not known).
        slices: First and past-the-last slice that belongs to this part of the dataset, or ``None`` for all.
        dataset: Which of several joined datasets it is of, if any.
        tag: 1 diseased, 0 healthy, where the record says so; ``None`` where only a mask can.
        slice_tags: Of each slice, feet to head: 1 lesion, 0 none, -1 not known; ``None`` where only a mask can say it.
    """

    case: str
    patient: str
    image: str
    intensity: str
    label: str | None = None
    lungs: str | None = None
    slices: Slices | None = None
    dataset: str | None = None
    tag: int | None = None
    slice_tags: tuple[int, ...] | None = None

    @classmethod
    def from_json(cls, record: Any) -> Case:
        """A case from its JSON record.

        Raises:
            InputError: If it is no record of a case, or a key is missing, unknown or has a senseless value.
        """
        if not isinstance(record, dict):
            raise InputError(f"{record!r} is not a case of a prepared dataset; make one with 'groundglass prepare'")
        lists = {key: tuple(record[key]) for key in ("slices", "slice_tags") if isinstance(record.get(key), list)}
        try:
            case = cls(**{**record, **lists})
        except TypeError as error:
            raise InputError(f"case {record.get('case', '?')!r} has wrong keys: {error}") from error
        for key, value in vars(case).items():
            if not _is_valid(key, value):
                raise InputError(f"case {case.case!r}: {key} cannot be {value!r}")
        return case

    def to_json(self) -> dict[str, Any]:
        """The record, without what is not known."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def _is_valid(key: str, value: Any) -> bool:
    """Whether ``value`` can be the field ``key`` of a case."""
    if key == "slices":
        whole = isinstance(value, tuple) and len(value) == 2 and all(isinstance(edge, int) for edge in value)
        return value is None or (whole and 0 <= value[0] < value[1])
    if key == "slice_tags":
        return value is None or (isinstance(value, tuple) and all(tag in (-1, 0, 1) for tag in value))
    if key == "tag":
        return value in (None, 0, 1)
    if key == "intensity":
        return value in ("hu", "display")
    return isinstance(value, str) or (key in ("label", "lungs", "dataset") and value is None)
