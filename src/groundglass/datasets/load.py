"""The samples of a dataset, as slices or as volumes."""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Sequence

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.datasets.progress import Progress
from groundglass.datasets.samples import SliceSamples
from groundglass.datasets.volume_samples import VolumeSamples
from groundglass.labels.growth import Growth


def load_samples(
    folder: DatasetFolder,
    cases: Sequence[Case],
    grid: Grid,
    *,
    kinds: Container[str],
    grow: Growth | None = None,
    progress: Progress | None = None,
) -> SliceSamples:
    """What the network of ``grid`` sees of some cases: each slice, or each scan as one volume.

    Clicks are grown in slices alone. ``progress`` is called with the number of cases loaded and their total.

    Raises:
        InputError: If there is no case, a file is damaged, or a label lies outside its image.
    """
    samples = SliceSamples if grid.depth is None else VolumeSamples
    return samples(folder, cases, grid, kinds=kinds, grow=grow, progress=progress)
