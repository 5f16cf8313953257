"""The server as a process: it is killed in a burst of clicks, and stopped by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from jsonargparse import ArgumentParser
from serving import serving

from groundglass.cli import annotate
from groundglass.errors import InputError
from groundglass.labels.store import LabelStore

BURST = 500
KILLED_AFTER = 200


def log_in(link: str) -> httpx.Client:
    base = link.partition("/login")[0]
    client = httpx.Client(base_url=base, headers={"Origin": base})
    assert client.get(link, follow_redirects=True).status_code == 200
    return client


def test_sigkill_in_a_burst_of_clicks_loses_nothing_acknowledged(dataset: Path, answer: Callable[..., Any]) -> None:
    acknowledged: list[str] = []
    enough = threading.Event()
    with serving(dataset, "--annotators", "anna,ben") as (process, links):
        clients = [log_in(link) for link in links.values()]

        def click(client: httpx.Client) -> None:
            for number in range(BURST // 2):
                body = answer(row=float(number % 48), column=float(number // 48))
                try:
                    reply = client.post("/api/answers", json=body)
                except httpx.TransportError:
                    return
                assert reply.status_code == 200
                acknowledged.append(body["id"])
                if len(acknowledged) >= KILLED_AFTER:
                    enough.set()

        threads = [threading.Thread(target=click, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        assert enough.wait(120)
        os.kill(process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(30)
    assert KILLED_AFTER <= len(acknowledged) < BURST, "it was killed in the middle"
    kept = [label.id for label in LabelStore(dataset / "labels.jsonl").read()]
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept)), "none twice"
    assert len(kept) <= len(acknowledged) + 2, "at most the two that were under way"


def test_a_click_is_acknowledged_at_once(dataset: Path, answer: Callable[..., Any]) -> None:
    """The figure for a 300-slice scan is in the documentation; this bound holds on a busy machine too."""
    with serving(dataset, "--annotators", "anna") as (_, links):
        client = log_in(links["anna"])
        client.post("/api/answers", json=answer())
        seconds = []
        for number in range(100):
            body = answer(row=float(number % 48), column=float(number // 48))
            started = time.perf_counter()
            client.post("/api/answers", json=body)
            seconds.append(time.perf_counter() - started)
    assert float(np.median(seconds)) < 0.04, "small replies wait for nothing (TCP_NODELAY)"
    assert len(LabelStore(dataset / "labels.jsonl").read()) == 101


def test_ctrl_c_ends_it(dataset: Path) -> None:
    with serving(dataset, "--annotators", "anna") as (process, links):
        log_in(links["anna"])
        process.send_signal(signal.SIGINT)
        process.wait(30)


def run(*arguments: str) -> None:
    parser = ArgumentParser()
    annotate.add_arguments(parser)
    annotate.run(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--regions", "3"], "perfect square"),
        (["--annotators", "anna,anna"], "different names"),
        (["--port", "70000"], "--port 70000: there is no such port; give one from 1 to 65535"),
        (["--port", "-1"], "give one from 1 to 65535"),
        (
            ["--host", "192.0.2.1", "--allow-remote"],
            "--host 192.0.2.1: no address of this machine .*; give one of its own",
        ),
        (["--host", "none.invalid", "--allow-remote"], "--host none.invalid: no address of this machine"),
        (["--host", "a..b", "--allow-remote"], "--host a..b: no address of this machine"),
        (["--work", "elsewhere"], "--work elsewhere: labels and runs of the prepared dataset .*; leave --work out"),
        (["--intensity", "grey"], "hu or display"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_served(dataset: Path, options: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        run(str(dataset), "--no-browser", *options)


def test_the_top_of_the_file_system_is_refused() -> None:
    with pytest.raises(InputError, match=r"^/: not a folder of scans .*; name a folder in it"):
        run("/", "--no-browser")


def test_a_folder_without_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scan"):
        run(str(tmp_path), "--no-browser")


def test_a_link_is_printed_for_each_and_the_browser_opened_for_one(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    run(str(dataset), "--annotators", "anna,ben")
    assert opened == []
    printed = capsys.readouterr().out
    assert printed.count("/login?token=") == 2
    assert "Research use only" in printed
    run(str(dataset), "--annotators", "anna")
    assert len(opened) == 1
    assert opened[0] in capsys.readouterr().out
    assert json.dumps(opened[0]).count("127.0.0.1") == 1
