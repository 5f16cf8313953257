"""Training in the background, and the model that comes of it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.annotator import Settings
from groundglass.annotate.annotator import open_annotator
from groundglass.annotate.gain import gains
from groundglass.annotate.questions import Question
from groundglass.annotate.runs import finished_runs
from groundglass.annotate.runs import next_number
from groundglass.annotate.training import Training
from groundglass.errors import InputError
from groundglass.scans.nifti import write_nifti
from groundglass.scans.scan import Scan

Answer = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.timeout(900)


def wait(annotator: Annotator, *states: str, seconds: float = 400) -> dict[str, Any]:
    """Until the training is in one of some states; it has a low priority, so a busy machine takes its time."""
    until = time.monotonic() + seconds
    while (status := annotator.training.status())["state"] not in states:
        assert time.monotonic() < until, status
        time.sleep(0.1)
    return status


@pytest.fixture
def plain(tmp_path: Path, recipe: Path) -> Annotator:
    """An annotator of a plain folder with one scan."""
    affine = np.array([[0, 0, -0.8, 20], [0, 0.7, 0, -30], [-5, 0, 0, 100], [0, 0, 0, 1]], float)
    voxels = np.random.default_rng(0).integers(-1000, 0, (2, 48, 48)).astype(np.int16)
    write_nifti(Scan(voxels, affine, "hu"), tmp_path / "scans" / "one.nii.gz")
    return open_annotator(tmp_path / "scans", settings=Settings(regions=4, recipe=str(recipe)))


def click_some(annotator: Annotator, answer: Answer, *cases: str) -> None:
    for case in cases:
        annotator.annotation.answer("anna", answer(case=case))
        annotator.annotation.answer("anna", answer(case=case, row=2.0, label=0))


def test_a_run_trains_while_clicks_go_on_and_gives_masks_and_questions(
    annotator: Annotator, client: TestClient, answer: Answer
) -> None:
    click_some(annotator, answer, "case0", "case1")
    assert client.post("/api/train", json={}).json()["state"] in ("preparing", "training")
    assert "going on already" in client.post("/api/train", json={}).json()["error"]
    assert client.post("/api/answers", json=answer(row=30.0)).status_code == 200
    status = wait(annotator, "finished", "failed")
    assert status == status | {"state": "finished", "epoch": 2, "epochs": 2, "run": "annotate-1", "message": ""}
    assert annotator.questions.ready.wait(60)
    assert annotator.questions.ranking
    summary = client.get("/api/summary").json()
    assert summary["model"] == summary["model"] | {"name": "annotate-1", "version": 1}
    probability = np.frombuffer(client.get("/api/cases/case0/slices/0/probability").content, np.uint8)
    uncertainty = np.frombuffer(client.get("/api/cases/case0/slices/0/uncertainty").content, np.uint8)
    assert probability.shape == uncertainty.shape == (48 * 48,)
    assert client.get("/api/cases/case0/slices/9/probability").status_code == 400
    annotator.close()
    again = open_annotator(annotator.source.path, settings=annotator.settings)
    assert again.questions.ready.wait(60), "the last run is loaded at the start"
    assert again.model.run == annotator.training.runs / "annotate-1"


def test_a_map_that_a_question_brings_is_shown_instead_of_the_models(annotator: Annotator, client: TestClient) -> None:
    given = np.zeros((48, 48), np.float32)
    given[3, 4] = 1
    annotator.annotation.guide.put("anna", Question("case0", 0, (0, 24), (0, 24), given))
    shown = client.get("/api/cases/case0/slices/0/uncertainty").content
    assert np.frombuffer(shown, np.uint8).reshape(48, 48).tolist() == (given * 255).astype(int).tolist()
    assert client.get("/api/cases/case0/slices/1/uncertainty").status_code == 400, "there is no model yet"


def test_training_without_a_usable_answer_says_what_to_click(annotator: Annotator, answer: Answer) -> None:
    annotator.annotation.answer("anna", answer(case="case5"))  # a test case: nothing to train on
    annotator.annotation.answer("anna", answer(kind="scan_tag", label=0))  # not what this recipe learns from
    annotator.training.start()
    status = wait(annotator, "finished", "failed")
    assert (status["state"], status["message"]) == (
        "failed",
        "nothing has been answered yet in a training case that this recipe can learn from: click a lesion (left) or "
        "background (right), or press N where there is nothing, and train again",
    )
    assert finished_runs(annotator.training.runs) == []
    assert next_number(annotator.training.runs) == 2


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("bl", "this recipe can learn from: tag slices"),
        ("full", "learns from drawn masks, which are not made here; start the annotator with another --recipe"),
    ],
)
def test_what_to_click_depends_on_the_recipe(dataset: Path, tmp_path: Path, method: str, says: str) -> None:
    recipe = tmp_path / "other.yaml"
    network = "map-generator" if method == "bl" else "plain-unet"
    recipe.write_text(f"method: {method}\nnetwork: {network}\ngrid: {{size: [32, 32]}}\nepochs: 1\n")
    annotator = open_annotator(dataset, settings=Settings(regions=4, recipe=str(recipe)))
    annotator.training.start()
    status = wait(annotator, "finished", "failed")
    assert says in status["message"]
    assert "prepare" not in status["message"]


def test_a_training_that_is_killed_is_said(annotator: Annotator, answer: Answer) -> None:
    click_some(annotator, answer, "case0")
    annotator.training.start()
    while (process := annotator.training._process) is None:
        time.sleep(0.01)
    process.kill()
    assert "ended with code" in wait(annotator, "failed")["message"]


def test_a_training_is_stopped_and_answers_model_and_checkpoint_stay(
    annotator: Annotator, client: TestClient, answer: Answer, recipe: Path
) -> None:
    recipe.write_text(recipe.read_text().replace("epochs: 2", "epochs: 100000"))
    annotator.training = Training(annotator.source, str(recipe), annotator.training.finished)
    click_some(annotator, answer, "case0")
    kept = annotator.annotation.labels.store.path.read_bytes()
    assert client.post("/api/stop", json={}).json()["state"] == "idle", "there is nothing to stop"
    client.post("/api/train", json={})
    last = annotator.training.runs / "annotate-1" / "checkpoints" / "last.ckpt"
    until = time.monotonic() + 400
    while not last.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert client.post("/api/stop", json={}).json()["state"] == "stopping"
    assert "going on already" in client.post("/api/train", json={}).json()["error"]
    status = wait(annotator, "stopped", "failed", "finished", seconds=60)
    assert (status["state"], status["message"]) == (
        "stopped",
        "annotate-1 was stopped; the model is the one before, and all answers are kept",
    )
    assert annotator.training._process is not None
    assert annotator.training._process.returncode == 143
    assert last.is_file(), "the run can be gone on with"
    assert finished_runs(annotator.training.runs) == []
    assert annotator.model.run is None
    assert annotator.annotation.labels.store.path.read_bytes() == kept


def test_what_is_stopped_before_anything_runs_does_not_begin(
    annotator: Annotator, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    click_some(annotator, answer, "case0")
    really = Training._train

    def stopped_first(training: Training, run: Path) -> None:
        training.stop()
        really(training, run)

    monkeypatch.setattr(Training, "_train", stopped_first)
    annotator.training.start()
    assert wait(annotator, "stopped", "failed", "finished", seconds=60)["state"] == "stopped"
    assert annotator.training._process is None
    monkeypatch.setattr(Training, "_train", lambda training, run: None)
    monkeypatch.setattr(annotator.training, "finished", lambda run: None)
    annotator.training.start()
    status = wait(annotator, "finished", "failed", "stopped", seconds=60)
    assert (status["state"], status["message"], status["run"]) == ("finished", "", "annotate-2")


def test_a_plain_folder_is_copied_before_it_is_trained_on_and_clicking_goes_on(
    plain: Annotator, tmp_path: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotator = plain
    click_some(annotator, answer, "one")
    monkeypatch.setattr(Training, "_train", lambda training, run: None)
    monkeypatch.setattr(annotator.training, "finished", lambda run: None)
    refused: list[str] = []

    def click_on() -> None:
        places = product(range(470), range(470))
        while annotator.training.state == "preparing":
            row, column = next(places)
            try:
                annotator.annotation.answer("ben", answer(case="one", row=row / 10, column=column / 10))
            except InputError as error:
                refused.append(str(error))

    annotator.training.start()
    click_on()
    assert wait(annotator, "finished", "failed")["state"] == "finished"
    assert refused == [], "not even while the dataset appears"
    assert (tmp_path / "scans-groundglass" / "images" / "one.nii.gz").is_file()
    assert annotator.source.is_prepared
    assert [path.name for path in (tmp_path / "scans").iterdir()] == ["one.nii.gz"]
    annotator.annotation.answer("anna", answer(case="one", row=30.0))
    assert len([mark for mark in annotator.annotation.marks("one") if mark["annotator"] == "anna"]) == 3


def test_a_copying_that_is_killed_is_said_and_can_be_begun_again(
    plain: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Training, "_train", lambda training, run: None)
    monkeypatch.setattr(plain.training, "finished", lambda run: None)
    plain.training.start()
    while (copying := plain.training._copying) is None or copying.pid is None:
        time.sleep(0.001)
    os.kill(copying.pid, signal.SIGKILL)
    status = wait(plain, "finished", "failed", seconds=60)
    assert (status["state"], status["message"][:50]) == ("failed", "the copying of the scans into a dataset was ended ")
    plain.training.start()
    status = wait(plain, "finished", "failed")
    assert (status["state"], status["message"]) == ("finished", "")
    assert plain.source.is_prepared


def test_what_is_wrong_with_the_scans_is_said(plain: Annotator, tmp_path: Path) -> None:
    (tmp_path / "scans" / "one.nii.gz").write_bytes(b"damaged")
    plain.training.start()
    assert "none of the scans could be read" in wait(plain, "failed", seconds=60)["message"]


def test_stopping_ends_the_copying_too(plain: Annotator) -> None:
    plain.training.start()
    while (copying := plain.training._copying) is None or copying.pid is None:
        time.sleep(0.001)
    plain.close()
    assert wait(plain, "stopped", "failed", seconds=60)["state"] == "stopped"
    assert not copying.is_alive()
    assert not plain.source.is_prepared


def test_what_was_not_foreseen_ends_a_training_too(
    annotator: Annotator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Training, "_train", lambda training, run: 1 / 0)
    annotator.training.start()
    status = wait(annotator, "finished", "failed", seconds=60)
    assert (status["state"], status["message"][:45]) == ("failed", "the training failed for a reason that was not")
    assert "ZeroDivisionError" in caplog.text


def test_runs_that_cannot_be_kept_end_a_training(annotator: Annotator) -> None:
    annotator.training.runs.write_bytes(b"a file where the folder should be")
    annotator.training.start()
    assert "could not be started" in wait(annotator, "failed", seconds=60)["message"]


def test_a_run_that_cannot_be_loaded_is_said_and_the_rest_works(dataset: Path, answer: Answer) -> None:
    (dataset / "broken.ckpt").write_bytes(b"nothing")
    annotator = open_annotator(dataset, settings=Settings(run=str(dataset / "broken.ckpt")))
    assert annotator.summary("anna")["model"]["name"] is None
    until = time.monotonic() + 60
    while not (notices := annotator.summary("anna")["notices"]):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "the model could not be loaded" in notices[0]
    while annotator.summary("anna")["model"]["loading"]:
        assert time.monotonic() < until
    annotator.annotation.answer("anna", answer())


def make_run(folder: Path, name: str, seconds: float, *dices: float) -> Path:
    run = folder / name
    run.mkdir()
    (run / "result.json").write_text(json.dumps({"label_seconds": seconds}))
    rows = "".join(f"{epoch},{dice}\n" for epoch, dice in enumerate(dices))
    (run / "history.csv").write_text(("epoch,val_dice_global\n" if dices else "epoch\n0\n") + rows)
    return run


def test_gain_is_validation_dice_a_minute_between_runs(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, "annotate-1", 60, 0.2, 0.4, 0.3), make_run(tmp_path, "annotate-2", 180, 0.5, 0.6)]
    (gain,) = gains(runs)
    assert (gain.run, gain.dice, gain.minutes) == ("annotate-2", 0.6, 2.0)
    assert gain.per_minute == pytest.approx(0.1)


def test_between_two_validations_the_last_dice_is_shown(annotator: Annotator) -> None:
    annotator.training.runs.mkdir(parents=True)
    annotator.training.run = make_run(annotator.training.runs, "annotate-1", 60, 0.2, 0.4)
    with (annotator.training.run / "history.csv").open("a") as file:
        file.write("2,\n")
    status = annotator.training.status()
    assert (status["epoch"], status["dice"]) == (3, 0.4)
    assert gains([annotator.training.run, make_run(annotator.training.runs, "annotate-2", 120, 0.5)])[0].dice == 0.5


def test_there_is_no_gain_without_validation_or_without_new_labels(tmp_path: Path) -> None:
    first, blind = make_run(tmp_path, "annotate-1", 60, 0.2), make_run(tmp_path, "annotate-2", 120)
    assert gains([first, blind]) == []
    assert gains([first, make_run(tmp_path, "annotate-3", 60, 0.3)]) == []
    assert gains([]) == []


def test_runs_are_ordered_by_number(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        make_run(tmp_path, f"annotate-{number}", 0)
    (tmp_path / "annotate-11").mkdir()
    (tmp_path / "annotate-first").mkdir()
    assert [run.name for run in finished_runs(tmp_path)] == ["annotate-1", "annotate-2", "annotate-10"]
    assert next_number(tmp_path) == 12


def test_the_model_of_no_run_says_so(annotator: Annotator) -> None:
    with pytest.raises(InputError, match="no model yet"):
        annotator.model.probabilities("case0", annotator.annotation.scans.get("case0"), 0)
