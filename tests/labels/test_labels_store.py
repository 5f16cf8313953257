from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.events import Point
from groundglass.labels.events import Retraction
from groundglass.labels.events import ScanTag
from groundglass.labels.store import LabelStore


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "labels.jsonl")


def tags(*ids: str) -> list[Label]:
    return [ScanTag(case="a", seconds=0.0, label=1, id=one) for one in ids]


def ids(store: LabelStore) -> list[str]:
    return [label.id for label in store.read()]


def test_a_store_without_a_file_is_empty(store: LabelStore) -> None:
    assert store.read() == []
    assert not store.path.exists()


def test_nothing_appended_makes_no_file(store: LabelStore) -> None:
    store.append([])
    assert not store.path.exists()


def test_labels_are_read_in_the_order_they_were_appended(store: LabelStore) -> None:
    point = Point(case="b", seconds=3.0, position=(1.0, 2.0, 3.0), label=0, id="p")
    store.append(tags("x"))
    store.append([point, *tags("y")])
    assert store.read() == [*tags("x"), point, *tags("y")]
    assert [json.loads(line)["id"] for line in store.path.read_text().splitlines()] == ["x", "p", "y"]


def test_a_retraction_hides_its_target_and_deletes_nothing(store: LabelStore) -> None:
    store.append(tags("x", "y"))
    store.append([Retraction(case="a", seconds=0.0, target="x")])
    assert ids(store) == ["y"]
    assert len(store.path.read_text().splitlines()) == 3


def test_labels_are_on_the_disk_when_append_returns(store: LabelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    store.append(tags("x"))
    assert synced == [store.path.stat().st_size]


@pytest.mark.parametrize("torn", [b'{"kind": "scan_t', b"\x00\x00", b"{"])
def test_a_torn_last_line_is_left_out_then_cut_off_and_said(
    store: LabelStore, caplog: pytest.LogCaptureFixture, torn: bytes
) -> None:
    store.append(tags("x", "y"))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole + torn)
    with caplog.at_level(logging.WARNING, "groundglass"):
        assert ids(store) == ["x", "y"]
    assert "labels.jsonl: its last line was cut off" in caplog.text
    store.append(tags("z"))
    assert ids(store) == ["x", "y", "z"]
    assert store.path.read_bytes().startswith(whole)
    assert torn not in store.path.read_bytes().splitlines()


def test_a_last_line_that_only_lacks_its_newline_is_kept(store: LabelStore, caplog: pytest.LogCaptureFixture) -> None:
    store.append(tags("x", "y"))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole.removesuffix(b"\n"))
    with caplog.at_level(logging.WARNING, "groundglass"):
        assert ids(store) == ["x", "y"]
        store.append(tags("z"))
    assert ids(store) == ["x", "y", "z"]
    assert store.path.read_bytes().startswith(whole)
    assert caplog.text == ""


def test_a_last_line_that_is_whole_but_no_label_is_named_and_not_removed(store: LabelStore) -> None:
    store.append(tags("x"))
    store.path.write_bytes(before := store.path.read_bytes() + b'{"kind": "scribble"}')
    with pytest.raises(InputError, match=r"line 2: .*mend or remove that line"):
        store.read()
    store.append(tags("y"))
    assert store.path.read_bytes().startswith(before + b"\n")


def test_a_full_disk_leaves_a_last_line_without_its_newline_as_it_was(
    store: LabelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(tags("x"))
    store.path.write_bytes(before := store.path.read_bytes().removesuffix(b"\n"))
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(InputError, match="could not be written"):
        store.append(tags("y"))
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("change", [{"case": "\udc00"}, {"seconds": float("nan")}, {"label": 2}])
def test_what_could_not_be_read_again_is_not_written(store: LabelStore, change: dict[str, Any]) -> None:
    wrong = ScanTag(**{"case": "a", "seconds": 0.0, "label": 1, **change})
    with pytest.raises(InputError, match=f"{next(iter(change))} cannot be"):
        store.append([*tags("x"), wrong])
    assert not store.path.exists()


def test_a_file_of_one_torn_line_is_empty(store: LabelStore) -> None:
    store.path.write_bytes(b'{"kind"')
    assert store.read() == []
    store.append(tags("x"))
    assert ids(store) == ["x"]


def test_reading_does_not_write(store: LabelStore) -> None:
    """A reader must not cut off the line that another process is writing just then."""
    store.append(tags("x"))
    store.path.write_bytes(before := store.path.read_bytes() + b'{"kind"')
    store.read()
    assert store.path.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1, 2]",
        b"7",
        b'{"kind": "scribble"}',
        b'{"kind": "scan_tag"}',
        b"\xff\xfe{}",
        b"\x00",
        b"[" * 100_000,
    ],
)
def test_a_damaged_middle_line_is_named_by_its_number(store: LabelStore, line: bytes) -> None:
    store.append(tags("x"))
    store.path.write_bytes(store.path.read_bytes() + b"\n" + line + b"\n")
    store.append(tags("y"))
    with pytest.raises(InputError, match=r"labels\.jsonl, line 3: .*; mend or remove that line"):
        store.read()


def test_a_full_disk_appends_nothing(store: LabelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append(tags("x"))
    before = store.path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"could not be written .No space left on device"):
        store.append(tags("y"))
    assert store.path.read_bytes() == before


def test_a_write_cut_short_by_a_full_disk_is_undone_and_said(store: LabelStore) -> None:
    """The system writes what fits and reports no error: a file size limit does the same."""
    store.append(tags("x"))
    before = store.path.read_bytes()
    program = f"""
import resource, signal
from pathlib import Path
from groundglass.labels.events import ScanTag
from groundglass.labels.store import LabelStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20}, resource.RLIM_INFINITY))
LabelStore(Path({str(store.path)!r})).append([ScanTag(case="a", seconds=0.0, label=1, id="y")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "InputError" in done.stderr
    assert "could not be written" in done.stderr
    assert store.path.read_bytes() == before


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be written"):
        LabelStore(tmp_path / "none" / "labels.jsonl").append(tags("x"))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").mkdir()
    with pytest.raises(InputError, match="could not be read"):
        LabelStore(tmp_path / "labels.jsonl").read()


WRITER = """
import sys
from pathlib import Path
from groundglass.labels.events import ScanTag
from groundglass.labels.store import LabelStore
name, path = sys.argv[1:]
sys.stdin.read()
for number in range(100):
    tags = [ScanTag(case=name * 3000, seconds=0.0, label=1, id=f"{name}{number}.{part}") for part in (0, 1)]
    LabelStore(Path(path)).append(tags)
"""


def test_two_processes_interleave_whole_lines(store: LabelStore) -> None:
    store.path.write_bytes(b'{"torn')
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, name, str(store.path)], stdin=subprocess.PIPE) for name in ("m", "n")]
    for writer in writers:  # both start at once
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(30) for writer in writers] == [0, 0]
    found = ids(store)
    for name in ("m", "n"):
        assert [one for one in found if one[0] == name] == [f"{name}{k}.{part}" for k in range(100) for part in (0, 1)]
