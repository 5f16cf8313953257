"""What point files of other programs have in common: axes, names for lesion and background, and ids."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Position
from groundglass.labels.events import is_number

NAMES = {0: "background", 1: "lesion"}
RAS = (-1.0, -1.0, 1.0)
LPS = (1.0, 1.0, 1.0)

OWN_ID = re.compile(r"[0-9a-f]{32}")
"""An id that this program gave; any other may well be a number that begins anew in each case."""

BACKGROUND = re.compile(
    r"(background|bg|healthy|normal)(?![a-z])|b ?\d*$|0(\.0+)?(?![\w.])"
    r"|(no|non|not|not a|without) ?(lesions?|findings?|disease)\b|lesion free\b"
    r"|(false|no|n|none|neg|negative|nothing|nothing here)$"
)
LESION = re.compile(r"(lesions?|l)( ?\d+)?$|1(\.0+)?( \d+)?$|(true|yes|y|pos|positive)$")
UNCLEAR = re.compile(r"(no|non|none|not|neg|negative|false|without|absent)(?![a-z])")


def in_words(name: str) -> str:
    """A name with single spaces for whatever parts its words, in small letters."""
    return re.sub(r"(?!^)[-_\s]+", " ", name.strip()).strip().lower()


def strict_label(name: str) -> int:
    """The label that a word of a table stands for.

    Raises:
        InputError: If it is none of those for lesion or background.
    """
    words = in_words(name)
    if BACKGROUND.match(words):
        return 0
    if LESION.match(words):
        return 1
    raise InputError(f"the label {name!r:.40} is neither lesion nor background (1 nor 0)")


def name_label(name: str) -> int:
    """The label of a point that somebody named as they liked: lesion, unless the name says background.

    Raises:
        InputError: If it begins with a "no" or the like and says no more that is understood.
    """
    words = in_words(name)
    if BACKGROUND.match(words):
        return 0
    if UNCLEAR.match(words):
        raise InputError(f"the name {name!r:.40} may mean lesion or background")
    return 1


def placed(
    position: Sequence[float],
    signs: Position,
    *,
    case: str,
    annotator: str,
    label: int,
    seconds: float = 0.0,
    time: str | None = None,
    id: str = "",
) -> Point:
    """A point in LPS mm; the same one read again has the same id.

    Args:
        position: Three values, which should be finite numbers.
        signs: What turns them into LPS.
        case: The case it belongs to.
        annotator: Who placed it.
        label: 1 for lesion, 0 for background.
        seconds: What it cost.
        time: When it was placed.
        id: Its id in the file, which stays if it is one of this program's.

    Raises:
        InputError: If they are not.
    """
    if not all(map(is_number, position)):
        raise InputError("a position is not a number")
    x, y, z = (float(value) * sign for value, sign in zip(position, signs, strict=True))
    key = "/".join(map(str, (case, annotator, round(x, 3), round(y, 3), round(z, 3), label)))
    return Point(
        case=case,
        seconds=seconds,
        annotator=annotator,
        time=time,
        id=id if OWN_ID.fullmatch(id) else uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{id}" if id else key).hex,
        position=(x, y, z),
        label=label,
    )
