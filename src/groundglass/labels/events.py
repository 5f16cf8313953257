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

SIMULATED = "simulated"
RECORD = "record"
IMPORTED = "imported"
"""Who placed the points of a file that does not say it."""

NOT_PEOPLE = frozenset({SIMULATED, RECORD})
"""Names under which nobody answered: an oracle made from masks, and the diagnosis in the patient's record."""

MOST_SECONDS = 1e9
"""No event cost more; the sum of any number of them stays a number."""


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class Label:
    """What every event carries.

    Args:
        case: Name of the case in its dataset.
        seconds: Annotation time this answer cost.
        annotator: Who answered; see :data:`NOT_PEOPLE`.
        time: When it was answered (ISO 8601, UTC), or ``None``.
        id: Unique name of the event, so that it can be retracted.
    """

    kind: ClassVar[str]
    case: str
    seconds: float
    annotator: str = SIMULATED
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
        raise InputError(f"label of unknown kind {kind!r:.60}; known are {', '.join(KINDS)}")
    try:
        label: Label = KINDS[kind](**fields)
    except TypeError as error:
        raise InputError(f"label of kind {kind!r} has wrong fields: {error}") from error
    for name, value in vars(label).items():
        if not _is_valid(name, value):
            raise InputError(f"label of kind {kind!r}: {name} cannot be {value!r:.60}")
    return label


def _is_valid(name: str, value: Any) -> bool:
    """Whether ``value`` can be the field ``name`` of an event."""
    if name in ("position", "lower", "upper"):
        return isinstance(value, tuple) and len(value) == 3 and all(map(is_number, value))
    if name == "slices":
        whole = isinstance(value, tuple) and len(value) == 2 and all(isinstance(edge, int) for edge in value)
        return value is None or (whole and 0 <= value[0] < value[1])
    if name == "seconds":
        return is_number(value) and 0 <= value <= MOST_SECONDS
    if name == "label":
        return type(value) is int and value in (0, 1)
    return is_text(value) or (name == "time" and value is None)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_text(value: Any) -> bool:
    """Whether a JSON value is text that can be sent on: JSON can hold halves of characters, UTF-8 cannot."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
