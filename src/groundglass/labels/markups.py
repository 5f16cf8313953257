"""Points as other programs have them: 3D Slicer's ``.mrk.json`` and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import uuid
from collections.abc import Iterable
from typing import Any

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Position

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
"""What Slicer looks for in a file; nothing is fetched from there."""

NAMES = {0: "background", 1: "lesion"}
BACKGROUND = re.compile(r"\s*(background|bg|b|0|healthy|normal)\b|\s*b(g)?[-_ ]?\d", re.IGNORECASE)
RAS = (-1.0, -1.0, 1.0)
LPS = (1.0, 1.0, 1.0)
SYSTEMS = {"LPS": LPS, "RAS": RAS, "1": LPS, "0": RAS}
"""Signs to LPS by the name of a coordinate system; old files have numbers."""

COLUMNS = ("case", "x_lps_mm", "y_lps_mm", "z_lps_mm", "label", "annotator", "seconds", "time", "id")
AXES: dict[tuple[str, str, str], Position] = {
    ("x_lps_mm", "y_lps_mm", "z_lps_mm"): LPS,
    ("l", "p", "s"): LPS,
    ("r", "a", "s"): RAS,
    ("x_ras_mm", "y_ras_mm", "z_ras_mm"): RAS,
}
"""Columns that say where a point lies, and their signs to LPS. Plain ``x, y, z`` says nothing and is refused."""


def to_slicer(points: Iterable[Point]) -> str:
    """Points of one case as a Slicer point list, in LPS mm.

    A control point is labeled ``lesion-1`` or ``background-2``; its description names the annotator.
    """
    controls = [_control(number, point) for number, point in enumerate(points, start=1)]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "labelFormat": "%N-%d",
        "controlPoints": controls,
    }
    return json.dumps({"@schema": SCHEMA, "markups": [markup]}, indent=1) + "\n"


def _control(number: int, point: Point) -> dict[str, Any]:
    return {
        "id": str(number),
        "label": f"{NAMES[point.label]}-{number}",
        "description": point.annotator,
        "associatedNodeID": "",
        "position": list(point.position),
        "orientation": [-1.0, -0.0, -0.0, -0.0, -1.0, -0.0, 0.0, 0.0, 1.0],
        "selected": bool(point.label),
        "locked": False,
        "visibility": True,
        "positionStatus": "defined",
    }


def from_slicer(text: str, case: str, annotator: str) -> list[Point]:
    """Points of a Slicer point list. Those not placed yet are left out.

    A control point, or a list, whose name begins with "background" or "bg" is background, any other is lesion.

    Args:
        text: Content of a ``.mrk.json`` file.
        case: The case they belong to.
        annotator: Who placed them.

    Raises:
        InputError: If it is no such file, or its units or coordinate system are not known.
    """
    try:
        markups = json.loads(text)["markups"]
        return [point for markup in markups for point in _points(markup, case, annotator)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("the file is not a Slicer point list; save the points as .mrk.json") from error


def _points(markup: dict[str, Any], case: str, annotator: str) -> list[Point]:
    system = str(markup.get("coordinateSystem", "LPS")).upper()
    units = markup.get("coordinateUnits", "mm")
    if system not in SYSTEMS or (units[0] if isinstance(units, list) else units) != "mm":
        raise InputError(f"the point list is in {system} {units}; save it in LPS or RAS mm")
    placed = [one for one in markup["controlPoints"] if one.get("positionStatus", "defined") == "defined"]
    whole = bool(BACKGROUND.match(str(markup.get("name", ""))))
    return [
        _point(
            one["position"],
            SYSTEMS[system],
            case=case,
            annotator=annotator,
            label=int(not whole and not BACKGROUND.match(str(one.get("label", "")))),
        )
        for one in placed
    ]


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
            and ``id``.
        annotator: Who placed the points of which the table does not say it.
        case: The case of the points of which the table does not say it.

    Raises:
        InputError: If a column is missing or a line makes no sense, with its number.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
    axes = next((names for names in AXES if all(name in columns for name in names)), None)
    if axes is None:
        raise InputError("the table has no columns x_lps_mm, y_lps_mm, z_lps_mm (or r, a, s); name the axes")
    points = []
    for row in reader:
        cells = {name: (row[column] or "").strip() for name, column in columns.items()}
        try:
            points.append(_from_row(cells, axes, annotator, case))
        except ValueError as error:
            raise InputError(f"line {reader.line_num} of the table: {error}; mend it") from error
    return points


def _from_row(cells: dict[str, str], axes: tuple[str, str, str], annotator: str, case: str | None) -> Point:
    name = cells.get("case") or case
    if not name:
        raise InputError("names no case")
    return _point(
        [float(cells[axis]) for axis in axes],
        AXES[axes],
        case=name,
        annotator=cells.get("annotator") or annotator,
        label=int(not BACKGROUND.match(cells.get("label") or "lesion")),
        seconds=float(cells.get("seconds") or 0),
        time=cells.get("time") or None,
        id=cells.get("id"),
    )


def _point(
    position: Iterable[float],
    signs: Position,
    *,
    case: str,
    annotator: str,
    label: int,
    seconds: float = 0.0,
    time: str | None = None,
    id: str | None = None,
) -> Point:
    """A point in LPS mm; the same one read again has the same id."""
    x, y, z = (float(value) * sign for value, sign in zip(position, signs, strict=True))
    if not all(map(math.isfinite, (x, y, z, seconds))) or seconds < 0:
        raise InputError("a position or a time is not a number")
    key = "/".join(map(str, (case, annotator, round(x, 3), round(y, 3), round(z, 3), label)))
    return Point(
        case=case,
        seconds=seconds,
        annotator=annotator,
        time=time,
        id=id or uuid.uuid5(uuid.NAMESPACE_OID, key).hex,
        position=(x, y, z),
        label=label,
    )
