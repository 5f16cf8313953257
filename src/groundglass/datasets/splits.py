"""Splits into training, validation and test: never a patient, and never a slice, on both sides."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from itertools import combinations

from groundglass.datasets.case import Case
from groundglass.errors import InputError

PARTS = ("training", "validation", "test")

HELD_OUT = {"test": 0.25, "validation": 0.15}
"""Share of the patients for a part that nothing else decides."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Cases for training, validation and test.

    Args:
        training: Cases (or their slices) to train on.
        validation: Cases to choose a checkpoint and thresholds by.
        test: Cases that nothing is chosen by.
        shared_patients: The papers' *mixed* protocol: slices of one scan on both sides, by intent.

    Raises:
        InputError: If a patient, or in a mixed split a slice, is on two sides.
    """

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    test: tuple[Case, ...]
    shared_patients: bool = False

    def __post_init__(self) -> None:
        for first, second in combinations(PARTS, 2):
            self._check(getattr(self, first), getattr(self, second), f"{first} and {second}")

    def _check(self, first: Sequence[Case], second: Sequence[Case], names: str) -> None:
        if not self.shared_patients:
            leak = sorted({one.patient for one in first} & {one.patient for one in second})
            if leak:
                raise InputError(f"patient {leak[0]} is in both {names}; keep all of a patient's scans on one side")
        for one in first:
            for other in second:
                if one.case == other.case and _overlap(one, other):
                    raise InputError(f"slices of case {one.case} are in both {names}")

    @property
    def hash(self) -> str:
        """Twelve characters that change when any case or slice changes sides."""
        parts = {name: sorted([one.case, *(one.slices or ())] for one in getattr(self, name)) for name in PARTS}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _overlap(one: Case, other: Case) -> bool:
    if one.slices is None or other.slices is None:
        return True
    return max(one.slices[0], other.slices[0]) < min(one.slices[1], other.slices[1])


def split_by(cases: Sequence[Case], part_of: Callable[[Case], str | None]) -> Split:
    """The cases of which ``part_of`` says "training", those of which it says "validation", and so on."""
    training, validation, test = (tuple(case for case in cases if part_of(case) == name) for name in PARTS)
    return Split(training=training, validation=validation, test=test)


def published_split(
    cases: Sequence[Case], depths: dict[str, int], protocol: str | None, *, training: int, validation: int
) -> Split:
    """One of the papers' two protocols: ``separate``, which is also the one for ``None``, or ``mixed``.

    Args:
        cases: Whole scans, in the papers' order.
        depths: Number of slices of each case.
        protocol: Its name.
        training: Number of training scans of the separate protocol.
        validation: Number of its validation scans.

    Raises:
        InputError: If there is no such protocol, or there are too few scans for it.
    """
    if protocol in (None, "separate"):
        return separate_split(cases, training=training, validation=validation)
    if protocol == "mixed":
        return mixed_split(cases, depths)
    raise InputError(f"there is no protocol {protocol!r}; choose separate or mixed")


def separate_split(cases: Sequence[Case], *, training: int, validation: int) -> Split:
    """The papers' *separate* protocol: the first scans train, the next validate, the rest test, in the order given.

    A patient on both sides of a border goes to the later side with all scans: then there are fewer training scans
    than in the papers, but none of their test scans is trained on or missing.

    Raises:
        InputError: If there are too few scans for a test.
    """
    if len(cases) <= training + validation:
        raise InputError(
            f"the separate protocol takes {training} training and {validation} validation scans and tests on the "
            f"rest, but there are {len(cases)} scans; add the missing ones"
        )
    held_out = {case.patient: "validation" for case in cases[training : training + validation]}
    held_out |= {case.patient: "test" for case in cases[training + validation :]}
    return split_by(cases, lambda case: held_out.get(case.patient, "training"))


def mixed_split(cases: Iterable[Case], depths: dict[str, int]) -> Split:
    """The papers' *mixed* protocol: of each scan the first 45 % of slices train, the next 5 % validate, the rest test.

    Neighboring slices of one patient are on both sides, so its figures say how well a scan's remaining slices are
    filled in, not how well a new patient is segmented. The first slices are those at the feet. (The release begins
    where a file begins, and for paper 000's dataset B takes slices in the order the operating system lists them.)

    Args:
        cases: Whole scans.
        depths: Number of slices of each case.
    """
    parts: dict[str, list[Case]] = {name: [] for name in PARTS}
    for case in cases:
        depth = depths[case.case]
        edges = (0, int(0.45 * depth), int(0.5 * depth), depth)
        for name, first, last in zip(PARTS, edges, edges[1:], strict=False):
            if last > first:
                parts[name].append(replace(case, slices=(first, last)))
    return Split(**{name: tuple(part) for name, part in parts.items()}, shared_patients=True)


def patient_split(
    cases: Sequence[Case],
    *,
    validation: float = HELD_OUT["validation"],
    test: float = HELD_OUT["test"],
    seed: int = 0,
) -> Split:
    """Shuffle the patients and deal them out, all cases of one together.

    Raises:
        InputError: If there are fewer than three patients.
    """
    parts = deal_patients((case.patient for case in cases), {"test": test, "validation": validation}, seed=seed)
    return split_by(cases, lambda case: parts[case.patient])


def deal_patients(patients: Iterable[str], shares: dict[str, float], *, seed: int = 0) -> dict[str, str]:
    """The part of each patient, by chance.

    Args:
        patients: Their names, each as often as one likes.
        shares: Which part of all patients goes to ``validation``, to ``test`` or to both; one at least to each.
            The rest is for training.
        seed: Seed of the shuffling.

    Raises:
        InputError: If there are too few for one in each part.
    """
    names = sorted(set(patients))
    if len(names) <= len(shares):
        raise InputError(
            f"{len(names)} patient(s) cannot be split into training, {' and '.join(sorted(shares, reverse=True))}; "
            f"give {len(shares) + 1} or more"
        )
    random.Random(seed).shuffle(names)
    parts = dict.fromkeys(names, "training")
    first = 0
    for part, share in shares.items():
        last = first + max(1, round(share * len(names)))
        parts |= dict.fromkeys(names[first:last], part)
        first = last
    return parts
