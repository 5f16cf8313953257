"""SIGTERM outside of the training loop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from groundglass.cli import VERBS
from groundglass.cli import main
from groundglass.files import replacing


def test_a_terminated_prediction_leaves_nothing_half_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def writing(_arguments: Any) -> None:
        with replacing(tmp_path / "lesions.nii.gz") as unfinished:
            unfinished.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(VERBS["predict"], "run", writing)
    assert main(["predict", "scan.nii.gz", "-o", "out"]) == 143
    assert capsys.readouterr().err == "groundglass: stopped; go on with the same command and --resume\n"
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_only_the_default_is_replaced_and_only_in_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(VERBS["info"], "run", lambda _: seen.append(signal.getsignal(signal.SIGTERM)))

    def own(_number: int, _frame: Any) -> None:
        """Of a program that uses the package."""

    signal.signal(signal.SIGTERM, own)
    try:
        assert main(["info", "scan.nii.gz"]) == 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    thread = threading.Thread(target=main, args=(["info", "scan.nii.gz"],))
    thread.start()
    thread.join()
    assert seen == [own, signal.SIG_DFL]
