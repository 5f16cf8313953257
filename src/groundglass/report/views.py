"""Sections of a scan to look at, the patient's right at the left of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.report.crop import Box
from groundglass.report.crop import box_around
from groundglass.report.crop import cropped
from groundglass.report.measurements import Profile
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan

MARGIN_MM = 12.0
"""Shown around the lungs."""

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class View:
    """One section.

    Args:
        image: ``(rows, columns)`` in [0, 1].
        lesion: Marked as lesion, within the lungs or not.
        lung: The lung mask.
        aspect: Height of a pixel divided by its width.
        index: Its number in the scan, from 0: slices from the feet, rows from the front.
    """

    image: Image
    lesion: Mask
    lung: Mask
    aspect: float
    index: int


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The lungs and a margin around them, ``(D, H, W)`` feet to head, front to back, patient right to left.

    Args:
        scan: What was imaged.
        lesions: Not 0 = lesion.
        lungs: Not 0 = lung.
        first: The slice and the row of the whole scan that it begins with.
        window: What is black and what is white, for a scan in Hounsfield units.
    """

    scan: Scan
    lesions: Scan
    lungs: Scan
    first: tuple[int, int]
    window: Window

    @classmethod
    def of(cls, scan: Scan, lesions: Scan, lungs: Scan, window: Window) -> Surroundings:
        """Cut them out of a scan and its masks."""
        box = _widened(box_around(lungs.voxels), scan)
        part, mask, lung = (to_canonical(cropped(one, box)) for one in (scan, lesions, lungs))
        corners = np.array([[0, 0, 0], [n - 1 for n in scan.shape]])
        first = np.rint(-part.to_indices(scan.to_mm(corners)).min(axis=0)).astype(int)
        return cls(part, mask, lung, (int(first[0]), int(first[1])), window)

    def axial(self, index: int) -> View:
        """The slice with that number in the scan."""
        here = index - self.first[0]
        _, height, width = self.scan.spacing
        return self._view((here, slice(None), slice(None)), height / width, index)

    def coronal(self) -> View:
        """The section with most lesion, without any with most lung; the head is up."""
        marked = self.lesions.voxels if self.lesions.voxels.any() else self.lungs.voxels
        row = int(np.count_nonzero(marked, axis=(0, 2)).argmax())
        depth, _, width = self.scan.spacing
        return self._view((slice(None, None, -1), row, slice(None)), depth / width, row + self.first[1])

    def _view(self, part: tuple[int | slice, ...], aspect: float, index: int) -> View:
        section = Scan(self.scan.voxels[part][None], self.scan.affine, self.scan.intensity)
        return View(
            image=window_scan(section, self.window)[0],
            lesion=self.lesions.voxels[part] > 0,
            lung=self.lungs.voxels[part] > 0,
            aspect=aspect,
            index=index,
        )


def slices_to_show(profile: Profile, count: int) -> list[int]:
    """The slices with most lesion, some distance apart so that they differ, from feet to head.

    Without lesion: slices spread evenly over the lungs.
    """
    lesion = np.array(profile.lesion_cm2)
    lung = np.flatnonzero(np.array(profile.lung_cm2))
    if not lesion.any():
        return sorted({int(lung[place]) for place in np.linspace(0, len(lung) - 1, count + 2).astype(int)[1:-1]})
    apart = max(1, int(np.count_nonzero(lesion)) // (2 * count))
    chosen: list[int] = []
    while len(chosen) < count and lesion.any():
        chosen.append(int(lesion.argmax()))
        lesion[max(0, chosen[-1] - apart + 1) : chosen[-1] + apart] = 0
    return sorted(chosen)


def _widened(box: Box, scan: Scan) -> Box:
    first, second, third = (
        _wider(part, round(MARGIN_MM / step), size)
        for part, step, size in zip(box, scan.spacing, scan.shape, strict=True)
    )
    return first, second, third


def _wider(part: slice, by: int, size: int) -> slice:
    return slice(max(0, part.start - by), min(size, part.stop + by))
