from __future__ import annotations

from dataclasses import replace

import pytest

from groundglass.datasets.case import Case
from groundglass.datasets.splits import PARTS
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import deal_patients
from groundglass.datasets.splits import mixed_split
from groundglass.datasets.splits import patient_split
from groundglass.datasets.splits import published_split
from groundglass.datasets.splits import separate_split
from groundglass.errors import InputError


def case(name: str, patient: str | None = None, slices: tuple[int, int] | None = None) -> Case:
    return Case(case=name, patient=patient or name, image=f"images/{name}.nii.gz", intensity="hu", slices=slices)


def numbered(count: int) -> list[Case]:
    return [case(f"c{number:02d}") for number in range(count)]


def names(cases: tuple[Case, ...]) -> list[str]:
    return [one.case for one in cases]


@pytest.mark.parametrize("sides", [("training", "validation"), ("training", "test"), ("validation", "test")])
def test_a_patient_on_two_sides_is_refused(sides: tuple[str, str]) -> None:
    parts = {name: (case(name),) for name in PARTS}
    parts |= {sides[0]: (case("one", "same"),), sides[1]: (case("other", "same"),)}
    with pytest.raises(InputError, match=f"same is in both {sides[0]} and {sides[1]}"):
        Split(**parts)


def test_slices_of_a_shared_scan_may_not_overlap() -> None:
    first, second = case("a", slices=(0, 5)), case("a", slices=(5, 9))
    Split(training=(first,), validation=(), test=(second,), shared_patients=True)
    for overlapping in (replace(second, slices=(4, 9)), replace(second, slices=None)):
        with pytest.raises(InputError, match="slices of case a"):
            Split(training=(first,), validation=(), test=(overlapping,), shared_patients=True)
    with pytest.raises(InputError, match="patient a"):
        Split(training=(first,), validation=(), test=(second,))


def test_the_hash_changes_with_every_case_and_slice_that_changes_sides() -> None:
    a, b, c, d = (case(name, slices=(0, 10)) for name in "abcd")
    split = Split(training=(a, b), validation=(c,), test=(d,))
    others = [
        Split(training=(a,), validation=(b, c), test=(d,)),
        Split(training=(a, c), validation=(b,), test=(d,)),
        Split(training=(a, replace(b, slices=(0, 9))), validation=(c,), test=(d,)),
        Split(training=(a, replace(b, slices=(1, 10))), validation=(c,), test=(d,)),
        Split(training=(a, replace(b, slices=None)), validation=(c,), test=(d,)),
    ]
    assert len({split.hash, *(other.hash for other in others)}) == 6
    assert Split(training=(b, a), validation=(c,), test=(d,)).hash == split.hash
    assert len(split.hash) == 12


@pytest.mark.parametrize("depth", [1, 2, 7, 20, 45, 301])
def test_mixed_parts_are_disjoint_and_hold_every_slice_once(depth: int) -> None:
    split = mixed_split([case("a")], {"a": depth})
    slices = [index for name in PARTS for one in getattr(split, name) if one.slices for index in range(*one.slices)]
    assert sorted(slices) == list(range(depth))
    assert split.shared_patients


def test_mixed_takes_the_papers_shares_of_each_scan() -> None:
    split = mixed_split([case("a"), case("b")], {"a": 39, "b": 100})
    assert [one.slices for one in split.training] == [(0, 17), (0, 45)]
    assert [one.slices for one in split.validation] == [(17, 19), (45, 50)]
    assert [one.slices for one in split.test] == [(19, 39), (50, 100)]


def test_separate_goes_by_order() -> None:
    split = separate_split(numbered(9), training=5, validation=1)
    assert names(split.training) == ["c00", "c01", "c02", "c03", "c04"]
    assert names(split.validation) == ["c05"]
    assert names(split.test) == ["c06", "c07", "c08"]
    with pytest.raises(InputError, match="there are 6 scans"):
        separate_split(numbered(6), training=5, validation=1)


def test_a_patient_on_a_border_of_the_separate_split_goes_to_the_later_side() -> None:
    cases = numbered(9)
    cases[0] = replace(cases[0], patient="b")
    cases[5] = replace(cases[5], patient="b")
    cases[1] = replace(cases[1], patient="t")
    cases[8] = replace(cases[8], patient="t")
    split = separate_split(cases, training=5, validation=1)
    assert names(split.training) == ["c02", "c03", "c04"]
    assert names(split.validation) == ["c00", "c05"]
    assert names(split.test) == ["c01", "c06", "c07", "c08"]


def test_protocols_go_by_name() -> None:
    cases, depths = numbered(9), dict.fromkeys((f"c{number:02d}" for number in range(9)), 20)
    separate = published_split(cases, depths, None, training=5, validation=1)
    assert separate.hash == published_split(cases, depths, "separate", training=5, validation=1).hash
    assert published_split(cases, depths, "mixed", training=5, validation=1).hash == mixed_split(cases, depths).hash
    with pytest.raises(InputError, match="'both'"):
        published_split(cases, depths, "both", training=5, validation=1)


def test_patients_are_dealt_out_whole_and_always_alike() -> None:
    cases = [case(f"p{patient}-{scan}", f"p{patient}") for patient in range(20) for scan in range(2)]
    split = patient_split(cases, seed=3)
    assert [len(getattr(split, name)) for name in PARTS] == [24, 6, 10]
    assert sorted(names((*split.training, *split.validation, *split.test))) == sorted(names(tuple(cases)))
    assert patient_split(cases[::-1], seed=3).hash == split.hash
    assert patient_split(cases, seed=4).hash != split.hash


@pytest.mark.parametrize("count", range(3, 12))
def test_no_part_is_ever_empty(count: int) -> None:
    assert all(getattr(patient_split(numbered(count)), name) for name in PARTS)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(InputError, match=r"2 patient\(s\) cannot be split .* give 3 or more"):
        patient_split([case("a", "p"), case("b", "p"), case("c", "q")])
    with pytest.raises(InputError, match="training, validation; give 2"):
        deal_patients(["p", "p"], {"validation": 0.5})
