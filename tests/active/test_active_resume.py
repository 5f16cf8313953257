"""A run that is stopped, or whose budget is raised, comes out as if it had not been stopped or had had that budget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from groundglass.active.cycle import ActiveLearning
from groundglass.active.settings import ActiveSettings
from groundglass.active.settings import active_recipe
from groundglass.active.state import State
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import read_checkpoint

Start = Callable[..., ActiveLearning]


class KilledError(Exception):
    """The process was killed."""


def timeless(state: State) -> list[dict[str, object]]:
    """The cycles without what depends on the clock."""
    return [{key: value for key, value in vars(one).items() if "_seconds" not in key} for one in state.cycles]


def assert_same(one: ActiveLearning, other: ActiveLearning) -> None:
    assert timeless(one.state) == timeless(other.state)
    assert one.state.asked == other.state.asked
    assert one.state.finished == other.state.finished
    assert (one.output / "labels.jsonl").read_text() == (other.output / "labels.jsonl").read_text()
    pairs = zip(one.method.state_dict().values(), other.method.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("moment", "warm"), [("trained", True), ("asked", True), ("saved", True), ("saved", False)])
def test_a_stopped_run_comes_out_as_if_it_had_not_been(
    start: Start, monkeypatch: pytest.MonkeyPatch, warm: bool, moment: str
) -> None:
    whole = start("whole", warm_start=warm)
    whole.run()
    assert len(whole.state.cycles) == 3
    stopped = start("stopped", warm_start=warm)
    stop_at(stopped, moment, monkeypatch)
    with pytest.raises(KilledError):
        stopped.run()
    monkeypatch.undo()
    torch.manual_seed(12345)
    resumed = start("stopped", warm_start=warm, resume=True)
    assert len(resumed.state.cycles) == {"trained": 1, "asked": 1, "saved": 2}[moment]
    resumed.run()
    assert_same(resumed, whole)


def stop_at(learning: ActiveLearning, moment: str, monkeypatch: pytest.MonkeyPatch, *, time: int | None = None) -> None:
    """Kill a run after training, after asking, or after saving: in its second cycle, or the time that is given."""
    name = {"trained": "_train", "asked": "_ask", "saved": "_save"}[moment]
    original = getattr(learning, name)
    calls = []

    def once(*given: object) -> None:
        original(*given)
        calls.append(1)
        if len(calls) == (time or {"trained": 2, "asked": 3, "saved": 3}[moment]):
            raise KilledError

    monkeypatch.setattr(learning, name, once)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"budget_seconds": 39}, {"budget_seconds": 54}),  # the first cycle's questions were all paid for
        ({"budget_seconds": 33}, {"budget_seconds": 54}),  # two of four, which were trained on
        ({"budget_seconds": 33, "warm_start": False}, {"budget_seconds": 54}),
        ({"budget_seconds": 33}, {"budget_seconds": 34}),  # too little for one more
        ({"budget_seconds": 12}, {"budget_seconds": 45}),  # not all of the first slice
        ({"budget_seconds": 54, "max_cycles": 1}, {"max_cycles": 3}),
        ({"budget_seconds": 54, "max_cycles": 2}, {"max_cycles": None}),
        ({"budget_seconds": 33, "max_cycles": 2}, {"budget_seconds": 60, "max_cycles": 3}),
        ({"answer": "pixels", "budget_seconds": 130}, {"budget_seconds": 190}),
        ({"answer": "pixels", "budget_seconds": 100, "max_cycles": 6}, {"budget_seconds": 150}),
    ],
)
def test_a_raised_limit_gives_what_it_had_given_from_the_start(
    start: Start, before: dict[str, Any], after: dict[str, Any]
) -> None:
    whole = start("whole", **before | after)
    whole.run()
    start("raised", **before).run()
    torch.manual_seed(12345)
    raised = start("raised", **before | after, resume=True)
    raised.run()
    assert_same(raised, whole)
    again = start("raised", **before | after, resume=True)
    assert again.state.finished == whole.state.finished
    with pytest.raises(InputError, match="can only be raised"):
        start("raised", **before | after | before, resume=True)


@pytest.mark.parametrize("moment", ["asked", "saved"])
def test_a_limit_may_be_raised_twice_and_in_the_middle_of_a_run(
    start: Start, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = start("whole", answer="pixels", budget_seconds=200)
    whole.run()
    start("raised", answer="pixels", budget_seconds=90).run()
    raised = start("raised", answer="pixels", budget_seconds=140, resume=True)
    stop_at(raised, moment, monkeypatch, time=1)
    with pytest.raises(KilledError):
        raised.run()
    monkeypatch.undo()
    raised = start("raised", answer="pixels", budget_seconds=200, resume=True)
    raised.run()
    assert_same(raised, whole)


def test_a_raised_limit_that_was_not_saved_yet_leaves_all_as_it_was(start: Start) -> None:
    first = start("run", budget_seconds=33)
    first.run()
    start("run", budget_seconds=54, resume=True).answers.keep(first.state.answers)
    again = start("run", budget_seconds=33, resume=True)
    again.run()
    assert_same(again, first)


def test_a_finished_run_of_an_earlier_version_keeps_its_limits(start: Start) -> None:
    first = start("run", budget_seconds=33)
    first.run()
    path = first.output / "checkpoints" / "last.ckpt"
    content = read_checkpoint(path)
    del content["active"]["uncut"], content["uncut"]
    AtomicCheckpointIO().save_checkpoint(content, path)
    assert start("run", budget_seconds=33, resume=True).state.finished == "the budget is spent"
    with pytest.raises(InputError, match="begun by an earlier version"):
        start("run", budget_seconds=54, resume=True)


def test_a_run_that_wrote_down_other_figures_is_not_mixed_with_these(start: Start) -> None:
    first = start("run", budget_seconds=33)
    first.run()
    path = first.output / "checkpoints" / "last.ckpt"
    content = read_checkpoint(path)
    del content["active"]["cycles"][0]["dice_global_at_threshold"]
    AtomicCheckpointIO().save_checkpoint(content, path)
    with pytest.raises(InputError, match="begun by an earlier version, which wrote down other figures"):
        start("run", budget_seconds=33, resume=True)


def test_a_finished_run_is_not_gone_on_with(start: Start) -> None:
    first = start(max_cycles=1)
    first.run()
    again = start(max_cycles=1, resume=True)
    again.run()
    assert again.state.finished == "the last cycle is done"
    assert_same(first, again)


def test_answers_that_are_gone_are_said(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = start("run")
    stop_at(stopped, "saved", monkeypatch)
    with pytest.raises(KilledError):
        stopped.run()
    monkeypatch.undo()
    path = stopped.output / "labels.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    with pytest.raises(InputError, match=r"labels\.jsonl: has 3 of the 17 answers .* put the whole file back"):
        start("run", resume=True)
    path.unlink()
    with pytest.raises(InputError, match="has 0 of the 17 answers"):
        start("run", resume=True)
    path.write_text("".join(lines))
    start("run", resume=True).run()


@pytest.mark.skipif(torch.cuda.is_available(), reason="for a torch without a GPU")
def test_a_gpu_that_is_not_there_is_said(blobs: DatasetFolder, tmp_path: Path) -> None:
    """A torch that was built without CUDA raises an AssertionError, any other a RuntimeError."""
    with pytest.raises(InputError, match=r"--device 'cuda' cannot be used here; choose cpu"):
        ActiveLearning(blobs, tmp_path / "d", ActiveSettings(budget_seconds=9), active_recipe("pl"), device="cuda")
