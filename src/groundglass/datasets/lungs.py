"""The lungs of a case as a network that wants them is shown them: the same in training, in scoring and in use."""

from __future__ import annotations

import logging
import zlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.scans.lungs import lung_mask
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

KEPT = 256
"""Masks that were found are kept while the process lives, compressed: some 100 kB each, and seconds to find again."""

FOUND = "have no lung mask; their lungs are found by density, as 'groundglass predict' does"
WHOLE = "are 8-bit without a lung mask, so they are used as a whole"
NOT_GROWN = "are 8-bit without a lung mask, so clicks in them are not grown"

_kept: OrderedDict[tuple[Path, int, int], bytes] = OrderedDict()


class NoLungsError(InputError):
    """A scan shows no lung to a network that wants lungs: it is left out of training and scoring, and named."""


def case_lungs(folder: DatasetFolder, case: Case, scan: Scan, grid: Grid) -> Scan | None:
    """The lung mask of a case, of its whole scan ``(D, H, W)`` even if the case is a part of that.

    The dataset's own mask, if it has one. Where the network wants lungs and there is none, they are found in a scan in
    HU as ``groundglass predict`` finds them; an 8-bit image is used as it is.

    Args:
        folder: The dataset.
        case: One of its cases.
        scan: The case's image, whole.
        grid: What the network sees.

    Returns:
        The mask, not 0 = lung; ``None`` where it is not known, or neither known nor wanted.

    Raises:
        NoLungsError: If the network wants lungs, and the case's slices show none.
        InputError: If the mask's file is damaged or of another size.
    """
    lungs = folder.lungs(case)
    if not grid.uses_lungs:
        return lungs
    if lungs is None and scan.intensity == "hu":
        lungs = _found(folder.root / case.image, scan)
    if lungs is not None and not lungs.voxels[slice(*(case.slices or (None,)))].any():
        part = f" in slices {case.slices[0]} to {case.slices[1] - 1}" if case.slices else ""
        path = folder.root / (case.lungs or case.image)
        raise NoLungsError(f"{path}: its lung mask is empty{part}; draw or make another, or take the case out")
    return lungs


def lungs_to_grow_in(folder: DatasetFolder, case: Case, scan: Scan) -> Scan | None:
    """Lungs for a network that wants none but whose clicks are grown: found if they can be, as above."""
    try:
        return case_lungs(folder, case, scan, Grid(crop="lungs"))
    except NoLungsError:
        return None


def say_lungs(folder: DatasetFolder, grid: Grid, *, grow: bool = False) -> None:
    """Log how many scans of a dataset have no lung mask though the network wants lungs, and what becomes of them.

    Args:
        folder: The dataset.
        grid: What the network sees.
        grow: Whether clicks are to be grown, for which the lungs must be known.
    """
    cases = {case.case: case for part in PARTS for case in getattr(folder.split, part)}.values()
    lacking = [case.intensity for case in cases if case.lungs is None]
    becomes = {"hu": [FOUND] * (grid.uses_lungs or grow), "display": [WHOLE] * grid.uses_lungs + [NOT_GROWN] * grow}
    for intensity, what in ((intensity, what) for intensity, said in becomes.items() for what in said):
        if count := lacking.count(intensity):
            _say(f"{folder.root}: {count} of {len(cases)} scans {what}")


@lru_cache(maxsize=64)
def _say(sentence: str) -> None:
    """Once, though training, validation and test cases are loaded one after the other."""
    logger.warning(sentence)


def _found(path: Path, scan: Scan) -> Scan:
    """The lungs of the scan at ``path``, looked for once."""
    file = path.stat()
    key = (path.resolve(), file.st_mtime_ns, file.st_size)
    if key not in _kept:
        try:
            _kept[key] = zlib.compress(np.ascontiguousarray(lung_mask(scan).voxels, np.uint8).tobytes(), 1)
        except InputError as error:
            raise NoLungsError(str(error)) from error
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    voxels = np.frombuffer(bytearray(zlib.decompress(_kept[key])), np.uint8).reshape(scan.shape)
    return scan.with_voxels(voxels, "mask")
