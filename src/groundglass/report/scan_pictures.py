"""All pictures of a report: those of the page, and one file for each section shown."""

from __future__ import annotations

from pathlib import Path

from groundglass.files import write_bytes
from groundglass.report.ct_figures import montage
from groundglass.report.ct_figures import pair
from groundglass.report.measurements import Measurements
from groundglass.report.numbers import whole
from groundglass.report.plots import profile_plot
from groundglass.report.plots import thickness_plot
from groundglass.report.views import Surroundings
from groundglass.report.views import View
from groundglass.report.views import slices_to_show
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window

SLICES = 8
"""Slices in the montage and among the overlays."""

COLUMN = 3.2
"""Inches for each half of the coronal picture, which stands beside another."""

WINDOW = Window.named("lung")

OVERLAYS = "overlays"


def draw(scan: Scan, lesions: Scan, lungs: Scan, measurements: Measurements) -> tuple[dict[str, bytes], list[int]]:
    """Draw everything.

    Args:
        scan: ``(D, H, W)`` in Hounsfield units or 8-bit.
        lesions: Mask on its grid, not 0 = lesion.
        lungs: Mask on its grid, not 0 = lung.
        measurements: What was measured on them.

    Returns:
        PNG files by name (``montage``, ``coronal``, ``profile``, ``thickness``, ``slice-037`` ...) and the slices
        shown, from 0 at the feet. Of a single slice there is nothing to see from the front or along the lungs.
    """
    around = Surroundings.of(scan, lesions, lungs, WINDOW)
    shown = slices_to_show(measurements.profile, SLICES)
    views = [around.axial(index) for index in shown]
    captions = [_caption(view, measurements) for view in views]
    pictures = {"montage": montage(views, captions)}
    if measurements.is_volume:
        pictures |= _along_the_lungs(around, measurements, shown)
    for view, caption in zip(views, captions, strict=True):
        pictures[f"slice-{view.index + 1:03d}"] = pair(view, caption)
    return pictures, shown


def _along_the_lungs(around: Surroundings, measurements: Measurements, shown: list[int]) -> dict[str, bytes]:
    row, measured = around.coronal(), around.scan.measured
    return {
        "coronal": pair(row, f"row {row.index + 1} from the front", width=COLUMN),
        "profile": profile_plot(measurements.profile, shown, measured=measured),
        "thickness": thickness_plot(around.lungs.voxels, around.lesions.voxels, around.scan.spacing, measured=measured),
    }


def write_overlays(folder: Path, pictures: dict[str, bytes]) -> None:
    """Write the sections as files ``overlays/*.png``, in place of those of a former report."""
    for pattern in ("slice-*.png", "coronal.png", "restoration.png"):
        for former in (folder / OVERLAYS).glob(pattern):
            former.unlink()
    for name, content in pictures.items():
        if name.startswith(("slice-", "coronal", "restoration")):
            write_bytes(folder / OVERLAYS / f"{name}.png", content)


def window_used(scan: Scan) -> str:
    """The window of the pictures, in words."""
    if scan.intensity != "hu":
        return "Grey values as they are in the scan."
    level, width = (WINDOW.low + WINDOW.high) / 2, WINDOW.high - WINDOW.low
    return f"Lung window: level {whole(level)}, width {whole(width)} HU."


def _caption(view: View, measurements: Measurements) -> str:
    profile = measurements.profile
    percent = profile.lesion_percent[view.index]
    burden = "no lung" if percent is None else f"{percent:.0f} % of lung"
    z = f"   z {whole(profile.z_mm[view.index])} mm" if measurements.size_note is None else ""
    return f"slice {view.index + 1}{z}   {burden}"
