"""How far two annotators of one dataset agree."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag

WITHIN_MM = 10.0
"""Clicks closer than this may well mean one lesion; a nodule up to 30 mm across is still called a nodule."""

Answers = dict[Hashable, int]


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


def agreement(first: Iterable[Label], second: Iterable[Label], *, within_mm: float = WITHIN_MM) -> Agreement:
    """Compare the labels of two annotators.

    Args:
        first: Labels of one, of any cases.
        second: Labels of the other.
        within_mm: Distance up to which two clicks are taken for one lesion.

    Example:
        >>> tags = [ScanTag(case=case, seconds=0, label=label) for case, label in (("a", 1), ("b", 0))]
        >>> agreement(tags, tags).kappa
        1.0
    """
    one, other = list(first), list(second)
    matched = [*_matches(one, other, within_mm), *_matches(other, one, within_mm)]
    regions = [*_regions(one, other), *_regions(other, one)]
    ours, theirs = _tags(one), _tags(other)
    pairs = [(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()]
    same = [a == b for a, b in pairs]
    return Agreement(
        *(len(matched), _share(matched)),
        *(len(regions), _share(regions)),
        *(len(pairs), _share(same)),
        kappa=cohens_kappa(pairs),
        within_mm=within_mm,
    )


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


def _by_case(labels: Iterable[Label], wanted: Callable[[Label], bool]) -> dict[str, list[tuple[float, float, float]]]:
    found: dict[str, list[tuple[float, float, float]]] = {}
    for label in labels:
        if isinstance(label, Point) and wanted(label):
            found.setdefault(label.case, []).append(label.position)
    return found


def _is_lesion(label: Label) -> bool:
    return isinstance(label, Point) and label.label == 1


def _matches(labels: list[Label], others: list[Label], within_mm: float) -> list[bool]:
    """For each lesion click: has the other one clicked a lesion nearby?"""
    own, their = _by_case(labels, _is_lesion), _by_case(others, _is_lesion)
    matched: list[bool] = []
    for case in own.keys() & their.keys():
        distances = np.linalg.norm(np.array(own[case])[:, None] - np.array(their[case])[None], axis=2)
        matched += (distances.min(axis=1) <= within_mm).tolist()
    return matched


def _regions(labels: list[Label], others: list[Label]) -> list[bool]:
    """For each "nothing here" that the other answered as well: did the other see nothing either?"""
    clicks = _by_case(others, _is_lesion)
    empty = {_box(label) for label in others if isinstance(label, Region) and label.label == 0}
    same = []
    for label in labels:
        if isinstance(label, Region) and label.label == 0:
            lower, upper = np.sort([label.lower, label.upper], axis=0)
            inside = [((lower - 0.5 <= at) & (at <= upper + 0.5)).all() for at in np.array(clicks.get(label.case, []))]
            if any(inside):
                same.append(False)
            elif _box(label) in empty:
                same.append(True)
    return same


def _box(region: Region) -> Hashable:
    corners = np.sort([region.lower, region.upper], axis=0)
    return (region.case, *np.round(corners, 1).ravel().tolist())


def _tags(labels: Iterable[Label]) -> Answers:
    """Tags by what they are of; the last word counts."""
    tags: Answers = {}
    for label in labels:
        if isinstance(label, SliceTag):
            tags[label.case, "slice", *(round(value) for value in label.position)] = label.label
        elif isinstance(label, ScanTag):
            tags[label.case, "scan"] = label.label
    return tags
