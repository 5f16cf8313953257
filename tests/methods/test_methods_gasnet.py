"""GASNet and MIL: what goes into each term, whom each update changes, and when it is said that it collapsed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import fields
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.group_loader import GroupLoader
from groundglass.datasets.group_loader import GroupSampler
from groundglass.datasets.samples import Sample
from groundglass.datasets.volume_samples import VolumeSamples
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.losses.gasnet_focal import balanced_focal_bce
from groundglass.losses.gasnet_focal import focal_bce
from groundglass.losses.points import point_loss
from groundglass.methods.adversaries import Adversaries
from groundglass.methods.augment import augment
from groundglass.methods.collapse import collapse_sentences
from groundglass.methods.gasnet import GASNet
from groundglass.methods.gasnet_optimizers import GasnetOptimizers
from groundglass.methods.gasnet_optimizers import damped
from groundglass.methods.gasnet_weights import Weights
from groundglass.methods.gasnet_weights import resolve_weights
from groundglass.methods.mil import MultipleInstance
from groundglass.methods.mil import take
from groundglass.methods.restoration import compose
from groundglass.methods.restoration import synthesize
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.volume_groups import VolumeGroups

GRID = Grid(size=(32, 32), depth=8)
STILL = {"brightness": 0.0, "contrast": 0.0}
Make = Callable[..., Config]


@pytest.fixture(scope="module")
def samples(volumes_one_mask: DatasetFolder) -> VolumeSamples:
    return VolumeSamples(volumes_one_mask, volumes_one_mask.split.training, GRID)


def batch_for(method: MultipleInstance, samples: VolumeSamples) -> Sample:
    return next(iter(GroupLoader(samples, GroupSampler(method.draws(samples, 2), steps=1, seed=0))))


def build(volume_config: Make, **options: Any) -> GASNet:
    torch.manual_seed(0)
    plain = volume_config().method_options
    method = build_method(volume_config(method_options={**plain, **options}, settings=STILL))
    assert isinstance(method, GASNet)
    return method


def test_a_composite_takes_the_generated_where_the_mask_is() -> None:
    mask = torch.tensor([0.0, 0.5, 1.0])
    assert compose(torch.ones(3), torch.zeros(3), mask).tolist() == [0, 0.5, 1]


def test_a_synthetic_volume_has_lesions_of_one_in_the_lungs_of_another() -> None:
    mask = torch.tensor([0.1, 0.2, 0.5, 0.8, 0.9, 0.9])
    lung = torch.tensor([True, True, True, True, True, False])
    image, target = synthesize(torch.zeros(6), torch.ones(6), mask.requires_grad_(), lung, xi=0.3)
    assert image.tolist() == pytest.approx([0.1, 0.2, 0.5, 0.8, 0.9, 0])
    assert target.tolist() == [0, 0, 255, 255, 1, 0]
    assert not image.requires_grad
    with pytest.raises(InputError, match="xi"):
        synthesize(image, image, mask, lung, xi=0.6)


def test_groups_are_told_by_tag_and_mask(samples: VolumeSamples) -> None:
    groups = VolumeGroups.of(samples)
    assert groups.labeled.tolist() == [0]
    assert groups.diseased.tolist() == [0, 2, 4, 6]
    assert groups.healthy.tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize(("kept", "words"), [(0, "tagged diseased"), (1, "tagged healthy")])
def test_a_missing_group_is_named(kept: int, words: str, volumes: DatasetFolder) -> None:
    cases = [case for case in volumes.split.training if int(case.case[-2:]) % 2 != kept]
    with pytest.raises(InputError, match=words):
        VolumeGroups.of(VolumeSamples(volumes, cases, GRID))


def test_a_labeled_volume_without_lesion_is_named(samples: VolumeSamples) -> None:
    emptied = VolumeSamples.__new__(VolumeSamples)
    emptied.case_names = samples.case_names
    emptied.tensors = {**samples.tensors, "target": samples.tensors["target"].clone()}
    emptied.tensors["target"][2] = 0
    with pytest.raises(InputError, match="case scan02: its mask has no lesion"):
        VolumeGroups.of(emptied)
    emptied.tensors["target"][2], emptied.tensors["target"][3] = 255, 0  # a healthy one may have an empty mask
    assert VolumeGroups.of(emptied).healthy.tolist() == [1, 3, 5, 7]


def test_each_step_has_fresh_volumes_for_each_update(volume_config: Make, samples: VolumeSamples) -> None:
    method = build(volume_config, critic_steps=3, labeled_batch=2)
    batch = batch_for(method, samples)
    assert batch["part"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
    assert [batch["tag"][batch["part"] == part].tolist() for part in range(9)] == [[1, 1], *[[1, 1], [0, 0]] * 4]
    first, *others = (take(batch, part)["image"] for part in (1, 3, 5, 7))
    assert not all(torch.equal(first, other) for other in others)
    without = build(volume_config, weights={"labeled": 0})
    assert 0 not in batch_for(without, samples)["part"]


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_segmentation_terms_are_those_of_the_variant(variant: str, volume_config: Make, samples: VolumeSamples) -> None:
    method = build_method(
        volume_config(method="mil", method_options={"variant": variant, "weights": {"mil": 3.0}}, settings=STILL)
    )
    assert isinstance(method, MultipleInstance)
    batch = batch_for(method, samples)
    terms = method.loss(batch)
    labeled, diseased, healthy = (take(batch, part) for part in range(3))
    by_mask, background, factor = (
        (balanced_focal_bce, focal_bce, 500) if variant == "released" else (point_loss, point_loss, 100)
    )
    logits = method.network(healthy["image"])
    expected = 100 * background(logits, torch.zeros_like(healthy["target"]))
    assert float(terms["healthy"]) == pytest.approx(float(expected), rel=1e-4)
    expected = factor * by_mask(method.network(labeled["image"]), labeled["target"])
    assert float(terms["labeled"]) == pytest.approx(float(expected), rel=1e-4)
    probability = method.probabilities(diseased["image"])
    where = diseased["lung"] if variant == "released" else torch.ones_like(diseased["lung"])
    highest = torch.stack([one[lung].max() for one, lung in zip(probability, where, strict=True)])
    assert float(terms["mil"]) == pytest.approx(3 * float(-highest.log().mean()), rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(sum(float(terms[key]) for key in ("labeled", "healthy", "mil")))


def test_mil_can_ask_for_a_share_of_the_lungs(volume_config: Make, samples: VolumeSamples) -> None:
    torch.manual_seed(0)
    config = volume_config(method="mil", method_options={"mil_share": 0.1, "weights": {"labeled": 0, "healthy": 0}})
    method = build_method(config)
    batch = batch_for(method, samples)  # type: ignore[arg-type]
    diseased = take(batch, 1)
    wanted = []
    for probability, lung in zip(method.probabilities(diseased["image"]), diseased["lung"], strict=True):
        inside = probability[lung].sort(descending=True).values
        wanted.append(-inside[: round(0.1 * len(inside))].log().mean())
    assert float(method.loss(batch)["loss"]) == pytest.approx(100 * float(torch.stack(wanted).mean()), rel=1e-4)


def test_drawn_lesions_are_set_into_healthy_lungs(volume_config: Make, samples: VolumeSamples) -> None:
    method = build(volume_config, weights={"transplanted": 3.0, "synthetic": 0})
    batch = batch_for(method, samples)
    labeled, diseased, healthy = (take(batch, part) for part in range(3))
    logits = method.network(diseased["image"])
    terms = method._adversarial_terms(logits, labeled, diseased, healthy)
    drawn, count = labeled["target"] == 1, len(labeled["image"])
    target = (drawn & healthy["lung"][:count]).to(torch.uint8)
    assert target.any()
    images = torch.where(target > 0, labeled["image"], healthy["image"][:count])
    expected = 3 * method.cross_entropy(method.network(images), target)
    assert float(terms["transplanted"]) == pytest.approx(float(expected), rel=1e-4)
    assert "transplanted" not in method._adversarial_terms(logits, take(batch, 9), diseased, healthy)


class Sees(torch.nn.Module):
    """A discriminator whose logit is the mean of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, image: Tensor) -> Tensor:
        return self.weight * image.flatten(1).mean(dim=1)


class Constant(torch.nn.Module):
    """A generator that paints everything in one grey."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.full_like(image, 0.25)


def adversaries(**changes: Any) -> Adversaries:
    variant = changes.pop("variant", "released")
    options: dict[str, Any] = {"lung_in_composite": True, "fade": None, "dead_zone": False} | changes
    weights = resolve_weights(variant, options.pop("weights", None))
    small = {"base": 1, "levels": 2}
    made = Adversaries(
        generator=small, discriminator={**small, "cells": (1, 1, 1)}, weights=weights, variant=variant, **options
    )
    made.generator, made.discriminator = Constant(), Sees()
    return made


@pytest.fixture
def parts() -> tuple[Tensor, Sample, Sample]:
    """A mask of one half, a diseased volume of 0.75 with lung in half of it, and a healthy one of 0.5."""
    shape = (1, 1, 2, 2, 2)
    lung = torch.zeros(shape, dtype=torch.bool)
    lung[..., 0] = True
    diseased = {"image": torch.full(shape, 0.75), "lung": lung}
    return torch.full(shape, 0.5), diseased, {"image": torch.full(shape, 0.5), "lung": lung}


@pytest.fixture
def lone(volume_config: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., GASNet]:
    """Builds a GASNet whose updates work without a trainer; they leave gradients behind and change nothing."""

    def make(**options: Any) -> GASNet:
        method = build(volume_config, **options)
        method.adversaries.discriminator.eval()  # spectral norm goes on estimating in every other pass
        players = (method.network, method.adversaries.generator, method.adversaries.discriminator)
        optimizers = [torch.optim.SGD(player.parameters(), lr=0.0) for player in players]
        monkeypatch.setattr(method, "optimizers", lambda: optimizers)
        monkeypatch.setattr(method, "manual_backward", lambda loss: loss.backward())
        monkeypatch.setattr(method, "lr_schedulers", list)
        monkeypatch.setattr(method, "log_dict", lambda *_, **__: None)
        return method

    return make


def check_slopes(parameters: Iterable[Tensor], loss: Tensor, update: Callable[[], Any]) -> None:
    """An update follows the gradient of a loss, in every parameter."""
    parameters = list(parameters)
    expected = torch.autograd.grad(loss, parameters)
    assert sum(float(slope.abs().sum()) for slope in expected) > 0
    update()
    for parameter, slope in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, slope, rtol=1e-3, atol=1e-6)


def called(logits: Tensor, label: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_segmenter_and_generator_are_to_make_the_composite_look_healthy(
    variant: str, lone: Callable[..., GASNet], samples: VolumeSamples
) -> None:
    """Paper 003, Eqs. 1 and 2, where healthy is 0: what is left with every other term at 0 teaches both of them."""
    others = {"recons": 0, "ig_to_d": 0, "labeled": 0, "healthy": 0, "mil": 0}
    method = lone(variant=variant, weights=others)
    batch = batch_for(method, samples)
    diseased, players = take(batch, 1), method.adversaries
    mask = method.probabilities(diseased["image"]) * (diseased["lung"] if variant == "released" else 1)
    composite = mask * players.generator(diseased["image"]) + (1 - mask) * diseased["image"]
    loss = called(players.discriminator(composite), 0)
    both = [*method.network.parameters(), *players.generator.parameters()]
    check_slopes(both, loss, lambda: method._update_players(batch))
    assert all(one.grad is None for one in players.discriminator.parameters())


def test_the_discriminator_is_to_call_healthy_volumes_alone_healthy(
    lone: Callable[..., GASNet], samples: VolumeSamples
) -> None:
    """Paper 003, Eq. 2 with L_IgToD and L_IdToD, on the volumes that are there for the second update."""
    method = lone()
    batch = batch_for(method, samples)
    diseased, healthy, players = take(batch, 5), take(batch, 6), method.adversaries
    with torch.no_grad():
        mask = method.probabilities(diseased["image"])
        generated, composite = players.restore(diseased["image"], mask, diseased["lung"])
    tell = players.discriminator
    others = [called(tell(images), 1) for images in (composite, generated, diseased["image"])]
    loss = torch.stack([*others, called(tell(healthy["image"]), 0)]).sum()
    check_slopes(tell.parameters(), loss, lambda: method._update_discriminator(batch, 4))
    assert all(one.grad is None for one in [*method.network.parameters(), *players.generator.parameters()])


def test_each_update_of_the_discriminator_has_volumes_of_its_own(
    lone: Callable[..., GASNet], samples: VolumeSamples
) -> None:
    method = lone(critic_steps=3)
    batch = batch_for(method, samples)
    batch["image"] = torch.rand_like(batch["image"])  # no two volumes are alike
    shown: list[Tensor] = []
    method.adversaries.discriminator.register_forward_pre_hook(lambda module, inputs: shown.append(inputs[0]))
    method.training_step(batch, 0)
    assert len(shown) == 1 + 3  # segmenter and generator, then the discriminator
    for number, images in enumerate(shown[1:], start=1):
        _, _, diseased, healthy = images.chunk(4)
        torch.testing.assert_close(diseased, take(batch, 1 + 2 * number)["image"])
        torch.testing.assert_close(healthy, take(batch, 2 + 2 * number)["image"])


@pytest.mark.parametrize("name", [field.name for field in fields(Weights)])
def test_a_weight_is_a_factor_and_0_leaves_the_term_out(
    name: str, lone: Callable[..., GASNet], samples: VolumeSamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_players = {field.name for field in fields(Weights)} - {"id_to_d"}
    method = lone(synthetic_from=0, weights={"transplanted": 1.0})
    monkeypatch.setattr(method, "manual_backward", lambda loss: None)
    batch = batch_for(method, samples)

    def terms(weight: float) -> dict[str, float]:
        """Of one update of each player."""
        method.weights = method.adversaries.weights = replace(method.weights, **{name: weight})
        found = method._update_players(batch) | method._update_discriminator(batch, 2)
        return {key: value.item() for key, value in found.items() if key in {*of_players, "d_loss"}}

    without, once, twice = (terms(weight) for weight in (0, 1, 2))
    assert set(once) == {*of_players, "d_loss"}
    first, second, third = (one.pop("d_loss") for one in (without, once, twice))
    assert third - second == pytest.approx(second - first, rel=1e-3, abs=1e-5)
    assert (second - first > 1e-3) == (name in {"ig_to_d", "id_to_d"})  # what the discriminator is shown
    term = once.pop(name, 0)
    assert twice.pop(name, 0) == pytest.approx(2 * term)
    assert name not in without
    assert (term > 0) == (name in of_players)
    assert without == pytest.approx(once)
    assert twice == pytest.approx(once)


def softplus(value: float) -> float:
    return float(torch.nn.functional.softplus(torch.tensor(value)))


def test_healing_terms_by_hand(parts: tuple[Tensor, Sample, Sample]) -> None:
    terms = adversaries().healing_terms(*parts)
    # In half of the volume half of 0.75 is replaced by 0.25: a mean of 0.625.
    assert float(terms["adversarial"]) == pytest.approx(softplus(0.625))
    assert float(terms["ig_to_d"]) == pytest.approx(softplus(0.25))
    assert float(terms["recons"]) == pytest.approx(100 * 2 * 0.25)
    paper = adversaries(variant="paper", lung_in_composite=False).healing_terms(*parts)
    assert float(paper["adversarial"]) == pytest.approx(softplus(0.5))
    assert float(paper["recons"]) == pytest.approx((2 * 0.25) ** 2)
    assert list(adversaries(weights={"recons": 0, "ig_to_d": 0}).healing_terms(*parts)) == ["adversarial"]
    assert adversaries(weights={"adversarial": 0}).healing_terms(*parts).keys() == {"ig_to_d", "recons"}


def test_the_discriminator_is_not_asked_what_has_no_weight(parts: tuple[Tensor, Sample, Sample]) -> None:
    for weights, volumes in (({}, 2), ({"adversarial": 0}, 1), ({"adversarial": 0, "ig_to_d": 0}, 0)):
        players, asked = adversaries(weights=weights), list[int]()
        players.discriminator.register_forward_pre_hook(lambda _, given, asked=asked: asked.append(len(given[0])))
        known = players.healing_terms(*parts)
        assert sum(asked) == volumes * len(parts[0])
        assert float(known["recons"]) == pytest.approx(float(adversaries().healing_terms(*parts)["recons"]))


def test_a_gasnet_without_any_term_stays_as_it_is(lone: Callable[..., GASNet], samples: VolumeSamples) -> None:
    method = lone(weights=dict.fromkeys((field.name for field in fields(Weights)), 0))
    before = [one.detach().clone() for one in method.network.parameters()]
    found = method._update_players(batch_for(method, samples))
    assert float(found["loss"]) == 0
    assert all(map(torch.equal, before, method.network.parameters()))


def test_discriminator_loss_by_hand(parts: tuple[Tensor, Sample, Sample]) -> None:
    loss, right = adversaries().discriminator_loss(*parts, step=0)
    made, wholly, real, normal = softplus(-0.625), softplus(-0.25), softplus(-0.75), softplus(0.5)
    assert float(loss) == pytest.approx(made + wholly + real + normal)
    assert {key: float(value) for key, value in right.items()} == {
        "d_right_diseased": 1,
        "d_right_healthy": 0,
        "d_right_composite": 1,
    }
    half = adversaries(fade=10).discriminator_loss(*parts, step=5)[0]
    assert float(half) == pytest.approx(made + wholly / 2 + real + normal)
    gone = adversaries(fade=10).discriminator_loss(*parts, step=20)[0]
    assert float(gone) == pytest.approx(made + real + normal)
    fewer = adversaries(weights={"ig_to_d": 0, "id_to_d": 0}).discriminator_loss(*parts, step=0)[0]
    assert float(fewer) == pytest.approx(made + normal)
    balanced = adversaries(balanced=True, weights={"id_to_d": 2}, fade=10).discriminator_loss(*parts, step=5)[0]
    assert float(balanced) == pytest.approx(made + wholly / 2 + 2 * real + 3.5 * normal)


def test_a_player_that_is_ahead_rests() -> None:
    assert float(damped(torch.tensor(0.1), 0.16, 1e-3)) == pytest.approx(1e-4)
    assert float(damped(torch.tensor(0.2), 0.16, 1e-3)) == pytest.approx(0.2)


def test_learning_rates_are_those_asked_for() -> None:
    players = [torch.nn.Linear(1, 1) for _ in range(3)]
    settings = TrainingSettings(lr=1e-4, weight_decay=1e-3)
    built, schedules = GasnetOptimizers(halve_every=(2, 3, 3)).build(players, settings, 10)
    assert [type(one).__name__ for one in built] == ["Adam", "Adam", "RMSprop"]
    assert [one.param_groups[0]["lr"] for one in built] == [1e-4, 1e-5, 1e-5]
    assert {one.param_groups[0]["weight_decay"] for one in built} == {1e-3}
    for _ in range(2):
        for optimizer, schedule in zip(built, schedules, strict=True):
            optimizer.step()
            schedule.step()
    assert [one.param_groups[0]["lr"] for one in built] == pytest.approx([5e-5, 1e-5, 1e-5])
    adam, (fading, *_) = GasnetOptimizers(discriminator="adam").build(players, settings, 10)
    assert type(adam[2]).__name__ == "Adam"
    assert fading.get_last_lr() == [1e-4]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": {"recon": 1}}, "no term called 'recon'"),
        ({"weights": {"mil": -1}}, "mil must be 0 or more"),
        ({"optimizers": {"generator_lr": 0}}, "generator_lr"),
        ({"optimizers": {"halve_every": [0, 1, 1]}}, "halve_every"),
        ({"optimizers": {"lr": 1}}, "optimizers"),
        ({"critic_steps": 0}, "critic_steps"),
        ({"xi": 0.7}, "xi"),
        ({"mil_share": 1.0}, "mil_share"),
        ({"generator": {"width": 3}}, "no option 'width'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], words: str, volume_config: Make) -> None:
    with pytest.raises(InputError, match=words):
        build(volume_config, **options)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": {"size": [32, 32]}}, "method 'gasnet' cannot be trained on slices"),
        ({"network": "unet", "network_options": {}}, "network 'unet' does not take volumes"),
        ({"method": "points", "method_options": {}}, "method 'points' cannot be trained on volumes"),
    ],
)
def test_slices_and_volumes_are_not_mixed(changes: dict[str, Any], words: str, volume_config: Make) -> None:
    with pytest.raises(InputError, match=words):
        build_method(volume_config(**changes))


def test_collapse_is_said_in_plain_words() -> None:
    def keys(**figures: float) -> list[str]:
        return list(collapse_sentences({f"train_{name}": value for name, value in figures.items()}))

    assert keys(lesion_share=0.1, lesion_share_healthy=0.0, d_right_diseased=0.9, d_right_healthy=0.9) == []
    assert keys(lesion_share=0.9, lesion_share_healthy=0.1) == ["too much"]
    assert keys(lesion_share=0.0, lesion_share_healthy=0.0) == ["too little"]
    assert keys(lesion_share=0.1, lesion_share_healthy=0.2) == ["healthy"]
    assert keys(d_right_diseased=1.0, d_right_healthy=0.0) == ["blind"]
    assert keys() == []


def test_a_volume_is_cut_turned_and_mirrored_as_one() -> None:
    """Target and lung follow the image; the slices that are kept lie beside each other."""
    image = torch.zeros(3, 1, 12, 32, 32)
    image += torch.arange(12.0).view(12, 1, 1) / 20
    image[..., 8:20, 4:14] += 0.4
    target = (image > 0.4 * torch.ones(1) + torch.arange(12.0).view(12, 1, 1) / 20 - 0.01).to(torch.uint8)
    settings = TrainingSettings(slices=8, mirror=True, degrees=5, zoom=1.05, brightness=0, contrast=0)
    torch.manual_seed(0)
    moved = augment({"image": image, "target": target, "tag": torch.ones(3)}, settings)
    assert moved["image"].shape == moved["target"].shape == (3, 1, 8, 32, 32)
    assert moved["tag"].shape == (3,)
    background = moved["image"][:, 0, :, 31, 16]
    assert torch.allclose(background.diff(dim=1), torch.tensor(0.05), atol=1e-4)
    raised = moved["image"] - background.view(3, 1, 8, 1, 1) > 0.2
    assert (raised == (moved["target"] == 1)).float().mean() > 0.99
    assert {bool(one[..., :16].sum() > one[..., 16:].sum()) for one in moved["target"]} == {True, False}


def test_noise_stays_within_its_bounds() -> None:
    settings = TrainingSettings(noise=0.01, brightness=0, contrast=0)
    image = augment({"image": torch.full((1, 1, 4, 8, 8), 0.5)}, settings)["image"]
    assert 0.005 < (image - 0.5).abs().max() <= 0.0101
