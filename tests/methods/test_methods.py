"""What holds for every method, and what each adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import NoReturn

import pytest
import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.labels.events import KINDS
from groundglass.losses.consistency import consistency_loss
from groundglass.losses.points import point_loss
from groundglass.losses.weighted_bce_iou import weighted_bce_iou
from groundglass.methods import METHODS
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")

NAMES = ("full", "points", "consistency")
LABELS = {"full": ("mask",), "points": ("point",), "consistency": ("point",)}
Build = Callable[..., Method]


@pytest.fixture
def build(small_network: nn.Module, still_settings: TrainingSettings) -> Build:
    def make(
        name: str, *, network: nn.Module = small_network, settings: Any = still_settings, **options: Any
    ) -> Method:
        method: Method = METHODS.build(name, options, network=network, settings=settings)
        return method

    return make


@pytest.fixture(scope="module")
def batches(blobs: DatasetFolder) -> dict[str, Sample]:
    """All labeled slices of the blob dataset, with the labels each method uses."""
    found = {}
    for name in NAMES:
        samples = SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), kinds=LABELS[name])
        found[name] = samples.batch(samples.labeled.nonzero().flatten().tolist())
    return found


def train(method: Method, batch: Sample, steps: int) -> list[float]:
    """Loss of each step of plain training on one batch."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(method.parameters(), lr=method.settings.lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = method.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NAMES)
def test_it_overfits_a_few_slices(name: str, build: Build, batches: dict[str, Sample]) -> None:
    method, batch = build(name), batches[name]
    losses = train(method.train(), batch, 60)
    assert losses[-1] < 0.25 * losses[0]
    truth = batch["image"] > 0.5 * (batch["image"].max() + batch["image"].min())  # the lesions are what is bright
    with torch.no_grad():
        found = method.eval().probabilities(batch["image"]) > 0.5
    dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert dice > {"full": 0.85, "points": 0.4, "consistency": 0.7}[name]


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_have_the_size_of_the_image_and_lie_in_0_to_1(name: str, build: Build) -> None:
    method = build(name).eval()
    with torch.no_grad():
        probabilities = method.probabilities(torch.rand(3, 1, 33, 40))
    assert probabilities.shape == (3, 1, 33, 40)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1


class Untouchable:
    """A mask for evaluation, which a training step must not read."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise AssertionError("a training step read the mask")

    @classmethod
    def __torch_function__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a training step read the mask")


class Guarded(dict[str, Any]):
    """A sample that cannot be asked for its mask."""

    def __getitem__(self, key: str) -> Any:
        assert key != "mask", "a training step read the mask"
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        assert key != "mask", "a training step read the mask"
        return super().get(key, default)


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_does_not_read_the_mask(name: str, build: Build, batches: dict[str, Sample]) -> None:
    method = build(name)
    batch = Guarded({**batches[name], "mask": Untouchable()})
    assert torch.isfinite(method.loss(batch)["loss"])
    assert torch.isfinite(method.training_step(batch, 0))


def unlabeled(batch: Sample) -> Sample:
    return {**batch, "target": torch.full_like(batch["target"], 255), "tag": torch.full_like(batch["tag"], -1)}


@pytest.mark.parametrize(("name", "options"), [("full", {}), ("points", {}), ("consistency", {"weight": 0.0})])
def test_nothing_labeled_is_zero_loss_with_a_gradient(
    name: str, options: dict[str, Any], build: Build, batches: dict[str, Sample]
) -> None:
    method = build(name, **options)
    loss = method.training_step(unlabeled(batches[name]), 0)
    loss.backward()
    assert loss.item() == 0
    assert all(one.grad is not None and not one.grad.any() for one in method.parameters())


def test_consistency_learns_from_slices_without_labels(build: Build, batches: dict[str, Sample]) -> None:
    method = build("consistency")
    terms = method.loss(unlabeled(batches["consistency"]))
    terms["loss"].backward()
    assert terms["points"] == 0
    assert terms["loss"] == terms["consistency"]
    assert terms["loss"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_answered_with_the_known_ones(name: str, build: Build) -> None:
    message = {
        "full": "loss",
        "points": "reduction",
        "consistency": "transforms, variant, weight, reduction, space",
    }[name]
    with pytest.raises(InputError, match=f"method '{name}' has no option 'color'; it has {message}"):
        build(name, color="red")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("points", {"reduction": "median"}),
        ("consistency", {"transforms": "flop"}),
        ("consistency", {"weight": "much"}),
        ("consistency", {"variant": "mine"}),
        ("consistency", {"space": "log"}),
    ],
)
def test_a_wrong_value_of_an_option_is_named(name: str, options: dict[str, Any], build: Build) -> None:
    with pytest.raises(InputError, match=f"method '{name}': .*{next(iter(options))}"):
        build(name, **options)


def test_an_unknown_method_is_answered_with_the_known_ones(build: Build) -> None:
    with pytest.raises(InputError, match=r"there is no method called 'point'; choose one of .*points"):
        build("point")


@pytest.mark.parametrize("name", METHODS.entries)
def test_every_method_says_which_labels_it_uses(name: str) -> None:
    assert METHODS.get(name).uses
    assert set(METHODS.get(name).uses) <= set(KINDS) - {"retraction"}


def test_a_method_trains_on_labeled_slices_only(build: Build, blobs: DatasetFolder) -> None:
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), kinds=("point",))
    assert build("points").usable(samples).tolist() == samples.labeled.tolist()


def test_the_loss_of_points_and_full_is_that_of_the_networks_logits(build: Build, batches: dict[str, Sample]) -> None:
    for name, expected in (("points", point_loss), ("full", weighted_bce_iou)):
        batch, method = batches[name], build(name).eval()
        assert method.loss(batch)["loss"] == expected(method.network(batch["image"]), batch["target"])
    batch, method = batches["points"], build("points", reduction="sum").eval()
    logits = method.network(batch["image"])
    assert method.loss(batch)["loss"] == point_loss(logits, batch["target"], reduction="sum")


def by_hand(
    method: Method, batch: Sample, moved: Dihedral, points_by: Any, pixels_by: Any, space: Any
) -> dict[str, Tensor]:
    """The terms of consistency in two passes; in evaluation batch norm treats both alike."""
    logits, moved_logits = method.network(batch["image"]), method.network(moved.apply(batch["image"]))
    points = point_loss(logits, batch["target"], reduction=points_by)
    moved_points = point_loss(moved_logits, moved.apply(batch["target"]), reduction=points_by)
    consistency = consistency_loss(logits, moved.invert(moved_logits), space=space, reduction=pixels_by)
    return {"loss": points + moved_points + 0.3 * consistency, "points": points, "consistency": consistency}


@pytest.mark.parametrize("transforms", ["flip", "flip-rot", "uniform", "dihedral"])
@pytest.mark.parametrize(
    ("options", "points_by", "pixels_by", "space"),
    [
        ({}, "mean", "mean", "logits"),
        ({"variant": "paper"}, "sum", "sum", "probabilities"),
        ({"variant": "paper", "space": "logits"}, "sum", "sum", "logits"),
        ({"space": "probabilities"}, "mean", "mean", "probabilities"),
        ({"reduction": "balanced"}, "balanced", "mean", "logits"),
    ],
)
def test_consistency_is_its_three_terms(
    transforms: Any,
    options: dict[str, Any],
    points_by: str,
    pixels_by: str,
    space: str,
    build: Build,
    batches: dict[str, Sample],
) -> None:
    batch = batches["consistency"]
    method = build("consistency", transforms=transforms, weight=0.3, **options).eval()
    torch.manual_seed(5)
    terms = method.loss(batch)
    torch.manual_seed(5)
    expected = by_hand(method, batch, Dihedral.sample(len(batch["image"]), transforms), points_by, pixels_by, space)
    assert {key: value.item() for key, value in terms.items()} == pytest.approx(
        {key: value.item() for key, value in expected.items()}, rel=1e-4
    )


def test_consistency_turns_square_images_only(build: Build) -> None:
    torch.manual_seed(0)
    batch = {"image": torch.rand(8, 1, 32, 40), "target": torch.full((8, 1, 32, 40), 1, dtype=torch.uint8)}
    with pytest.raises(InputError, match="images of 32 x 40 cannot be rotated"):
        build("consistency").loss(batch)
    assert torch.isfinite(build("consistency", transforms="flip").loss(batch)["loss"])


class Recorder(nn.Module):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, image: Tensor) -> Tensor:
        self.seen = image
        return image * self.weight


def test_images_are_jittered_in_training_and_the_batch_is_left_as_it_is(
    build: Build, batches: dict[str, Sample]
) -> None:
    batch = {key: value.clone() for key, value in batches["points"].items()}
    network = Recorder()
    build("points", network=network, settings=TrainingSettings(brightness=0.1, contrast=0.2)).training_step(batch, 0)
    assert not torch.equal(network.seen, batch["image"])
    assert (network.seen - batch["image"]).abs().max() < 0.25
    assert all(torch.equal(batch[key], batches["points"][key]) for key in batch)
    build("points", network=network).training_step(batch, 0)
    assert torch.allclose(network.seen, batch["image"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lr": 0.0}, "lr"),
        ({"betas": (0.9, 1.0)}, "betas"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"power": -0.1}, "power"),
        ({"brightness": -0.1}, "brightness"),
        ({"contrast": -0.1}, "contrast"),
        ({"zoom": 0.9}, "zoom"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=rf"settings\.{named} must be"):
        TrainingSettings(**changes)
