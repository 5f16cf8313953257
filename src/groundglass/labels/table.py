"""Points as a spreadsheet has them: CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from groundglass.errors import InputError
from groundglass.labels.cost import MAX_SECONDS
from groundglass.labels.events import Point
from groundglass.labels.events import Position
from groundglass.labels.events import is_text
from groundglass.labels.foreign import LPS
from groundglass.labels.foreign import NAMES
from groundglass.labels.foreign import RAS
from groundglass.labels.foreign import name_label
from groundglass.labels.foreign import placed
from groundglass.labels.foreign import strict_label

COLUMNS = ("case", "x_lps_mm", "y_lps_mm", "z_lps_mm", "label", "annotator", "seconds", "time", "id")
AXES: dict[tuple[str, str, str], Position] = {
    ("x_lps_mm", "y_lps_mm", "z_lps_mm"): LPS,
    ("l", "p", "s"): LPS,
    ("r", "a", "s"): RAS,
    ("x_ras_mm", "y_ras_mm", "z_ras_mm"): RAS,
}
"""Columns that say where a point lies, and their signs to LPS. Plain ``x, y, z`` says nothing and is refused."""

PLACED = "defined"
"""A column of the tables that Slicer writes: 0 for a point not placed yet. Their labels are names of points."""

MAX_NAME = 200

Cells = dict[str, str]


def to_csv(points: Iterable[Point]) -> str:
    """Points of any cases as a table, positions in LPS mm."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in points:
        writer.writerow([one.case, *one.position, NAMES[one.label], one.annotator, one.seconds, one.time or "", one.id])
    return text.getvalue()


def from_csv(text: str, annotator: str, case: str | None = None) -> list[Point]:
    """Points of a table.

    Args:
        text: Columns for a position (``x_lps_mm, y_lps_mm, z_lps_mm``, or ``l, p, s`` or ``r, a, s``), and if wanted
            ``case``, ``label`` (lesion, background, 1 or 0; lesion if left out), ``annotator``, ``seconds``, ``time``
            and ``id``. In a table of Slicer's own the label is the name of the point.
        annotator: Who placed the points of which the table does not say it.
        case: The case of the points of which the table does not say it.

    Raises:
        InputError: If a column is missing or a line makes no sense, with its number.
    """
    reader = csv.DictReader(io.StringIO(_checked(text)))
    try:
        columns = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        what = "a cell is too long" if "limit" in str(error) else "a carriage return stands alone"
        line = reader.reader.line_num
        raise InputError(f"line {line} of the table: {what}; save it with a spreadsheet as CSV UTF-8") from error
    axes = next((names for names in AXES if all(name in columns for name in names)), None)
    if axes is None:
        raise InputError("the table has no columns x_lps_mm, y_lps_mm, z_lps_mm (or r, a, s); name the axes")
    points = []
    for number, row in rows:
        cells = {name: (row[column] or "").strip() for name, column in columns.items()}
        try:
            if cells.get(PLACED) != "0":
                points.append(_from_row(cells, axes, annotator, case))
        except ValueError as error:
            raise InputError(f"line {number} of the table: {error}; mend it") from error
    return points


def _checked(text: str) -> str:
    if not is_text(text):
        raise InputError("the table holds half a character (a lone surrogate); save it as CSV UTF-8")
    return text.removeprefix("\ufeff")


def _from_row(cells: Cells, axes: tuple[str, str, str], annotator: str, case: str | None) -> Point:
    name = cells.get("case") or case
    if not name:
        raise InputError("names no case")
    if len(cells.get("annotator", "")) > MAX_NAME:
        raise InputError(f"the annotator has more than {MAX_NAME} characters")
    label = cells.get("label") or NAMES[1]
    return placed(
        [_number(cells, axis) for axis in axes],
        AXES[axes],
        case=name,
        annotator=cells.get("annotator") or annotator,
        label=name_label(label) if PLACED in cells else strict_label(label),
        seconds=_seconds(cells),
        time=cells.get("time") or None,
        id=cells.get("id", ""),
    )


def _seconds(cells: Cells) -> float:
    if not cells.get("seconds"):
        return 0.0
    if not 0 <= (value := _number(cells, "seconds")) <= MAX_SECONDS:  # NaN is not
        raise InputError(f"the seconds are not from 0 to {MAX_SECONDS:.0f}")
    return value


def _number(cells: Cells, name: str) -> float:
    try:
        return float(cells[name])
    except ValueError as error:
        raise InputError(f"{name} is no number: {cells[name]!r:.40}") from error
