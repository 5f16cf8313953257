from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_files import LPS

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog import phantom
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError
from groundglass.scans.phantom import Phantom
from groundglass.scans.scan import Scan

SHAPE = (4, 32, 32)


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """A generator of tiny blocks instead of people; lists the seeds asked for and whether they are diseased."""
    asked: list[tuple[int, bool]] = []

    def generate(seed: int, *, shape: tuple[int, int, int], diseased: bool) -> Phantom:
        asked.append((seed, diseased))
        voxels = np.full(shape, -1000, np.int16)
        lungs, lesions = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        lungs[:, 4:20, 2:14], lungs[:, 4:20, 18:30] = 1, 2
        lesions[1, 6:9, 4:7] = diseased
        return Phantom(Scan(voxels + seed % 1000, LPS, "hu"), lungs, lesions)

    phantom._generate.cache_clear()
    monkeypatch.setattr(phantom, "generate_phantom", generate)
    return asked


def test_each_phantom_is_generated_once_and_written_with_its_masks(
    generated: list[tuple[int, bool]], tmp_path: Path
) -> None:
    layout = LAYOUTS.build("phantom", {"count": 10, "healthy": 3, "shape": [4, 32, 32], "seed": 7})
    folder = prepare(layout, tmp_path, name="phantom")
    assert [seed for seed, _ in generated] == [700_000 + number for number in range(10)]
    assert [len(part) for part in (folder.split.training, folder.split.validation, folder.split.test)] == [6, 2, 2]
    cases = [*folder.split.training, *folder.split.validation, *folder.split.test]
    diseased = []
    for case, (seed, _) in zip(cases, generated, strict=True):
        scan, mask, lungs = folder.scan(case), folder.mask(case), folder.lungs(case)
        assert mask is not None
        assert lungs is not None
        assert scan.shape == SHAPE
        assert scan.voxels.max() == seed % 1000 - 1000
        assert np.unique(lungs.voxels).tolist() == [0, 1, 2]
        diseased.append(bool(mask.voxels.any()))
    assert diseased == [flag for _, flag in generated]
    assert diseased.count(False) == 3


@pytest.mark.parametrize(("count", "healthy"), [(18, 3), (12, 4), (20, 10), (7, 6)])
def test_healthy_ones_are_exactly_as_many_and_in_every_part(
    generated: list[tuple[int, bool]], count: int, healthy: int
) -> None:
    parts: dict[Any, list[bool]] = {}
    for source in PhantomSet(count=count, healthy=healthy, shape=SHAPE).sources():
        source.image()
        parts.setdefault(source.part, []).append(generated[-1][1])
    assert [flag for _, flag in generated].count(False) == healthy
    assert set(parts) == {"training", "validation", "test"}
    assert all(False in flags for flags in parts.values())


def test_datasets_of_two_seeds_share_nobody(generated: list[tuple[int, bool]]) -> None:
    for seed in (0, 1):
        for source in PhantomSet(count=20, shape=SHAPE, seed=seed).sources():
            source.image()
    assert len(set(generated)) == 40


@pytest.mark.parametrize("options", [{"count": 2}, {"healthy": -1}, {"count": 5, "healthy": 5}, {"seed": -1}])
def test_impossible_numbers_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"give 3 to"):
        PhantomSet(**options)


def test_a_real_phantom_has_its_masks_on_its_grid() -> None:
    phantom._generate.cache_clear()
    source = PhantomSet(shape=SHAPE).sources()[0]
    assert source.mask is not None
    assert source.lungs is not None
    scan, mask, lungs = source.image(), source.mask(), source.lungs()
    assert phantom._generate.cache_info().misses == 1
    assert scan.shape == mask.shape == lungs.shape == SHAPE
    assert (mask.intensity, lungs.intensity) == ("mask", "mask")
    assert scan.voxels[lungs.voxels > 0].mean() < scan.voxels[lungs.voxels == 0].mean()
    np.testing.assert_array_equal(mask.affine, scan.affine)
