"""Lesion decomposition, VA-GAN and BL: their terms, their turns, and that they learn something."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.methods import METHODS
from groundglass.methods.adversarial import Adversarial
from groundglass.methods.alternating import Alternating
from groundglass.methods.augment import relit
from groundglass.methods.decomposition import LesionDecomposition
from groundglass.methods.heat import Cleaning
from groundglass.methods.heat import above_median
from groundglass.methods.heat import heat_map
from groundglass.methods.heat import smoothed
from groundglass.methods.opacities import paste_opacities
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.smoothed_intensity import SmoothedIntensity
from groundglass.methods.tagged import halves
from groundglass.methods.tagged import tagged_slices
from groundglass.networks import build_network
from groundglass.training.run import train

MakeConfig = Callable[..., Config]
CRITIC = {"critic_channels": [4, 8, 8]}
SYSTEMS: dict[str, tuple[str, dict[str, Any]]] = {
    "decomposition": ("decomposition", CRITIC),
    "vagan": ("map-generator", {"critic_steps": 2, "long_turns": 0}),
    "bl": ("map-generator", {**CRITIC, "classifier_steps": 2}),
}
STILL = TrainingSettings(brightness=0.0, contrast=0.0)


def build(name: str, network_options: dict[str, Any] | None = None, **options: Any) -> Any:
    torch.manual_seed(0)
    network, defaults = SYSTEMS[name]
    plain = {"channels": [4, 8], **(network_options or {})}
    return METHODS.build(name, {**defaults, **options}, network=build_network(network, plain), settings=STILL)


@pytest.fixture
def batch() -> Sample:
    """Two slices with and two without lesion, on 32 x 32 pixels; black outside of a square lung."""
    generator = torch.Generator().manual_seed(0)
    lung = torch.zeros(4, 1, 32, 32, dtype=torch.bool)
    lung[..., 4:28, 4:28] = True
    image = torch.where(lung, 0.2 + 0.1 * torch.rand(lung.shape, generator=generator), 0.0)
    image[:2, :, 8:14, 8:14] = 0.9
    return {
        "image": image,
        "lung": lung,
        "tag": torch.tensor([1, 1, 0, 0], dtype=torch.int8),
        "target": torch.full((4, 1, 32, 32), 255, dtype=torch.uint8),
    }


@pytest.fixture
def config(small_config: MakeConfig) -> MakeConfig:
    def make(name: str, **changes: Any) -> Config:
        network, options = SYSTEMS[name]
        plain: dict[str, Any] = {"method": name, "method_options": options, "network": network, "draw": "tags"}
        return small_config(**{**plain, "epoch_samples": 16, "monitor": "precision", **changes})

    return make


# Heat maps


def test_the_three_readings_of_the_heat_map() -> None:
    image, normal = torch.tensor([[[[0.0, -1.0]]]]), torch.tensor([[[[-0.5, 0.0]]]])
    lesion = torch.tensor([[[[0.3, -0.2]]]])
    assert heat_map(image, normal, lesion, "difference").flatten().tolist() == [0.25, 0.5]
    assert heat_map(image, normal, lesion, "positive").flatten().tolist() == [0.25, 0.0]
    torch.testing.assert_close(heat_map(image, normal, lesion, "lesion").flatten(), torch.tensor([0.3, 0.0]))


def test_smoothing_spreads_a_point_as_a_gaussian() -> None:
    point = torch.zeros(1, 1, 21, 21)
    point[..., 10, 10] = 1
    spread = smoothed(point, 2.0)[0, 0]
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert float(spread[10, 12] / spread[10, 10]) == pytest.approx(float(torch.tensor(-0.5).exp()), rel=1e-4)
    assert torch.equal(smoothed(point, 0), point)


def test_smoothing_inside_the_lungs_is_not_diluted_by_what_lies_outside() -> None:
    inside = torch.zeros(1, 1, 9, 9, dtype=torch.bool)
    inside[..., :5] = True
    heat = Cleaning(median=False, opening=1, sigma=2.0)(inside.float(), inside)
    torch.testing.assert_close(heat, inside.float())


def test_opening_takes_thin_structures_away_and_leaves_the_others() -> None:
    heat = torch.zeros(1, 1, 16, 16)
    heat[..., 2, :] = 1
    heat[..., 8:12, 8:12] = 1
    wanted = heat.clone()
    wanted[..., 2, :] = 0
    assert torch.equal(Cleaning(median=False, opening=3, sigma=0)(heat, torch.ones_like(heat) > 0), wanted)
    with pytest.raises(InputError, match="opening must be an odd number of pixels, not 2"):
        Cleaning(median=False, opening=2, sigma=0)


def test_the_median_inside_the_lungs_is_taken_away() -> None:
    heat = torch.tensor([[0.1, 0.2, 0.9, 0.7], [0.3, 0.3, 0.3, 0.3]]).view(2, 1, 1, 4)
    inside = torch.tensor([[True, True, True, False], [False] * 4]).view(2, 1, 1, 4)
    above = above_median(heat, inside).view(2, 4)
    torch.testing.assert_close(above, torch.tensor([[0, 0, 0.7, 0], [0, 0, 0, 0]]))


def test_the_median_is_the_lower_of_two_in_the_middle_without_an_operation_that_gpus_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Training wants deterministic operations; on GPUs torch has no such median along a dimension."""
    torch.manual_seed(0)
    heat, inside = torch.rand(5, 1, 6, 7), torch.rand(5, 1, 6, 7) < 0.5
    inside_alone = [one[where].sort().values for one, where in zip(heat, inside, strict=True)]
    expected = torch.stack([values[(len(values) - 1) // 2] for values in inside_alone])

    def refused(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("median", "nanmedian", "kthvalue"):
        monkeypatch.setattr(torch, name, refused)
        monkeypatch.setattr(Tensor, name, refused, raising=False)
    above = above_median(heat, inside)
    torch.testing.assert_close(above, (heat - expected.view(-1, 1, 1, 1)).clamp(min=0) * inside)


def test_smoothed_intensity_is_zero_where_it_is_black() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[..., :8] = 0.5
    heat = SmoothedIntensity().probabilities(image)
    assert (heat[..., 8:] == 0).all()
    assert float(heat[0, 0, 8, 0]) == pytest.approx(0.25, abs=0.06)  # half of the Gaussian is beyond the border
    with pytest.raises(InputError, match="nothing to train"):
        SmoothedIntensity().loss({})


@pytest.mark.parametrize("name", SYSTEMS)
def test_heat_is_zero_outside_and_in_0_to_1(name: str, batch: Sample) -> None:
    method = build(name, smooth=1.0, median=True).eval()
    with torch.no_grad():
        heat = method.probabilities(batch["image"])
        views = method.views(batch["image"])
    assert heat.shape == batch["image"].shape
    assert heat.min() >= 0
    assert heat.max() <= 1
    assert (heat[~batch["lung"]] == 0).all()
    assert torch.equal(views["heat map"], heat)
    assert {"normal version"} < set(views)


# Losses


def halved(batch: Sample) -> tuple[Tensor, Tensor]:
    lesion, normal = halves(batch)
    return 2 * lesion["image"] - 1, 2 * normal["image"] - 1


def test_the_papers_loss_is_what_its_equations_say(batch: Sample) -> None:
    method = build("decomposition", variant="paper")
    lesion, normal = halved(batch)
    terms = method.loss(batch)
    every = torch.cat([lesion, normal])
    versions, lesions = method.versions(every)
    torch.testing.assert_close(terms["reconstruction"], 100 * (versions + lesions - every).abs().mean())
    torch.testing.assert_close(terms["fidelity"], 100 * (versions[2:] - normal).abs().mean())
    inside = torch.where(batch["lung"], versions, -1.0)
    torch.testing.assert_close(terms["adversarial"], -0.01 * method.critic(inside).mean())


def test_the_released_loss_has_weights_at_edges_and_a_mean_for_each_kind(batch: Sample) -> None:
    from groundglass.losses.edge_weights import edge_weights

    method = build("decomposition", variant="released")
    lesion, normal = halved(batch)
    terms = method.loss(batch)
    (n_l, s_l), (n_n, s_n) = method.versions(lesion), method.versions(normal)
    w_l, w_n = edge_weights((lesion + 1) / 2), edge_weights((normal + 1) / 2)
    whole = (w_l * (n_l + s_l - lesion).abs()).mean() + (w_n * (n_n + s_n - normal).abs()).mean()
    torch.testing.assert_close(terms["reconstruction"], 200 * whole)
    torch.testing.assert_close(terms["fidelity"], 200 * (w_n * (n_n - normal).abs()).mean())
    inside = torch.where(batch["lung"][:2], n_l, -1.0)
    torch.testing.assert_close(terms["adversarial"], -0.01 * method.critic(inside).mean())
    assert terms["loss"].item() == pytest.approx(
        sum(one.item() for key, one in terms.items() if key != "loss"), rel=1e-5
    )


def test_the_papers_terms_may_be_squares_and_teach_the_versions_they_speak_of(batch: Sample) -> None:
    """Eqs. 1 and 2 with p = 2: the sum is of both versions, the fidelity is of the normal version alone."""
    method = build("decomposition", variant="paper", p=2)
    lesion, normal = halved(batch)
    terms = method.loss(batch)
    every = torch.cat([lesion, normal])
    versions, lesions = method.versions(every)
    torch.testing.assert_close(terms["reconstruction"], 100 * (versions + lesions - every).square().mean())
    torch.testing.assert_close(terms["fidelity"], 100 * (versions[2:] - normal).square().mean())
    for key, heads in (("fidelity", [True, False]), ("reconstruction", [True, True])):
        weights = [head.weight for head in method.network.heads]
        slopes = torch.autograd.grad(terms[key], weights, retain_graph=True, allow_unused=True)
        assert [slope is not None and bool(slope.any()) for slope in slopes] == heads


@pytest.mark.parametrize(
    ("reading", "change", "expected"),
    [
        ("difference", -0.6, 0.3),
        ("difference", 0.6, 0.3),
        ("positive", -0.6, 0.3),
        ("positive", 0.6, 0.0),
        ("lesion", -0.6, 0.2),
    ],
)
def test_the_heat_of_a_slice_is_read_as_asked(
    reading: str, change: float, expected: float, batch: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the normal version changed, in grey values of [0, 1] (released), or the lesion version, here 0.2 (paper)."""
    method = build("decomposition", heat=reading)
    monkeypatch.setattr(method.network, "forward", lambda image: (image + change, torch.full_like(image, 0.2)))
    heat = method.probabilities(batch["image"])[batch["lung"]]
    torch.testing.assert_close(heat, torch.full_like(heat, expected))


@pytest.mark.parametrize(
    ("reading", "expected"), [("map", (0.5, 0.5)), ("difference", (0.231, 0.231)), ("positive", (0.0, 0.231))]
)
def test_vagans_map_is_read_as_asked(
    reading: str, expected: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of slices of grey 0 in [-1, 1]: a map of 0.5, which brightens, and one of -0.5, which darkens."""
    method = build("vagan", heat=reading)
    image = torch.full((2, 1, 16, 16), 0.5)
    change = torch.tensor([0.5, -0.5]).view(2, 1, 1, 1)
    monkeypatch.setattr(method.network, "forward", lambda image: change.expand_as(image))
    heat = method.probabilities(image)
    assert heat.amax(dim=(1, 2, 3)).tolist() == pytest.approx(expected, abs=1e-3)


def test_bl_may_start_from_the_slice_itself(batch: Sample) -> None:
    method = build("bl", change=True, common_lungs=True)
    image = 2 * batch["image"] - 1
    assert torch.equal(method.normal_version(image), image)
    assert not torch.equal(build("bl").normal_version(image), image)


def test_the_tags_of_diseased_scans_are_not_enough(blobs_copy: DatasetFolder) -> None:
    blobs_copy.store.path.unlink()
    simulate_labels(blobs_copy, ["scan-tags"])
    labels = [tag for tags in blobs_copy.labels(["scan_tag"]).values() for tag in tags]
    blobs_copy.store.path.unlink()
    training = [case.case for case in blobs_copy.split.training]
    blobs_copy.store.append(
        [replace(labels[0], id=f"{number:032x}", case=name, label=number % 2) for number, name in enumerate(training)]
    )
    samples = SliceSamples(blobs_copy, blobs_copy.split.training, Grid(size=(32, 32)))
    with pytest.raises(
        InputError, match=r"no lesion, .* the tag of a diseased scan says nothing about its single slices"
    ):
        tagged_slices(samples)


def test_the_released_critic_loss_is_a_hundredth(batch: Sample) -> None:
    losses = {}
    for scale in (0.01, 1.0):
        method = build("decomposition", variant="released")
        method.critic_scale = scale
        torch.manual_seed(3)
        losses[scale] = method.critic_loss(batch)["loss"]
    torch.testing.assert_close(losses[0.01], 0.01 * losses[1.0])


def test_ablations_leave_out_what_they_say(batch: Sample) -> None:
    assert build("decomposition", fidelity=0.0).loss(batch)["fidelity"] == 0
    assert "adversarial" not in build("decomposition", adversarial=0.0).loss(batch)
    assert build("decomposition", adversarial=0.0).critic is None
    method = build("decomposition", lesion_decoder=False)
    assert not method.versions(batch["image"])[1].any()
    assert not method.views(batch["image"])["lesion version"].any()


def test_lungs_in_common_hide_their_shape_from_the_critic(batch: Sample) -> None:
    """Where only one of the two has lung, nothing the images hold changes the critic's loss."""
    method = build("decomposition", common_lungs=True, critic_norm="none")
    batch["lung"][:2, :, :16] = False
    changed = {**batch, "image": batch["image"].clone()}
    changed["image"][2:, :, 4:16, 4:28] = 0.99
    first, second = (method.opinion(torch.zeros(2, 1, 32, 32), *halves(one)) for one in (batch, changed))
    assert torch.equal(first, second)
    torch.manual_seed(1)
    loss = method.critic_loss({**batch, "image": batch["image"] * batch["lung"]})["loss"]
    torch.manual_seed(1)
    elsewhere = {**batch, "image": batch["image"].clone()}
    elsewhere["image"][2:, :, 4:16, 4:28] = 0.99
    torch.testing.assert_close(method.critic_loss(elsewhere)["loss"], loss)


def test_opacities_brighten_the_lung_and_nothing_else(batch: Sample) -> None:
    torch.manual_seed(0)
    bare = 2 * batch["image"] - 1
    painted = paste_opacities(bare, batch["lung"], 1.0)
    assert (painted >= bare - 1e-5).all()
    assert painted.max() <= 1
    torch.testing.assert_close(painted[~batch["lung"]], bare[~batch["lung"]])
    assert ((painted - bare).flatten(1).amax(dim=1) > 0.1).all()
    assert torch.equal(paste_opacities(bare, batch["lung"], 0.0), bare)
    nowhere = torch.zeros_like(batch["lung"])
    assert torch.equal(paste_opacities(bare, nowhere, 1.0), bare)


def test_with_opacities_the_normal_version_must_be_the_slice_without(batch: Sample) -> None:
    method = build("decomposition", opacities=1.0, fidelity=1.0, network_options={"output": "change"})
    torch.manual_seed(0)
    kept = method.loss(batch)["fidelity"]  # the network changes nothing yet: the distance is what was painted
    assert kept > 0.01
    assert build("decomposition", network_options={"output": "change"}).loss(batch)["fidelity"] == 0


def test_another_light_leaves_black_and_white_and_the_order_between(batch: Sample) -> None:
    ramp = torch.linspace(0, 1, 16).expand(8, 1, 4, 16)
    lit = relit(ramp, 0.5)
    assert (lit[..., 0] == 0).all()
    assert (lit.diff(dim=-1) >= 0).all()
    assert len(lit[:, 0, 0, 8].unique()) == 8
    assert relit(ramp, 0.0) is ramp
    method = build("decomposition", relight=0.5)
    method.settings = TrainingSettings(brightness=0.3)
    assert (method.prepared(batch)["image"][~batch["lung"]] == 0).all()


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_noise_leaves_what_is_black(name: str, batch: Sample) -> None:
    method = build(name)
    method.settings = TrainingSettings(brightness=0.0, contrast=0.0, noise=0.05)
    seen = method.prepared(batch)["image"]
    assert (seen[~batch["lung"]] == 0).all()
    change = (seen - batch["image"])[batch["lung"]].abs()
    assert 0.02 < change.mean() < 0.03
    assert change.max() <= 0.05 + 1e-6


# Turns


class Turns:
    """Counts the steps of each optimizer of a run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        step = Alternating.step

        def counted(method: Alternating, optimizer: Any, loss: Tensor) -> None:
            self.taken.append("nc!"[[id(one) for one in method.all_optimizers()].index(id(optimizer))])
            step(method, optimizer, loss)

        monkeypatch.setattr(Alternating, "step", counted)

    def __str__(self) -> str:
        return "".join(self.taken)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("decomposition", {**CRITIC}, "cncncncn" * 2),
        ("decomposition", {**CRITIC, "critic_steps": 3}, "cccnc" + "ccncc"),
        ("decomposition", {**CRITIC, "critic_start": 5}, "cccc" + "cncncncn"),
        ("decomposition", {"adversarial": 0.0}, "nnnn" * 2),
        ("vagan", {"critic_steps": 1, "long_turns": 4}, "ccccn" + "ccccn"),
        ("bl", {**CRITIC, "classifier_steps": 3}, "!!!cn" + "cncncncn"),
    ],
)
def test_critic_and_network_take_turns(
    name: str,
    options: dict[str, Any],
    expected: str,
    config: MakeConfig,
    blobs: DatasetFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns(monkeypatch)
    train(config(name, method_options=options), blobs.root, tmp_path / "run", quiet=True, device="cpu")
    assert str(turns) == expected


def test_a_classifier_that_has_learned_nothing_is_said(
    config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = config("bl", method_options={**CRITIC, "classifier_steps": 3})
    train(
        replace(plain, settings=replace(plain.settings, lr=1e-9)), blobs.root, tmp_path / "a", quiet=True, device="cpu"
    )
    assert "the classifier tells lesion slices from others hardly better than by chance (loss 0.69, chance 0.69)" in (
        caplog.text
    )
    assert "recent_loss" not in build("bl").state_dict(), "checkpoints of before still load"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_changes_its_own_part_and_no_other_gathers_gradient(
    name: str, config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network, critic and, in BL, classifier: each in its own steps."""
    taken: set[int] = set()
    step = Alternating.step

    def watched(method: Alternating, optimizer: Any, loss: Tensor) -> None:
        turn = [id(one) for one in method.all_optimizers()].index(id(optimizer))
        own = list(method.trained_parts()[turn].parameters())
        mine = {id(one) for one in own}
        others = [one for one in method.parameters() if id(one) not in mine]
        for one in others:
            one.grad = None
        before = [[one.detach().clone() for one in some] for some in (own, others)]
        step(method, optimizer, loss)
        assert any(not torch.equal(one, was) for one, was in zip(own, before[0], strict=True))
        assert all(torch.equal(one, was) for one, was in zip(others, before[1], strict=True))
        assert all(one.grad is None for one in others)
        taken.add(turn)

    monkeypatch.setattr(Alternating, "step", watched)
    train(config(name, epochs=1, epoch_samples=12), blobs.root, tmp_path / "run", quiet=True, device="cpu")
    assert taken == set(range(3 if name == "bl" else 2))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_run_that_is_resumed_ends_as_if_it_had_not_stopped(
    name: str, config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"lr": 1e-3, "average": 0.8, "orient": True}
    recipe = config(name, epochs=3, settings=settings, method_options={**SYSTEMS[name][1], "critic_steps": 3})
    straight = train(recipe, blobs.root, tmp_path / "straight", quiet=True, device="cpu")
    step = Adversarial.training_step
    calls = []

    def interrupted(method: Adversarial, batch: Sample, index: int) -> None:
        calls.append(index)
        if len(calls) == 6:
            raise OSError("power cut")
        step(method, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(Adversarial, "training_step", interrupted)
        with pytest.raises(OSError, match="power cut"):
            train(recipe, blobs.root, tmp_path / "stopped", quiet=True, device="cpu")
    resumed = train(recipe, blobs.root, tmp_path / "stopped", quiet=True, device="cpu", resume=True)
    for key, value in straight.method.state_dict().items():
        assert torch.equal(value, resumed.method.state_dict()[key]), key


def test_the_gradient_penalty_is_in_float32_also_in_bfloat16(batch: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = build("decomposition"), []
    monkeypatch.setattr(
        "groundglass.methods.adversarial.gradient_penalty",
        lambda critic, real, fake: seen.append(torch.is_autocast_enabled("cpu")) or critic(real).sum(),
    )
    with torch.autocast("cpu", torch.bfloat16):
        method.critic_loss(batch)
    assert seen == [False]


# Bad input


def samples_of(tags: list[int], lung: list[bool] | None = None) -> SliceSamples:
    samples = SliceSamples.__new__(SliceSamples)
    samples.folder = SimpleNamespace(root=Path("data"), labels=lambda kinds: {})  # type: ignore[assignment]
    where = torch.tensor(lung or [True] * len(tags))
    samples.tensors = {
        "tag": torch.tensor(tags, dtype=torch.int8),
        "lung": where[:, None, None, None].expand(-1, 1, 2, 2),
    }
    return samples


def test_slices_without_tag_or_lung_are_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        usable = tagged_slices(samples_of([1, -1, 0, 0], [True, True, True, False]))
    assert usable.tolist() == [True, False, True, False]
    assert "1 of 4 training slices have no tag" in caplog.text
    assert "1 of 4 training slices show no lung" in caplog.text


@pytest.mark.parametrize(("tags", "words"), [([1, 1, -1], "has a lesion"), ([0, 0], "has no lesion")])
def test_slices_of_one_kind_are_refused(tags: list[int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        tagged_slices(samples_of(tags))


def test_empty_lung_masks_are_refused() -> None:
    with pytest.raises(InputError, match=r"^data: the lung masks of the training cases are all empty"):
        tagged_slices(samples_of([0, 1], [False, False]))


def test_a_batch_of_one_kind_says_what_to_set(batch: Sample) -> None:
    with pytest.raises(InputError, match="draw: tags"):
        halves({key: value[:2] for key, value in batch.items()})


def test_pairs_need_an_even_batch(config: MakeConfig) -> None:
    with pytest.raises(InputError, match="even batch_size, not 1"):
        config("decomposition", batch_size=1)
    with pytest.raises(InputError, match="draw: tags needs epoch_samples of 2 or more"):
        config("decomposition", epoch_samples=1)


def test_another_network_is_refused(small_network: torch.nn.Module) -> None:
    for name, wanted in (("decomposition", "decomposition"), ("vagan", "map-generator"), ("bl", "map-generator")):
        with pytest.raises(InputError, match=f"network: {wanted}"):
            METHODS.build(name, {}, network=small_network, settings=STILL)


@pytest.mark.parametrize(
    ("name", "options"),
    [("decomposition", {"opacities": 2.0}), ("decomposition", {"critic_steps": 0}), ("bl", {"heat": "lesion"})],
)
def test_options_that_make_no_sense_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        build(name, **options)


def test_a_training_that_diverges_is_stopped_with_its_last_checkpoint_kept(
    config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = LesionDecomposition.loss

    def exploding(method: LesionDecomposition, batch: Sample) -> dict[str, Tensor]:
        terms = loss(method, batch)
        return terms if method.current_epoch == 0 else {"loss": terms["loss"] * float("nan")}

    monkeypatch.setattr(LesionDecomposition, "loss", exploding)
    with pytest.raises(InputError, match="training diverged in epoch 2"):
        train(config("decomposition"), blobs.root, tmp_path / "run", quiet=True, device="cpu")
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(bool(one.isfinite().all()) for one in kept["state_dict"].values())
