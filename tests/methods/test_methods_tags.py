"""Methods that learn from slice tags: what they share, and what each adds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.methods.cam import CAM
from groundglass.methods.gradcam import GradCAM
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.icd import ICD
from groundglass.methods.irn import IRN
from groundglass.methods.irn import sure_places
from groundglass.methods.seam import SEAM
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tag_method import TagMethod
from groundglass.methods.tag_method import class_loss
from groundglass.networks import build_network

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")

NAMES = ("cam", "gradcam", "seam", "irn", "icd", "attention-fusion")
OPTIONS: dict[str, dict[str, Any]] = {"attention-fusion": {"segmenter": "plain-unet"}}
OPTIONS["attention-fusion"]["segmenter_options"] = {"channels": [4, 8]}
Build = Callable[..., Any]


@pytest.fixture
def build(still_settings: TrainingSettings) -> Build:
    def make(name: str, *, settings: TrainingSettings = still_settings, network: Any = None, **options: Any) -> Any:
        torch.manual_seed(0)
        network = network or build_network("classifier", {"encoder": "plain", "channels": [8, 16, 16]})
        return METHODS.build(name, OPTIONS.get(name, {}) | options, network=network, settings=settings)

    return make


@pytest.fixture(scope="module")
def batch(blobs: DatasetFolder) -> Sample:
    """The blob dataset's eight training slices, of which two have no lesion; the four upper rows black."""
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), kinds=("slice_tag",))
    whole = samples.batch(range(len(samples)))
    whole["image"][:, :, :4] = 0
    assert sorted(whole["tag"].tolist()) == [0, 0, 1, 1, 1, 1, 1, 1]
    return whole


def tagged(batch: Sample, *tags: int) -> Sample:
    return {**batch, "tag": torch.tensor(tags, dtype=torch.int8)}


def train(method: TagMethod, batch: Sample, steps: int) -> float:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-2)
    method.train()
    loss = torch.zeros(())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = method.training_step(batch, 0)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    method.eval()
    return loss.item()


@pytest.mark.parametrize("name", NAMES)
def test_heat_lies_in_0_to_1_at_the_size_of_the_image_and_is_0_where_it_is_black(name: str, build: Build) -> None:
    method = build(name).eval()
    image = torch.rand(3, 1, 36, 40)
    image[:, :, :, :7] = 0
    for stage in (0.0, 1.0) if hasattr(method, "second_stage") else (0.0,):
        if stage:
            method.second_stage.fill_(stage)
        with torch.inference_mode():
            heat = method.probabilities(image)
        assert heat.shape == image.shape
        assert heat.min() >= 0
        assert heat.max() <= 1
        assert not heat[:, :, :, :7].any()


@pytest.mark.parametrize("name", ["cam", "gradcam", "seam", "icd"])
def test_it_tells_the_slices_apart_and_is_hot_on_lesions(name: str, build: Build, batch: Sample) -> None:
    # More slices without lesion than the two there are: the dark parts of the others, mirrored into place.
    normal = batch["image"].clone()
    normal[normal > 0.5 * (normal.max() + normal[normal > 0].min())] = normal[normal > 0].median()
    both = {key: torch.cat([value, value]) for key, value in batch.items()}
    both["image"] = torch.cat([batch["image"], normal])
    both["tag"] = torch.cat([batch["tag"], torch.zeros_like(batch["tag"])])
    method = build(name)
    train(method, both, 60)
    with torch.inference_mode():
        heat = method.probabilities(both["image"])
        logits = class_logits(method.network(both["image"]))
    assert ((logits > 0) == (both["tag"] == 1)).float().mean() > 0.9
    lesion = batch["image"] > 0.5 * (batch["image"].max() + batch["image"][batch["image"] > 0].min())
    inside, outside = heat[:8][lesion].mean(), heat[:8][~lesion].mean()
    assert inside > 1.5 * outside
    assert heat[8:].mean() < 0.5 * heat[:8].mean()


@pytest.mark.parametrize("name", NAMES)
def test_one_slice_at_a_time_is_enough(name: str, build: Build, batch: Sample) -> None:
    method = build(name).train()
    for index in (0, int((batch["tag"] == 0).nonzero()[0])):
        loss = method.training_step({key: value[index : index + 1] for key, value in batch.items()}, 0)
        loss.backward()
        assert torch.isfinite(loss)


@pytest.mark.parametrize("name", NAMES)
def test_slices_without_a_tag_have_no_say(name: str, build: Build, batch: Sample) -> None:
    method = build(name).train()
    loss = method.training_step(tagged(batch, *[-1] * 8), 0)
    loss.backward()
    assert loss.item() == 0
    assert all(one.grad is None or not one.grad.any() for one in method.parameters())


def test_the_class_loss_by_hand() -> None:
    scores = torch.tensor([[1.0, 3.0], [0.0, -1.0], [9.0, 9.0]]).view(3, 1, 1, 2)
    expected = (functional.softplus(torch.tensor(-2.0)) + functional.softplus(torch.tensor(-0.5))) / 2
    assert float(class_loss(scores, torch.tensor([1, 0, -1]))) == pytest.approx(float(expected))


@pytest.mark.parametrize("name", NAMES)
def test_another_network_is_refused(name: str, build: Build, small_network: torch.nn.Module) -> None:
    with pytest.raises(InputError, match="needs 'network: classifier'"):
        build(name, network=small_network)


def samples_of(blobs: DatasetFolder, tags: Tensor) -> SliceSamples:
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(32, 32)), kinds=("slice_tag",))
    samples.tensors["tag"] = tags.to(torch.int8)
    return samples


def test_untagged_slices_are_left_out_and_counted(
    build: Build, blobs: DatasetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        usable = build("cam").usable(samples_of(blobs, torch.tensor([1, 0, -1, 1, -1, 0, 1, -1])))
    assert usable.tolist() == [True, True, False, True, False, True, True, False]
    assert "3 of 8 training slices have no tag and are left out" in caplog.text


@pytest.mark.parametrize(("tag", "other"), [(0, "one"), (1, "none")])
def test_one_kind_of_tags_alone_is_refused(build: Build, blobs: DatasetFolder, tag: int, other: str) -> None:
    with pytest.raises(
        InputError, match=rf"blobs\d*: every tagged training slice with lung has .* add slices that have {other}"
    ):
        build("cam").usable(samples_of(blobs, torch.tensor([tag] * 7 + [-1])))


def test_empty_lung_masks_are_said(build: Build, blobs: DatasetFolder, caplog: pytest.LogCaptureFixture) -> None:
    samples = samples_of(blobs, torch.tensor([1, 0] * 4))
    samples.tensors["lung"][2] = False
    with caplog.at_level(logging.WARNING):
        build("cam").usable(samples)
    assert "1 of 8 training slices show no lung and are left out" in caplog.text


def test_what_is_black_stays_black_in_training(build: Build, batch: Sample) -> None:
    method = build("cam", settings=TrainingSettings(brightness=0.5, contrast=0.5, orient=True))
    torch.manual_seed(1)
    seen = method.moved(batch, [])["image"]
    assert not seen[batch["image"] == 0].any()
    assert not torch.allclose(seen, batch["image"])


def test_a_heat_map_is_comparable_between_slices() -> None:
    """A normal slice with a little noise stays dark; by its own maximum alone it would be as red as the other."""
    scores = torch.full((2, 1, 4, 4), -5.0)
    scores[0, 0, 1, 1], scores[1, 0, 1, 1] = 400.0, 0.01
    for scale in ("relative", "evidence"):
        heat = heat_map(scores, torch.ones(2, 1, 4, 4), class_logits(scores), scale=scale)  # type: ignore[arg-type]
        assert heat[0].max() > 0.8
        assert heat[1].max() < 0.02


def test_grad_cam_of_the_deepest_level_is_cam(build: Build, batch: Sample) -> None:
    method: GradCAM = build("gradcam", level=-1).eval()
    maps, logits = method.gradient_maps(batch["image"])
    with torch.no_grad():
        scores = method.network(batch["image"])
    bias = method.network.head.bias
    assert bias is not None
    assert torch.allclose(maps, scores - bias, atol=1e-4)
    assert torch.allclose(logits, class_logits(scores), atol=1e-5)


def test_grad_cam_works_where_nothing_records_gradients(build: Build, batch: Sample) -> None:
    method = build("gradcam").eval()
    expected = method.probabilities(batch["image"])
    with torch.inference_mode():
        assert torch.allclose(method.probabilities(batch["image"] + 0), expected, atol=1e-5)


def test_grad_cam_knows_its_levels(build: Build) -> None:
    with pytest.raises(InputError, match=r"level 5: the network has levels -3 to 2"):
        build("gradcam", level=5)


def test_cam_can_be_refined(build: Build, batch: Sample) -> None:
    plain, refined = build("cam").eval(), build("cam", refine="crf").eval()
    assert isinstance(plain, CAM)
    with torch.inference_mode():
        assert not torch.equal(plain.probabilities(batch["image"]), refined.probabilities(batch["image"]))


def test_pcm_takes_the_mean_of_places_that_are_alike(build: Build) -> None:
    method: SEAM = build("seam").eval()
    torch.manual_seed(0)
    features = [torch.rand(1, width, 4, 4) for width in (8, 16, 16)]
    image, maps = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 4, 4)
    with torch.no_grad():
        refined = method.correlate(maps, features, image)
        own = [reduce(one).relu() for reduce, one in zip(method.reduce, features[-2:], strict=True)]
        small = functional.interpolate(image, size=(4, 4), mode="bilinear")
        vectors = method.project(torch.cat([small, *own], dim=1)).flatten(2)[0].T
    for place in range(16):
        alike = torch.stack([functional.cosine_similarity(vectors[place], one, dim=0).relu() for one in vectors])
        expected = (alike * maps.flatten()).sum() / alike.sum()
        assert float(refined.flatten()[place]) == pytest.approx(float(expected), abs=1e-3)


def rows(*values: list[float]) -> Tensor:
    """Maps ``(B, 1, 2, 2)``, one from each list."""
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 2, 2).requires_grad_()


def test_seams_loss_is_of_classes_equivariance_and_cross_regularization(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ER and ECR as released, on maps of one size; of the slice without lesion only the class counts."""
    method: SEAM = build("seam")
    scores, again = rows([4, 2, 0, 0], [1, -2, -2, -1]), rows([10, 9, 0, 0], [-2, 1, -2, -1])
    refined, refined_again = rows([1, 0.5, 0.1, 0.2], [0, 0, 1, 0]), rows([1, 1, 0.2, 0.3], [0, 1, 0, 0])
    shown: list[Tensor] = []

    def maps(image: Tensor) -> tuple[Tensor, Tensor]:
        shown.append(image)
        return ((scores, refined), (again, refined_again))[len(shown) - 1]

    monkeypatch.setattr(method, "maps", maps)
    terms = method.loss({"image": torch.rand(2, 1, 8, 8), "tag": torch.tensor([1, 0])})
    assert [list(one.shape) for one in shown] == [[2, 1, 8, 8], [2, 1, 4, 4]]
    # As shares of their maximum the first slice's maps are 1, 0.5, 0, 0 and 1, 0.9, 0, 0; one of eight differs, by 0.4.
    assert terms["equivariance"].item() == pytest.approx(0.4 / 8)
    # Largest differences of a view's refined map from the other view's map: 0.9 - 0.5 and 1 - 0.5; in half the slices.
    assert terms["cross"].item() == pytest.approx((0.4 + 0.5) / 2)
    by_tag = functional.softplus(torch.tensor([-1.5, -1.0, -4.75, -1.0])).sum() / 4  # mean scores, as the tags say
    lowest = (0.1 + 0.2) / 2 / 2  # the lowest of four pixels, in half the slices
    assert terms["classes"].item() == pytest.approx(by_tag.item() + lowest)
    assert terms["loss"].item() == pytest.approx(by_tag.item() + lowest + 0.05 + 0.45)
    for name, moved in (("equivariance", (scores, again)), ("cross", (refined, refined_again))):
        slopes = torch.autograd.grad(terms[name], moved, retain_graph=True)
        assert all(slope[0].any() and not slope[1].any() for slope in slopes)


def test_seam_wants_a_smaller_second_view(build: Build) -> None:
    with pytest.raises(InputError, match="size 1"):
        build("seam", size=1.0)


def lite(stride: int) -> torch.nn.Module:
    return build_network("classifier", {"encoder": "lite", "stride": stride, "pretrained": False})


@pytest.mark.parametrize(
    ("stride", "side", "size", "sentence"),
    [
        (16, 48, 0.05, r"method_options.size 0.05 leaves 2 x 2 pixels of grid.size \[48, 48\] for the second view"),
        (16, 32, 0.03, "leaves 0 x 0 pixels"),
        (32, 32, 0.5, r"size 0.5 leaves 16 x 16 pixels .* too few for the classifier; raise one of them, or lower"),
    ],
)
def test_a_view_too_small_for_the_classifier_is_refused_before_training(
    build: Build, blobs: DatasetFolder, stride: int, side: int, size: float, sentence: str
) -> None:
    samples = SliceSamples(blobs, blobs.split.training, Grid(size=(side, side)), kinds=("slice_tag",))
    method = build("seam", network=lite(stride), size=size)
    with pytest.raises(InputError, match=sentence):
        method.usable(samples)
    assert method.network.training


def test_the_smallest_view_that_is_not_refused_can_be_trained_on(build: Build, batch: Sample) -> None:
    method = build("seam", network=lite(16), size=0.5).train()  # 32 pixels, then 16
    method.check_view((32, 32))
    assert torch.isfinite(method.loss(batch)["loss"])


def test_irn_is_sure_of_hot_and_cold_places_and_of_black_ones() -> None:
    scores = torch.tensor([[10.0, 4.0], [2.0, 0.1]]).view(1, 1, 2, 2)
    assert sure_places(scores, torch.ones(1, 1, 2, 2), (2, 2)).flatten().tolist() == [1, 1, 255, 0]
    black = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).view(1, 1, 2, 2)
    assert sure_places(scores, black, (2, 2)).flatten().tolist() == [1, 1, 0, 0]


def test_irn_learns_boundaries_without_touching_its_classifier(build: Build, batch: Sample) -> None:
    method: IRN = build("irn")
    train(method, batch, 20)
    method.second_stage.fill_(1.0)
    before = {key: value.clone() for key, value in method.network.state_dict().items()}
    first = method.train().loss(batch)["loss"].item()
    assert train(method, batch, 40) < 0.9 * first
    assert all(torch.equal(value, before[key]) for key, value in method.network.state_dict().items())


def test_icd_finds_the_direction_in_which_places_differ_most(build: Build) -> None:
    method: ICD = build("icd", warm_up=0)
    torch.manual_seed(0)
    along = functional.normalize(torch.randn(16), dim=0)
    side = (torch.rand(400) < 0.3).float() * 2 - 1
    vectors = 3 * side[:, None] * along + 0.3 * torch.randn(400, 16)
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-2)
    method.train()
    for _ in range(150):
        optimizer.zero_grad()
        terms = method._discriminate(vectors, side)
        sum(terms.values(), torch.zeros(())).backward()
        optimizer.step()
    method.eval()
    with torch.no_grad():
        score = method.score(vectors) * method.side.sign()
        found = method.top_down(vectors)[:, 0]
    assert ((score > 0) == (side > 0)).float().mean() > 0.95
    assert ((found > 0) == (side > 0)).float().mean() > 0.95
