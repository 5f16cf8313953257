"""Branching trees that fill the lungs: arteries, veins and the airways beside the arteries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.organs import HILA
from groundglass.scans.phantom.person import Person


@dataclass(frozen=True, eq=False)
class Branches:
    """Bent, tapering pieces of pipe; points are ``(N, 3)`` as ``(z, y, x)`` mm on the scanner.

    Args:
        start: Where each begins.
        control: The point each bends towards (quadratic Bezier).
        end: Where each ends.
        radius: ``(N, 2)`` mm at start and end.
        wall: ``(N,)`` thickness of a wall around a hollow lumen, mm; 0 for a solid branch.
    """

    start: Floats
    control: Floats
    end: Floats
    radius: Floats
    wall: Floats


def sample_trees(rng: np.random.Generator, person: Person, grid: Grid, lungs: NDArray[np.uint8]) -> list[Branches]:
    """Vessels and airways of both lungs.

    Args:
        rng: Source of every choice.
        person: Whose lungs they are.
        grid: A coarse grid.
        lungs: ``(D, H, W)`` on that grid: 1 right, 2 left.

    Returns:
        Solid vessels first, then hollow airways.
    """
    vessels, hollow = [], []
    for side, hilum in HILA.items():
        inside = np.argwhere(ndimage.binary_erosion(lungs == side))
        for kind in ("artery", "vein"):
            picked = inside[rng.integers(len(inside), size=int(rng.integers(2600, 4000)))].astype(float)
            picked += rng.uniform(-0.5, 0.5, picked.shape)
            supplied = np.array([grid.z[0], grid.y[0], grid.x[0]]) + picked * grid.spacing
            root = _on_scanner(person, hilum) + ((0, 0, 0) if kind == "artery" else (-14, -10, 0))
            tree = _grow(rng, root, supplied)
            vessels.append(_as_vessels(tree))
            if kind == "artery":
                hollow.append(_as_airways(tree))
    return [*vessels, *hollow]


@dataclass(frozen=True, eq=False)
class _Tree:
    start: Floats
    heading: Floats
    end: Floats
    leaves: Floats
    parent_leaves: Floats


def _grow(rng: np.random.Generator, root: Floats, supplied: Floats) -> _Tree:
    """Grow a tree to the points it supplies: each branch heads for the middle of its points and splits them in two.

    One pass per generation over all branches at once; the points of a branch are split across their widest axis.
    """
    start, heading = root[None].astype(float), np.zeros((1, 3))
    owner, parent_leaves, generations = np.zeros(len(supplied), int), np.array([float(len(supplied))]), []
    while len(supplied):
        leaves = np.bincount(owner).astype(float)
        middle = _mean(supplied, owner, leaves)
        reach = np.where(leaves == 1, 1.0, rng.uniform(0.18, 0.42, len(leaves)))[:, None]
        stray = rng.normal(0, 0.06, start.shape) * np.linalg.norm(middle - start, axis=1, keepdims=True)
        end = start + reach * (middle - start) + stray
        end = np.where(leaves[:, None] == 1, middle, end)
        generations.append(_Tree(start, heading, end, leaves, parent_leaves))
        supplied, owner = supplied[leaves[owner] > 1], owner[leaves[owner] > 1]
        if len(supplied):
            split = _split(rng, supplied, owner, len(leaves))
            names, owner = np.unique(2 * owner + split, return_inverse=True)
            start, heading, parent_leaves = end[names // 2], (end - start)[names // 2], leaves[names // 2]
    return _Tree(*(np.concatenate([getattr(g, name) for g in generations]) for name in _Tree.__dataclass_fields__))


def _split(rng: np.random.Generator, supplied: Floats, owner: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """0 or 1 per point: the side of its branch's dividing plane on which it lies."""
    leaves = np.maximum(np.bincount(owner, minlength=count), 1).astype(float)
    offset = supplied - _mean(supplied, owner, leaves)[owner]
    spread = _mean(offset**2, owner, leaves) * rng.uniform(0.5, 1.5, (count, 3))
    axis = spread.argmax(axis=1)
    beyond: NDArray[np.intp] = (offset[np.arange(len(owner)), axis[owner]] > 0).astype(np.intp)
    return beyond


def _mean(values: Floats, owner: NDArray[np.intp], leaves: Floats) -> Floats:
    sums = [np.bincount(owner, weights=column, minlength=len(leaves)) for column in values.T]
    return np.stack(sums, axis=1) / leaves[:, None]


def _radius(leaves: Floats) -> Floats:
    """Murray's law with an exponent of 3: the radii (mm) of the children carry what the parent carries."""
    radius: Floats = 0.46 * leaves ** (1 / 3.0)
    return radius


def _as_vessels(tree: _Tree) -> Branches:
    radius = np.stack([0.5 * (_radius(tree.leaves) + _radius(tree.parent_leaves)), _radius(tree.leaves)], axis=1)
    return Branches(tree.start, _control(tree), tree.end, np.minimum(radius, 4.2), np.zeros(len(radius)))


def _as_airways(tree: _Tree) -> Branches:
    """The airway beside each of the larger arteries."""
    wide = tree.leaves > 12
    beside = np.array([0.35, 0.85, 0.4])
    lumen = 0.85 * np.minimum(np.stack([_radius(tree.parent_leaves), _radius(tree.leaves)], axis=1)[wide], 4.0)
    wall = 0.3 + 0.18 * lumen[:, 1]
    shift = 1.25 * lumen + 1.2 * np.minimum(np.stack([_radius(tree.parent_leaves), _radius(tree.leaves)], 1)[wide], 5.0)
    start, end = tree.start[wide] + shift[:, :1] * beside, tree.end[wide] + shift[:, 1:] * beside
    return Branches(start, _control(tree)[wide] + shift.mean(axis=1, keepdims=True) * beside, end, lumen, wall)


def _control(tree: _Tree) -> Floats:
    length = np.linalg.norm(tree.end - tree.start, axis=1, keepdims=True)
    norm = np.maximum(np.linalg.norm(tree.heading, axis=1, keepdims=True), 1e-6)
    bent = tree.start + 0.5 * length * tree.heading / norm
    straight = (tree.start + tree.end) / 2
    return np.where(norm > 1e-3, 0.75 * bent + 0.25 * straight, straight)


def _on_scanner(person: Person, point: tuple[float, float, float]) -> Floats:
    """A reference point ``(x, y, z)`` on this person, as ``(z, y, x)`` mm: the inverse of the bending, first order."""
    x, y, z = np.array(point) * (person.width, person.depth, person.height)
    at = Grid(np.array([z]), np.array([y]), np.array([x]), (1.0, 1.0, 1.0))
    bent_y, bent_x = person.warp(at)
    return np.array([z, 2 * y - bent_y.item(), 2 * x - bent_x.item()])
