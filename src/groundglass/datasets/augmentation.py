"""Geometric transforms that can be undone exactly, and intensity jitter.

Drawing is apart from applying: a :class:`Dihedral` holds what was drawn, so that image, target map and prediction
are moved alike and moved back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from groundglass.errors import InputError

Transforms = Literal["flip", "flip-rot", "uniform", "dihedral"]


@dataclass(frozen=True, eq=False)
class Dihedral:
    """For each image of a batch: mirror left-right or not, then turn by ``turns`` quarter turns.

    Args:
        flips: ``(B,)`` bool.
        turns: ``(B,)`` number of quarter turns, 0 to 3, applied after the mirroring.

    Example:
        >>> x = torch.rand(8, 1, 6, 6)
        >>> moved = Dihedral.sample(8, "dihedral")
        >>> bool((moved.invert(moved.apply(x)) == x).all())
        True
    """

    flips: Tensor
    turns: Tensor

    @classmethod
    def sample(cls, batch_size: int, transforms: Transforms) -> Dihedral:
        """Draw a transform for each image from torch's generator.

        Args:
            batch_size: Number of images.
            transforms: ``flip``: always mirrored (paper 000's CB(Flip)). ``flip-rot``: always mirrored, then turned
                by 0, 90, 180 or 270 degrees (its CB(Flip,Rot) as released). ``uniform``: one of the turns or the
                mirroring, never both (as its text has it). ``dihedral``: any of the eight.
        """
        turns = torch.randint(4, (batch_size,))
        if transforms == "flip":
            return cls(torch.ones(batch_size, dtype=torch.bool), torch.zeros_like(turns))
        if transforms == "flip-rot":
            return cls(torch.ones(batch_size, dtype=torch.bool), turns)
        if transforms == "dihedral":
            return cls(torch.rand(batch_size) < 0.5, turns)
        choice = torch.randint(5, (batch_size,))
        return cls(choice == 4, torch.where(choice == 4, 0, choice))

    def apply(self, images: Tensor) -> Tensor:
        """Move ``(B, C, H, W)``; square if anything is turned by 90 or 270 degrees.

        Raises:
            InputError: If the images would change their shape.
        """
        if images.shape[-1] != images.shape[-2] and bool((self.turns % 2).any()):
            raise InputError(
                f"images of {images.shape[-2]} x {images.shape[-1]} cannot be rotated by 90 degrees; "
                "set a square grid.size, or transforms to 'flip'"
            )
        return self._each(images, lambda part, flip, turns: _turn(_mirror(part, flip), turns))

    def invert(self, images: Tensor) -> Tensor:
        """Undo :meth:`apply`."""
        return self._each(images, lambda part, flip, turns: _mirror(_turn(part, -turns), flip))

    def _each(self, images: Tensor, move: Callable[[Tensor, bool, int], Tensor]) -> Tensor:
        moved = torch.empty_like(images)
        for flip in (False, True):
            for turns in range(4):
                chosen = (self.flips == flip) & (self.turns == turns)
                if chosen.any():
                    moved[chosen] = move(images[chosen], flip, turns)
        return moved


def _turn(images: Tensor, turns: int) -> Tensor:
    return torch.rot90(images, turns, dims=(-2, -1))


def _mirror(images: Tensor, flip: bool) -> Tensor:
    return images.flip(-1) if flip else images


@dataclass(frozen=True, eq=False)
class Zoom:
    """For each image of a batch: enlarge by ``factors`` (1 and more) around a point that stays inside, and turn.

    Enlarging keeps every labeled pixel that stays in view, which shrinking a target map would not.

    Args:
        factors: ``(B,)`` enlargement.
        centers: ``(B, 2)`` center of what is kept, x then y, in [-1, 1].
        angles: ``(B,)`` turn in radians, if any.
    """

    factors: Tensor
    centers: Tensor
    angles: Tensor | None = None

    @classmethod
    def sample(cls, batch_size: int, largest: float, degrees: float = 0.0) -> Zoom:
        """Draw enlargements up to ``largest``, and turns up to ``degrees`` either way, from torch's generator."""
        factors = 1 + (largest - 1) * torch.rand(batch_size)
        reach = (1 - 1 / factors).unsqueeze(1)
        centers = reach * (2 * torch.rand(batch_size, 2) - 1)
        angles = math.radians(degrees) * (2 * torch.rand(batch_size) - 1) if degrees else None
        return cls(factors, centers, angles)

    def apply(self, images: Tensor) -> Tensor:
        """Enlarge and turn ``(B, C, *spatial)`` in the slice: floats bilinearly, anything else by the nearest pixel."""
        return _sampled(images, self._matrix(images, 1 / self.factors), self.centers, padding="border")

    def invert(self, images: Tensor) -> Tensor:
        """Bring ``(B, C, *spatial)`` back to where :meth:`apply` took it from, at any size; zero what was not in view.

        What :meth:`apply` interpolated is interpolated again: this is not an exact inverse.
        """
        back = self._matrix(images, self.factors, turned=-1)
        center = -(back * self.centers.unsqueeze(1)).sum(dim=2)
        return _sampled(images, back, center, padding="zeros")

    def _matrix(self, images: Tensor, scale: Tensor, *, turned: int = 1) -> Tensor:
        """``(B, 2, 2)``: scale and turn, ``turned`` the one or the other way, in the coordinates of ``affine_grid``."""
        angles = torch.zeros_like(scale) if self.angles is None else turned * self.angles
        aspect = images.shape[-1] / images.shape[-2]  # these coordinates are as long in x as in y
        rows = [angles.cos(), -angles.sin() / aspect, angles.sin() * aspect, angles.cos()]
        return scale.view(-1, 1, 1) * torch.stack(rows, dim=1).view(-1, 2, 2)


def _sampled(images: Tensor, matrix: Tensor, center: Tensor, *, padding: str) -> Tensor:
    """The images at ``matrix`` times each place plus ``center``, in the coordinates of ``affine_grid``."""
    flat = images.flatten(1, -3).float()  # all slices of a volume alike
    theta = torch.cat([matrix, center.unsqueeze(2)], dim=2)
    grid = F.affine_grid(theta, list(flat.shape), align_corners=False).to(images.device)
    mode = "bilinear" if images.is_floating_point() else "nearest"
    moved = F.grid_sample(flat, grid, mode=mode, padding_mode=padding, align_corners=False)
    return moved.to(images.dtype).reshape(images.shape)


def jitter(images: Tensor, *, brightness: float, contrast: float) -> Tensor:
    """Random brightness and contrast, one draw an image; ``(B, C, *spatial)`` in [0, 1] stays in [0, 1]."""
    shape = (len(images), *[1] * (images.ndim - 1))
    gain = 1 + contrast * (2 * torch.rand(shape) - 1)
    shift = brightness * (2 * torch.rand(shape) - 1)
    return ((images - 0.5) * gain.to(images) + 0.5 + shift.to(images)).clamp(0, 1)
