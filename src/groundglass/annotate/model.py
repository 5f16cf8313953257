"""The current model's opinion about a slice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundglass.annotate.open_scan import OpenScan
from groundglass.errors import InputError

if TYPE_CHECKING:
    from groundglass.prediction.predictor import Predictor

KEEP = 64
"""Probability maps in memory: 17 MB at 512 x 512."""


class CurrentModel:
    """Lesion probabilities by the run that is loaded, if any; another may take its place at any time."""

    def __init__(self) -> None:
        self.run: Path | None = None
        self.version = 0
        self.threshold = 0.5
        self._predictor: Predictor | None = None
        self._maps: OrderedDict[tuple[int, str, int], NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, run: Path) -> None:
        """Use a trained run from now on.

        Raises:
            InputError: If it has no usable checkpoint.
        """
        from groundglass.experiments.checkpoint import load_method  # torch takes seconds
        from groundglass.prediction.predictor import Predictor

        method, config = load_method(run)
        if config.grid.depth is not None:
            raise InputError(f"{run}: this model sees whole scans, not the slice that is shown; use one of slices")
        with self._lock:
            self._predictor = Predictor(method, config.grid)
            self.threshold = float(method.threshold)
            self.run = run
            self.version += 1
            self._maps.clear()

    def probabilities(self, case: str, scan: OpenScan, index: int) -> NDArray[np.float32]:
        """Lesion probabilities of a slice, ``(H, W)`` in [0, 1].

        Raises:
            InputError: If no run is loaded, or there is no such slice.
        """
        if not 0 <= index < scan.scan.shape[0]:
            raise InputError(f"case {case} has no slice {index}; it has {scan.scan.shape[0]}")
        slab = scan.slab(index)
        with self._lock:
            if self._predictor is None:
                raise InputError("there is no model yet; train one first")
            key = (self.version, case, index)
            if key not in self._maps:
                self._maps[key] = next(self._predictor.slabs(slab))[1][0]
            self._maps.move_to_end(key)
            while len(self._maps) > KEEP:
                self._maps.popitem(last=False)
            return self._maps[key]


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy of lesion or not (paper 001, eq. 2), in bits: 0 where the model is sure, 1 where it is at a loss."""
    sure = np.clip(probabilities, 1e-6, 1 - 1e-6)
    bits: NDArray[np.float32] = -(sure * np.log2(sure) + (1 - sure) * np.log2(1 - sure))
    return bits
