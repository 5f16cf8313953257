"""A simulated annotator who answers about regions, made from masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from groundglass.active.pool import Pool
from groundglass.active.settings import Answer
from groundglass.active.settings import Cost
from groundglass.active.settings import Rule
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region

Pixels = NDArray[np.intp]


class Oracle:
    """Answers from the masks of a pool.

    By points, where a region has lesion: one click on any pixel of it, whatever the number of lesions. Without:
    ``paper``: "nothing here", all of the region is background; ``released``: one click on any pixel of it.
    ``paper-2`` and ``released-2`` add a click on background where there is lesion and background (the code's
    ``point_level_2``): else nothing is ever said about what lies beside a lesion. The pixel is drawn from a generator
    seeded with the sum of the region's corners, as in the code: a region's click is the same in every run.

    By ``pixels``: the region's mask, as background for the region and then lesion for each stretch of a row.

    Args:
        pool: The slices and their masks.
        answer: ``point`` or ``pixels``.
        rule: How clicks are placed.
        cost: What answers cost.
    """

    def __init__(self, pool: Pool, *, answer: Answer = "point", rule: Rule = "paper", cost: Cost | None = None) -> None:
        self.pool = pool
        self.answer = answer
        self.rule = rule
        self.cost = cost or Cost()

    @property
    def cheapest(self) -> float:
        """Seconds that the cheapest answer costs."""
        if self.answer == "pixels":
            return min(self.cost.empty, self.cost.few_pixels)
        return self.cost.click if self.rule.startswith("released") else min(self.cost.click, self.cost.nothing)

    def ask(self, image: int, region: int) -> list[Label]:
        """The answer about a region of a slice, as label events; their seconds add up to what it cost."""
        rows, columns = self.pool.regions.box(region)
        inside = self.pool.masks[image, rows, columns]
        corner = np.array([rows.start, columns.start])
        lesion, background = np.argwhere(inside) + corner, np.argwhere(~inside) + corner
        name = f"{self.pool.name(image)}-{self.pool.index[image]}-r{region}of{len(self.pool.regions)}"
        if self.answer == "pixels":
            return list(self._drawn(image, corner, inside, lesion, name))
        if not len(lesion) and self.rule in ("paper", "paper-2"):
            return [self._box(image, corner, corner + inside.shape, 0, self.cost.nothing, name)]
        rng = np.random.default_rng(int(rows.start + columns.start + rows.stop + columns.stop))
        groups = [lesion if len(lesion) else background]
        if self.rule.endswith("-2") and len(lesion) and len(background):
            groups.append(background)
        return [
            Point(
                case=self.pool.name(image),
                seconds=self.cost.click,
                position=self.pool.to_mm(image, rng.choice(pixels, size=1))[0],
                label=int(pixels is lesion),
                id=f"{name}-{number}",
            )
            for number, pixels in enumerate(groups)
        ]

    def _drawn(
        self, image: int, corner: Pixels, inside: NDArray[np.bool_], lesion: Pixels, name: str
    ) -> Iterator[Label]:
        yield self._box(image, corner, corner + inside.shape, 0, self._drawing_seconds(lesion), name)
        edges = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        ends = np.argwhere(edges != 0)  # start and end of each stretch, row by row
        for number, (start, end) in enumerate(zip(ends[::2], ends[1::2], strict=True)):
            after = corner + np.array([start[0] + 1, end[1]])
            yield self._box(image, corner + start, after, 1, 0.0, f"{name}-{number}")

    def _drawing_seconds(self, lesion: Pixels) -> float:
        if not len(lesion):
            return self.cost.empty
        if len(self.pool.regions) == 1:
            return self.cost.slice_mask
        if len(lesion) <= 2:
            return self.cost.few_pixels * len(lesion)
        return self.cost.vertex * hull_vertices(lesion)

    def _box(self, image: int, first: Pixels, end: Pixels, value: int, seconds: float, name: str) -> Region:
        lower, upper = self.pool.to_mm(image, np.array([first, end - 1]))
        return Region(case=self.pool.name(image), seconds=seconds, lower=lower, upper=upper, label=value, id=name)


def hull_vertices(pixels: Pixels) -> int:
    """Vertices of the convex hull of three or more pixels ``(N, 2)``; 2 where all lie on a line."""
    steps = pixels - pixels[0]
    if np.linalg.matrix_rank(steps) < 2:
        return 2
    return len(ConvexHull(pixels).vertices)
