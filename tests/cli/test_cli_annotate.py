"""``groundglass annotate``: who it is for, and mistakes in one sentence."""

from __future__ import annotations

import getpass
import socket
import urllib.request
from pathlib import Path
from threading import Thread

import pytest
from jsonargparse import ArgumentParser

from groundglass.cli import annotate
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError


def run(*argv: str) -> None:
    parser = ArgumentParser(exit_on_error=False)
    annotate.add_arguments(parser)
    annotate.run(parser.parse_args([*argv, "--no-browser"]))


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set in the environment")])
def test_a_user_without_a_name_gets_a_plain_one(
    blobs_copy: DatasetFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    """As in a container that runs under a number: KeyError before Python 3.13, OSError since."""

    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    run(str(blobs_copy.root))
    assert capsys.readouterr().out.startswith("annotator: http://127.0.0.1:")


def test_a_work_folder_that_cannot_be_made_is_said(blobs: DatasetFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"x: the folder for the answers cannot be made .*; name another with --work"):
        run(str(blobs.root / "images"), "--work", str(tmp_path / "file" / "x"))


def test_the_link_of_an_ipv6_address_works(
    blobs_copy: DatasetFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    import uvicorn

    servers: list[uvicorn.Server] = []
    start = uvicorn.Server.run
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: servers.append(server) or start(server, sockets))
    monkeypatch.setattr(uvicorn.Server, "install_signal_handlers", lambda server: None, raising=False)
    serving = Thread(target=run, args=(str(blobs_copy.root), "--host", "::1", "--annotators", "anna"))
    serving.start()
    try:
        while not (servers and servers[0].started):
            serving.join(0.05)
            assert serving.is_alive()
        link = capsys.readouterr().out.split()[1]
        assert link.startswith("http://[::1]:")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert opener.open(link, timeout=30).status == 200
    finally:
        for server in servers:
            server.should_exit = True
        serving.join(30)
