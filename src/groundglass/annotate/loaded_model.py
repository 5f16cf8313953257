"""A trained run that answers about single slices of an open scan."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from groundglass.active.acquisition import Entropy
from groundglass.active.mc_dropout import dropout_layers
from groundglass.active.scoring import score_maps
from groundglass.annotate.open_scan import OpenScan
from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import restore
from groundglass.datasets.preprocessing import slice_images
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.precision import multiplying
from groundglass.prediction.predictor import Predictor
from groundglass.scans.scan import Scan

Maps = NDArray[np.float32]


class LoadedModel:
    """What ``groundglass predict`` would say of a slice alone, and how unsure the model is of it.

    As there, the lungs of the whole scan place the crop, predictions are averaged over the recipe's orientations, and
    in a CT nothing outside the lungs is lesion. Not as there, nothing is smoothed across slices (``smooth_mm``): one is
    asked about at a time, and at once. Uncertainty is what active learning scores regions by: the entropy of
    the mean over draws with dropout (paper 001, section 3.2), in bits. A network without dropout has one draw.

    Args:
        run: A run folder or a ``.ckpt`` file.
        draws: Passes with dropout.

    Raises:
        InputError: If there is no usable checkpoint, or its network sees whole scans.
    """

    def __init__(self, run: Path, *, draws: int) -> None:
        torch.set_num_threads(max((os.cpu_count() or 1) // 2, 1))  # the other half answers clicks
        self.method, self.config = load_method(run)
        if self.config.grid.depth is not None:
            raise InputError(f"{run}: this model sees whole scans, not the slice that is shown; use one of slices")
        self.threshold = float(self.method.threshold)
        self.draws = draws if dropout_layers(self.method.network) else 1
        self.acquisition = Entropy()
        self._lock = threading.Lock()  # draws switch dropout on, which a prediction at the same time would see

    def probabilities(self, scan: OpenScan, index: int) -> Maps:
        """Lesion probabilities of a slice, ``(H, W)`` in [0, 1]."""
        slab, lungs, grid = scan.slab(index), scan.lungs(), self._grid(scan)
        predictor = Predictor(self.method, grid, orientations=self.config.orientations)
        with self._lock:
            maps = next(predictor.slabs(slab, _part(lungs, index)))[1]
        found: Maps = _inside(maps, scan, [index])[0]
        return found

    def uncertainties(self, scan: OpenScan, indices: Sequence[int]) -> Maps:
        """Uncertainty of slices, ``(N, H, W)``: 0 where the model is sure, 1 where it is at a loss."""
        lungs, grid = scan.lungs(), self._grid(scan)
        images = [slice_images(scan.slab(index), grid, lungs=_part(lungs, index)) for index in indices]
        with self._lock, multiplying(self.config, self.method.device):
            nats = score_maps(self.method, torch.cat(images), self.acquisition, self.draws)
        bits = torch.from_numpy(nats / math.log(2)).unsqueeze(1)
        return _inside(restore(bits, grid, scan.scan.shape).numpy(), scan, indices)

    def _grid(self, scan: OpenScan) -> Grid:
        return self.config.grid.around(scan.lungs())


def _part(lungs: Scan | None, index: int) -> Scan | None:
    return None if lungs is None else lungs.slab(index, index + 1)


def _inside(maps: Maps, scan: OpenScan, indices: Sequence[int]) -> Maps:
    """Maps without what lies outside the lungs of a CT, as :class:`groundglass.prediction.segmenter.Segmenter` does."""
    lungs = scan.lungs()
    if lungs is None or scan.scan.intensity != "hu":
        return maps
    inside: Maps = maps * (lungs.voxels[list(indices)] > 0)
    return inside
