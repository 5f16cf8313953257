"""A GASNet run: it learns, says what is wrong, and is resumed as if it had never stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning import seed_everything

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.load import load_samples
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.config import Config
from groundglass.methods.collapse import CollapseWarnings
from groundglass.methods.gasnet import GASNet
from groundglass.prediction.build import build_predictor
from groundglass.prediction.restoration import restoration
from groundglass.prediction.segmenter import Segmenter
from groundglass.prediction.volume_predictor import VolumePredictor
from groundglass.report.outputs import write_outputs
from groundglass.report.restoration_figure import shown_slices
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import generate_phantom
from groundglass.training.history import read_history
from groundglass.training.run import Run
from groundglass.training.run import train
from groundglass.training.trainer import build_loader

Make = Callable[..., Config]


def run(config: Config, folder: DatasetFolder, output: Path, **options: Any) -> Run:
    return train(config, folder.root, output, quiet=True, device="cpu", **options)


@pytest.fixture(scope="module")
def straight(volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(volume_config(epochs=3, seed=3), volumes_one_mask, tmp_path_factory.mktemp("straight") / "run")


def test_a_run_logs_every_term_and_what_is_watched(straight: Run) -> None:
    rows = read_history(straight.folder / "history.csv")
    named = {key.removeprefix("train_") for key in rows[-1]}
    assert {"adversarial", "ig_to_d", "recons", "labeled", "healthy", "mil", "synthetic", "d_loss"} <= named
    assert {"lesion_share", "lesion_share_healthy", "d_right_diseased", "d_right_healthy"} <= named
    assert rows[0]["train_synthetic"] == ""  # two steps an epoch, and synthetic volumes from the second on
    assert "val_dice_global" in named
    result = json.loads((straight.folder / "result.json").read_text())
    assert {"dice_case", "dice_case_sd", "sensitivity", "specificity"} <= set(result["metrics"])
    assert result["label_seconds"] == 12 * 96


def test_it_is_resumed_bit_by_bit(
    straight: Run, volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path: Path, monkeypatch: Any
) -> None:
    step, taken = GASNet.training_step, []

    def stops(self: GASNet, batch: Any, batch_idx: int) -> None:
        taken.append(1)
        if len(taken) > 3:
            raise KeyError("stopped")
        step(self, batch, batch_idx)

    config = volume_config(epochs=3, seed=3)
    with monkeypatch.context() as patch:
        patch.setattr(GASNet, "training_step", stops)
        with pytest.raises(KeyError, match="stopped"):
            run(config, volumes_one_mask, tmp_path / "run")
    run(config, volumes_one_mask, tmp_path / "run", resume=True)
    first, second = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        for folder in (straight.folder, tmp_path / "run")
    )
    assert all(torch.equal(value, second["state_dict"][key]) for key, value in first["state_dict"].items())
    assert int(first["state_dict"]["steps"]) == 6
    for one, other in zip(first["optimizer_states"], second["optimizer_states"], strict=True):
        for number, state in one["state"].items():
            assert all(
                torch.equal(torch.as_tensor(v), torch.as_tensor(other["state"][number][k])) for k, v in state.items()
            )
    assert first["lr_schedulers"] == second["lr_schedulers"]


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_each_variant_changes_all_three_players(
    variant: str, volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path: Path
) -> None:
    options = {**volume_config().method_options, "variant": variant, "dead_zone": variant == "released"}
    config = volume_config(method_options=options, epochs=1)
    finished = run(config, volumes_one_mask, tmp_path / "run")
    trained = torch.load(finished.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    seed_everything(config.seed, verbose=False)
    before = build_method(config)
    for player in ("network", "adversaries.generator", "adversaries.discriminator"):
        names = [name for name, _ in before.named_parameters() if name.startswith(player)]
        assert any(not torch.equal(trained[name], before.state_dict()[name]) for name in names), player


def test_scan_tags_alone_will_do(volume_config: Make, volumes: DatasetFolder, tmp_path: Path) -> None:
    finished = run(volume_config(epochs=1), volumes, tmp_path / "run")
    assert finished.result["label_seconds"] == 0
    assert "train_labeled" not in read_history(finished.folder / "history.csv")[0]


@pytest.mark.parametrize("method", ["full", "mil"])
def test_baselines_learn_from_one_mask(
    method: str, volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path: Path
) -> None:
    """Bright lesions in dark lungs, one scan drawn: both find those of another scan."""
    options = {"loss": "focal"} if method == "full" else {"weights": {"mil": 1}}
    config = volume_config(
        method=method,
        method_options=options,
        network_options={"base": 4},
        epochs=4,
        epoch_samples=20,
        batch_size=1,
        settings={"lr": 1e-2},
    )
    finished = run(config, volumes_one_mask, tmp_path / "run")
    assert finished.result["metrics"]["dice_case"] > 0.6
    assert isinstance(VolumePredictor(finished.method, config.grid), VolumePredictor)


def test_it_predicts_on_the_scans_own_grid(straight: Run, volumes_one_mask: DatasetFolder, tmp_path: Path) -> None:
    scan = generate_phantom(3, shape=(24, 64, 64)).scan
    write_nifti(scan, tmp_path / "scan.nii.gz")
    found = Segmenter(straight.folder, threshold=0.0).predict(tmp_path / "scan.nii.gz", probabilities=True)
    assert found.lesions.shape == scan.shape
    assert found.lungs is not None
    assert not found.lesions.voxels[found.lungs.voxels == 0].any()
    assert found.lesions.voxels[found.lungs.voxels > 0].mean() > 0.9
    with pytest.raises(InputError, match="lung mask is empty"):
        list(Segmenter(straight.folder).predictor.slabs(scan, scan.with_voxels(scan.voxels * 0, "mask")))


@pytest.mark.parametrize("orientations", [1, 2, 8])
def test_mirrored_predictions_are_mirrored_back(orientations: int, volume_config: Make) -> None:
    class Bright(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return 20 * (image - 0.5)

    from groundglass.experiments.checkpoint import build_method

    method = build_method(volume_config())
    method.network = Bright()
    phantom = generate_phantom(3, shape=(24, 64, 64))
    lungs = phantom.scan.with_voxels(phantom.lungs, "mask")

    def whole(count: int) -> torch.Tensor:
        slabs = VolumePredictor(method, volume_config().grid, batch_size=7, orientations=count).slabs(
            phantom.scan, lungs
        )
        return torch.cat([torch.from_numpy(slab) for _, slab in slabs])

    assert torch.allclose(whole(orientations), whole(1), atol=1e-5)


def test_a_validation_or_test_scan_without_lungs_is_left_out_and_named(
    volume_config: Make, volumes_copy: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for case in (volumes_copy.split.validation[1], volumes_copy.split.test[1]):
        lungs = volumes_copy.lungs(case)
        assert lungs is not None
        write_nifti(lungs.with_voxels(lungs.voxels * 0), volumes_copy.root / str(case.lungs))
    finished = run(volume_config(epochs=1), volumes_copy, tmp_path / "run")
    assert finished.result["n_cases"] == 1
    assert "case scan09 is not scored" in caplog.text
    assert "case scan11 is not scored" in caplog.text


def test_a_diverging_gan_is_said_and_its_last_good_epoch_kept(
    volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path: Path, monkeypatch: Any
) -> None:
    step = GASNet.training_step

    def diverges(self: GASNet, batch: Any, batch_idx: int) -> None:
        step(self, batch, batch_idx)
        if int(self.steps) == 3:
            next(self.adversaries.discriminator.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(GASNet, "training_step", diverges)
    with pytest.raises(InputError, match=r"epoch 2: a weight of network is nan, .* checkpoint of epoch 1 is kept"):
        run(volume_config(epochs=4), volumes_one_mask, tmp_path / "run")
    method, _ = load_method(tmp_path / "run")
    assert all(one.isfinite().all() for one in method.parameters())


def test_collapse_is_warned_of(
    volume_config: Make, volumes_one_mask: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {**volume_config().method_options, "weights": {"mil": 1000, "healthy": 0, "labeled": 0}, "mil_share": 0.9}
    config = volume_config(method_options=options, epochs=3, epoch_samples=12, settings={"lr": 5e-2})
    run(config, volumes_one_mask, tmp_path / "run")
    assert caplog.text.count("is called lesion: the segmenter covers everything") == 1


def test_collapse_is_said_when_it_begins_and_when_it_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    warnings = CollapseWarnings()
    for epoch, share in enumerate((0.9, 0.9, 0.9, 0.9, 0.1, 0.9), start=1):
        warnings.say({"train_lesion_share": share}, epoch)
    assert [record.message[:8] for record in caplog.records] == ["epoch 3:", "epoch 6:"]


def test_several_processes_are_refused(volume_config: Make, volumes: DatasetFolder, tmp_path: Path) -> None:
    config = volume_config()
    samples = load_samples(volumes, volumes.split.training, config.grid, kinds=("scan_tag",))
    with pytest.raises(InputError, match="one process"):
        build_loader(config, build_method(config), samples, SimpleNamespace(world_size=2, global_rank=0))  # type: ignore[arg-type]


def test_without_any_scan_tag_it_says_how_to_make_them(
    volume_config: Make, volumes_copy: DatasetFolder, tmp_path: Path
) -> None:
    volumes_copy.store.path.unlink()
    simulate_labels(volumes_copy, ["masks"], only="scan00")
    with pytest.raises(InputError, match=r"no training scan is tagged healthy.*scan-tags"):
        run(volume_config(), volumes_copy, tmp_path / "run")


def test_the_report_shows_what_it_would_be_healthy(straight: Run, tmp_path: Path) -> None:
    phantom = generate_phantom(3, shape=(24, 64, 64), burden=0.2)
    write_nifti(phantom.scan, tmp_path / "scan.nii.gz")
    found = Segmenter(straight.folder).predict(tmp_path / "scan.nii.gz")
    made = found.restoration
    assert made is not None
    assert made.image.shape == made.mask.shape == made.generated.shape == made.synthetic.shape == (8, 32, 32)
    untouched = made.mask < 1e-3
    assert np.allclose(made.synthetic[untouched], made.image[untouched], atol=2e-3)
    assert len(shown_slices(made, 4)) == 4
    page = write_outputs(found, tmp_path / "out")
    assert "as the model would have them healthy" in page.read_text()
    assert (tmp_path / "out" / "overlays" / "restoration.png").read_bytes()[:4] == b"\x89PNG"


def test_other_methods_have_no_such_picture(small_config: Make, tmp_path: Path) -> None:
    config = small_config()
    predictor = build_predictor(build_method(config), config)
    assert restoration(predictor, generate_phantom(3, shape=(24, 64, 64)).scan) is None
