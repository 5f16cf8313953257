"""How a method is trained, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass

from groundglass.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Adam, its schedule, and intensity jitter.

    Args:
        lr: Learning rate at the start (paper 000: 1e-4 for the 134 M-parameter network).
        betas: Adam's moment decays; the release of paper 000 has the unusual (0.99, 0.999).
        weight_decay: L2 penalty.
        power: The rate decays as ``(1 - step / steps) ** power``; 0 keeps it constant, as the papers do.
        brightness: Largest shift of an image's brightness in training; images are in [0, 1].
        contrast: Largest relative change of its contrast.
        orient: Show each slice in one of its eight flips and quarter turns, drawn anew every time.
        upright: Of these leave slices of scans in Hounsfield units only the mirroring: they are upright, and where the
            back is tells dependent lung, dense in anybody who lies, from lesion. Pictures may lie any way round.
        mirror: Show half of the images mirrored from left to right.
        zoom: Largest enlargement of a slice in training; 1 for none.
        degrees: Largest turn of a slice in training, either way; all slices of a volume are turned alike.
        noise: Largest change of each pixel's brightness, drawn uniformly (paper 003 as released: 0.005).
        slices: Neighboring slices of a volume to train on, drawn anew every time; null for all of them.
        average: Decay of the running mean of the weights, one update a step, which is what is validated and kept; 0
            for the weights themselves. 0.98 is a mean over the last 50 steps or so.

    Raises:
        InputError: If a value makes no sense.
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    power: float = 0.9
    brightness: float = 0.1
    contrast: float = 0.2
    orient: bool = False
    upright: bool = False
    mirror: bool = False
    zoom: float = 1.0
    degrees: float = 0.0
    noise: float = 0.0
    slices: int | None = None
    average: float = 0.0

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise InputError(f"settings.lr must be above 0, not {self.lr}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"settings.betas must be from 0 to below 1, not {self.betas}")
        if not 0 <= self.average < 1:
            raise InputError(f"settings.average must be from 0 to below 1, not {self.average}")
        for name in ("weight_decay", "power", "brightness", "contrast", "degrees", "noise"):
            if getattr(self, name) < 0:
                raise InputError(f"settings.{name} must be 0 or more, not {getattr(self, name)}")
        if self.zoom < 1:
            raise InputError(f"settings.zoom must be 1 or more, not {self.zoom}")
        if self.slices is not None and self.slices < 4:
            raise InputError(f"settings.slices must be 4 or more, or null for all of a volume, not {self.slices}")
