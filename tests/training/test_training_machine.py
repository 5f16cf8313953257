"""What a run is said to have taken."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from groundglass.training.machine import peak_memory_gb


def test_the_peak_is_in_gib() -> None:
    held = np.ones(2**27, np.uint8)
    peak = peak_memory_gb()
    assert peak is not None
    assert held.nbytes / 2**30 < peak < 50


def test_the_peak_is_in_bytes_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    here = peak_memory_gb()
    assert here is not None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak_memory_gb() == pytest.approx(here / 2**10, abs=0.01)


def test_windows_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_gb() is None
