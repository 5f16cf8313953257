"""The events an annotator produces. One event is one line of the label store."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import ClassVar

from groundglass.errors import InputError

Position = tuple[float, float, float]


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class Label:
    """What every event carries.

    Args:
        case: Name of the case in its dataset.
        seconds: Annotation time this answer cost.
        annotator: Who answered; ``"simulated"`` for an oracle made from masks.
        time: When it was answered (ISO 8601, UTC), or ``None``.
        id: Unique name of the event, so that it can be retracted.
    """

    kind: ClassVar[str]
    case: str
    seconds: float
    annotator: str = "simulated"
    time: str | None = None
    id: str = field(default_factory=_new_id)


@dataclass(frozen=True, kw_only=True)
class Point(Label):
    """One click at ``position`` (LPS mm): on a lesion (``label=1``) or on background (``label=0``)."""

    kind: ClassVar[str] = "point"
    position: Position
    label: int


@dataclass(frozen=True, kw_only=True)
class Region(Label):
    """An answer for a box: ``label=0`` says nothing in it is lesion, ``label=1`` that all of it is.

    ``lower`` and ``upper`` (LPS mm) are the centers of the box's first and last voxel.
    """

    kind: ClassVar[str] = "region"
    lower: Position
    upper: Position
    label: int


@dataclass(frozen=True, kw_only=True)
class SliceTag(Label):
    """Lesion (1) or no lesion (0) somewhere on the slice through ``position`` (LPS mm)."""

    kind: ClassVar[str] = "slice_tag"
    position: Position
    label: int


@dataclass(frozen=True, kw_only=True)
class ScanTag(Label):
    """Diseased (1) or healthy (0), for the whole scan."""

    kind: ClassVar[str] = "scan_tag"
    label: int


@dataclass(frozen=True, kw_only=True)
class MaskLabel(Label):
    """A drawn mask, as a file below the dataset folder; ``slices`` = first and past-the-last slice it covers."""

    kind: ClassVar[str] = "mask"
    path: str
    slices: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Retraction(Label):
    """Undo: the event ``target`` no longer counts. Nothing is ever deleted from a store."""

    kind: ClassVar[str] = "retraction"
    target: str


KINDS: dict[str, type[Any]] = {cls.kind: cls for cls in (Point, Region, SliceTag, ScanTag, MaskLabel, Retraction)}


def to_json(label: Label) -> dict[str, Any]:
    """An event as plain JSON values."""
    return {"kind": label.kind, **{key: value for key, value in asdict(label).items() if value is not None}}


def from_json(record: dict[str, Any]) -> Label:
    """The event of a JSON record.

    Raises:
        InputError: If the kind is unknown or a field is missing, unknown or out of range.
    """
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"label of unknown kind {kind!r}; known are {', '.join(KINDS)}")
    try:
        label: Label = KINDS[kind](**fields)
    except TypeError as error:
        raise InputError(f"label of kind {kind!r} has wrong fields: {error}") from error
    for name, value in vars(label).items():
        if not _is_valid(name, value):
            raise InputError(f"label of kind {kind!r}: {name} cannot be {value!r}")
    return label


def _is_valid(name: str, value: Any) -> bool:
    """Whether ``value`` can be the field ``name`` of an event."""
    if name in ("position", "lower", "upper"):
        return isinstance(value, tuple) and len(value) == 3 and all(map(_is_number, value))
    if name == "slices":
        whole = isinstance(value, tuple) and len(value) == 2 and all(isinstance(edge, int) for edge in value)
        return value is None or (whole and 0 <= value[0] < value[1])
    if name == "seconds":
        return _is_number(value) and value >= 0
    if name == "label":
        return value in (0, 1)
    return isinstance(value, str) or (name == "time" and value is None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
