"""Read a DICOM-SEG as a mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from groundglass.errors import InputError
from groundglass.scans.dicom_geometry import SAME_PLACE_MM
from groundglass.scans.dicom_slice import BROKEN
from groundglass.scans.dicom_values import damaged
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.readable import MAX_BYTES
from groundglass.scans.readable import readable
from groundglass.scans.scan import Scan

if TYPE_CHECKING:
    from highdicom.seg import Segmentation

GROUPS = (
    *("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"),
    "SegmentIdentificationSequence",
)

SAME_PLACE = 0.25
"""Tolerated deviation from a place on the grid, as a share of a voxel."""


@dataclass(frozen=True, eq=False)
class _Frames:
    """The marked slices of one segment.

    Args:
        images: ``(N, H, W)`` uint8.
        places: ``(N, 3)`` LPS mm of their first voxels.
        across: ``(3,)`` LPS mm from one column to the next.
        down: ``(3,)`` LPS mm from one row to the next.
        spacing: Distance of neighboring slices in mm as stated; 0 if it is not.
        thickness: Thickness of a slice in mm.
    """

    images: NDArray[np.uint8]
    places: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: float
    thickness: float


def read_dicom_seg(path: str | Path, *, segment: int | str = 1, like: Scan | None = None) -> Scan:
    """Read one segment of a DICOM-SEG as a mask.

    Args:
        path: The file.
        segment: Its number, from 1, or its label.
        like: The scan it was made for. With it the mask lies on the grid of that scan, in any orientation; without it
            on a grid from the first to the last slice of the segment in the file, since empty slices are left out.

    Returns:
        Voxels uint8, 0 and 1, intensity ``"mask"``.

    Raises:
        InputError: If it is not a DICOM-SEG, has no such segment or nothing marked in it, or does not fit ``like``.
    """
    path = Path(path)
    with readable(path), disable_value_validation():
        try:
            mask = _stack(_read(path, segment), path, like)
        except InputError:
            raise
        except BROKEN as error:
            raise damaged(str(path)) from error
    return mask if like is None else _on_grid(mask, like)


def _read(path: Path, segment: int | str) -> _Frames:
    from highdicom.seg import segread  # takes 0.5 s

    kind = dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True).get("SOPClassUID")
    if kind != SegmentationStorage:
        raise InputError(f"{path}: not a DICOM-SEG of binary or fractional masks; give the segmentation itself")
    seg = segread(path)
    number = _number(seg, segment, path)
    groups = [_groups(seg, item) for item in seg.PerFrameFunctionalGroupsSequence]
    chosen = [index for index, group in enumerate(groups) if group["SegmentIdentificationSequence"] == number]
    if not chosen:
        raise InputError(f"{path}: nothing is marked in its segment {segment!r}; choose another segment")
    if len(chosen) * seg.Rows * seg.Columns > MAX_BYTES:
        raise InputError(f"{path}: larger than any chest CT; give the segmentation of one scan")
    first = groups[chosen[0]]
    direction = np.array(first["PlaneOrientationSequence"].ImageOrientationPatient, float)
    measures = first["PixelMeasuresSequence"]
    return _Frames(
        images=_images(seg, chosen),
        places=np.array([groups[index]["PlanePositionSequence"].ImagePositionPatient for index in chosen], float),
        across=direction[:3] * float(measures.PixelSpacing[1]),
        down=direction[3:] * float(measures.PixelSpacing[0]),
        spacing=abs(float(measures.get("SpacingBetweenSlices") or 0)),
        thickness=abs(float(measures.get("SliceThickness") or 0)) or 1.0,
    )


def _number(seg: Segmentation, segment: int | str, path: Path) -> int:
    labels = {int(one.SegmentNumber): str(one.SegmentLabel) for one in seg.SegmentSequence}
    for number, label in labels.items():
        if segment in (number, label):
            return number
    raise InputError(f"{path}: has no segment {segment!r}; choose one of {', '.join(labels.values())}")


def _groups(seg: Segmentation, item: Dataset) -> dict[str, Any]:
    """What a frame says about itself, or all frames together; of its segment just the number."""
    shared = seg.SharedFunctionalGroupsSequence[0]
    groups = {keyword: (item if keyword in item else shared)[keyword].value[0] for keyword in GROUPS}
    groups["SegmentIdentificationSequence"] = int(groups["SegmentIdentificationSequence"].ReferencedSegmentNumber)
    return groups


def _images(seg: Segmentation, chosen: list[int]) -> NDArray[np.uint8]:
    """``(N, H, W)`` 0 and 1; a probability counts from one half."""
    images = np.empty((len(chosen), seg.Rows, seg.Columns), np.uint8)
    half = int(seg.get("MaximumFractionalValue") or 1) / 2
    for image, index in zip(images, chosen, strict=True):
        image[...] = seg.get_stored_frame(index, as_index=True) >= half
    return images


def _stack(frames: _Frames, path: Path, like: Scan | None) -> Scan:
    """The frames on the smallest grid that has them all, with empty slices between them where some are left out."""
    normal = np.cross(frames.across, frames.down)
    normal /= np.linalg.norm(normal)
    along = frames.places @ normal
    along -= along.min()
    count = round(float(along.max()) / _step(frames, along, normal, like))
    if (count + 1) * frames.images[0].size > MAX_BYTES:
        raise InputError(f"{path}: larger than any chest CT; give the segmentation of one scan")
    indices = along / (along.max() / count if count else 1)
    slices = indices.round().astype(int)
    if np.abs(indices - slices).max() > SAME_PLACE or len(np.unique(slices)) < len(slices):
        raise InputError(f"{path}: its slices are unevenly spaced or there twice; export the segmentation again")
    first, last = frames.places[along.argmin()], frames.places[along.argmax()]
    affine = np.eye(4)
    affine[:3, 0] = (last - first) / count if count else normal * (frames.spacing or frames.thickness)
    affine[:3, 1], affine[:3, 2], affine[:3, 3] = frames.down, frames.across, first
    voxels = np.zeros((count + 1, *frames.images.shape[1:]), np.uint8)
    voxels[slices] = frames.images
    return Scan(voxels, affine, "mask", path)


def _step(frames: _Frames, along: NDArray[np.float64], normal: NDArray[np.float64], like: Scan | None) -> float:
    """Distance of neighboring slices along their normal: as the scan has it, as stated, or the smallest there is."""
    if like is not None:
        return float(np.abs(like.affine[:3, :3].T @ normal).max())
    gaps = np.diff(np.sort(along))
    return min([frames.spacing or np.inf, *gaps[gaps > SAME_PLACE_MM]], default=np.inf)


def _on_grid(mask: Scan, like: Scan) -> Scan:
    """The mask on the grid of a scan that has all its voxels, which may be turned or flipped; nothing is resampled."""
    own, target = to_canonical(mask), to_canonical(like)
    corners = np.array([(0, 0, 0), np.array(own.shape) - 1])
    places = target.to_indices(own.to_mm(corners))
    start, last = places.round().astype(int)
    fits = np.abs(places - (start, start + corners[1])).max() < SAME_PLACE
    if not fits or (start < 0).any() or (last >= target.shape).any():
        raise InputError(f"{mask.path}: does not lie on the grid of {like.path}; give the scan it was made for")
    voxels = np.zeros(target.shape, np.uint8)
    voxels[tuple(slice(begin, end + 1) for begin, end in zip(start, last, strict=True))] = own.voxels
    return like.with_voxels(from_canonical(voxels, like), "mask")
