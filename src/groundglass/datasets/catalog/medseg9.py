"""MedSeg's 9 axial volumes of Radiopaedia, as DICOM slices and PNG masks (paper 000's dataset B)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from typing import ClassVar
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import published_split
from groundglass.errors import InputError
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.dicom_pixels import read_raw_dicom_slice
from groundglass.scans.images import read_images
from groundglass.scans.readable import readable
from groundglass.scans.scan import Scan

MedSegIntensity = Literal["hu", "released"]
Pixels = NDArray[Any]

TRAINING = 5
VALIDATION = 1
FULL_SCALE = 4095
"""The stored value the release shows as white."""

FOLDERS = ("OpenSourceDCMs", "InfectionMasks", "LungMasks")


class MedSeg9(FolderLayout):
    """Nine patients, 829 slices of 630 x 630 pixels, 372 with lesions.

    Slices lie in their true order, by position; the masks of a slice are found by its number in the file names. The
    published infection masks {0, 127, 255} fit the DICOM image once they are mirrored left-right and then turned
    counterclockwise by 90 degrees, the lung masks {0, 255} once they are mirrored. Every non-zero pixel is lesion.
    Which lung is which is not told.

    The released loader lists the masks and takes the slices they belong to; lesion-free slices have masks too. So a
    slice without a mask is an incomplete download, and an error here.

    Args:
        root: The folder.
        intensity: ``hu``: Hounsfield units, by rescale slope and intercept. ``released``: 8-bit as the released loader
            has it, stored values / 4095 x 255 without slope and intercept; what is out of range is clipped (there it
            wraps around).

    Raises:
        InputError: If there is no such folder.
    """

    expects: ClassVar[str] = "OpenSourceDCMs/DCM<scan>, InfectionMasks and LungMasks with <scan>_z<slice>.png"

    def __init__(self, root: str | Path, *, intensity: MedSegIntensity = "hu") -> None:
        super().__init__(root)
        self.intensity: MedSegIntensity = intensity

    def sources(self) -> list[Source]:
        """The scans, sorted by number.

        Raises:
            InputError: If a folder is missing or empty, or a scan is not in all three.
        """
        dicoms, infections, lungs = (self.folder(name) for name in FOLDERS)
        scans, infection_masks, lung_masks = _scans(dicoms), _masks(infections), _masks(lungs)
        if not scans:
            raise InputError(f"{dicoms}: holds no scan; this layout needs {self.expects}")
        if alone := sorted(scans.keys() ^ infection_masks.keys() | scans.keys() ^ lung_masks.keys()):
            raise InputError(
                f"{self.root}: scan {alone[0]} is not in all of {', '.join(FOLDERS)}; add it, or take it away"
            )
        return [
            _Volume(number, scans[number], infection_masks[number], lung_masks[number], self.intensity).source()
            for number in sorted(scans)
        ]

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """Paper 000's ``separate`` (the default; 5 scans train, 1 validates, 3 test) or ``mixed`` protocol."""
        return published_split(cases, depths, protocol, training=TRAINING, validation=VALIDATION)


class _Volume:
    """One scan: the folder of its slices, and its masks by slice number."""

    def __init__(
        self,
        number: int,
        folder: Path,
        infections: dict[int, Path],
        lungs: dict[int, Path],
        intensity: MedSegIntensity,
    ) -> None:
        self.number = number
        self.folder = folder
        self.infections = infections
        self.lungs = lungs
        self.intensity = intensity

    def source(self) -> Source:
        name = f"scan{self.number}"
        return Source(
            case=name,
            patient=name,
            image=self._image,
            mask=lambda: self._stack(self.infections, lambda masks: np.rot90(masks[:, :, ::-1], axes=(1, 2))),
            lungs=lambda: self._stack(self.lungs, lambda masks: masks[:, :, ::-1]),
            voxelwise=True,
        )

    def _image(self) -> Scan:
        if self.intensity == "hu":
            return read_dicom_series(self.folder)[0]
        scan, series = read_dicom_series(self.folder, intensity="hu")
        stored = np.stack([read_raw_dicom_slice(Path(name)) for name in series.files])
        return scan.with_voxels((stored / FULL_SCALE * 255).clip(0, 255).astype(np.uint8), "display")

    @cached_property
    def _slices(self) -> list[int]:
        """Numbers of the slices, feet first."""
        _, series = read_dicom_series(self.folder, intensity="hu")
        return [_slice_number(Path(name)) for name in series.files]

    def _stack(self, masks: dict[int, Path], turn: Callable[[Pixels], Pixels]) -> Scan:
        folder = next(iter(masks.values())).parent
        if alone := sorted(set(self._slices) ^ set(masks)):
            what = "mask" if alone[0] in self._slices else "DICOM slice"
            raise InputError(
                f"{folder / f'{self.number}_z{alone[0]}.png'}: this slice has no {what}; download it again"
            )
        with readable(folder):
            pixels, affine = read_images([masks[number] for number in self._slices])
        return Scan((turn(pixels) > 0).astype(np.uint8), affine, "mask", folder / f"{self.number}_z*.png")


def _scans(folder: Path) -> dict[int, Path]:
    found = ((re.fullmatch(r"DCM(\d+)", path.name), path) for path in folder.iterdir() if path.is_dir())
    return {int(match[1]): path for match, path in found if match}


def _masks(folder: Path) -> dict[int, dict[int, Path]]:
    masks: dict[int, dict[int, Path]] = defaultdict(dict)
    for path in sorted(folder.iterdir()):
        if match := re.fullmatch(r"(\d+)_z(\d+)\.png", path.name):
            masks[int(match[1])][int(match[2])] = path
    return masks


def _slice_number(path: Path) -> int:
    numbers = re.findall(r"s(\d{4})(?!\d)", path.name)
    if not numbers:
        raise InputError(f"{path}: has no slice number s<4 digits> in its name; download it again")
    return int(numbers[-1])
