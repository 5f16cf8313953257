"""LCFCN against its definition, written out slowly, term by term."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import find_boundaries
from skimage.segmentation import watershed
from torch import Tensor

from groundglass.losses.consistency import consistency_loss
from groundglass.losses.flood_order import keeps_order
from groundglass.losses.flood_order import service_order
from groundglass.losses.lcfcn import cb_lcfcn_terms
from groundglass.losses.lcfcn import lcfcn_loss
from groundglass.losses.lcfcn_weights import Variant

VARIANTS: tuple[Variant, ...] = ("released", "paper")
Term = tuple[Tensor, float]


def cut(relief: NDArray[np.float32], clicks: NDArray[np.intp]) -> NDArray[np.bool_]:
    return np.asarray(find_boundaries(watershed(relief, clicks)))


def terms_of_image(logits: Tensor, lesion: NDArray[np.bool_], variant: Variant) -> Iterator[Term]:
    """Cross-entropies of single pixels, and the factor of each."""
    up, down = torch.nn.functional.softplus(-logits), torch.nn.functional.softplus(logits)
    p = logits.detach().sigmoid().numpy()
    clicks = label(lesion, connectivity=2)
    blobs = label(p > 0.5, connectivity=2)
    count = int(clicks.max())
    if not lesion.all():
        yield down.flatten()[p.argmin()], 1.0
    if count:
        yield up.flatten()[p.argmax()], 1.0
    elif variant == "paper":
        yield down.flatten()[p.argmax()], 1.0
    for click in range(1, count + 1):
        yield up[torch.from_numpy(clicks == click)].mean(), 1.0
    held = {blob: len(set(clicks[blobs == blob]) - {0}) for blob in range(1, blobs.max() + 1)}
    relief = ndimage.black_tophat(p, 7)
    cuts = [(cut(relief, clicks), count)] if count > 1 else []
    for blob, number in held.items():
        if number > 1:
            cuts.append((cut(relief, clicks * (blobs == blob)) & (blobs == blob), number))
    if variant == "released":
        for pixels, number in cuts:
            yield down[torch.from_numpy(pixels)].mean(), number - 1.0
    for row, column in np.argwhere(np.any([pixels for pixels, _ in cuts], axis=0)) if cuts else []:
        if variant == "paper":
            yield down[row, column], float(held.get(blobs[row, column], 0))
    for blob, number in held.items():
        if number == 0:
            values = down[torch.from_numpy(blobs == blob)]
            yield (values.mean() if variant == "released" else values.sum()), 1.0


def by_definition(logits: Tensor, target: Tensor, variant: Variant) -> Tensor:
    loss = logits.sum() * 0
    for image, labels in zip(logits[:, 0], target[:, 0], strict=True):
        if (labels != 255).any():
            for value, factor in terms_of_image(image, (labels == 1).numpy(), variant):
                loss = loss + factor * value
    return loss


def value_and_gradient(loss: Tensor, logits: Tensor) -> tuple[float, Tensor]:
    (gradient,) = torch.autograd.grad(loss, logits)
    return float(loss.detach()), gradient


def assert_as_defined(logits: Tensor, target: Tensor, variant: Variant) -> float:
    logits = logits.clone().requires_grad_()
    value, gradient = value_and_gradient(lcfcn_loss(logits, target, variant=variant), logits)
    expected, wanted = value_and_gradient(by_definition(logits, target, variant), logits)
    assert math.isfinite(value)
    assert torch.isfinite(gradient).all()
    assert value == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-6)
    return value


def unlabeled(*shape: int) -> Tensor:
    return torch.full((1, 1, *shape), 255, dtype=torch.uint8)


def clicked(size: int, *points: tuple[int, int]) -> Tensor:
    target = unlabeled(size, size)
    target[0, 0, 0, 1] = 0  # a background click
    for row, column in points:
        target[0, 0, row, column] = 1
    return target


def disks(size: int, *disks: tuple[int, int, int]) -> Tensor:
    """Logits with a smooth disk (row, column, radius) at each place."""
    rows, columns = np.mgrid[:size, :size]
    away = [np.hypot(rows - row, columns - column) - radius for row, column, radius in disks]
    return torch.from_numpy(-np.minimum.reduce(away)[None, None].clip(-4, 4)).float()


EDGE_CASES = {
    "no click": (disks(24, (8, 8, 4)), clicked(24)),
    "one click": (disks(24, (8, 8, 4)), clicked(24, (8, 8))),
    "clicks on the border": (disks(24, (0, 4, 4), (20, 23, 3)), clicked(24, (0, 4), (20, 23), (23, 0))),
    "two clicks in a blob": (disks(24, (12, 8, 5), (12, 15, 5)), clicked(24, (12, 8), (12, 15))),
    "two clicks served in another order alone": (
        disks(40, (4, 5, 3), (4, 34, 3), (28, 12, 7), (28, 20, 7)),
        clicked(40, (4, 5), (4, 34), (28, 12), (28, 20)),
    ),
    "touching clicks": (disks(24, (12, 8, 5)), clicked(24, (12, 8), (12, 9), (13, 9), (5, 5))),
    "a blob without a click": (disks(24, (8, 8, 4), (17, 17, 4)), clicked(24, (8, 8))),
    "nothing found": (torch.full((1, 1, 24, 24), -5.0), clicked(24, (8, 8), (16, 16))),
    "everything found": (torch.full((1, 1, 24, 24), 5.0), clicked(24, (8, 8), (16, 16))),
    "undecided": (torch.zeros(1, 1, 24, 24), clicked(24, (8, 8), (16, 16))),
    "every pixel lesion": (disks(6, (2, 2, 2)), torch.ones(1, 1, 6, 6, dtype=torch.uint8)),
    "slice known to be free": (disks(24, (8, 8, 4)), torch.zeros(1, 1, 24, 24, dtype=torch.uint8)),
    "smaller than the top-hat": (torch.randn(1, 1, 3, 5), torch.tensor([[[[1, 255, 0, 255, 1]] * 3]]).to(torch.uint8)),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", EDGE_CASES)
def test_edge_cases_are_finite_and_as_defined(case: str, variant: Variant) -> None:
    assert assert_as_defined(*EDGE_CASES[case], variant) > 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_tiny_images_are_as_defined(size: tuple[int, int], variant: Variant) -> None:
    target = unlabeled(*size)
    target[0, 0, 0, 0] = target[0, 0, -1, -1] = 1
    assert_as_defined(torch.randn(1, 1, *size), target, variant)


@st.composite
def maps(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Random maps of some smoothness, flat stretches among them, with clicks at random places."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 3)), draw(st.integers(4, 28)), draw(st.integers(4, 28)))
    noise = ndimage.gaussian_filter(rng.normal(size=shape), (0, *[draw(st.sampled_from([0.0, 1.0, 3.0]))] * 2))
    logits = noise / noise.std() * draw(st.sampled_from([0.5, 3.0])) + draw(st.sampled_from([-1.0, 0.0, 2.0]))
    if draw(st.booleans()):
        logits = logits.round()
    target = np.full(shape, 255, np.uint8)
    for value, most in ((0, 3), (1, 8)):
        for _ in range(draw(st.integers(0, most))):
            target[tuple(rng.integers(0, shape))] = value
    return torch.from_numpy(logits[:, None]).float(), torch.from_numpy(target[:, None])


@given(maps(), st.sampled_from(VARIANTS))
@settings(max_examples=80, deadline=None)
def test_any_map_is_as_defined(example: tuple[Tensor, Tensor], variant: Variant) -> None:
    assert_as_defined(*example, variant)


def test_terms_by_hand() -> None:
    """A blob of one pixel with a click, one of two pixels without, on a background at log-odds -2."""
    logits = torch.full((1, 1, 9, 9), -2.0)
    logits[0, 0, 2, 2], logits[0, 0, 6, 6], logits[0, 0, 6, 7] = 3.0, 1.0, 2.0
    target = clicked(9, (2, 2))
    up, low = math.log1p(math.exp(-3)), math.log1p(math.exp(-2))
    false = [math.log1p(math.exp(1)), math.log1p(math.exp(2))]
    assert float(lcfcn_loss(logits, target)) == pytest.approx(low + up + up + sum(false) / 2)
    assert float(lcfcn_loss(logits, target, variant="paper")) == pytest.approx(low + up + up + sum(false))


def test_a_slice_without_a_click_has_no_blob_spared() -> None:
    logits = disks(24, (6, 6, 3), (17, 17, 4)).requires_grad_()
    _, gradient = value_and_gradient(lcfcn_loss(logits, clicked(24)), logits)
    assert (gradient[logits > 0] > 0).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_descent_splits_a_blob_that_holds_two_clicks(variant: Variant) -> None:
    logits = disks(32, (16, 11, 7), (16, 20, 7)).requires_grad_()
    target = clicked(32, (16, 11), (16, 20))
    assert label((logits[0, 0] > 0).numpy()).max() == 1
    for _ in range(60):
        _, gradient = value_and_gradient(lcfcn_loss(logits, target, variant=variant), logits)
        logits = (logits - 2 * gradient).detach().requires_grad_()
    assert label((logits[0, 0] > 0).numpy()).max() == 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_labeled_is_zero_with_a_gradient(variant: Variant) -> None:
    logits = torch.randn(2, 1, 12, 12, requires_grad=True)
    target = torch.full((2, 1, 12, 12), 255, dtype=torch.uint8)
    value, gradient = value_and_gradient(lcfcn_loss(logits, target, variant=variant), logits)
    assert value == 0
    assert not gradient.any()


def test_an_unlabeled_image_of_a_batch_has_no_say_and_the_others_are_added_up() -> None:
    logits, target = torch.cat([EDGE_CASES[name][0] for name in ("one click", "no click")] * 2), unlabeled(24, 24)
    labels = torch.cat([EDGE_CASES["one click"][1], EDGE_CASES["no click"][1], target, target])
    alone = sum(float(lcfcn_loss(*EDGE_CASES[name])) for name in ("one click", "no click"))
    assert float(lcfcn_loss(logits, labels)) == pytest.approx(alone)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_keep_their_type_and_stay_finite(dtype: torch.dtype) -> None:
    logits = (100 * torch.randn(2, 1, 16, 16)).to(dtype).requires_grad_()
    loss = lcfcn_loss(logits, clicked(16, (3, 3), (12, 12)).expand(2, -1, -1, -1))
    _, gradient = value_and_gradient(loss, logits)
    assert loss.dtype == dtype
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("variant", "space", "reduction"), [("released", "logits", "mean"), ("paper", "probabilities", "sum")]
)
def test_cb_lcfcn_is_lcfcn_of_the_unmirrored_branch_and_the_difference(
    variant: Variant, space: str, reduction: str
) -> None:
    torch.manual_seed(0)
    logits, recovered = torch.randn(2, 2, 1, 20, 20).unbind()
    target = clicked(20, (5, 5), (14, 12)).repeat(2, 1, 1, 1)
    terms = cb_lcfcn_terms(logits, recovered, target, variant=variant, weight=0.3)
    apart = consistency_loss(logits, recovered, space=space, reduction=reduction)  # type: ignore[arg-type]
    assert terms["lcfcn"] == lcfcn_loss(logits, target, variant=variant)
    assert terms["consistency"] == apart
    assert float(terms["loss"]) == pytest.approx(float(terms["lcfcn"] + 0.3 * apart))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 13, 30])
def test_the_order_of_service_is_that_of_skimage(count: int) -> None:
    """On flat ground the pixel between two clicks goes to the one that is served first."""
    order = service_order(count)
    assert sorted(order) == list(range(count))
    clicks = np.zeros((1, 2 * count - 1), np.int32)
    clicks[0, ::2] = np.arange(1, count + 1)
    between = watershed(np.zeros(clicks.shape), clicks)[0, 1::2]
    assert between.tolist() == [1 + min(pair, key=order.index) for pair in pairwise(range(count))]


def test_clicks_keep_their_order_among_others_or_do_not() -> None:
    assert service_order(4) == (0, 3, 1, 2)
    assert keeps_order(np.array([0, 3]), 4)
    assert keeps_order(np.array([1, 2]), 4)
    assert not keeps_order(np.array([2, 3]), 4)
    assert keeps_order(np.arange(4), 4)
