from __future__ import annotations

import pytest
import torch

from groundglass.datasets.samples import Sample
from groundglass.methods.augment import augment
from groundglass.methods.settings import TrainingSettings

STILL = {"brightness": 0.0, "contrast": 0.0}


@pytest.fixture
def batch() -> Sample:
    """Targets and lungs that can be told from their image, wherever it is moved."""
    torch.manual_seed(0)
    image = torch.nn.functional.interpolate(torch.rand(32, 1, 6, 6), size=(24, 24), mode="nearest")
    return {
        "image": image,
        "target": (image > 0.5).to(torch.uint8),
        "lung": image > 0.2,
        "tag": torch.arange(32, dtype=torch.int8),
        "index": torch.arange(32),
    }


def test_nothing_is_done_unless_asked_for(batch: Sample) -> None:
    still = augment(batch, TrainingSettings(**STILL))
    assert all(torch.allclose(still[key].float(), batch[key].float(), atol=1e-6) for key in batch)


@pytest.mark.parametrize("options", [{"orient": True}, {"zoom": 1.4}, {"orient": True, "zoom": 1.4}])
def test_image_target_and_lung_are_moved_alike(batch: Sample, options: dict[str, float]) -> None:
    moved = augment(batch, TrainingSettings(**STILL, **options))
    assert not torch.equal(moved["image"], batch["image"])
    for key, least in (("target", 0.5), ("lung", 0.2)):
        assert moved[key].dtype == batch[key].dtype
        agreement = ((moved["image"] > least) == moved[key].bool()).float().mean()
        assert agreement > 0.93 if "zoom" in options else agreement == 1
    for key in ("tag", "index"):
        assert torch.equal(moved[key], batch[key])


def test_grey_values_alone_are_jittered(batch: Sample) -> None:
    jittered = augment(batch, TrainingSettings(brightness=0.2, contrast=0.2))
    assert not torch.allclose(jittered["image"], batch["image"], atol=1e-3)
    assert all(torch.equal(jittered[key], batch[key]) for key in batch if key != "image")


def test_the_batch_itself_is_left_as_it_is(batch: Sample) -> None:
    before = {key: value.clone() for key, value in batch.items()}
    augment(batch, TrainingSettings(orient=True, zoom=1.5))
    assert all(torch.equal(batch[key], before[key]) for key in before)


def test_orientations_are_all_drawn(batch: Sample) -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3).div(9).repeat(200, 1, 1, 1)
    moved = augment({"image": image}, TrainingSettings(**STILL, orient=True))["image"]
    assert len({tuple(one.flatten().round(decimals=3).tolist()) for one in moved}) == 8


def test_upright_slices_are_only_mirrored_and_others_turned_too(batch: Sample) -> None:
    batch["upright"] = torch.arange(32) < 16
    moved = augment(batch, TrainingSettings(**STILL, orient=True, upright=True))["image"]
    pairs = list(zip(moved, batch["image"], strict=True))
    same = [torch.equal(one, was) for one, was in pairs]
    mirrored = [torch.equal(one, was.flip(-1)) for one, was in pairs]
    assert all(a or b for a, b in zip(same[:16], mirrored[:16], strict=True))
    assert any(mirrored[:16])
    assert not all(a or b for a, b in zip(same[16:], mirrored[16:], strict=True))
