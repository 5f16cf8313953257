"""Clicks grown into what is as bright around them."""

from __future__ import annotations

import numpy as np
import pytest

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.growth import Growth
from groundglass.labels.growth import grown
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.labels.rasterize import lesion_clicks

CLICK = np.array([[1, 20, 20]])
REACH = Growth(radius=0.25)  # 10 pixels of 40


def chest() -> tuple[np.ndarray, np.ndarray]:
    """Three slices with a lesion, a vessel through it, another lesion apart, and the chest wall beyond the lungs."""
    image = np.full((3, 40, 40), 0.2)
    image[1, 16:25, 16:25] = 0.5
    image[1, 18, 10:30] = 0.9
    image[1, 20:24, 27:29] = 0.5
    image[1, 26:30, 16:25] = 0.3  # neither bright enough for lesion nor dark enough for background
    lungs = np.zeros(image.shape, bool)
    lungs[:, 4:36, 4:36] = True
    image[~lungs] = 0.5
    return image, lungs


def target_of(image: np.ndarray) -> np.ndarray:
    target = np.full(image.shape, IGNORE_INDEX, np.uint8)
    target[tuple(CLICK.T)] = 1
    return target


def grow(clicks: np.ndarray = CLICK, growth: Growth = REACH, **changes: np.ndarray) -> np.ndarray:
    image, lungs = chest()
    arguments = {"target": target_of(image), "image": image, "lungs": lungs} | changes
    return grown(clicks=clicks, growth=growth, **arguments)


def test_a_click_becomes_what_is_as_bright_and_connected() -> None:
    target = grow()
    lesion = np.zeros(target.shape[1:], bool)
    lesion[19:25, 16:25] = True  # above it, the vessel cuts the lesion in two
    assert np.array_equal(target[1] == 1, lesion)
    assert (target[[0, 2]] == IGNORE_INDEX).all()


def test_dark_lung_near_the_click_is_background() -> None:
    image, lungs = chest()
    target = grow()
    rows, columns = np.ogrid[:40, :40]
    near = np.hypot(rows - 20, columns - 20) <= 10
    assert np.array_equal(target[1] == 0, near & lungs[1] & (image[1] == 0.2))
    assert (target[1][image[1] == 0.3] == IGNORE_INDEX).all()
    assert (target[1, 20:24, 27:29] == IGNORE_INDEX).all(), "another lesion is not said to be one, nor to be none"


def test_nothing_beyond_the_lungs_is_labeled() -> None:
    _, lungs = chest()
    lungs[:, :, :21] = False
    target = grow(lungs=lungs)
    assert (target[1, :, :20] == IGNORE_INDEX).all()
    assert target[1, 20, 20] == 1, "the click itself stays"


def test_what_was_answered_stays() -> None:
    target = target_of(chest()[0])
    target[1, 22:24] = 0
    target[1, 12, 20] = 1
    found = grow(target=target)
    assert (found[1, 22:24] == 0).all()
    assert found[1, 12, 20] == 1
    assert target[1, 20, 21] == IGNORE_INDEX, "a new map"


def test_a_click_on_lung_as_dark_as_usual_says_nothing_but_itself() -> None:
    target = np.full((3, 40, 40), IGNORE_INDEX, np.uint8)
    assert (grow(np.array([[1, 10, 10]]), target=target) == IGNORE_INDEX).all()
    image, _ = chest()
    image[1, 10, 10] = 0.219
    assert (grow(np.array([[1, 10, 10]]), target=target, image=image) == IGNORE_INDEX).all()


def test_lesion_wins_where_two_clicks_differ() -> None:
    image, _ = chest()
    image[1, 16:25, 16:20] = 0.225  # faint beside what is clicked first
    target = grow(np.array([[1, 20, 20], [1, 20, 17]]), image=image)
    assert (target[1, 20:24, 16:25] == 1).all()
    assert (grow(image=image)[1, 20:24, 16:20] == 0).all(), "by the bright click alone it is background"


@pytest.mark.parametrize("click", [(0, 0, 0), (0, 39, 39), (0, 0, 39)])
def test_clicks_in_the_corners(click: tuple[int, int, int]) -> None:
    image = np.zeros((1, 40, 40))
    image[0, :3, :3] = image[0, -3:, -3:] = image[0, :3, -3:] = 0.5
    target = np.full(image.shape, IGNORE_INDEX, np.uint8)
    assert (grow(np.array([click]), target=target, image=image, lungs=np.ones(image.shape, bool)) == 1).sum() == 9


def test_a_slice_without_lung_or_click_is_left_as_it_is() -> None:
    assert (grow(lungs=np.zeros((3, 40, 40), bool)) != IGNORE_INDEX).sum() == 1
    assert (grow(np.empty((0, 3), np.intp)) != IGNORE_INDEX).sum() == 1


def test_clicks_are_the_lesion_points_in_view() -> None:
    labels = [
        Point(case="a", seconds=3, position=(4.0, 3.0, 1.0), label=1, id="in view"),
        Point(case="a", seconds=3, position=(5.0, 3.0, 1.0), label=0, id="background"),
        Point(case="a", seconds=3, position=(8.0, 3.0, 1.0), label=1, id="in the margin"),
        Region(case="a", seconds=3, lower=(1.0, 1.0, 1.0), upper=(2.0, 2.0, 1.0), label=1, id="region"),
    ]
    affine = np.eye(4)[[2, 1, 0, 3]]
    assert lesion_clicks(labels, affine=affine, shape=(2, 6, 6), margin=(0, 0, 4)).tolist() == [[1, 3, 4]]
    assert lesion_clicks([], affine=affine, shape=(2, 6, 6)).shape == (0, 3)
    with pytest.raises(InputError, match=r"in the margin at .* lies outside the image"):
        lesion_clicks(labels, affine=affine, shape=(2, 6, 6))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"radius": 0}, "radius 0: give a share"),
        ({"radius": 1.1}, "radius 1.1: give a share"),
        ({"lesion": 1.2}, "must rise"),
        ({"background": 0.8}, "must rise"),
        ({"brightest": 0.9}, "must rise"),
        ({"contrast": 0}, "contrast 0: give a share"),
    ],
)
def test_values_without_sense_are_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Growth(**changes)
