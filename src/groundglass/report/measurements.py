"""What is measured on a scan: plain numbers, each with its unit in its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

from groundglass.report.severity import Severity

LUNGS = {1: "right", 2: "left"}
"""Classes of a lung mask; sides are the patient's."""

SIZES = ("_ml", "_cm2", "_mm", "speck_count")
"""How names of figures end that mean nothing where the size of a voxel is not known."""

ZONES = {1: "upper", 2: "middle", 3: "lower"}
"""Thirds of a lung."""


@dataclass(frozen=True)
class Region:
    """A part of the lungs: both, one lung, a third of both or of one.

    Args:
        lung_ml: Its volume.
        lesion_ml: Lesion within it.
        burden_percent: Lesion as part of it; ``None`` where there is no lung.
        ground_glass_ml: Lesion of ground-glass density; ``None`` for a scan without Hounsfield units, as all below.
        consolidation_ml: Lesion of consolidated density.
        other_ml: Lesion that is neither, by its density.
        well_aerated_ml: Lung in the window of well-aerated tissue.
        well_aerated_percent: The same as part of the region; ``None`` also where there is no lung.
    """

    lung_ml: float
    lesion_ml: float
    burden_percent: float | None
    ground_glass_ml: float | None
    consolidation_ml: float | None
    other_ml: float | None
    well_aerated_ml: float | None
    well_aerated_percent: float | None


@dataclass(frozen=True)
class Lesion:
    """A connected piece of lesion.

    Args:
        volume_ml: Its size.
        centroid_mm: Its center ``(x, y, z)`` in LPS mm; for a bent lesion it may lie beside it.
        slice_index: Axial slice with most of it, 0 at the feet.
        lung: ``"right"`` or ``"left"``: the one that holds most of it.
        zone: ``"upper"``, ``"middle"`` or ``"lower"``: the third that holds most of it.
        mean_hu: Mean density; ``None`` for a scan without Hounsfield units.
        mean_probability: Mean of the model's probabilities, if they were given.
    """

    volume_ml: float
    centroid_mm: tuple[float, float, float]
    slice_index: int
    lung: str
    zone: str
    mean_hu: float | None
    mean_probability: float | None


@dataclass(frozen=True)
class Lesions:
    """The connected pieces of lesion within the lungs, 26-connected.

    Args:
        count: All of them.
        speck_count: Those smaller than ``speck_ml``, among them.
        speck_ml: What counts as a speck.
        median_ml: Median size of those that are no speck; ``None`` if there is none.
        largest: The largest, by falling size.
    """

    count: int
    speck_count: int
    speck_ml: float
    median_ml: float | None
    largest: tuple[Lesion, ...]


@dataclass(frozen=True)
class Profile:
    """Slice by slice from feet to head, one value an axial slice.

    Args:
        z_mm: LPS z of the middle of the slice.
        lung_cm2: Area of lung.
        lesion_cm2: Area of lesion within the lungs.
        lesion_percent: Lesion as part of the lung area; ``None`` on a slice without lung.
    """

    z_mm: tuple[float, ...]
    lung_cm2: tuple[float, ...]
    lesion_cm2: tuple[float, ...]
    lesion_percent: tuple[float | None, ...]


@dataclass(frozen=True)
class Measurements:
    """Everything measured on a scan.

    Args:
        severity: MosMed class of the burden of both lungs.
        regions: ``both``, ``right``, ``left``, ``upper``, ``middle``, ``lower``, ``right_upper`` ... ``left_lower``.
        lesions: The connected lesions.
        profile: Slice by slice.
        lesion_outside_lungs_ml: Marked as lesion but outside the lung mask; in no other figure.
        hu_note: Why there are no figures by density; ``None`` where there are.
        size_note: Why there are no figures in ml, cm² and mm; ``None`` where there are. Where there are none, those
            here stand for voxels, as if each were 1 mm wide, and :meth:`to_dict` leaves them out.
        warnings: What makes the figures doubtful, a sentence each.
    """

    severity: Severity
    regions: Mapping[str, Region]
    lesions: Lesions
    profile: Profile
    lesion_outside_lungs_ml: float
    hu_note: str | None
    warnings: tuple[str, ...]
    size_note: str | None = None

    @property
    def both(self) -> Region:
        """Both lungs together."""
        return self.regions["both"]

    @property
    def is_volume(self) -> bool:
        """Whether there is more than one slice, and so a height of the lungs."""
        return len(self.profile.z_mm) > 1

    def to_dict(self, digits: int = 4) -> dict[str, Any]:
        """Plain values for JSON, rounded; sizes are null where no size is known."""
        plain: dict[str, Any] = _rounded(asdict(self), digits)
        return plain if self.size_note is None else _without_sizes(plain)


def _without_sizes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: None if name.endswith(SIZES) else _without_sizes(one) for name, one in value.items()}
    return [_without_sizes(one) for one in value] if isinstance(value, list) else value


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, Mapping):
        return {name: _rounded(one, digits) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one, digits) for one in value]
    return value
