"""Which file holds the lung mask of which scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from groundglass.datasets.catalog.layout import by_stem
from groundglass.errors import InputError
from groundglass.scans.images import find_images
from groundglass.scans.naming import stem
from groundglass.scans.readable import readable


class LungFiles:
    """The lung masks that a user gives for some scans.

    Args:
        scans: Files or folders with a scan each.
        lungs: The mask of the only scan, or a folder with a mask of each one's name; ``None`` for no masks.
        alone: Whether there is but one scan, by default as ``scans`` says; others may not have been found.

    Raises:
        InputError: If there are several scans and one mask, or nothing can be read there.

    Example:
        >>> LungFiles([Path("scan.nii.gz")], None).of(Path("scan.nii.gz")) is None
        True
    """

    def __init__(self, scans: Sequence[Path], lungs: str | Path | None, *, alone: bool | None = None) -> None:
        self.lungs = None if lungs is None else Path(lungs)
        self._alone = len(scans) == 1 if alone is None else alone
        self._named = Counter(stem(scan.resolve()) for scan in scans)
        self._masks: dict[str, Path] | None = None
        self._slices = False
        if self.lungs is not None:
            self._look(self.lungs)

    def _look(self, lungs: Path) -> None:
        with readable(lungs):
            if lungs.is_dir():
                self._masks = by_stem(lungs.iterdir())
                self._slices = self._alone and bool(find_images(lungs))
            elif not self._alone:
                raise InputError(f"{lungs}: is one mask; give a folder with a lung mask of the name of each scan")

    def of(self, scan: Path) -> Path | None:
        """The lung mask of one of the scans; ``None`` if none are given.

        Raises:
            InputError: If it has none in the folder, or another scan has its name.
        """
        if self.lungs is None or self._masks is None:
            return self.lungs
        name = stem(scan.resolve())
        if self._named[name] > 1:
            raise InputError(f"{scan}: several scans are named {name!r}; predict this one alone, with its lung mask")
        if self._slices and name not in self._masks:  # the slices of a mask, an image each
            return self.lungs
        if name not in self._masks:
            raise InputError(
                f"{scan}: {self.lungs} holds no lung mask of its name; add it, or predict that scan without"
            )
        return self._masks[name]
