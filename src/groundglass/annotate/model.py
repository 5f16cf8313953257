"""The current model's opinion about a slice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundglass.annotate.open_scan import OpenScan
from groundglass.errors import InputError

if TYPE_CHECKING:
    from groundglass.annotate.loaded_model import LoadedModel

KEEP = 64
"""Maps in memory: 67 MB at 512 x 512."""

DRAWS = 8
"""Passes with dropout. Fewer than the 20 of the experiments: they rank regions much alike, and somebody waits."""

Map = NDArray[np.float32]


class CurrentModel:
    """Opinions of the run that is loaded, if any; another may take its place at any time.

    Args:
        draws: Passes with dropout for the uncertainty.
    """

    def __init__(self, *, draws: int = DRAWS) -> None:
        self.draws = draws
        self.run: Path | None = None
        self.version = 0
        self.threshold = 0.5
        self._loaded: LoadedModel | None = None
        self._maps: OrderedDict[tuple[str, int, str, str, int], Map] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, run: Path) -> None:
        """Use a trained run from now on.

        Raises:
            InputError: If it has no usable checkpoint.
        """
        from groundglass.annotate.loaded_model import LoadedModel  # torch takes seconds

        loaded = LoadedModel(run, draws=self.draws)
        with self._lock:
            self._loaded = loaded
            self.threshold = loaded.threshold
            self.run = run
            self.version += 1
            self._maps.clear()

    def probabilities(self, case: str, scan: OpenScan, index: int) -> Map:
        """Lesion probabilities of a slice as ``groundglass predict`` has them, ``(H, W)`` in [0, 1].

        Raises:
            InputError: If no run is loaded, or there is no such slice.
        """
        return self._kept("lesion", case, scan, index, lambda loaded: loaded.probabilities(scan, index))

    def uncertainty(self, case: str, scan: OpenScan, index: int) -> Map:
        """How unsure the model is of each pixel of a slice, ``(H, W)`` in [0, 1]; see :class:`LoadedModel`.

        Raises:
            InputError: If no run is loaded, or there is no such slice.
        """
        return self._kept("unsure", case, scan, index, lambda loaded: loaded.uncertainties(scan, [index])[0])

    def uncertainties(self, case: str, scan: OpenScan, indices: Sequence[int]) -> Map:
        """:meth:`uncertainty` of some slices, ``(N, H, W)``, computed together and not kept.

        Raises:
            InputError: If no run is loaded.
        """
        return self._current().uncertainties(scan, indices)

    def _current(self) -> LoadedModel:
        if self._loaded is None:
            raise InputError("there is no model yet; train one first")
        return self._loaded

    def _kept(self, kind: str, case: str, scan: OpenScan, index: int, make: Callable[[LoadedModel], Map]) -> Map:
        if not 0 <= index < scan.scan.shape[0]:
            raise InputError(f"case {case} has no slice {index}; it has {scan.scan.shape[0]}")
        loaded, key = self._current(), (kind, self.version, case, scan.version, index)
        with self._lock:
            known = self._maps.get(key)
        made = make(loaded) if known is None else known
        with self._lock:
            if loaded is self._loaded:
                self._maps[key] = made
                self._maps.move_to_end(key)
            while len(self._maps) > KEEP:
                self._maps.popitem(last=False)
        return made
