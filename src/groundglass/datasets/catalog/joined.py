"""Several datasets trained on as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError


class Joined(Layout):
    """The cases of several layouts, each in the part its own layout puts it in.

    Patients are taken for different ones if their layouts are.

    Args:
        layouts: For each a name, which comes before the names of its cases, and ``{"layout": name, **options}``.

    Raises:
        InputError: If there is none, or one does not exist.

    Example:
        >>> sets = {"a": {"layout": "phantom", "count": 4}, "b": {"layout": "phantom", "count": 3, "seed": 1}}
        >>> [source.case for source in Joined(sets).sources()][3:5]
        ['a-phantom-003', 'b-phantom-000']
    """

    def __init__(self, layouts: Mapping[str, Mapping[str, Any]]) -> None:
        from groundglass.datasets.catalog import LAYOUTS

        if not layouts:
            raise InputError("joined: name one layout or more")
        self.layouts: dict[str, Layout] = {}
        for name, options in layouts.items():
            given = dict(options)
            self.layouts[name] = LAYOUTS.build(str(given.pop("layout", "folder")), given)

    def sources(self) -> list[Source]:
        """All cases, layout by layout.

        Raises:
            InputError: If what a layout reads is not of its kind, or it has too few patients for its own split.
        """
        return [_named(source, name) for name, layout in self.layouts.items() for source in _with_parts(layout)]


def _named(source: Source, name: str) -> Source:
    case, patient = f"{name}-{source.case}", f"{name}-{source.patient}"
    points = source.points and source.points.named(case)
    return replace(source, case=case, patient=patient, dataset=name, points=points)


def _with_parts(layout: Layout) -> list[Source]:
    """The sources of a layout, each with the part it is in: what they say themselves, or else what their layout does.

    No layout's own split depends on numbers of slices, only the mixed protocol does.
    """
    sources = layout.sources()
    if all(source.part for source in sources):
        return sources
    split = layout.split([source.planned() for source in sources], {}, None)
    parts = {case.case: name for name in PARTS for case in getattr(split, name)}
    return [replace(source, part=parts[source.case]) for source in sources]
