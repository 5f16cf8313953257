"""How far two annotators of one dataset agree."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from groundglass.labels.comparing import Inverse
from groundglass.labels.comparing import ToIndex
from groundglass.labels.comparing import matches
from groundglass.labels.comparing import same_regions
from groundglass.labels.comparing import tags
from groundglass.labels.events import NOT_PEOPLE
from groundglass.labels.events import Label

WITHIN_MM = 10.0
"""Clicks closer than this may well mean one lesion; a nodule up to 30 mm across is still called a nodule."""

Grid = Callable[[str], NDArray[np.float64] | None]
"""The affine of a case, slices first: from indices to LPS mm, or ``None`` where it is not known."""


@dataclass(frozen=True)
class Agreement:
    """Two annotators' answers compared. A share is ``None`` where there is nothing to compare.

    Args:
        clicks: Lesion clicks of both, on cases where both clicked.
        clicks_matched: Share of them with a lesion click of the other within ``within_mm``.
        regions: Regions one of them said "nothing here" of and both answered.
        regions_same: Share of them in which the other clicked no lesion.
        tags: Slices and scans both tagged.
        tags_same: Share with the same tag.
        kappa: Cohen's kappa of the tags: agreement beyond chance.
        within_mm: Distance in mm up to which two clicks are taken for one lesion.
    """

    clicks: int
    clicks_matched: float | None
    regions: int
    regions_same: float | None
    tags: int
    tags_same: float | None
    kappa: float | None
    within_mm: float = WITHIN_MM


def _no_grid(case: str) -> None:
    return None


def agreement(
    first: Iterable[Label], second: Iterable[Label], *, within_mm: float = WITHIN_MM, affine: Grid = _no_grid
) -> Agreement:
    """Compare the labels of two annotators.

    Args:
        first: Labels of one, of any cases.
        second: Labels of the other.
        within_mm: Distance up to which two clicks are taken for one lesion.
        affine: Tells which slice a tag is of, and which clicks a region holds, as scans may lie askew in the patient.
            Of a case of which it says nothing, tags and regions are only compared with those at the same place.

    Example:
        >>> from groundglass.labels.events import ScanTag
        >>> both = [ScanTag(case=case, seconds=0, label=label) for case, label in (("a", 1), ("b", 0))]
        >>> agreement(both, both).kappa
        1.0
    """
    one, other = list(first), list(second)
    to_index = _inverse(affine)
    matched = [*matches(one, other, within_mm), *matches(other, one, within_mm)]
    regions = [*same_regions(one, other, to_index), *same_regions(other, one, to_index)]
    ours, theirs = tags(one, to_index), tags(other, to_index)
    pairs = [(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()]
    same = [a == b for a, b in pairs]
    return Agreement(
        *(len(matched), _share(matched)),
        *(len(regions), _share(regions)),
        *(len(pairs), _share(same)),
        kappa=cohens_kappa(pairs),
        within_mm=within_mm,
    )


def agreements(labels: Iterable[Label], annotator: str, *, affine: Grid = _no_grid) -> dict[str, Agreement]:
    """How far an annotator and each other person agree, by the other's name.

    Args:
        labels: Everybody's; those that no person gave are left out.
        annotator: Whose agreement is wanted.
        affine: As for :func:`agreement`.
    """
    by_name: dict[str, list[Label]] = {}
    for label in labels:
        by_name.setdefault(label.annotator, []).append(label)
    others = sorted(by_name.keys() - NOT_PEOPLE - {annotator})
    own = by_name.get(annotator)
    return {name: agreement(own, by_name[name], affine=affine) for name in others} if own else {}


def _inverse(affine: Grid) -> ToIndex:
    """Inverse affines, each case asked for once: what is known of it does not change halfway."""

    @cache
    def to_index(case: str) -> Inverse:
        grid = affine(case)
        return None if grid is None else np.asarray(np.linalg.inv(grid), np.float64)

    return to_index


def cohens_kappa(pairs: Iterable[tuple[int, int]]) -> float | None:
    """Cohen's kappa ``(p_o - p_e) / (1 - p_e)`` of pairs of 0/1 answers (Cohen 1960, eq. 1).

    Returns:
        ``None`` without pairs, and where both always gave one and the same answer: chance agrees as well then.
    """
    table = np.zeros((2, 2))
    for one, other in pairs:
        table[one, other] += 1
    if not (total := table.sum()):
        return None
    observed = np.trace(table) / total
    expected = float(table.sum(axis=0) @ table.sum(axis=1)) / total**2
    return None if expected == 1 else float((observed - expected) / (1 - expected))


def _share(answers: list[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None
