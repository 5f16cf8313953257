"""The counting method: what it adds up, and that it learns to count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.recipe import load_recipe
from groundglass.losses.lcfcn import cb_lcfcn_terms
from groundglass.losses.lcfcn import lcfcn_loss
from groundglass.methods import METHODS
from groundglass.methods.counting import LesionCounting
from groundglass.methods.settings import TrainingSettings
from groundglass.metrics.counting import CountMeter

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")
Build = Callable[..., LesionCounting]


@pytest.fixture
def build(small_network: nn.Module, still_settings: TrainingSettings) -> Build:
    def make(**options: Any) -> LesionCounting:
        method: LesionCounting = METHODS.build("counting", options, network=small_network, settings=still_settings)
        return method

    return make


@pytest.fixture(scope="module")
def batch(blobs: DatasetFolder) -> Sample:
    """The clicked slices of the training cases: two blobs on the first slice of each, one on some second slices."""
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(48, 48)), kinds=("point",))
    return samples.batch(samples.labeled.nonzero().flatten().tolist())


@pytest.mark.parametrize("variant", ["released", "paper"])
def test_without_consistency_it_is_lcfcn(variant: Any, build: Build, batch: Sample) -> None:
    method = build(variant=variant).eval()
    terms = method.loss(batch)
    assert list(terms) == ["loss"]
    assert terms["loss"] == lcfcn_loss(method.network(batch["image"]), batch["target"], variant=variant)


@pytest.mark.parametrize("variant", ["released", "paper"])
def test_with_consistency_the_mirrored_branch_is_compared_and_not_labeled(
    variant: Any, build: Build, batch: Sample
) -> None:
    method = build(variant=variant, consistency=True, weight=0.5).eval()
    logits, mirrored = method.network(batch["image"]), method.network(batch["image"].flip(-1)).flip(-1)
    expected = cb_lcfcn_terms(logits, mirrored, batch["target"], variant=variant, weight=0.5)
    terms = method.loss(batch)
    assert {key: value.item() for key, value in terms.items()} == pytest.approx(
        {key: value.item() for key, value in expected.items()}, rel=1e-4
    )


def test_slices_without_labels_are_learned_from_by_consistency_alone(build: Build, batch: Sample) -> None:
    unlabeled = {**batch, "target": torch.full_like(batch["target"], 255)}
    assert build().loss(unlabeled)["loss"] == 0
    terms = build(consistency=True).loss(unlabeled)
    terms["loss"].backward()
    assert terms["lcfcn"] == 0
    assert terms["loss"] == terms["consistency"] > 0


@pytest.mark.parametrize("options", [{}, {"consistency": True}])
def test_it_learns_to_count(options: dict[str, Any], build: Build, batch: Sample) -> None:
    """Few clicks and no outline: after 80 steps the blobs are as many as the lesions, on nearly every slice."""
    torch.manual_seed(0)
    method = build(**options)
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    before = count_error(method, batch)
    for _ in range(80):
        optimizer.zero_grad()
        method.training_step(batch, 0).backward()
        optimizer.step()
    assert before > 1
    assert count_error(method, batch) < 0.4


def count_error(method: LesionCounting, batch: Sample) -> float:
    meter = CountMeter()
    with torch.no_grad():
        found = method.train().probabilities(batch["image"])[:, 0] > 0.5
    meter.update("all", found.numpy(), (batch["target"][:, 0] == 1).numpy())
    return meter.compute()["mae"]


@pytest.mark.parametrize(("recipe", "consistency"), [("lcfcn", False), ("cb-lcfcn", True)])
def test_its_recipes(recipe: str, consistency: bool) -> None:
    config = load_recipe(recipe)
    assert config.method == "counting"
    assert config.network == "unet"
    assert config.settings.zoom == 1
    assert config.method_options.get("consistency", False) is consistency


@pytest.mark.parametrize("options", [{"variant": "mine"}, {"consistency": "often"}, {"weight": "much"}])
def test_a_wrong_option_is_named(options: dict[str, Any], build: Build) -> None:
    with pytest.raises(InputError, match=f"method 'counting': .*{next(iter(options))}"):
        build(**options)
