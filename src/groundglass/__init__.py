"""groundglass: train a chest-CT lesion segmenter from the labels you can afford."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from groundglass.datasets.folder import DatasetFolder as DatasetFolder
    from groundglass.datasets.prepare import prepare as prepare
    from groundglass.datasets.simulated import simulate_labels as simulate_labels
    from groundglass.errors import InputError as InputError
    from groundglass.experiments.checkpoint import load_method as load_method
    from groundglass.experiments.recipe import load_recipe as load_recipe
    from groundglass.prediction.prediction import Prediction as Prediction
    from groundglass.prediction.segmenter import Segmenter as Segmenter
    from groundglass.prediction.segmenter import predict as predict
    from groundglass.scans.nifti import write_nifti as write_nifti
    from groundglass.scans.phantom import generate_phantom as generate_phantom
    from groundglass.scans.reader import read_scan as read_scan
    from groundglass.training.run import train as train

__version__ = "0.1.0"

_PUBLIC = {
    "DatasetFolder": "groundglass.datasets.folder",
    "InputError": "groundglass.errors",
    "generate_phantom": "groundglass.scans.phantom",
    "load_method": "groundglass.experiments.checkpoint",
    "load_recipe": "groundglass.experiments.recipe",
    "Prediction": "groundglass.prediction.prediction",
    "Segmenter": "groundglass.prediction.segmenter",
    "predict": "groundglass.prediction.segmenter",
    "prepare": "groundglass.datasets.prepare",
    "read_scan": "groundglass.scans.reader",
    "simulate_labels": "groundglass.datasets.simulated",
    "train": "groundglass.training.run",
    "write_nifti": "groundglass.scans.nifti",
}
__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import groundglass`` stays quick."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'groundglass' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
