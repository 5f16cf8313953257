"""Generated chest CT as a dataset: exact masks, no patient, no licence."""

from __future__ import annotations

from functools import lru_cache
from functools import partial
from typing import ClassVar

from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.errors import InputError
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

TEST_SHARE = 0.25
VALIDATION_SHARE = 0.15
SEED_STEP = 100_000


class PhantomSet(Layout):
    """``count`` generated patients, of whom ``healthy`` have no lesion, dealt out to training, validation and test.

    Args:
        count: Number of scans, 4 or more.
        healthy: Number of healthy ones among them, spread over all parts.
        shape: Voxels ``(D, H, W)`` of each scan.
        seed: Another seed gives other patients.

    Raises:
        InputError: If there are too few scans or more healthy ones than scans.
    """

    expects: ClassVar[str] = "nothing: its scans are generated"

    def __init__(
        self, *, count: int = 20, healthy: int = 0, shape: tuple[int, int, int] = (64, 192, 192), seed: int = 0
    ) -> None:
        if count < 4 or not 0 <= healthy < count:
            raise InputError(f"{count} generated scans, {healthy} of them healthy: give 4 or more, not all healthy")
        self.count = count
        self.healthy = healthy
        self.shape = shape
        self.seed = seed

    def sources(self) -> list[Source]:
        """The generated patients."""
        return [self._source(number) for number in range(self.count)]

    def _source(self, number: int) -> Source:
        every = self.count / self.healthy if self.healthy else 0
        diseased = not self.healthy or number != int(every * (int(number / every) + 1)) - 1
        make = partial(_generate, self.seed * SEED_STEP + number, self.shape, diseased)
        return Source(
            case=f"phantom-{number:03d}",
            patient=f"phantom-{number:03d}",
            image=lambda: make().scan,
            mask=lambda: _on_grid(make(), "lesion_mask"),
            lungs=lambda: _on_grid(make(), "lungs"),
            part=self._part(number),
        )

    def _part(self, number: int) -> str:
        test = max(1, round(TEST_SHARE * self.count))
        validation = max(1, round(VALIDATION_SHARE * self.count))
        if number >= self.count - test:
            return "test"
        return "validation" if number >= self.count - test - validation else "training"


@lru_cache(maxsize=1)
def _generate(seed: int, shape: tuple[int, int, int], diseased: bool) -> Phantom:
    return generate_phantom(seed, shape=shape, diseased=diseased)


def _on_grid(phantom: Phantom, name: str) -> Scan:
    return phantom.scan.with_voxels(getattr(phantom, name), "mask")
