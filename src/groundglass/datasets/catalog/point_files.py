"""Clicks of one's own beside the scans: ``points.csv``, and point lists of 3D Slicer in ``points/``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from pathlib import Path

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.inside import check_inside
from groundglass.labels.markups import from_slicer
from groundglass.labels.table import from_csv
from groundglass.scans.readable import readable
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

SLICER = ".mrk.json"


@dataclass(frozen=True)
class GivenPoints:
    """The points of one case.

    Args:
        path: The file they are from.
        points: In LPS mm; an empty annotator is one that the file does not name.
    """

    path: Path
    points: tuple[Point, ...]

    def named(self, case: str) -> GivenPoints:
        """The same points for a case of another name."""
        return replace(self, points=tuple(replace(point, case=case) for point in self.points))

    def check_inside(self, case: str, image: Scan) -> None:
        """Whether they lie in their image.

        Raises:
            InputError: If not.
        """
        with _naming(self.path):
            check_inside(self.points, case=case, affine=image.affine, shape=image.shape)


def read_points(root: Path, scans: Mapping[str, Path]) -> dict[str, GivenPoints]:
    """The points of each case that has some.

    Args:
        root: Where ``points.csv`` (see :func:`from_csv`) and ``points/`` with ``<case>.mrk.json`` may be.
        scans: The files of all cases by the cases' names; a case may be named by either.

    Raises:
        InputError: If a file is damaged or empty, a case does not exist, or has points in two files.
    """
    cases = {path.name: case for case, path in scans.items()} | {case: case for case in scans}
    found: dict[str, GivenPoints] = {}
    for given in [*_in_table(root / "points.csv"), *_in_folder(root / "points")]:
        name = given.points[0].case
        if name not in cases:
            raise InputError(f"{given.path}: there is no case {name!r}; mend the name, or take its points out")
        if other := found.get(cases[name]):
            raise InputError(f"{given.path}: case {cases[name]} has points in {other.path.name} too; keep one of them")
        found[cases[name]] = given.named(cases[name])
    return found


def _in_table(path: Path) -> list[GivenPoints]:
    if not path.exists():
        return []
    points = _parsed(path, lambda text: from_csv(text, annotator=""))
    if not points:
        raise InputError(f"{path}: has no line below its header; add the points, or take the file away")
    by_case: dict[str, list[Point]] = {}
    for point in points:
        by_case.setdefault(point.case, []).append(point)
    return [GivenPoints(path, tuple(some)) for some in by_case.values()]


def _in_folder(folder: Path) -> list[GivenPoints]:
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    lists = [path for path in paths if path.name.lower().endswith(SLICER)]
    if not lists:
        raise InputError(f"{folder}: holds no point list <case>{SLICER}; put one in, or take the folder away")
    if len(lists) < len(paths):
        others = ", ".join(path.name for path in paths if path not in lists)
        logger.warning("%s: left out, as it is no point list <case>%s: %s", folder, SLICER, others)
    given = [GivenPoints(path, tuple(_parsed(path, partial(_from_slicer, path)))) for path in lists]
    return [one for one in given if one.points]


def _from_slicer(path: Path, text: str) -> list[Point]:
    return from_slicer(text, case=path.name[: -len(SLICER)], annotator="")


def _parsed(path: Path, parse: Callable[[str], list[Point]]) -> list[Point]:
    with readable(path):
        data = path.read_bytes()
    with _naming(path):
        try:
            return parse(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InputError("is not text in UTF-8; save it as such") from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
