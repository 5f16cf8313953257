"""What is annotated: the cases of a prepared dataset or of a plain folder, and where the answers go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundglass.annotate.image import Image
from groundglass.annotate.image import Stamp
from groundglass.annotate.image import in_order
from groundglass.annotate.image import plain_images
from groundglass.annotate.image import prepared_images
from groundglass.annotate.plain import plain_scans
from groundglass.annotate.plain import stray
from groundglass.annotate.stamp import stamp
from groundglass.annotate.unreadable import RECORD
from groundglass.annotate.unreadable import left_out
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import PARTS
from groundglass.errors import InputError
from groundglass.scans.naming import stem

SHOWN_NAMES = 3
"""Files that are named in a notice; of others only the number is said."""


class Source:
    """The cases at a path.

    A plain folder is opened as the dataset that was made from it when it was first trained on, unless scans have been
    added since: then it is opened as it is once more, and the next training prepares it anew.

    Args:
        path: A dataset made by ``groundglass prepare``, or a file or folder of scans.
        work: Where the labels and runs of a plain folder go; by default beside it, ``<name>-groundglass``.
        intensity: ``hu`` or ``display`` for a plain folder whose values do not make it plain.

    Raises:
        InputError: If there is nothing to annotate, a dataset points at files outside its folder, or ``work`` holds
            what was made from something else, or is named for a dataset.
    """

    def __init__(
        self, path: str | Path, *, work: str | Path | None = None, intensity: StatedIntensity | None = None
    ) -> None:
        self.path = Path(os.path.abspath(path))
        self.intensity: StatedIntensity | None = intensity
        self.work = _work(self.path, work)
        self.new: list[str] = []
        self._being_prepared = False
        self.reload()

    @property
    def is_prepared(self) -> bool:
        """Whether it can be trained on as it is."""
        return self._now() is not None and not self.new

    @property
    def has_changed(self) -> bool:
        """Whether the dataset was prepared anew by others, or its description is gone, since it was read."""
        return not self._being_prepared and self._stamp != self._now()

    @property
    def notices(self) -> list[str]:
        """What whoever annotates should know of it."""
        notices = []
        if self.stray:
            notices.append(f"not offered, as they are no scans by themselves: {_some(self.stray)}")
        notices += [f"not trained on, as it cannot be read: {case} ({why})" for case, why in self.left_out.items()]
        if self.new:
            notices.append(
                f"new since this folder was first trained on: {_some(self.new)}; "
                "the next 'Train now' takes them in, and all answers stay"
            )
        return notices

    def reload(self) -> None:
        """Read the list of cases again.

        Raises:
            InputError: As for the constructor.
        """
        now = self._now()
        try:
            folder = DatasetFolder.open(self.work) if now is not None else None
            new = self._added_since(folder) if folder is not None else []
            opened = None if new else folder
            images = plain_images(self.path, self.intensity) if opened is None else prepared_images(opened)
            self.left_out = self._left_out()
            self.stray = stray(self.path) if self.work != self.path and os.path.exists(self.path) else []
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror}); check its permissions") from error
        if not images:
            raise InputError(f"{self.path}: has no case to annotate; prepare it with scans")
        self.name = self.path.name if opened is None else opened.name
        self.images, self.new, self._stamp = in_order(images), new, now

    @contextmanager
    def being_prepared(self) -> Iterator[None]:
        """While these very scans are copied into a dataset: it is known as it is then, without opening the copies."""
        self._being_prepared = True
        try:
            yield
            self.new, self.left_out = [], self._left_out()
        finally:
            self._stamp = self._now()
            self._being_prepared = False

    def image(self, case: str) -> Image:
        """A case by name.

        Raises:
            InputError: If there is none of that name.
        """
        if case not in self.images:
            raise InputError("there is no case of that name in this dataset; reload the page")
        return self.images[case]

    def _left_out(self) -> dict[str, str]:
        """Scans of a plain folder that could not be copied into its dataset."""
        is_plain = self.work != self.path and os.path.exists(self.path)
        return left_out(self.work, plain_scans(self.path)) if is_plain and (self.work / RECORD).exists() else {}

    def _now(self) -> Stamp | None:
        description = self.work / DESCRIPTION
        return stamp(description) if os.path.isfile(description) else None

    def _added_since(self, folder: DatasetFolder) -> list[str]:
        """Scans of the plain folder that the dataset made from it does not hold; none if the folder is gone."""
        if self.work == self.path:
            return []
        if folder.name != self.path.name:
            raise InputError(
                f"{self.work}: holds a dataset made from {folder.name}, not from {self.path.name}; "
                "choose another --work, or annotate that dataset by itself"
            )
        if not os.path.exists(self.path):
            return []
        known = {case.case for part in PARTS for case in getattr(folder.split, part)}
        scans = plain_scans(self.path)
        return sorted(scans.keys() - known - left_out(self.work, scans).keys())


def _work(path: Path, work: str | Path | None) -> Path:
    """Where labels and runs go."""
    given = Path(os.path.abspath(work)) if work else None
    if os.path.isfile(path / DESCRIPTION):
        if given not in (None, path):
            raise InputError(
                f"--work {work}: labels and runs of the prepared dataset {path} stay in it; leave --work out"
            )
        return path
    if not path.name:
        raise InputError(f"{path}: not a folder of scans but the top of the file system; name a folder in it")
    return given or path.with_name(f"{stem(path)}-groundglass")


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (" ..." if len(names) > SHOWN_NAMES else "") + f" ({len(names)} in all)"
