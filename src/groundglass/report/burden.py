"""How much of the lungs is lesion, where, and of what density."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from groundglass.report.chest import Chest
from groundglass.report.chest import cut_chest
from groundglass.report.components import find_lesions
from groundglass.report.doubts import doubts
from groundglass.report.measurements import LUNGS
from groundglass.report.measurements import ZONES
from groundglass.report.measurements import Measurements
from groundglass.report.measurements import Profile
from groundglass.report.measurements import Region
from groundglass.report.severity import severity
from groundglass.report.tally import tally
from groundglass.report.tissue import CONSOLIDATION_HU
from groundglass.report.tissue import GROUND_GLASS_HU
from groundglass.report.tissue import WELL_AERATED_HU
from groundglass.report.tissue import bands_between
from groundglass.scans.checks import NO_SIZE
from groundglass.scans.scan import Scan

NO_HU = (
    "The scan holds 8-bit grey values, not Hounsfield units: ground-glass, consolidation, well-aerated lung and "
    "density cannot be measured."
)

Counts = NDArray[np.int64]


def measure(scan: Scan, lesions: Scan, lungs: Scan, probabilities: Scan | None = None) -> Measurements:
    """Measure the lesions of a scan.

    Volumes are voxel counts times the volume of a voxel. Every figure of lesion counts what lies within the lungs; what
    lies outside is given apart. Turning or flipping the array axes changes nothing. The windows of density and the
    severity bands, with their sources, are in :mod:`groundglass.report.tissue` and :mod:`groundglass.report.severity`.

    Args:
        scan: ``(D, H, W)`` in Hounsfield units, or 8-bit: then there are no figures by density.
        lesions: Mask on the same grid; every other value than 0 is lesion.
        lungs: Mask on the same grid: 0 outside, 1 right lung, 2 left lung of the patient.
        probabilities: ``(D, H, W)`` in [0, 1] on the same grid, for the mean of each lesion.

    Raises:
        InputError: If the lung mask is empty or has other classes.
        ValueError: If the shapes differ.

    Example:
        >>> from groundglass.scans.phantom import generate_phantom
        >>> phantom = generate_phantom(1, shape=(8, 64, 64), burden=0.2)
        >>> lesions, lungs = (phantom.scan.with_voxels(mask, "mask") for mask in (phantom.lesion_mask, phantom.lungs))
        >>> measure(phantom.scan, lesions, lungs).severity.name
        'CT-1'
    """
    chest = cut_chest(scan, lesions, lungs, probabilities)
    counts = tally(chest)
    regions = _regions(counts.sum(axis=0), chest)
    profile = _profile(counts, chest)
    outside_ml = chest.outside_voxels * chest.voxel_ml
    return Measurements(
        severity=severity(regions["both"].burden_percent or 0.0),
        regions=regions,
        lesions=find_lesions(chest),
        profile=profile,
        lesion_outside_lungs_ml=outside_ml,
        hu_note=NO_HU if chest.hu is None else None,
        warnings=tuple(doubts(regions, profile, outside_ml, measured=scan.measured)),
        size_note=None if scan.measured else NO_SIZE,
    )


def _regions(counts: Counts, chest: Chest) -> dict[str, Region]:
    regions = {"both": _region(counts, chest)}
    for lung, side in LUNGS.items():
        regions[side] = _region(counts[:, lung], chest)
    for zone, third in ZONES.items():
        regions[third] = _region(counts[:, :, zone], chest)
    for (lung, side), (zone, third) in product(LUNGS.items(), ZONES.items()):
        regions[f"{side}_{third}"] = _region(counts[:, lung, zone], chest)
    return regions


def _region(counts: Counts, chest: Chest) -> Region:
    """A region from its counts by lesion first and density last."""
    by_band = counts.reshape(2, -1, counts.shape[-1]).sum(axis=1) * chest.voxel_ml
    lung_ml, lesion_ml = float(by_band.sum()), float(by_band[1].sum())
    burden = _percent(lesion_ml, lung_ml)
    if chest.hu is None:
        return Region(lung_ml, lesion_ml, burden, None, None, None, None, None)
    ground_glass_ml = float(by_band[1, bands_between(GROUND_GLASS_HU)].sum())
    consolidation_ml = float(by_band[1, bands_between(CONSOLIDATION_HU)].sum())
    aerated_ml = float(by_band[:, bands_between(WELL_AERATED_HU)].sum())
    return Region(
        lung_ml=lung_ml,
        lesion_ml=lesion_ml,
        burden_percent=burden,
        ground_glass_ml=ground_glass_ml,
        consolidation_ml=consolidation_ml,
        other_ml=max(0.0, lesion_ml - ground_glass_ml - consolidation_ml),
        well_aerated_ml=aerated_ml,
        well_aerated_percent=_percent(aerated_ml, lung_ml),
    )


def _profile(counts: Counts, chest: Chest) -> Profile:
    area = np.zeros((2, chest.depth))
    here = slice(chest.first, chest.first + len(counts))
    area[:, here] = counts.reshape(len(counts), 2, -1).sum(axis=2).T * chest.pixel_cm2
    lesion_cm2, lung_cm2 = area[1].tolist(), area.sum(axis=0).tolist()
    return Profile(
        z_mm=tuple(chest.slice_z_mm.tolist()),
        lung_cm2=tuple(lung_cm2),
        lesion_cm2=tuple(lesion_cm2),
        lesion_percent=tuple(_percent(*pair) for pair in zip(lesion_cm2, lung_cm2, strict=True)),
    )


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole > 0 else None
