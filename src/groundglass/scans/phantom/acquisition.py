"""What the scanner adds: the reconstruction kernel and its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid


@dataclass(frozen=True)
class Protocol:
    """How one scan is reconstructed.

    Args:
        blur: Standard deviation of the kernel in mm.
        sharpening: Edge enhancement of the kernel, 0 for none.
        noise: Standard deviation of the noise in HU, for voxels of 1.9 mm.
        shoulders: Extra noise, streaked from side to side, at the level of the shoulders.
    """

    blur: float
    sharpening: float
    noise: float
    shoulders: float


def sample_protocol(rng: np.random.Generator) -> Protocol:
    """Draw a protocol: sharp kernels are noisier."""
    sharpening = rng.uniform(0.2, 0.9) if rng.random() < 0.6 else 0.0
    return Protocol(
        blur=rng.uniform(0.3, 0.5) + (0.2 if not sharpening else 0),
        sharpening=sharpening,
        noise=rng.uniform(10, 22) + 18 * sharpening,
        shoulders=rng.uniform(0.2, 1.0),
    )


def acquire(rng: np.random.Generator, protocol: Protocol, grid: Grid, hu: Floats) -> NDArray[np.int16]:
    """Reconstruct a scan; ``hu`` ``(D, H, W)`` is changed in place.

    Noise is band-limited, as filtered back-projection leaves it, and independent between slices.
    """
    ndimage.gaussian_filter1d(hu, 0.35, axis=0, output=hu, mode="nearest")
    pixel = grid.spacing[2]
    sigma = max(protocol.blur / pixel, 0.32)
    scan = np.empty(hu.shape, np.int16)
    for part, slab in grid.slabs():
        image = ndimage.gaussian_filter(hu[part], (0, sigma, sigma), mode="nearest")
        if protocol.sharpening:
            image += protocol.sharpening * (image - ndimage.gaussian_filter(image, (0, 1.2, 1.2), mode="nearest"))
        image += _noise(rng, protocol, slab)
        scan[part] = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    return scan


def _noise(rng: np.random.Generator, protocol: Protocol, grid: Grid) -> Floats:
    white = rng.standard_normal(grid.shape, dtype=np.float32)
    correlation = max(1.0 / grid.spacing[2], 0.5)
    low = ndimage.gaussian_filter(white, (0, correlation, correlation), mode="wrap")
    band = low - 0.6 * ndimage.gaussian_filter(low, (0, 2 * correlation, 2 * correlation), mode="wrap")
    band /= _band_deviation(correlation)
    high = np.clip((grid.z[:, None, None] - 80) / 50, 0, 1) * protocol.shoulders
    streaks = ndimage.gaussian_filter1d(band, 5 * correlation, axis=2, mode="wrap") * 3
    middle = np.exp(-(grid.x[None, None, :] ** 2) / 160**2 - grid.y[None, :, None] ** 2 / 130**2)
    noise: Floats = protocol.noise * (0.6 + 0.5 * middle) * (band + high * (0.5 * band + streaks))
    return noise.astype(np.float32)


def _band_deviation(correlation: float) -> float:
    """Standard deviation of the band-limited noise made from white noise of deviation 1 (continuous Gaussians)."""
    s = correlation**2
    low, cross, wide = 1 / (4 * np.pi * s), 1 / (2 * np.pi * (s + 5 * s)), 1 / (4 * np.pi * 5 * s)
    return float(np.sqrt(low - 1.2 * cross + 0.36 * wide))
