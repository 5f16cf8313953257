"""The command line, end to end on a tiny folder of pictures, and its one-sentence errors."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from groundglass.cli import VERBS
from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

SMALL = [
    "--network",
    "plain-unet",
    "--network_options.channels",
    "[4,8]",
    "--grid.size",
    "[32,32]",
    "--epochs",
    "2",
    "--device",
    "cpu",
]


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve 8-bit slices with a bright square each, and their masks."""
    rng = np.random.default_rng(0)
    for number in range(12):
        mask = np.zeros((40, 40), bool)
        row, column = rng.integers(4, 24, size=2)
        mask[row : row + 10, column : column + 10] = True
        picture(tmp_path / "own" / "images" / f"c{number}.png", 60 + 120 * mask + rng.normal(0, 8, mask.shape))
        picture(tmp_path / "own" / "masks" / f"c{number}.png", 255 * mask)
    return tmp_path / "own"


@pytest.fixture
def dataset(pictures: Path, tmp_path: Path) -> Path:
    assert main(["prepare", str(pictures), "-o", str(tmp_path / "data"), "--quiet"]) == 0
    return tmp_path / "data"


@pytest.fixture
def run(dataset: Path, tmp_path: Path) -> Path:
    command = ["train", str(dataset), "-o", str(tmp_path / "run"), "--recipe", "cb-flip-rot", "--quiet", *SMALL]
    assert main(command) == 0
    return tmp_path / "run"


def one_sentence(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    error = capsys.readouterr().err
    assert error.startswith("groundglass: ")
    assert len(error.strip().splitlines()) == 1
    assert "Traceback" not in error
    for word in words:
        assert word in error, error


def test_help_of_every_verb_does_without_torch() -> None:
    code = (
        "import sys\nfrom groundglass.cli import main\n"
        f"for verb in {list(VERBS)!r}:\n"
        "    try: main([verb, '--help'])\n"
        "    except SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules and 'lightning' not in sys.modules"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "--recipe" in finished.stdout


def test_help_keeps_examples_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, module in VERBS.items():
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        shown = capsys.readouterr().out.splitlines()
        examples = [line for line in (module.__doc__ or "").splitlines() if "groundglass " in line and "'" not in line]
        assert examples
        assert set(examples) <= set(shown)


def test_without_a_verb_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0
    assert "predict" in capsys.readouterr().out


def test_a_wrong_key_of_a_recipe_is_answered_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("epoch: 3\n")
    assert main(["train", "data", "-o", "run", "--recipe", str(tmp_path / "own.yaml")]) == 2
    one_sentence(capsys, "own.yaml: there is no key 'epoch'; choose from", "epochs")


def test_progress_of_scoring_is_shown_beside_the_figures(
    dataset: Path, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = ["evaluate", str(run), str(dataset), "--json"]
    capsys.readouterr()
    assert main(evaluate) == 0
    assert capsys.readouterr().err == "", "not a terminal"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(evaluate) == 0
    shown = capsys.readouterr()
    assert "scoring test cases" in shown.err
    assert json.loads(shown.out)["n_cases"] > 0
    assert main([*evaluate, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_prepare_train_evaluate_predict_info(
    dataset: Path, run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["method_options"] == {"transforms": "flip-rot"}
    assert config["epochs"] == 2
    capsys.readouterr()
    assert main(["evaluate", str(run), str(dataset), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    result = json.loads((run / "result.json").read_text())
    assert scored["dice_global"] == pytest.approx(result["metrics"]["dice_global"], abs=1e-5)
    assert scored["average_precision"] == pytest.approx(result["metrics"]["average_precision"], abs=1e-5)
    assert (scored["threshold"], scored["run_threshold"]) == (0.5, result["threshold"])
    at_own = scored["at_run_threshold"]["dice_global"]
    assert at_own == pytest.approx(result["metrics"]["dice_global_at_threshold"], abs=1e-5)
    assert main(["evaluate", str(run), str(dataset), "--json", "--threshold", "1"]) == 0
    nothing = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert nothing["ppv"] is None
    assert nothing["at_run_threshold"]["dice_global"] == at_own
    assert main(["evaluate", str(run), str(dataset)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "at 0.5" in shown
    assert "own" in shown
    output = tmp_path / "lesions.nii.gz"
    image = pictures / "images" / "c3.png"
    predict = ["predict", str(image), "--checkpoint", str(run), "--intensity", "display", "--quiet", "-o"]
    assert main([*predict, str(output)]) == 0
    assert read_mask(output).shape == (1, 40, 40)
    for path, kind in ((dataset, "dataset"), (run, "run"), (image, "scan")):
        capsys.readouterr()
        assert main(["info", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["kind"] == kind


def test_a_run_that_was_interrupted_is_warned_of(
    run: Path, pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    image, short = str(pictures / "images" / "c3.png"), "this run was not finished"
    predict = ["predict", image, "--checkpoint", str(run), "--intensity", "display", "--quiet", "-o"]
    assert main([*predict, str(tmp_path / "before.nii.gz")]) == 0
    assert short not in caplog.text
    (run / "result.json").unlink()
    assert main([*predict, str(tmp_path / "after.nii.gz")]) == 0
    assert short in caplog.text
    for path in (run, run / "checkpoints" / "last.ckpt"):
        capsys.readouterr()
        assert main(["info", str(path), "--json"]) == 0
        assert short in json.loads(capsys.readouterr().out)["warnings"][0]


def test_train_resumes_and_refuses_to_overwrite(dataset: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(dataset), "-o", str(run), "--recipe", "cb-flip-rot", "--quiet", *SMALL]
    assert main(command) == 2
    one_sentence(capsys, "--resume")
    before = (run / "history.csv").read_text()
    assert main([*command, "--resume"]) == 0
    assert (run / "history.csv").read_text() == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_is_not_finished_and_says_how_to_go_on(
    number: signal.Signals, code: int, blobs: DatasetFolder, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    command = [sys.executable, "-m", "groundglass", "train", str(blobs.root), "-o", str(output), "--quiet", *SMALL]
    process = subprocess.Popen(
        [*command, "--epochs", "100000"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # Ctrl-C is ignored below a shell's "&"
    )
    started = time.monotonic()
    while not (output / "checkpoints" / "last.ckpt").exists() and time.monotonic() - started < 120:
        time.sleep(0.1)
    process.send_signal(number)
    error = process.communicate(timeout=120)[1]
    assert process.returncode == code, error
    assert error == "groundglass: stopped; go on with the same command and --resume\n"
    assert not (output / "result.json").exists()


def test_only_what_can_be_resumed_is_said_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(arguments: Any) -> None:
        raise KeyboardInterrupt

    for verb, command, hint in (
        ("prepare", ["own", "-o", "data"], "; go on with the same command"),
        ("demo", ["-o", "demo"], "; go on with the same command"),
        ("annotate", ["data"], ""),
    ):
        monkeypatch.setattr(VERBS[verb], "run", stopped)
        assert main([verb, *command]) == 130
        assert capsys.readouterr().err == f"groundglass: stopped{hint}\n"


def test_cases_without_their_labels_say_how_those_are_made(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    output = tmp_path / "data"
    with monkeypatch.context() as patch:
        patch.setattr("groundglass.datasets.simulated.simulate_labels", stopped)
        assert main(["prepare", str(pictures), "-o", str(output), "--quiet"]) == 130
    assert main(["prepare", str(pictures), "-o", str(output), "--quiet"]) == 2
    assert f"add labels to it with 'groundglass prepare {output} --labels KINDS'" in capsys.readouterr().err
    assert main(["prepare", str(output), "--labels", "points"]) == 0


def test_a_torchvision_that_does_not_fit_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Torchmetrics loads it where it is installed, and an unfit one fails when it is loaded."""
    (tmp_path / "torchvision").mkdir()
    fails = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision" / "__init__.py").write_text(fails)
    (tmp_path / "torchvision-0.28.0.dist-info").mkdir()
    (tmp_path / "torchvision-0.28.0.dist-info" / "METADATA").write_text("Name: torchvision\nVersion: 0.28.0\n")
    command = [sys.executable, "-m", "groundglass", "info", str(tmp_path / "run.ckpt")]
    (tmp_path / "run.ckpt").touch()
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("groundglass: the torchvision installed here does not fit its torch")
    assert len(done.stderr.splitlines()) == 1


def test_dice_is_shown_at_both_thresholds(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(dataset), "-o", str(tmp_path / "run"), "--recipe", "cb-flip-rot", *SMALL]) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    half, chosen = (result["metrics"][key] for key in ("dice_global", "dice_global_at_threshold"))
    shown = capsys.readouterr().out
    assert f"Test Dice: {half:.3f} at a threshold of 0.5" in shown
    assert f"{chosen:.3f} at {result['threshold']:g}, which predict uses" in shown


def test_labels_can_be_added_to_a_dataset(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(tmp_path / "data")
    assert main(["prepare", str(pictures), "-o", data, "--labels", "masks", "--quiet"]) == 0
    train = ["train", data, "-o", str(tmp_path / "run"), "--recipe", "pl", "--quiet", *SMALL]
    capsys.readouterr()
    assert main(train) == 2
    one_sentence(capsys, "groundglass prepare", "--labels points")
    assert not (tmp_path / "run").exists()
    assert main(["prepare", data, "--labels", "points"]) == 0
    assert main(train) == 0


def test_recorded_tags_become_labels_without_being_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        scan = generate_phantom(number, shape=(4, 32, 32)).scan
        write_nifti(scan, tmp_path / "own" / "images" / f"p{number}.nii.gz")
    (tmp_path / "own" / "slice_tags.csv").write_text("case,slice_from_feet,tag\np0,1,1\np1,4,0\n")
    assert main(["prepare", str(tmp_path / "own"), "-o", str(tmp_path / "data"), "--quiet"]) == 0
    assert "2 labels (slice-tags)" in capsys.readouterr().out
    (tmp_path / "own" / "tags.csv").write_text("case,tag\np0,1\np1,0\np2,0\n")
    assert main(["prepare", str(tmp_path / "own"), "-o", str(tmp_path / "both"), "--quiet"]) == 0
    assert "5 labels (slice-tags, scan-tags)" in capsys.readouterr().out


def test_the_examples_of_prepare_follow_each_other(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(pictures.parent)
    pictures.rename("scans")
    examples = [
        line.split("groundglass ")[1] for line in VERBS["prepare"].__doc__.splitlines() if "groundglass" in line
    ]
    assert len(examples) == 2
    for example in examples:
        assert main(example.split()) == 0
    before = Path("data/labels.jsonl").read_bytes()
    capsys.readouterr()
    assert main(examples[1].split()) == 2
    one_sentence(capsys, "simulated slice_tag labels already", "prepare another folder")
    assert Path("data/labels.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--labels", "foo"], ["'foo'", "slice-tags"]), (["--seed", "-3"], ["seed -3"]), (["--rule", "x"], ["rule 'x'"])],
)
def test_wrong_labels_are_refused_before_anything_is_written(
    options: list[str], words: list[str], pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["prepare", str(pictures), "-o", str(tmp_path / "data"), "--quiet"]
    assert main([*command, *options]) == 2
    one_sentence(capsys, *words)
    assert not (tmp_path / "data").exists()
    assert main(command) == 0


def test_what_prepare_advises_on_odd_values_can_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        soft = Scan(np.full((3, 4, 5), 300 + number, np.int16), np.eye(4), "hu")
        write_nifti(soft, tmp_path / "own" / "images" / f"{number}.nii")
    command = ["prepare", str(tmp_path / "own"), "-o", str(tmp_path / "data"), "--quiet"]
    assert main(command) == 2
    advised = shlex.split(capsys.readouterr().err.partition("to prepare: ")[2].partition(")")[0])
    assert main([*command, *advised]) == 0


def test_datasets_are_joined_from_the_command_line(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phantom = {"layout": "phantom", "count": 3, "shape": [8, 64, 64]}
    options = {"layouts": {"a": phantom, "own": {"layout": "folder", "root": str(pictures)}}}
    command = ["prepare", "generated", "-o", str(tmp_path / "data"), "--layout", "joined", "--quiet"]
    assert main([*command, "--options", json.dumps(options)]) == 0
    assert len(list((tmp_path / "data" / "images").iterdir())) == 15
    assert main([*command[:3], str(tmp_path / "other"), *command[4:]]) == 2
    one_sentence(capsys, "joined", "layouts")


def test_a_dataset_can_be_prepared_without_labels(pictures: Path, tmp_path: Path) -> None:
    assert main(["prepare", str(pictures), "-o", str(tmp_path / "data"), "--labels", "none", "--quiet"]) == 0
    assert (tmp_path / "data" / "dataset.json").exists()
    assert not (tmp_path / "data" / "labels.jsonl").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["prepare", "nowhere", "-o", "out"], ["nowhere", "no such folder"]),
        (["prepare", ".", "-o", "out", "--layout", "unknown"], ["unknown", "covid-semiseg"]),
        (["prepare", "."], ["-o"]),
        (["train", "nowhere", "-o", "out", "--recipe", "pl"], ["nowhere", "groundglass prepare"]),
        (["train", "nowhere", "-o", "out", "--recipe", "unknown"], ["unknown", "cb-flip-rot"]),
        (["train", "nowhere", "-o", "out", "--epoch", "3"], ["--epoch"]),
        (["train", "nowhere", "-o", "out", "--epochs", "many"], ["many"]),
        (["train", "nowhere", "-o", "out", "--method_options.weigth", "3"], ["weigth", "weight"]),
        (["evaluate", "nowhere", "data"], ["nowhere", "checkpoint"]),
        (["evaluate", "run", "data", "--threshold", "7"], ["threshold 7", "from 0 to 1"]),
        (["evaluate", "run", "data", "--orientations", "3"], ["orientations 3", "1, 2 or 8"]),
        (["predict", "nowhere.nii", "--checkpoint", "run", "-o", "mask.nii.gz"], ["run", "there is no checkpoint"]),
        (["predict", "a.nii", "--orientations", "3", "-o", "out"], ["orientations 3", "1, 2 or 8"]),
        (["predict", "a.nii", "--threshold", "50", "-o", "out"], ["threshold 50", "from 0 to 1"]),
        (["predict", "a.nii", "--intensity", "grey", "-o", "out"], ["grey", "hu or display"]),
        (["bench", "table9"], ["table9", "table2"]),
        (["bench", "table2"], ["--root"]),
        (["info", "nowhere"], ["nowhere"]),
        (["unknown"], ["unknown"]),
    ],
)
def test_mistakes_give_one_sentence_and_code_2(
    command: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    one_sentence(capsys, *words)
    assert list(tmp_path.iterdir()) == []


def test_recipe_with_an_unknown_key(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("method: points\nlearning_rate: 3\n")
    assert main(["train", str(dataset), "-o", str(tmp_path / "run"), "--recipe", str(recipe)]) == 2
    one_sentence(capsys, "learning_rate")


def test_a_recipe_that_is_a_scan_and_no_devices(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(b"\x1f\x8b\x08\xff")
    command = ["train", str(dataset), "-o", str(tmp_path / "run"), *SMALL]
    assert main([*command, "--recipe", str(tmp_path / "scan.nii.gz")]) == 2
    one_sentence(capsys, "scan.nii.gz: not YAML")
    assert main([*command, "--devices", "0"]) == 2
    one_sentence(capsys, "--devices must be 1 or more, not 0")
    assert main([*command, "--epochs", "many"]) == 2
    one_sentence(capsys, "epochs: expected a whole number, not 'many'")


def test_damaged_picture_and_unpaired_mask(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "images" / "c1.png").write_bytes(b"\x89PNG not really")
    assert main(["prepare", str(pictures), "-o", str(tmp_path / "data"), "--quiet"]) == 2
    one_sentence(capsys, "c1.png")
    assert not (tmp_path / "data" / "dataset.json").exists()
    (pictures / "images" / "c1.png").unlink()
    assert main(["prepare", str(pictures), "-o", str(tmp_path / "data"), "--quiet"]) == 2
    one_sentence(capsys, "c1.png", "no image")


def test_8_bit_image_where_hu_is_expected(run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["predict", str(pictures / "images" / "c0.png"), "--checkpoint", str(run), "-o", "m.nii.gz"]
    capsys.readouterr()
    for stated in ([], ["--intensity", "hu"]):
        assert main([*command, *stated]) == 2
        one_sentence(capsys, "c0.png", "8-bit")


def test_many_scans_are_predicted_and_what_failed_is_named(
    run: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "images" / "c1.png").write_bytes(b"\x89PNG not really")
    scans = [str(pictures / "images" / f"c{number}.png") for number in (0, 1, 2)]
    command = [
        "predict",
        *scans,
        "--checkpoint",
        str(run),
        "--intensity",
        "display",
        "--quiet",
        "-o",
        str(tmp_path / "o"),
    ]
    capsys.readouterr()
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert "1 of 3 scans failed" in err
    assert "c1.png" in err
    assert "Research use only" in out
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"c0", "c2"}
    assert (tmp_path / "o" / "c2" / "overlays" / "lesions.png").exists()
    assert main(command) == 2
    one_sentence(capsys, "--resume")
    Image.fromarray(np.full((40, 40), 50, np.uint8)).save(scans[1])
    assert main([*command, "--resume"]) == 0
    assert "2 finished before" in capsys.readouterr().out


def test_clicks_alone_are_enough_to_train(dataset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    description = json.loads((dataset / "dataset.json").read_text())
    for part in ("training", "validation", "test"):
        for case in description[part]:
            del case["label"]
    (dataset / "dataset.json").write_text(json.dumps(description))
    run = tmp_path / "clicks"
    assert main(["train", str(dataset), "-o", str(run), "--recipe", "cb-flip-rot", *SMALL]) == 0
    assert "no validation case has a mask" in caplog.text
    assert json.loads((run / "result.json").read_text())["metrics"] == {}
    output = tmp_path / "mask.nii.gz"
    case = description["test"][0]["image"]
    assert (
        main(["predict", str(dataset / case), "--intensity", "display", "--checkpoint", str(run), "-o", str(output)])
        == 0
    )
    assert read_mask(output).shape == (1, 40, 40)


def test_info_shows_the_labels_a_run_was_trained_on(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(dataset), "-o", str(tmp_path / "run"), "--recipe", "pl", "--quiet", *SMALL]
    assert main([*command, "--labels", "[point, mask]"]) == 0
    capsys.readouterr()
    assert main(["info", str(tmp_path / "run")]) == 0
    assert "point" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["train", "data"], "train needs output; 'groundglass train --help' says what it takes"),
        (["predict"], "predict needs scans and output; 'groundglass predict --help'"),
        (["look", "run", "data"], "look needs case and slice and output"),
    ],
)
def test_what_is_missing_is_named_as_it_is_typed(
    command: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    one_sentence(capsys, words)


def test_brightness_can_be_scored_in_place_of_a_run(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "smoothed-intensity", str(dataset), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["at_run_threshold"]["dice_global"] > 0.8, "the lesions are what is bright"
    assert 0.3 < found["run_threshold"] < 0.7
    assert main(["evaluate", "smoothed-intensity", str(dataset)]) == 0
    assert "smoothed-intensity at 0.5" in " ".join(capsys.readouterr().out.split())
    description = json.loads((dataset / "dataset.json").read_text())
    for case in description["validation"]:
        del case["label"]
    (dataset / "dataset.json").write_text(json.dumps(description))
    assert main(["evaluate", "smoothed-intensity", str(dataset)]) == 2
    one_sentence(capsys, "no validation case has a mask to choose the threshold of smoothed-intensity by")
