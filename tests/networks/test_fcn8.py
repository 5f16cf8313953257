"""FCN8 has the papers' size, start and geometry, and takes VGG16's weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.fcn8 import FCN8
from groundglass.networks.fcn8 import BilinearConvTranspose2d
from groundglass.networks.fcn8 import load_vgg16
from groundglass.networks.fcn8 import vgg16_features

CONVOLUTIONS = {
    0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256), 14: (256, 256),
    17: (512, 256), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512),
}  # fmt: skip
"""torchvision's number of each of VGG16's convolutions: output and input channels."""


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for number, (out, channels) in CONVOLUTIONS.items():
        kernel = rng.standard_normal((out, channels, 3, 3), dtype=np.float32) * np.sqrt(2 / (9 * channels))
        arrays[f"features.{number}.weight"] = kernel.astype(np.float16)
        arrays[f"features.{number}.bias"] = rng.standard_normal(out).astype(np.float16) / 10
    return arrays


@pytest.fixture(scope="module")
def weights(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg16") / "vgg16.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def network(weights: Path) -> FCN8:
    torch.manual_seed(0)
    return FCN8(weights=weights)


@pytest.fixture
def scoring(network: FCN8) -> Iterator[FCN8]:
    """The network with score layers that are not 0."""
    layers = (network.score_fc7, network.score_pool4, network.score_pool3)
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.01, generator=torch.Generator().manual_seed(1))
    yield network
    for layer in layers:
        nn.init.zeros_(layer.weight)


@pytest.fixture(scope="module")
def averaging() -> FCN8:
    """Every convolution averages its input over channels and kernel, so that features are blurred images."""
    with torch.device("meta"):
        network = FCN8()
        # Only the skips are looked at; the real fc6 and fc7 would take half a gigabyte.
        network.classifier, network.score_fc7 = nn.Conv2d(512, 1, 7), nn.Conv2d(1, 1, 1)
    network = network.to_empty(device="cpu").requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, BilinearConvTranspose2d):
            layer.reset_parameters()
    return network


def test_parameter_count_is_the_papers() -> None:
    with torch.device("meta"):
        network = FCN8()
    assert sum(parameter.numel() for parameter in network.parameters()) == 134_265_699
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("size", [(352, 352), (384, 385), (512, 512), (1, 1), (33, 70)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    with torch.device("meta"):
        assert FCN8()(torch.empty(2, 3, *size)).shape == (2, 1, *size)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(352, (550, 275, 138, 69, 35, 18, 12, 26, 54, 440)), (384, (582, 291, 146, 73, 37, 19, 13, 28, 58, 472))],
)
def test_inner_sizes_are_the_papers(size: int, expected: tuple[int, ...]) -> None:
    sizes: list[int] = []
    with torch.device("meta"):
        network = FCN8()
        layers = [network.features[0], *(layer for layer in network.features if isinstance(layer, nn.MaxPool2d))]
        layers += [network.classifier, network.upsample_fc7, network.upsample_pool4, network.upsample_pool3]
        for layer in layers:
            layer.register_forward_hook(lambda _module, _input, output: sizes.append(output.shape[2]))
        network(torch.empty(1, 3, size, size))
    assert tuple(sizes) == expected


def test_logits_are_zero_at_the_start(network: FCN8) -> None:
    with torch.no_grad():
        logits = network.eval()(torch.randn(1, 3, 7, 10))
    assert logits.shape == (1, 1, 7, 10)
    assert not logits.any()


def test_gradient_reaches_the_first_convolution_through_every_score(scoring: FCN8) -> None:
    logits = scoring.eval()(torch.randn(1, 3, 5, 5))
    first = scoring.features[0].weight
    scores = [scoring.score_fc7.weight, scoring.score_pool4.weight, scoring.score_pool3.weight]
    for gradient in torch.autograd.grad(logits.sum(), [first, *scores]):
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("name", ["score_pool4", "score_pool3"])
def test_a_bright_spot_answers_where_it_is(averaging: FCN8, name: str) -> None:
    """Any crop that starts elsewhere moves the answer: by 1 pixel at offset 31, by 8 and 16 at offsets 9 and 5."""
    image = torch.zeros(1, 3, 36, 40)
    image[:, :, 4:12, 20:28] = 1000.0
    for other in ("score_fc7", "score_pool4", "score_pool3"):
        nn.init.constant_(getattr(averaging, other).weight, 1.0 if other == name else 0.0)
    logits = averaging(image)[0, 0]
    row, column = divmod(int(logits.argmax()), 40)
    assert (row, column) == (8, 24)


@pytest.mark.parametrize("size", [4, 16])
def test_upsampling_is_bilinear(size: int) -> None:
    stride = size // 2
    layer = BilinearConvTranspose2d(1, 1, size, stride=stride, bias=False)
    rows = torch.arange(6.0).view(1, 1, 6, 1).expand(1, 1, 6, 6)
    inside = slice(stride, -stride)
    constant = layer(torch.ones(1, 1, 6, 6))[..., inside, inside]
    torch.testing.assert_close(constant, torch.ones_like(constant))
    steps = layer(rows)[0, 0, inside, size].diff()
    torch.testing.assert_close(steps, torch.full_like(steps, 1 / stride))
    assert layer.weight.requires_grad


def test_convolutions_are_those_of_the_file(network: FCN8, arrays: dict[str, np.ndarray]) -> None:
    state = network.state_dict()
    assert {key for key in state if key.startswith("features.")} == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(state[key].numpy(), array.astype(np.float32))


def test_random_start_keeps_the_scale_of_features(network: FCN8) -> None:
    """He's start: the variance of fc6's and fc7's weights is 2 / inputs."""
    for layer, inputs in ((network.classifier[0], 512 * 49), (network.classifier[3], 4096)):
        assert layer.weight[:256].std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.01)
        assert not layer.bias.any()


def test_one_channel_sums_the_first_kernel(arrays: dict[str, np.ndarray], weights: Path) -> None:
    features = vgg16_features(1)
    load_vgg16(features, weights)
    expected = arrays["features.0.weight"].astype(np.float32).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(features[0].weight.detach().numpy(), expected, atol=1e-6)


def test_other_channel_counts_keep_a_random_first_kernel(arrays: dict[str, np.ndarray], weights: Path) -> None:
    features = vgg16_features(5)
    before = features[0].weight.detach().clone()
    load_vgg16(features, weights)
    assert torch.equal(features[0].weight, before)
    np.testing.assert_array_equal(features[2].weight.detach().numpy(), arrays["features.2.weight"].astype(np.float32))


@pytest.mark.parametrize("layers", [slice(1, 3), slice(4, 6)], ids=["fc6", "fc7"])
@pytest.mark.parametrize("training", [True, False])
def test_half_of_the_values_are_dropped_in_training_only(network: FCN8, layers: slice, training: bool) -> None:
    network.train(training)
    first, second = (network.classifier[layers](torch.ones(1, 4096, 2, 2)) for _ in range(2))
    assert (first > 0).float().mean().item() == pytest.approx(0.5 if training else 1.0, abs=0.05)
    assert torch.equal(first, second) is not training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features.0.weight": None}, r"wants features\.0\.weight .* the file has shape none"),
        ({"features.28.bias": np.zeros(7)}, r"wants features\.28\.bias of shape \(512,\), .* shape \(7,\)"),
        ({"classifier.0.bias": np.zeros(3)}, r"wants classifier\.0\.bias of shape none"),
        ({"features.0.bias": np.array(["a"])}, "could not be read"),
        ({"features.0.bias": np.array([None])}, "could not be read"),
    ],
)
def test_wrong_arrays_are_named(change: dict[str, np.ndarray | None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npz"
    good = {f"features.{n}.weight": np.zeros((*shape, 3, 3), np.float16) for n, shape in CONVOLUTIONS.items()}
    good |= {f"features.{n}.bias": np.zeros(shape[0], np.float16) for n, shape in CONVOLUTIONS.items()}
    np.savez(path, **{key: array for key, array in (good | change).items() if array is not None})
    with torch.device("meta"):
        features = vgg16_features(3)
    with pytest.raises(InputError, match=rf"wrong\.npz: .*{message}"):
        load_vgg16(features, path)


@pytest.mark.parametrize("fault", ["missing", "folder", "text", "truncated", "damaged"])
def test_a_file_that_is_no_archive_is_named(fault: str, weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npz"
    content = bytearray(weights.read_bytes())
    if fault == "folder":
        path.mkdir()
    elif fault == "text":
        path.write_text("weights")
    elif fault == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif fault == "damaged":
        content[1000:1100] = bytes(100)
        path.write_bytes(content)
    with torch.device("meta"):
        features = vgg16_features(3)
    with pytest.raises(InputError, match=r"wrong\.npz"):
        load_vgg16(features, path)
