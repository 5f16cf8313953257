"""From a person, vessels and a disease to densities and masks on a grid, slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.phantom.anatomy import body_hu
from groundglass.scans.phantom.disease import Disease
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.lesions import EFFUSION
from groundglass.scans.phantom.lesions import Growth
from groundglass.scans.phantom.lesions import Levels
from groundglass.scans.phantom.lesions import aerated_cover
from groundglass.scans.phantom.lesions import classify
from groundglass.scans.phantom.lesions import diseased_hu
from groundglass.scans.phantom.lesions import growth
from groundglass.scans.phantom.lesions import levels
from groundglass.scans.phantom.lesions import specks
from groundglass.scans.phantom.lungs import lung_space
from groundglass.scans.phantom.parenchyma import LungVoxels
from groundglass.scans.phantom.parenchyma import parenchyma_hu
from groundglass.scans.phantom.person import Person
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.splat import Samples
from groundglass.scans.phantom.splat import sample_branches
from groundglass.scans.phantom.spread import Landscape
from groundglass.scans.phantom.trees import Branches

_FLUID, _BRONCHIAL_WALL, _AIRWAY = 12.0, 0.0, -960.0


@dataclass(frozen=True, eq=False)
class Rendering:
    """Arrays ``(D, H, W)``: density in HU before the scanner, lungs (1 right, 2 left), lesion classes."""

    hu: Floats
    lungs: NDArray[np.uint8]
    lesions: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Slab:
    part: slice
    voxels: LungVoxels
    grown: Growth | None


def render(grid: Grid, person: Person, trees: list[Branches], landscape: Landscape | None) -> Rendering:
    """Draw everything; ``landscape`` is ``None`` for a healthy person."""
    hu, lungs, lesions = np.empty(grid.shape, np.float32), *(np.zeros(grid.shape, np.uint8) for _ in range(2))
    slabs = list(_bodies(hu, grid, person, landscape))
    level = Levels(np.inf, np.inf) if landscape is None else _settle(lesions, grid, landscape.disease, slabs)
    pipes = list(_pipes(grid, person, trees))
    for slab in slabs:
        voxels, tissue = slab.voxels, parenchyma_hu(slab.voxels, person)
        if landscape is not None and slab.grown is not None:
            tissue = diseased_hu(tissue, landscape.disease, voxels.points, slab.grown, level)
        _fill(hu[slab.part].ravel(), tissue, slab, pipes)
        lungs[slab.part].ravel()[voxels.flat] = voxels.side * voxels.is_lung
    return Rendering(hu, lungs, lesions)


def _bodies(hu: Floats, grid: Grid, person: Person, landscape: Landscape | None) -> Iterator[_Slab]:
    """Draw bodies into ``hu`` and yield the lung voxels of each slab, still to be filled."""
    disease = None if landscape is None else landscape.disease
    for part, slab in grid.slabs():
        frame = Frame.of(slab, person)
        space = lung_space(frame, person)
        hu[part] = body_hu(frame, person, space)
        flat = np.flatnonzero(space.cover > 0)
        air = aerated_cover(disease, frame, space)
        depth, cover, air = (field.ravel()[flat] for field in (-space.wall, space.cover, air))
        voxels = LungVoxels(slab, flat, space.side.ravel()[flat], depth, cover, air)
        yield _Slab(part, voxels, None if landscape is None else growth(landscape, voxels.points))


def _settle(lesions: NDArray[np.uint8], grid: Grid, disease: Disease, slabs: list[_Slab]) -> Levels:
    """Find the levels that give the wanted burden, mark the ``lesions`` and level specks out of the growth."""
    grown = [slab.grown.at(slab.voxels.is_lung) for slab in slabs if slab.grown is not None]
    height, solidity = (np.concatenate([getattr(part, name) for part in grown]) for name in ("height", "solidity"))
    level = levels(disease, Growth(height, solidity)) if height.size else Levels(np.inf, np.inf)
    for slab in slabs:
        if slab.grown is not None:
            lesions[slab.part].ravel()[slab.voxels.flat] = classify(slab.voxels, slab.grown, level)
    is_speck = specks(lesions, float(np.prod(grid.spacing)))
    lesions[is_speck] = 0
    for slab in slabs:
        flat = slab.voxels.flat
        if slab.grown is not None:
            slab.grown.height[is_speck[slab.part].ravel()[flat]] = -np.inf
        lesions[slab.part].ravel()[flat[slab.voxels.is_fluid]] = EFFUSION
    return level


def _pipes(grid: Grid, person: Person, trees: list[Branches]) -> Iterator[tuple[Samples, float]]:
    """Walls and lumina of the airways, then vessels, in painting order, each with its density in HU."""
    airways, vessels = ([t for t in trees if t.wall.any() == hollow] for hollow in (True, False))
    yield sample_branches(airways, grid, hollow=True), _BRONCHIAL_WALL
    yield sample_branches(airways, grid, hollow=False), _AIRWAY
    yield sample_branches(vessels, grid, hollow=False), min(person.blood, 170.0)


def _fill(hu: Floats, tissue: Floats, slab: _Slab, pipes: list[tuple[Samples, float]]) -> None:
    """Blend lung tissue with its pipes, and pleural fluid, into the flat ``hu`` of a slab."""
    voxels, plane = slab.voxels, hu.size // len(slab.voxels.grid.z)
    for samples, density in pipes:
        cover = samples.cover(slab.part.start * plane, slab.part.stop * plane)[voxels.flat]
        tissue += cover * (density - tissue)
    fluid = voxels.cover - voxels.air
    hu[voxels.flat] = hu[voxels.flat] * (1 - voxels.cover) + _FLUID * fluid + tissue * voxels.air
