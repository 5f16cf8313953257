"""How fast LCFCN and its gradient are, beside the published form: term by term, a full watershed for each blob."""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected_components
from skimage.segmentation import find_boundaries
from skimage.segmentation import watershed
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from groundglass.files import write_text
from groundglass.losses.lcfcn import lcfcn_loss
from groundglass.training.machine import machine
from groundglass.training.machine import versions

IMAGES = 8
SIZE = 192
CLICKS = 8
REPEATS = 40
IGNORE_INDEX = 255

Term = tuple[NDArray[np.intp], int, float]
Loss = Callable[[Tensor, Tensor], Tensor]


def lcfcn_loss_speed(path: Path) -> str:
    """Time both forms on one core, without a network, and write JSON.

    ``milliseconds`` is the median of the wall time of loss and gradient, ``cpu_milliseconds`` that of the thread's own
    time, which other programs on the machine disturb less. The two forms take turns, so that both meet the same load.

    Returns:
        The content of the file.
    """
    logits, target = half_trained(IMAGES, SIZE, CLICKS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = _compare(logits, target, REPEATS) | {"profile": _profile(logits, target)}
    finally:
        torch.set_num_threads(threads)
    results |= {"images": IMAGES, "size": [SIZE, SIZE], "clicks_per_image": CLICKS, "repeats": REPEATS, "threads": 1}
    results |= {"machine": machine(), "versions": versions(), "command": "groundglass bench lcfcn-loss"}
    content = json.dumps(results, indent=1) + "\n"
    write_text(path, content)
    return content


def half_trained(images: int, size: int, clicks: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits ``(B, 1, H, W)`` as of a half-trained network: smooth blobs at the clicks and two other places, noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    logits = np.full((images, 1, size, size), -3.0, np.float32)
    target = torch.full((images, 1, size, size), IGNORE_INDEX, dtype=torch.uint8)
    for index in range(images):
        for number in range(clicks + 2):
            row, column = rng.integers(size // 20, size - size // 20, 2)
            square = (rows - row) ** 2 + (columns - column) ** 2
            bump = -3 + 5 * np.exp(-square / (2 * rng.uniform(size / 24, size / 12) ** 2))
            logits[index, 0] = np.maximum(logits[index, 0], bump)
            if number < clicks:
                target[index, 0, row, column] = 1
        noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), 3)
        logits[index, 0] += 0.5 * noise / noise.std()
    return torch.from_numpy(logits), target


def published_form(logits: Tensor, target: Tensor) -> Tensor:
    """LCFCN as released: for each image a list of terms, each a mean cross-entropy of probabilities, times a scale."""
    loss = logits.new_zeros(())
    for image, clicks in zip(logits, target, strict=True):
        probabilities = image.sigmoid().flatten()
        for pixels, value, scale in _terms(image.detach().sigmoid()[0].numpy(), (clicks[0] == 1).numpy()):
            chosen = probabilities[torch.from_numpy(pixels)]
            loss = loss + scale * binary_cross_entropy(chosen, torch.full_like(chosen, value))
    return loss


def _terms(probability: NDArray[np.float32], clicks: NDArray[np.bool_]) -> Iterator[Term]:
    """Pixels, the value they should have and the scale, of every term of one image."""
    points = clicks.astype(int)
    count = int(points.sum())
    yield np.array([probability.argmin()]), 0, 1.0
    blobs = connected_components(probability > 0.5)
    hit = np.unique(blobs * points)
    if count:
        yield np.array([probability.argmax()]), 1, 1.0
        yield np.flatnonzero(points), 1, float(count)
    if count > 1:
        yield np.flatnonzero(_watershed_boundary(probability, points)), 0, count - 1.0
        for number in hit[hit > 0]:
            own = points * (blobs == number)
            if own.sum() > 1:
                boundary = _watershed_boundary(probability, own) & (blobs == number)
                yield np.flatnonzero(boundary), 0, own.sum() - 1.0
    for number in np.setdiff1d(np.unique(blobs), [0, *hit]):
        yield np.flatnonzero(blobs == number), 0, 1.0


def _watershed_boundary(probability: NDArray[np.float32], points: NDArray[np.intp]) -> NDArray[np.bool_]:
    markers = np.zeros_like(points)
    markers[points > 0] = np.arange(1, points.sum() + 1)
    return np.asarray(find_boundaries(watershed(ndimage.black_tophat(probability, 7), markers)))


def _step(loss: Loss, logits: Tensor, target: Tensor) -> tuple[float, Tensor]:
    """The loss and its gradient."""
    given = logits.clone().requires_grad_()
    value = loss(given, target)
    (gradient,) = torch.autograd.grad(value, given)
    return float(value.detach()), gradient


def _compare(logits: Tensor, target: Tensor, repeats: int) -> dict[str, Any]:
    forms: dict[str, Loss] = {"": lcfcn_loss, "reference_": published_form}
    seconds: dict[str, list[float]] = {f"{name}{kind}": [] for name in forms for kind in ("", "cpu_")}
    for _ in range(repeats):
        for name, loss in forms.items():
            wall, own = time.perf_counter(), time.thread_time()
            _step(loss, logits, target)
            seconds[name].append(time.perf_counter() - wall)
            seconds[f"{name}cpu_"].append(time.thread_time() - own)
    (value, gradient), (expected, wanted) = (_step(loss, logits, target) for loss in forms.values())
    figures: dict[str, Any] = {f"{name}milliseconds": round(1e3 * median(each), 2) for name, each in seconds.items()}
    figures |= {"fastest_milliseconds": round(1e3 * min(seconds[""]), 2)}
    figures |= {"loss": round(value, 5), "reference_loss": round(expected, 5)}
    return figures | {"largest_gradient_difference": float((gradient - wanted).abs().max())}


def _profile(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Shares of the thread's time."""
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    for _ in range(5):
        _step(lcfcn_loss, logits, target)
    profile.disable()
    spent = {key[2]: entry[3] for key, entry in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    whole = spent["_step"]
    shares = {
        "top_hat": spent["reliefs"],
        "watershed_of_images": spent["_split_level"] - spent.get("split", 0.0),
        "watershed_of_blobs": spent.get("split", 0.0),
    }
    shares["rest"] = whole - sum(shares.values())
    return {name: round(share / whole, 3) for name, share in shares.items()}
