"""The rows of the table of methods from slice tags: recipes, and recipes with something changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundglass.prediction.untrained import UNTRAINED

NO_OPACITIES: dict[str, Any] = {"opacities": 0.0}
SMALL: dict[str, Any] = {
    "grid": {"size": [96, 96], "crop": "lungs"},
    "network_options": {"channels": [16, 32, 64, 128, 256]},
    "method_options": {"critic_channels": [16, 32, 64, 128]},
    "epoch_samples": 320,
    "batch_size": 16,
    "epochs": 30,
    "precision": "bf16",
}
"""A recipe meant for a GPU, at the size and length of ``decomposition`` and a quarter of its own channels."""
ROWS = (
    *UNTRAINED,
    *("cam", "gradcam", "bl", "vagan", "decomposition"),
    *("seam", "irn", "icd", "cam-crf", "attention-fusion"),
)
"""Every method, as its recipe has it."""
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "decomposition-no-critic": ("decomposition", {"method_options": {"adversarial": 0.0}}),
    "decomposition-no-fidelity": ("decomposition", {"method_options": {"fidelity": 0.0}}),
    "decomposition-no-lesion-decoder": ("decomposition", {"method_options": {"lesion_decoder": False}}),
    "decomposition-from-scratch": (
        "decomposition",
        {"network_options": {"encoder": "plain", "channels": [16, 32, 64, 128]}},
    ),
    "decomposition-no-opacities": ("decomposition", {"method_options": NO_OPACITIES}),
    "decomposition-no-opacities-no-fidelity": ("decomposition", {"method_options": {**NO_OPACITIES, "fidelity": 0.0}}),
    "decomposition-no-opacities-no-lesion-decoder": (
        "decomposition",
        {"method_options": {**NO_OPACITIES, "lesion_decoder": False}},
    ),
    **{
        f"decomposition-no-opacities-critic-{weight}": (
            "decomposition",
            {"method_options": {**NO_OPACITIES, "adversarial": weight}},
        )
        for weight in (1, 10, 100)
    },
    "decomposition-no-opacities-critic-10-no-fidelity": (
        "decomposition",
        {"method_options": {**NO_OPACITIES, "adversarial": 10, "fidelity": 0.0}},
    ),
    "decomposition-no-opacities-critic-10-no-lesion-decoder": (
        "decomposition",
        {"method_options": {**NO_OPACITIES, "adversarial": 10, "lesion_decoder": False}},
    ),
    "decomposition-released-small": ("decomposition-released", SMALL),
    "decomposition-paper-small": ("decomposition-paper", SMALL),
    "attention-fusion-max": ("attention-fusion", {"method_options": {"fusion": "maximum"}}),
    "attention-fusion-last": ("attention-fusion", {"method_options": {"fusion": "last"}}),
    "attention-fusion-long": ("attention-fusion", {"epochs": 9}),
    "vagan-positive": ("vagan", {"method_options": {"heat": "positive"}}),
    "bl-change": ("bl", {"method_options": {"change": True, "common_lungs": True}}),
}
"""Rows that are a recipe with something changed. Without fidelity or lesion decoder the opacities teach less, too: it
is by these very terms that they do. The critic's weight is 0.01 but in ``-critic-1`` to ``-critic-100``. ``bl-change``
is given what the recipe of decomposition has: a start from the slice itself, and the lungs in common.
``vagan-positive`` is read as decomposition is: what became darker, not the size of the map. ``attention-fusion-long``
goes through the slices four times in its second stage, not once."""
FAMILIES = {
    "Decomposition": ("decomposition", "decomposition-released", "decomposition-paper"),
    "Attention fusion": ("attention-fusion",),
    "BL and VA-GAN": ("bl", "vagan"),
}
"""Recipes whose rows with something changed stand in one table."""


def family(recipes: Sequence[str]) -> list[str]:
    """The recipes' own rows and those with something changed, in the order of a table."""
    return [*recipes, *(row for row, (recipe, _) in ABLATIONS.items() if recipe in recipes)]
