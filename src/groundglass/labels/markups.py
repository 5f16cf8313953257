"""Points as 3D Slicer has them: ``.mrk.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Position
from groundglass.labels.foreign import BACKGROUND
from groundglass.labels.foreign import LPS
from groundglass.labels.foreign import NAMES
from groundglass.labels.foreign import RAS
from groundglass.labels.foreign import in_words
from groundglass.labels.foreign import name_label
from groundglass.labels.foreign import placed

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
"""What Slicer looks for in a file; nothing is fetched from there."""

SYSTEMS = {"LPS": LPS, "RAS": RAS, "1": LPS, "0": RAS}
"""Signs to LPS by the name of a coordinate system; old files have numbers."""

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


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

    A control point, or a list, whose name begins with "background" or "bg", or says "no lesion", is background, any
    other is lesion. Descriptions are free text in Slicer, so they do not say who placed a point.

    Args:
        text: Content of a ``.mrk.json`` file.
        case: The case they belong to.
        annotator: Who placed them.

    Raises:
        InputError: If it is no such file, its units or coordinate system are not known, or a name is not clear.
    """
    try:
        markups = json.loads(text)["markups"]
        return [point for markup in markups for point in _points(markup, case, annotator)]
    except UNREADABLE as error:
        if isinstance(error, InputError):
            raise
        raise InputError("the file is not a Slicer point list; save the points as .mrk.json") from error


def _points(markup: dict[str, Any], case: str, annotator: str) -> list[Point]:
    system = str(markup.get("coordinateSystem", "LPS")).upper()
    units = markup.get("coordinateUnits", "mm")
    if system not in SYSTEMS or (units[:1] if isinstance(units, list) else [units]) != ["mm"]:
        raise InputError(f"the point list is in {system!r:.40} {units!r:.40}; save it in LPS or RAS mm")
    whole = bool(BACKGROUND.match(in_words(str(markup.get("name", "")))))
    controls = [one for one in markup["controlPoints"] if one.get("positionStatus", "defined") == "defined"]
    return [_point(one, SYSTEMS[system], case, annotator, background=whole) for one in controls]


def _point(control: dict[str, Any], signs: Position, case: str, annotator: str, *, background: bool) -> Point:
    name, position = str(control.get("label", "")), control["position"]
    if not isinstance(position, list) or len(position) != len(signs):
        raise TypeError("a position is a list of three numbers")
    try:
        return placed(position, signs, case=case, annotator=annotator, label=0 if background else name_label(name))
    except InputError as error:
        raise InputError(f"control point {name!r:.40}: {error}; mend it in Slicer and save the list again") from error
