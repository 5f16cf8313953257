"""The optional ``lungmask`` network, which knows dense disease better than thresholds do."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.scan import Scan

MODEL = "R231"


def lungs_by_network(scan: Scan, weights: Path) -> NDArray[np.uint8]:
    """Lungs by U-net(R231) of the ``lungmask`` package; nothing is downloaded.

    Source: Hofmanninger et al., "Automatic lung segmentation in routine imaging is primarily a data diversity problem",
    Eur Radiol Exp 4, 50 (2020).

    Args:
        scan: In canonical orientation, in HU.
        weights: The weights file of R231.

    Returns:
        ``(D, H, W)`` uint8: 0 none, 1 right lung, 2 left lung.

    Raises:
        InputError: If the file or the package is missing, or the file does not hold weights of R231.
    """
    if not weights.is_file():
        raise InputError(f"{weights}: there is no such weights file; give the R231 weights of lungmask or leave it out")
    try:
        lungmask = import_module("lungmask")
    except ImportError as error:
        raise InputError(
            f'{weights}: lung weights need the package lungmask; run pip install "groundglass[lungmask]"'
        ) from error
    try:
        network = lungmask.LMInferer(modelname=MODEL, modelpath=str(weights), tqdm_disable=True)
    except (RuntimeError, KeyError, AttributeError, TypeError, EOFError, OSError, UnpicklingError) as error:
        raise InputError(f"{weights}: these are not weights of lungmask's {MODEL}; download that file again") from error
    return np.asarray(network.apply(scan.voxels), np.uint8)
