"""The simulated annotator: what is answered, what it costs, and where it lands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from groundglass.active.oracle import Oracle
from groundglass.active.oracle import hull_vertices
from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.active.settings import Cost
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.splits import Split
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Region

ALL = [(image, region) for image in range(8) for region in range(9)]


def target(pool: Pool, image: int, region: int) -> np.ndarray:
    rows, columns = pool.regions.box(region)
    return pool.samples.tensors["target"][image, 0, rows, columns].numpy()


def inside(pool: Pool, image: int, region: int) -> np.ndarray:
    return pool.masks[(image, *pool.regions.box(region))]


def kinds(pool: Pool) -> set[bool]:
    return {bool(inside(pool, *one).any()) for one in ALL}


def test_a_pool_starts_without_a_label_and_with_the_masks_of_its_slices(pool: Pool) -> None:
    assert len(pool) == 8
    assert (pool.samples.tensors["target"] == 255).all()
    assert pool.masks.shape == (8, 32, 34)
    assert kinds(pool) == {True, False}
    image = pool.samples.tensors["image"][:, 0].float().numpy()
    assert image[pool.masks].mean() > image[~pool.masks].mean() + 0.2, "masks lie on the lesions of the images"


def test_the_papers_points(pool: Pool) -> None:
    oracle = Oracle(pool)
    for image, region in ALL:
        labels = oracle.ask(image, region)
        pool.add(labels)
        mask, drawn = inside(pool, image, region), target(pool, image, region)
        assert len(labels) == 1
        assert labels[0].seconds == 3
        if mask.any():
            assert isinstance(labels[0], Point)
            assert (drawn != 255).sum() == 1
            assert (drawn[mask] == 1).sum() == 1
        else:
            assert isinstance(labels[0], Region)
            assert (drawn == 0).all()


@pytest.mark.parametrize("rule", ["released", "released-2"])
def test_the_released_points(pool: Pool, rule: str) -> None:
    oracle = Oracle(pool, rule=rule)  # type: ignore[arg-type]
    for image, region in ALL:
        labels = oracle.ask(image, region)
        pool.add(labels)
        mask, drawn = inside(pool, image, region), target(pool, image, region)
        lesion, background = (drawn[mask] == 1).sum(), (drawn[~mask] == 0).sum()
        also = rule == "released-2" and not mask.all()
        assert (lesion, background) == ((1, int(also)) if mask.any() else (0, 1))
        assert sum(label.seconds for label in labels) == 3 * (lesion + background)
        assert [label.position for label in labels] == [label.position for label in oracle.ask(image, region)]


def test_the_papers_points_with_background_beside_lesion(pool: Pool) -> None:
    oracle = Oracle(pool, rule="paper-2")
    assert oracle.cheapest == 3
    for image, region in ALL:
        labels = oracle.ask(image, region)
        pool.add(labels)
        mask, drawn = inside(pool, image, region), target(pool, image, region)
        if not mask.any():
            assert (drawn == 0).all()
        else:
            assert ((drawn[mask] == 1).sum(), (drawn[~mask] == 0).sum()) == (1, int(not mask.all()))
        assert sum(label.seconds for label in labels) == 3 * len(labels)


def test_drawn_regions_are_the_mask(pool: Pool) -> None:
    oracle = Oracle(pool, answer="pixels")
    for image, region in ALL:
        labels = oracle.ask(image, region)
        pool.add(labels)
        mask = inside(pool, image, region)
        assert np.array_equal(target(pool, image, region), mask)
        pixels = np.argwhere(mask)
        expected = 4 if len(pixels) == 0 else 2 * len(pixels) if len(pixels) <= 2 else 3 * hull_vertices(pixels)
        assert sum(label.seconds for label in labels) == expected
    assert np.array_equal(pool.samples.tensors["target"][:, 0].numpy(), pool.masks)


def test_answers_stay_in_their_region(pool: Pool) -> None:
    pool.add(Oracle(pool, answer="pixels").ask(3, 4))
    labeled = pool.samples.tensors["target"] != 255
    assert labeled.sum() == inside(pool, 3, 4).size
    assert labeled[3].any()


def test_all_answers_at_once_give_what_single_ones_give(pool: Pool, blobs: DatasetFolder) -> None:
    other = Pool(blobs, blobs.split.training, Grid(size=(32, 34)), pool.regions)
    oracle = Oracle(pool, answer="pixels")
    answers = [oracle.ask(*one) for one in ALL[::2]]
    for labels in answers:
        pool.add(labels)
    other.add([label for labels in answers for label in labels])
    assert torch.equal(pool.samples.tensors["target"], other.samples.tensors["target"])


def test_a_part_of_a_scan_and_a_crop(blobs: DatasetFolder) -> None:
    case = replace(blobs.split.training[1], slices=(1, 2))
    grid = Grid(size=(32, 32), crop=(40, 40))
    pool = Pool(blobs, [case], grid, Regions.of(grid.size, 4))
    for region in range(4):
        pool.add(Oracle(pool, answer="pixels").ask(0, region))
    assert len(pool) == 1
    assert pool.masks.any()
    assert np.array_equal(pool.samples.tensors["target"][:, 0].numpy(), pool.masks)


@pytest.mark.parametrize(
    ("pixels", "vertices"),
    [
        ([[0, 0], [0, 1], [0, 2]], 2),
        ([[0, 0], [2, 2], [1, 1], [5, 5]], 2),
        ([[0, 0], [0, 1], [1, 0]], 3),
        ([[0, 0], [0, 3], [3, 0], [3, 3], [1, 1]], 4),
    ],
)
def test_vertices_of_a_drawn_polygon(pixels: list[list[int]], vertices: int) -> None:
    assert hull_vertices(np.array(pixels)) == vertices


def test_costs_are_settings_and_a_whole_slice_has_its_own(blobs: DatasetFolder) -> None:
    pool = Pool(blobs, blobs.split.training, Grid(size=(32, 32)), Regions.of((32, 32), 1))
    empty = [bool(mask.any()) for mask in pool.masks].index(False)
    full = 0
    assert Oracle(pool, answer="pixels").ask(full, 0)[0].seconds == 96
    assert Oracle(pool, answer="pixels").ask(empty, 0)[0].seconds == 4
    cost = Cost(click=1, nothing=2, empty=5, slice_mask=50)
    assert [Oracle(pool, cost=cost).ask(image, 0)[0].seconds for image in (full, empty)] == [1, 2]
    drawn = Oracle(pool, answer="pixels", cost=cost)
    assert [drawn.ask(image, 0)[0].seconds for image in (full, empty)] == [50, 5]
    assert (drawn.cheapest, Oracle(pool, cost=cost).cheapest) == (2, 1)


def test_a_case_without_a_mask_is_refused(blobs: DatasetFolder) -> None:
    cases = tuple(replace(case, label=None) for case in blobs.split.training)
    folder = DatasetFolder(blobs.root, "blobs", Split(training=cases, validation=(), test=()))
    with pytest.raises(InputError, match="case case0 has no mask, from which answers could be simulated"):
        Pool(folder, cases, Grid(size=(32, 32)), Regions.of((32, 32), 4))
