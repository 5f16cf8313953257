"""Generated chest CT as a dataset: exact masks, no patient, no license."""

from __future__ import annotations

from functools import lru_cache
from functools import partial
from typing import Literal

from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.splits import HELD_OUT
from groundglass.errors import InputError
from groundglass.scans.lungs import lung_mask
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

SEED_STEP = 100_000
"""Between the phantoms of one seed and of the next, so that no two datasets share a person."""


class PhantomSet(Layout):
    """``count`` generated patients, of whom ``healthy`` have no lesion, dealt out to training, validation and test.

    Args:
        count: Number of scans, 3 or more; of 20, 12 train, 3 validate and 5 test.
        healthy: Number of healthy ones among them, spread evenly over all parts.
        shape: Voxels ``(D, H, W)`` of each scan.
        seed: Another seed gives other patients.
        lungs: Lung masks as generated (``true``) or as ``predict`` will find them in a scan (``found``).

    Raises:
        InputError: If there are too few or too many scans, or none is diseased.
    """

    def __init__(
        self,
        *,
        count: int = 20,
        healthy: int = 0,
        shape: tuple[int, int, int] = (64, 192, 192),
        seed: int = 0,
        lungs: Literal["true", "found"] = "true",
    ) -> None:
        if not 3 <= count <= SEED_STEP or not 0 <= healthy < count or seed < 0:
            raise InputError(
                f"count {count}, healthy {healthy}, seed {seed}: give 3 to {SEED_STEP} scans, not all of them healthy, "
                "and a seed from 0"
            )
        self.count = count
        self.healthy = healthy
        self.shape = shape
        self.seed = seed
        self.lungs = lungs

    def sources(self) -> list[Source]:
        """The generated patients: training, then validation, then test."""
        return [self._source(number) for number in range(self.count)]

    def _source(self, number: int) -> Source:
        healthy = (number + 1) * self.healthy // self.count > number * self.healthy // self.count
        make = partial(_generate, self.seed * SEED_STEP + number, tuple(self.shape), not healthy)
        name = f"phantom-{number:0{max(3, len(str(self.count - 1)))}d}"
        return Source(
            case=name,
            patient=name,
            image=lambda: make().scan,
            mask=lambda: _on_grid(make(), "lesion_mask"),
            lungs=lambda: lung_mask(make().scan) if self.lungs == "found" else _on_grid(make(), "lungs"),
            part=self._part(number),
        )

    def _part(self, number: int) -> str:
        test, validation = (max(1, round(HELD_OUT[part] * self.count)) for part in ("test", "validation"))
        if number >= self.count - test:
            return "test"
        return "validation" if number >= self.count - test - validation else "training"


@lru_cache(maxsize=1)
def _generate(seed: int, shape: tuple[int, int, int], diseased: bool) -> Phantom:
    """Image and masks of a case are asked for one after the other, and made once."""
    return generate_phantom(seed, shape=shape, diseased=diseased)


def _on_grid(phantom: Phantom, name: str) -> Scan:
    return phantom.scan.with_voxels(getattr(phantom, name), "mask")
