"""Numbers in method_options that make no sense are refused in one sentence that names the option."""

from __future__ import annotations

from typing import Any

import pytest

from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network

CHANGING = {"channels": [4, 8]}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "decomposition": ("decomposition", CHANGING),
    "bl": ("map-generator", CHANGING),
    "vagan": ("map-generator", CHANGING),
}
CLASSIFIER = ("classifier", {"encoder": "plain", "channels": [4, 8]})


def build(method: str, **options: Any) -> Any:
    network = build_network(*NETWORKS.get(method, CLASSIFIER))
    return METHODS.build(method, options, network=network, settings=TrainingSettings())


BELOW = [
    *(("decomposition", name) for name in ("adversarial", "reconstruction", "fidelity", "critic_start", "relight")),
    *(("bl", name) for name in ("adversarial", "reconstruction", "classification", "classifier_steps", "relight")),
    *(("vagan", name) for name in ("sparsity", "critic_start", "long_turns", "relight")),
    *(("attention-fusion", name) for name in ("focal_weight", "gamma", "false_positives", "false_negatives")),
    ("irn", "steps"),
    ("icd", "warm_up"),
]


@pytest.mark.parametrize(("method", "option"), BELOW)
def test_a_number_below_0_is_refused(method: str, option: str) -> None:
    with pytest.raises(InputError, match=rf"^method_options\.{option} must be 0 or more, not -1(\.0)?$"):
        build(method, **{option: -1})


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("attention-fusion", {"alpha": 5}, "method_options.alpha must be from 0 to 1, not 5"),
        ("attention-fusion", {"gamma": float("nan")}, "method_options.gamma must be 0 or more, not nan"),
        ("decomposition", {"opacities": 2}, "method_options.opacities must be from 0 to 1, not 2"),
        ("decomposition", {"fidelity": float("inf")}, "method_options.fidelity must be 0 or more, not inf"),
        ("decomposition", {"smooth": float("inf")}, "smoothing by inf pixels is not possible"),
        ("decomposition", {"critic_steps": 0}, "method_options.critic_steps must be 1 or more, not 0"),
        (
            "decomposition",
            {"heat": "lesion", "lesion_decoder": False},
            "heat: lesion is 0 everywhere without lesion_decoder",
        ),
        (
            "decomposition",
            {"critic_channels": []},
            r"critic_channels must be two numbers or more, all above 0, not \[\]",
        ),
        ("bl", {"critic_channels": [8]}, r"critic_channels must be two numbers or more, all above 0, not \[8\]"),
        ("bl", {"critic_channels": [8, 0]}, r"critic_channels must be two numbers or more, all above 0, not \[8, 0\]"),
        ("irn", {"radius": 0}, "method_options.radius must be 1 or more, not 0"),
        ("irn", {"width": 6}, "method_options.width must be a multiple of 4, not 6"),
        ("irn", {"width": 0}, "method_options.width must be a multiple of 4, not 0"),
        ("seam", {"features": [0, 8]}, r"method_options.features must be two numbers of 1 or more, not \(0, 8\)"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(method: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build(method, **options)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("decomposition", {"adversarial": 0, "fidelity": 0, "critic_start": 0}),
        ("decomposition", {"heat": "lesion"}),
        ("bl", {"classifier_steps": 0, "critic_channels": [4, 4]}),
        ("vagan", {"sparsity": 0, "long_turns": 0}),
        ("attention-fusion", {"alpha": 1, "gamma": 0, "false_positives": 0}),
        ("irn", {"steps": 0, "radius": 1, "width": 4}),
        ("icd", {"warm_up": 0}),
    ],
)
def test_the_lowest_numbers_are_not_refused(method: str, options: dict[str, Any]) -> None:
    build(method, **options)


def test_a_map_generator_needs_channels() -> None:
    with pytest.raises(InputError, match=r"channels \(\) of the map generator must be one positive number or more"):
        build_network("map-generator", {"channels": []})
