"""Made-up chest CT scans of made-up people, with exact masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.phantom.acquisition import acquire
from groundglass.scans.phantom.acquisition import sample_protocol
from groundglass.scans.phantom.disease import sample_disease
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.lesions import CONSOLIDATION
from groundglass.scans.phantom.lesions import GROUND_GLASS
from groundglass.scans.phantom.lungs import lung_space
from groundglass.scans.phantom.person import sample_person
from groundglass.scans.phantom.render import render
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.spread import spread
from groundglass.scans.phantom.trees import sample_trees
from groundglass.scans.scan import Scan

_FIELD_MM = (300.0, 360.0, 360.0)
_SMALLEST = (4, 32, 32)
_LARGEST_BURDEN = 0.9
_FINEST_MM = 0.25
_COARSE = Grid.centered((80, 82, 88), (4.0, 4.0, 4.0))


@dataclass(frozen=True, eq=False)
class Phantom:
    """A made-up chest CT scan and the truth about it.

    Axes are ``(D, H, W)``: feet to head, front to back, patient right to left.

    Args:
        scan: ``int16`` voxels in HU.
        lungs: ``uint8``: 0 none, 1 right lung, 2 left lung, diseased lung included, pleural fluid not.
        lesions: ``uint8``: 0 none, 1 ground-glass, 2 consolidation, 3 pleural effusion.
    """

    scan: Scan
    lungs: NDArray[np.uint8]
    lesions: NDArray[np.uint8]

    @property
    def lesion_mask(self) -> NDArray[np.uint8]:
        """``uint8`` 0/1, ``(D, H, W)``: ground-glass or consolidation.

        Pleural effusion lies outside the lung and is not counted in a lesion burden, so it is no target but a
        distractor: as dense as consolidation, in the same place, and wrong to mark.
        """
        return np.isin(self.lesions, (GROUND_GLASS, CONSOLIDATION)).astype(np.uint8)

    @property
    def burden(self) -> float:
        """Part of the lungs that is lesion, 0 to 1."""
        return float(self.lesion_mask.sum() / np.count_nonzero(self.lungs))


def generate_phantom(
    seed: int,
    *,
    shape: Sequence[int] = (64, 192, 192),
    spacing: Sequence[float] | None = None,
    diseased: bool = True,
    burden: float | None = None,
) -> Phantom:
    """Make a chest CT scan of a made-up person.

    The seed names the person, the disease and the scanner's settings. The same seed gives the same bytes; at
    another shape or spacing it gives the same person on another grid; with ``diseased=False`` the same person
    before the disease.

    Args:
        seed: Any whole number from 0.
        shape: Voxels along ``(D, H, W)``, at least 4 x 32 x 32.
        spacing: Voxel size in mm along ``(D, H, W)``, at least 0.25; by default the field is 300 x 360 x 360 mm.
        diseased: Give the person pneumonia.
        burden: Part of the lungs that is to be diseased, 0 to 0.9; drawn at random by default.

    Returns:
        The scan with exact masks of lungs and lesions.

    Raises:
        InputError: If an argument is out of range, or the field holds no lung.

    Example:
        >>> phantom = generate_phantom(1, shape=(8, 64, 64), burden=0.2)
        >>> round(phantom.burden, 2)
        0.2
    """
    _check(seed, diseased, burden)
    grid = _grid(shape, spacing)
    person_rng, tree_rng, disease_rng, scanner_rng = np.random.default_rng(seed).spawn(4)
    person, protocol = sample_person(person_rng), sample_protocol(scanner_rng)
    lungs = lung_space(Frame.of(_COARSE, person), person).labels()
    trees = sample_trees(tree_rng, person, _COARSE, lungs)
    landscape = None
    if diseased and burden != 0:
        landscape = spread(disease_rng, sample_disease(disease_rng, burden), _COARSE, lungs)
    drawn = render(grid, person, trees, landscape)
    if not drawn.lungs.any():
        raise InputError(f"shape {grid.shape} with spacing {grid.spacing} mm holds no lung; use a larger field")
    scan = Scan(acquire(scanner_rng, protocol, grid, drawn.hu), grid.affine, "hu")
    return Phantom(scan, drawn.lungs, drawn.lesions)


def _check(seed: int, diseased: bool, burden: float | None) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed {seed!r} is not a whole number from 0; give one")
    if burden is not None and not 0 <= burden <= _LARGEST_BURDEN:
        raise InputError(f"burden {burden} is not between 0 and {_LARGEST_BURDEN}; give the part of the lungs diseased")
    if burden and not diseased:
        raise InputError(f"burden {burden} asks for disease in a healthy phantom; leave it out or set diseased=True")


def _grid(shape: Sequence[int], spacing: Sequence[float] | None) -> Grid:
    if len(shape) != 3 or any(n < least for n, least in zip(shape, _SMALLEST, strict=True)):
        raise InputError(f"shape {tuple(shape)} is too small; give (D, H, W) of at least {_SMALLEST}")
    if spacing is None:
        spacing = [field / n for field, n in zip(_FIELD_MM, shape, strict=True)]
    if len(spacing) != 3 or not all(_FINEST_MM <= step < np.inf for step in spacing):
        raise InputError(f"spacing {tuple(spacing)} is not three sizes of at least {_FINEST_MM} mm; give (D, H, W)")
    depth, height, width = (int(n) for n in shape)
    return Grid.centered((depth, height, width), (float(spacing[0]), float(spacing[1]), float(spacing[2])))
