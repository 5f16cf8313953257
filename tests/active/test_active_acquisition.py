"""What each acquisition ranks first, on probabilities made by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from groundglass.active.acquisition import ACQUISITIONS
from groundglass.active.acquisition import centered
from groundglass.errors import InputError


def score(name: str, *pixels: tuple[float, ...]) -> Tensor:
    """Scores of pixels, each given as its probability in every draw."""
    draws = torch.tensor(pixels).T.reshape(-1, 1, 1, len(pixels))
    scored = ACQUISITIONS.build(name, {}).score(draws)
    assert scored.shape == (1, 1, len(pixels))
    return scored.flatten()


def order(name: str, *pixels: tuple[float, ...]) -> list[int]:
    return score(name, *pixels).argsort(descending=True).tolist()


def test_entropy_is_highest_at_one_half_and_alike_on_both_sides() -> None:
    assert order("entropy", (0.99, 0.99), (0.5, 0.5), (0.2, 0.2), (0.0, 0.0)) == [1, 2, 0, 3]
    same = score("entropy", (0.9, 0.9), (0.1, 0.1), (0.5, 0.5), (1.0, 1.0))
    assert same[0] == pytest.approx(same[1].item())
    assert same[2] == pytest.approx(math.log(2))
    assert same[3] == 0


def test_entropy_is_that_of_the_mean_and_not_the_mean_of_entropies() -> None:
    assert score("entropy", (0.0, 1.0)).item() == pytest.approx(math.log(2))
    assert score("entropy-released", (0.0, 1.0)).item() == 0


def test_the_released_form_is_lopsided() -> None:
    scored = score("entropy-released", (0.9, 0.9), (0.1, 0.1), (1 / math.e, 1 / math.e), (0.5, 0.5))
    assert scored[:2].tolist() == pytest.approx([0.0948, 0.2303], abs=1e-4)
    assert scored.argmax() == 2


@pytest.mark.parametrize("name", ["bald", "bald-released"])
def test_bald_asks_where_draws_disagree_however_unsure_each_is(name: str) -> None:
    scored = score(name, (0.5, 0.5), (0.1, 0.9), (0.3, 0.7))
    assert scored.argsort(descending=True).tolist() == [1, 2, 0]
    assert scored[0] == pytest.approx(0, abs=1e-7)


def test_random_looks_at_nothing() -> None:
    assert not ACQUISITIONS.get("random").uses_draws
    assert len(set(score("random", *[(0.5, 0.5)] * 50).tolist())) == 50


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="there is no acquisition called 'variance'; choose one of random, entropy"):
        ACQUISITIONS.get("variance")


def test_centered_draws_are_unsure_at_the_threshold_and_keep_their_order() -> None:
    draws = torch.tensor([0.0, 0.1, 0.5, 0.8, 0.95, 1.0])
    moved = centered(draws, 0.8)
    assert moved[3].item() == pytest.approx(0.5)
    assert moved.tolist() == sorted(moved.tolist())
    assert (moved[0], moved[-1]) == (0, 1)
    odds = (moved / (1 - moved))[1:5] / (draws / (1 - draws))[1:5]
    assert odds.tolist() == pytest.approx([0.25] * 4), "all odds are divided by those of 0.8, which are 4"
    assert torch.allclose(centered(draws, 0.5), draws)
    assert torch.isfinite(centered(draws, 0.0)).all()
    assert torch.isfinite(centered(draws, 1.0)).all()
