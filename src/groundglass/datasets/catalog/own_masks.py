"""Folders whose masks and images somebody made: what their values mean may have to be said."""

from __future__ import annotations

from pathlib import Path

from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import StatedIntensity
from groundglass.datasets.catalog.lesion_values import check_lesion_labels


class OwnMasks(FolderLayout):
    """A layout that is told which values of the masks are lesion, and what the images' numbers are.

    Args:
        root: The folder.
        lesion_labels: Values of the masks that are lesion; by default as the layout has it.
        intensity: ``hu`` or ``display`` (8-bit) where the values do not make it plain.

    Raises:
        InputError: If there is no such folder, or a value cannot be one of lesions.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        lesion_labels: tuple[int, ...] | None = None,
        intensity: StatedIntensity | None = None,
    ) -> None:
        super().__init__(root)
        check_lesion_labels(lesion_labels)
        self.lesion_labels = lesion_labels
        self.intensity: StatedIntensity | None = intensity
