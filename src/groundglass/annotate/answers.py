"""From what the browser sends to label events, with every value checked."""

from __future__ import annotations

import re
from datetime import UTC
from datetime import datetime
from typing import Any

import numpy as np

from groundglass.annotate.questions import Question
from groundglass.errors import InputError
from groundglass.labels.cost import MAX_SECONDS
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Position
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.events import is_number
from groundglass.labels.inside import EDGE
from groundglass.scans.scan import Scan

IDS = re.compile(r"[0-9a-f]{32}")


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


class Answer:
    """The body of a request, field by field.

    Args:
        body: Parsed JSON.

    Raises:
        InputError: If it is no object.
    """

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise InputError("the request is not a JSON object; reload the page")
        self.body = body

    def text(self, name: str, *, limit: int = 200) -> str:
        """A string of at most ``limit`` characters.

        Raises:
            InputError: If it is missing or something else.
        """
        value = self.body.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= limit:
            raise InputError(f"the request has no usable {name!r}; reload the page")
        return value

    def number(self, name: str) -> float:
        """A finite number.

        Raises:
            InputError: If it is missing or something else.
        """
        value: Any = self.body.get(name)
        if not is_number(value):
            raise InputError(f"the request has no usable number {name!r}; reload the page")
        return float(value)

    def whole(self, name: str) -> int:
        """A whole number.

        Raises:
            InputError: If it is missing or something else.
        """
        value = self.number(name)
        if not value.is_integer():
            raise InputError(f"the request's {name!r} is no whole number; reload the page")
        return int(value)

    def label(self) -> int:
        """0 or 1.

        Raises:
            InputError: If it is anything else.
        """
        if (value := self.whole("label")) not in (0, 1):
            raise InputError(f"a label is 0 or 1, not {value}; reload the page")
        return value

    def seconds(self) -> float:
        """Seconds the answer cost, at most ten minutes.

        Raises:
            InputError: If they are negative or missing.
        """
        if (value := self.number("seconds")) < 0:
            raise InputError(f"an answer cannot cost {value} seconds; reload the page")
        return round(min(value, MAX_SECONDS), 2)

    def id(self) -> str:
        """The event's id, chosen by the browser, so that an answer sent twice counts once.

        Raises:
            InputError: If it is not 32 hexadecimal digits.
        """
        if not IDS.fullmatch(value := self.text("id")):
            raise InputError("the request's 'id' is not 32 hexadecimal digits; reload the page")
        return value


def to_event(answer: Answer, scan: Scan, annotator: str, question: Question | None) -> Label:
    """The label event of an answer about a scan.

    Args:
        answer: ``kind`` is ``point``, ``nothing``, ``unsure``, ``slice_tag`` or ``scan_tag``.
        scan: The case in canonical orientation.
        annotator: Who answered.
        question: The region that was asked about, or ``None`` if the annotator looks around freely.

    Raises:
        InputError: If a field is missing or senseless, or a click lies outside the image.
    """
    kind = answer.text("kind")
    given: dict[str, Any] = {
        "case": answer.text("case"),
        "seconds": answer.seconds(),
        "annotator": annotator,
        "time": now(),
        "id": answer.id(),
    }
    if kind == "point":
        position = _clicked(answer, scan)
        return Point(**given, position=position, label=answer.label())
    if question is not None and kind in ("nothing", "unsure"):
        return empty_region(question, scan, given)
    if kind == "unsure":
        raise InputError("there is no question to be unsure about; turn on guided mode")
    if kind in ("nothing", "slice_tag"):
        return _slice_tag(answer, scan, given, 0 if kind == "nothing" else answer.label())
    if kind == "scan_tag":
        return ScanTag(**given, label=answer.label())
    raise InputError("the request's 'kind' is not known; reload the page")


def empty_region(question: Question, scan: Scan, given: dict[str, Any]) -> Region:
    """The answer "nothing here" to a question."""
    (top, bottom), (left, right) = question.rows, question.columns
    lower, upper = (question.index, top, left), (question.index, bottom - 1, right - 1)
    return Region(**given, lower=_mm(scan, lower), upper=_mm(scan, upper), label=0)


def _clicked(answer: Answer, scan: Scan) -> Position:
    index = (answer.whole("slice"), answer.number("row"), answer.number("column"))
    if not all(-EDGE <= value <= length - EDGE for value, length in zip(index, scan.shape, strict=True)):
        raise InputError("the click lies outside the image; click inside it")
    return _mm(scan, index)


def _slice_tag(answer: Answer, scan: Scan, given: dict[str, Any], label: int) -> SliceTag:
    depth, height, width = scan.shape
    if not 0 <= (index := answer.whole("slice")) < depth:
        raise InputError(f"case {given['case']} has no slice {index}; it has {depth}")
    return SliceTag(**given, position=_mm(scan, (index, (height - 1) / 2, (width - 1) / 2)), label=label)


def _mm(scan: Scan, index: tuple[float, float, float]) -> Position:
    x, y, z = (round(float(value), 4) for value in scan.to_mm(np.array([index]))[0])
    return x, y, z


def to_view(label: Label, scan: Scan) -> dict[str, Any]:
    """A label as the browser draws it: indices instead of mm."""
    view: dict[str, Any] = {
        "id": label.id,
        "kind": label.kind,
        "case": label.case,
        "annotator": label.annotator,
        "seconds": label.seconds,
        "time": label.time,
        "label": getattr(label, "label", None),
    }
    if isinstance(label, Point | SliceTag):
        index = scan.to_indices(np.array([label.position]))[0]
        view |= {"slice": round(index[0]), "row": float(index[1]), "column": float(index[2])}
    elif isinstance(label, Region):
        corners = np.rint(scan.to_indices(np.array([label.lower, label.upper]))).astype(int)
        (first, top, left), (_, bottom, right) = corners.min(0).tolist(), corners.max(0).tolist()
        view |= {"slice": first, "rows": [top, bottom + 1], "columns": [left, right + 1]}
    return view
