from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import pytest

from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.networks import NETWORKS
from groundglass.networks import build_network
from groundglass.registry import Registry


class Sieve:
    def __init__(
        self, *, given: str, holes: int = 3, sizes: tuple[float, ...] = (), kind: Literal["fine", "coarse"] = "fine"
    ) -> None:
        self.given, self.holes, self.sizes, self.kind = given, holes, sizes, kind


class Plain:
    pass


SIEVES = Registry("sieve", {"sieve": f"{__name__}:Sieve", "plain": f"{__name__}:Plain", "later": "no_such_module:X"})


def test_options_of_a_recipe_are_converted_to_the_types_of_the_signature() -> None:
    sieve = SIEVES.build("sieve", {"holes": 5, "sizes": [1, 2.5], "kind": "coarse"}, given="g")
    assert (sieve.given, sieve.holes, sieve.sizes, sieve.kind) == ("g", 5, (1.0, 2.5), "coarse")


def test_what_is_not_said_keeps_its_default() -> None:
    assert SIEVES.build("sieve", {}, given="g").holes == 3
    assert isinstance(SIEVES.build("plain", {}), Plain)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="there is no sieve called 'seive'; choose one of sieve, plain, later"):
        SIEVES.get("seive")


@pytest.mark.parametrize("option", ["size", "given", "self"])
def test_an_unknown_option_is_answered_with_the_known_ones(option: str) -> None:
    with pytest.raises(InputError, match=f"sieve 'sieve' has no option '{option}'; it has holes, sizes, kind"):
        SIEVES.build("sieve", {option: 1}, given="g")


@pytest.mark.parametrize(
    ("options", "named"), [({"holes": "many"}, "holes"), ({"sizes": 3}, "sizes"), ({"kind": "big"}, "kind")]
)
def test_a_value_of_the_wrong_type_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=f"sieve 'sieve': .*{named}"):
        SIEVES.build("sieve", options, given="g")


def test_a_class_is_imported_only_when_it_is_asked_for() -> None:
    assert "no_such_module" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        SIEVES.get("later")


@pytest.mark.parametrize("registry", [METHODS, NETWORKS], ids=lambda registry: registry.what)
def test_everything_registered_can_be_imported(registry: Registry) -> None:
    names: Sequence[str] = list(registry.entries)
    assert [registry.get(name).__name__ for name in names] == [
        entry.split(":")[1] for entry in registry.entries.values()
    ]


def test_a_value_that_torch_refuses_is_the_users_mistake() -> None:
    with pytest.raises(InputError, match="network 'plain-unet': dropout"):
        NETWORKS.build("plain-unet", {"dropout": 2.0})


def test_fcn8_always_gets_three_channels() -> None:
    with pytest.raises(InputError, match="network 'fcn8' has no option 'in_channels'"):
        build_network("fcn8", {"in_channels": 1})
