"""Plots of where the lesions lie, as PNG bytes on white."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from groundglass.report.figures import png
from groundglass.report.measurements import Profile

LESION = "#d9480f"
LUNG = "#adb5bd"
EDGE = "#495057"
PIXELS_A_CM2 = 100
"""Of 1 mm, as pixels of unknown size are taken."""


def profile_plot(profile: Profile, shown: list[int], *, measured: bool = True) -> bytes:
    """Areas of lung and lesion against position, feet at the left, and the part of each slice that is lesion.

    Args:
        profile: Slice by slice.
        shown: Slices to mark: those of the montage.
        measured: Whether sizes are known; otherwise areas are in pixels and slices are counted.
    """
    scale = 1 if measured else PIXELS_A_CM2
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    area, part = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    z = np.array(profile.z_mm) if measured else np.arange(1.0, len(profile.z_mm) + 1)
    area.fill_between(z, scale * np.array(profile.lung_cm2), color=LUNG, alpha=0.45, linewidth=0, label="lung")
    area.fill_between(z, scale * np.array(profile.lesion_cm2), color=LESION, alpha=0.85, linewidth=0, label="lesion")
    area.set(ylabel="area in cm²" if measured else "area in pixels", ylim=(0, None))
    area.legend(frameon=False, loc="upper left")
    percent = np.array([np.nan if one is None else one for one in profile.lesion_percent])
    part.plot(z, percent, color=LESION, linewidth=1.6)
    part.set(ylabel="% of lung area", ylim=(0, max(5.0, 1.08 * float(np.nanmax(percent)))))
    place = "position z in mm" if measured else "slice, from 1"
    part.set_xlabel(f"{place} (feet at the left, head at the right)")
    part.set_xlim(*_around_lungs(profile, z))
    for axes in (area, part):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e9ecef")
        axes.set_axisbelow(True)
        for at in z[shown]:
            axes.axvline(at, color=EDGE, linewidth=0.8, linestyle=(0, (2, 3)))
    return png(figure)


def thickness_plot(
    lungs: NDArray[np.uint8],
    lesions: NDArray[np.uint8],
    spacing: tuple[float, float, float],
    *,
    measured: bool = True,
) -> bytes:
    """The lungs seen from the front, with how many millimeters of lesion lie one behind the other.

    Args:
        lungs: ``(D, H, W)``, not 0 = lung; feet to head, front to back, patient right to left.
        lesions: The same for lesion.
        spacing: Millimeters along ``(D, H, W)``.
        measured: Whether they are known; otherwise they are 1 and lesion is counted in pixels.
    """
    depth, height, width = spacing
    unit = "mm" if measured else "pixels"
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    frame = (0, width * lungs.shape[2], 0, depth * lungs.shape[0])
    lung = np.count_nonzero(lungs, axis=1) * height
    axes.imshow(lung, cmap="Greys", vmax=3 * lung.max(), origin="lower", extent=frame, interpolation="bilinear")
    mm = np.count_nonzero(lesions, axis=1) * height
    top = max(10.0, float(mm.max()))
    heat = axes.imshow(np.ma.masked_less(mm, height / 2), cmap="YlOrRd", vmin=0, vmax=top, origin="lower", extent=frame)
    if min(lung.shape) > 1:
        axes.contour(lung > 0, levels=[0.5], colors=[EDGE], linewidths=0.8, extent=frame)
    _label_sides(axes)
    figure.colorbar(heat, ax=axes, shrink=0.75, pad=0.02, label=f"lesion, front to back, in {unit}")
    return png(figure)


def _around_lungs(profile: Profile, z: NDArray[np.float64]) -> tuple[float, float]:
    lung = z[np.array(profile.lung_cm2) > 0]
    margin = max(5.0, 0.03 * float(np.ptp(lung)))
    return float(lung.min()) - margin, float(lung.max()) + margin


def _label_sides(axes: Axes) -> None:
    for x, side in ((0.02, "R"), (0.95, "L")):
        axes.text(x, 0.97, side, transform=axes.transAxes, color=EDGE, fontsize=11, va="top")
    axes.set_axis_off()
