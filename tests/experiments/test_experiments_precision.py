from __future__ import annotations

import pytest
import torch

from groundglass.experiments.precision import quickest


@pytest.mark.parametrize(
    ("capabilities", "precision"), [({"amx_bf16": True}, "bf16"), ({"avx2": True}, "32"), ({}, "32")]
)
def test_products_are_in_bfloat16_only_where_the_processor_is_made_for_it(
    capabilities: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert quickest() == precision


def test_a_torch_that_cannot_say_multiplies_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert quickest() == "32"
