"""Points out of the label store and into it, as files of other programs."""

from __future__ import annotations

from typing import Any

from groundglass.annotate.state import Annotation
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.inside import check_inside
from groundglass.labels.markups import from_slicer
from groundglass.labels.markups import to_slicer
from groundglass.labels.table import from_csv
from groundglass.labels.table import to_csv


def export_slicer(annotation: Annotation, case: str) -> str:
    """Everybody's points of a case as a Slicer point list.

    Raises:
        InputError: If there is no such case.
    """
    annotation.labels.refresh()
    annotation.source.image(case)
    return to_slicer(label for label in annotation.labels.case(case) if isinstance(label, Point))


def export_csv(annotation: Annotation) -> str:
    """Everybody's points of all cases as a table."""
    annotation.labels.refresh()
    return to_csv(label for label in annotation.labels if isinstance(label, Point))


def import_points(annotation: Annotation, annotator: str, case: str, name: str, text: str) -> dict[str, Any]:
    """Points of a file into the label store, all of them or none. Those that are there already are left out.

    Args:
        annotation: Where they go.
        annotator: Who imports them; a table may name others. New points of a Slicer list are the importer's.
        case: The case the points are of, unless a table says it.
        name: Name of the file, which tells its kind.
        text: Its content.

    Returns:
        How many were ``added``, and how many were there ``already``.

    Raises:
        InputError: If the file is of another kind or damaged, or a point lies outside its image.
    """
    if name.lower().endswith(".json"):
        points = from_slicer(text, case, annotator="")
    elif name.lower().endswith(".csv"):
        points = from_csv(text, annotator="", case=case)
    else:
        raise InputError("the file is neither .mrk.json nor .csv; export the points as one of them")
    for one in sorted({point.case for point in points}):
        scan = annotation.scans.grid(one)
        check_inside([point for point in points if point.case == one], case=one, affine=scan.affine, shape=scan.shape)
    return annotation.add(points, annotator)
