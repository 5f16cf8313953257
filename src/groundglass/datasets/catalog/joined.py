"""Several datasets trained on as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.errors import InputError


class Joined(Layout):
    """The cases of several layouts, each in the part its own layout puts it in.

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
            InputError: If a layout's own sources do not say which part a case belongs to.
        """
        found = [
            replace(source, case=f"{name}-{source.case}", patient=f"{name}-{source.patient}", dataset=name)
            for name, layout in self.layouts.items()
            for source in layout.sources()
        ]
        if loose := [source.case for source in found if source.part is None]:
            raise InputError(f"case {loose[0]}: its layout does not say which part it is in; prepare it on its own")
        return found
