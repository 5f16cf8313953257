"""Tensors of many cases in one, without holding them twice."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.joined_tensors import JoinedTensors
from groundglass.datasets.samples import SliceSamples
from groundglass.labels.events import Label

LENGTHS = (3, 1, 4, 1, 5)


def some_part(length: int) -> dict[str, Tensor]:
    return {"image": torch.rand(length, 1, 6, 5).half(), "index": torch.arange(length)}


@pytest.mark.parametrize("expected", [sum(LENGTHS), 0, 2, 5, 100])
def test_they_are_what_concatenating_gives_whatever_was_expected(expected: int) -> None:
    parts, joined = [some_part(length) for length in LENGTHS], JoinedTensors(expected)
    for part in parts:
        joined.append(part)
    together = joined.tensors()
    assert list(together) == ["image", "index"]
    assert torch.equal(together["image"], torch.cat([part["image"] for part in parts]))
    assert torch.equal(together["index"], torch.cat([part["index"] for part in parts]))
    assert [one.dtype for one in together.values()] == [torch.float16, torch.int64]


def test_nothing_moves_if_the_length_was_known() -> None:
    joined, places = JoinedTensors(sum(LENGTHS)), set()
    for length in LENGTHS:
        joined.append(some_part(length))
        places.add(joined.tensors()["image"].data_ptr())
    assert len(places) == 1


def test_slices_of_a_case_are_let_go_before_those_of_the_next_but_one_are_loaded(
    blobs: DatasetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[weakref.ref[Tensor]] = []
    most = 0

    def watched(samples: SliceSamples, case: Case, labels: list[Label]) -> dict[str, Tensor]:
        nonlocal most
        most = max(most, sum(one() is not None for one in loaded))
        part = load(samples, case, labels)
        loaded.append(weakref.ref(part["image"]))
        return part

    load = SliceSamples._load
    monkeypatch.setattr(SliceSamples, "_load", watched)
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)))
    assert (len(loaded), most) == (4, 1)
    image = samples.tensors["image"]
    assert image.untyped_storage().nbytes() == image.nbytes, "as long as the headers say, and no longer"
