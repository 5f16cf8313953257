"""From a scan file to a prediction, with a model that is loaded once for many scans."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.checkpoint import unfinished
from groundglass.experiments.device import on_device
from groundglass.prediction.build import build_predictor
from groundglass.prediction.lung_files import LungFiles
from groundglass.prediction.lungs import NO_LUNGS
from groundglass.prediction.lungs import UsedLungs
from groundglass.prediction.lungs import lungs_of
from groundglass.prediction.options import check_inference
from groundglass.prediction.prediction import Prediction
from groundglass.prediction.restoration import restoration
from groundglass.prediction.shipped import SHIPPED
from groundglass.prediction.shipped import model_name
from groundglass.scans.checks import scan_warnings
from groundglass.scans.fingerprint import fingerprint
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_scan_and_series
from groundglass.scans.scan import Intensity
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)


class Segmenter:
    """A trained model that takes scan files.

    Args:
        checkpoint: A run folder or a ``.ckpt`` file; the model that comes with the package if ``None``.
        threshold: Probability above which a voxel is lesion; by default the one chosen on the run's validation cases.
        orientations: Average over 1, 2 or 8 flips and turns; by default as the recipe says.
        lungmask_weights: Weights file of the optional package lungmask, which then finds the lungs.
        device: What the network runs on: ``cpu``, ``cuda``, ``mps`` or ``auto``.

    Raises:
        InputError: If the checkpoint cannot be used, an option is out of range, or there is no such device.
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        *,
        threshold: float | None = None,
        orientations: int | None = None,
        lungmask_weights: Path | None = None,
        device: str = "cpu",
    ) -> None:
        check_inference(orientations, threshold)
        self.checkpoint = find_checkpoint(Path(SHIPPED if checkpoint is None else checkpoint))
        method, config = load_method(self.checkpoint)
        if doubt := unfinished(self.checkpoint):
            logger.warning(doubt)
        self.model = model_name(checkpoint)
        self.threshold = float(method.threshold) if threshold is None else threshold
        self.predictor = build_predictor(on_device(method, device), config, orientations=orientations)
        self.lungmask_weights = lungmask_weights
        self._warned = False

    @property
    def settings(self) -> dict[str, Any]:
        """What decides on the prediction of a scan, by name; files by a digest of their content."""
        weights = self.lungmask_weights
        return {
            "checkpoint": fingerprint(self.checkpoint),
            "threshold": self.threshold,
            "orientations": self.predictor.orientations,
            "lungmask weights": None if weights is None else fingerprint(weights),
        }

    def predict(
        self,
        path: str | Path,
        *,
        intensity: Intensity | None = None,
        series: str | None = None,
        lungs: str | Path | None = None,
        probabilities: bool = False,
    ) -> Prediction:
        """Lesions and lungs of a scan, on the file's own grid.

        Args:
            path: NIfTI, NRRD, DICOM (folder, zip, file) or image.
            intensity: ``"display"`` for 8-bit lung-window images, which are refused unless it is stated.
            series: SeriesInstanceUID, SeriesNumber or SeriesDescription of a DICOM series.
            lungs: Its lung mask, not 0 = lung, or a folder with a mask of its name; without, they are found in HU.
            probabilities: Keep the probabilities too, 4 bytes a voxel.

        Raises:
            InputError: If there is no readable chest CT at ``path``, or the lung mask does not fit it.
        """
        seconds: dict[str, float] = {}
        with _timed(seconds, "reading"):
            scan, headers = read_scan_and_series(path, intensity=intensity, series=series)
            _check(scan, intensity, lungs)
        with _timed(seconds, "lungs"):
            used = self._lungs(scan, LungFiles([Path(path)], lungs).of(Path(path)))
        with _timed(seconds, "network"):
            lesions, chances = self._segment(scan, used.mask, probabilities)
        return Prediction(
            scan=scan,
            lesions=scan.with_voxels(from_canonical(lesions, scan), "mask"),
            lungs=used.mask,
            lungs_from=used.source,
            model=self.model,
            threshold=self.threshold,
            probabilities=None if chances is None else scan.with_voxels(from_canonical(chances, scan)),
            series=headers,
            seconds=seconds,
            warnings=(*scan_warnings(scan), *used.warnings),
            restoration=restoration(self.predictor, to_canonical(scan), used.mask and to_canonical(used.mask)),
        )

    def _lungs(self, scan: Scan, given: Path | None) -> UsedLungs:
        used = lungs_of(scan, given, self.predictor.grid, self.lungmask_weights)
        if NO_LUNGS in used.warnings and not self._warned:  # of many slices, once
            logger.warning(NO_LUNGS)
            self._warned = True
        return used

    def _segment(
        self, scan: Scan, lungs: Scan | None, keep: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """Lesions and, if wanted, their probabilities ``(D, H, W)`` in canonical orientation; nothing outside lungs."""
        upright = to_canonical(scan)
        inside = None if lungs is None else to_canonical(lungs)
        lesions = np.zeros(upright.shape, np.uint8)
        kept = np.zeros(upright.shape, np.float32) if keep else None
        first, last = (0, upright.shape[0]) if inside is None or self._smooths_beyond() else _span(inside)
        for part, chances in self.predictor.slabs(upright.slab(first, last), inside and inside.slab(first, last)):
            where = slice(first + part.start, first + part.stop)
            if inside is not None:
                chances *= inside.voxels[where] > 0
            lesions[where] = chances > self.threshold
            if kept is not None:
                kept[where] = chances
        return lesions, kept

    def _smooths_beyond(self) -> bool:
        """Whether slices without lung have a say in their neighbors, as they have where the test cases are scored."""
        predictor = self.predictor
        return predictor.smooth_mm > 0 and predictor.grid.uses_lungs and predictor.grid.outside == "keep"


def predict(
    path: str | Path,
    checkpoint: str | Path | None = None,
    *,
    intensity: Intensity | None = None,
    series: str | None = None,
    lungs: str | Path | None = None,
    threshold: float | None = None,
    orientations: int | None = None,
    probabilities: bool = False,
    device: str = "cpu",
) -> Prediction:
    """Lesions and lungs of a scan file, on its own grid; for many scans load a :class:`Segmenter` once.

    Args:
        path: NIfTI, NRRD, DICOM (folder, zip, file) or image.
        checkpoint: A run folder or a ``.ckpt`` file; the model that comes with the package if ``None``.
        intensity: ``"display"`` for 8-bit lung-window images.
        series: SeriesInstanceUID, SeriesNumber or SeriesDescription of a DICOM series.
        lungs: Its lung mask, not 0 = lung, or a folder with a mask of its name; without, they are found in HU.
        threshold: Probability above which a voxel is lesion; by default the model's own.
        orientations: Average over 1, 2 or 8 flips and turns; by default as the recipe says.
        probabilities: Keep the probabilities too.
        device: What the network runs on: ``cpu``, ``cuda``, ``mps`` or ``auto``.

    Raises:
        InputError: If there is no readable chest CT at ``path``, the lung mask does not fit it, the checkpoint cannot
            be used, an option is out of range, or there is no such device.

    Example:
        >>> predict("scan.nii.gz").burden_percent  # doctest: +SKIP
        12.4
    """
    segmenter = Segmenter(checkpoint, threshold=threshold, orientations=orientations, device=device)
    return segmenter.predict(path, intensity=intensity, series=series, lungs=lungs, probabilities=probabilities)


def _span(lungs: Scan) -> tuple[int, int]:
    """The slices from the first to after the last with lung."""
    where = np.flatnonzero((lungs.voxels > 0).any(axis=(1, 2)))
    return int(where[0]), int(where[-1]) + 1


def _check(scan: Scan, stated: Intensity | None, lungs: str | Path | None) -> None:
    if scan.intensity == "display" and stated != "display":
        raise InputError(
            f"{scan.path}: 8-bit grey values, not Hounsfield units; give the original CT, or pass --intensity display "
            "if these are chest CT slices in a lung window, cropped to the lungs"
        )
    if scan.intensity == "hu" and scan.shape[0] == 1 and lungs is None:
        raise InputError(
            f"{scan.path}: a single slice, in which lungs cannot be told from other air; give the whole CT, or a lung "
            "mask with --lungs"
        )


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - started, 2)
