"""The cycle: budget, resume, exhaustion, and that nothing is asked twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from groundglass.active.curve import curve_record
from groundglass.active.curve import seconds_to_reach
from groundglass.active.curve import write_curve
from groundglass.active.cycle import ActiveLearning
from groundglass.active.fit import fit
from groundglass.active.questions import next_questions
from groundglass.active.settings import ActiveSettings
from groundglass.active.settings import Cost
from groundglass.active.settings import active_recipe
from groundglass.active.settings import active_settings
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.prediction.evaluate import evaluate_at
from groundglass.prediction.predictor import Predictor

Start = Callable[..., ActiveLearning]


def test_the_budget_is_spent_and_never_exceeded_and_nothing_is_asked_twice(start: Start) -> None:
    learning = start(budget_seconds=50)
    state = learning.run()
    assert state.finished == "the budget is spent"
    assert state.seconds == 48, "16 answers of 3 s; a 17th would cost 51"
    assert len(set(state.asked)) == len(state.asked) == 16
    assert [(one.seconds, one.answers) for one in state.cycles] == [(27, 9), (39, 13), (48, 16)]
    assert {image for image, _ in state.asked[:9]} == {state.asked[0][0]}, "one slice completely at the start"
    for batch in (state.asked[9:13], state.asked[13:]):
        assert len({image for image, _ in batch}) == len(batch), "one region of a slice a cycle"
    labels = learning.answers.store.read()
    assert sum(label.seconds for label in labels) == 48
    assert len({label.id for label in labels}) == len(labels) == state.answers
    assert all(0 <= one.dice_global <= 1 for one in state.cycles if one.dice_global is not None)


def test_answers_that_cost_differently_stay_within_the_budget(start: Start) -> None:
    learning = start(answer="pixels", budget_seconds=130, max_cycles=5)
    state = learning.run()
    assert state.seconds <= 130
    assert state.seconds == sum(label.seconds for label in learning.answers.store.read())
    labeled = learning.pool.samples.tensors["target"][:, 0].numpy()
    assert np.array_equal(labeled[labeled != 255] == 1, learning.pool.masks[labeled != 255])


def test_an_exhausted_pool_ends_the_run(start: Start) -> None:
    learning = start(budget_seconds=10_000, regions=1, initial_images=2, query_size=5)
    state = learning.run()
    assert state.finished == "every region has been asked"
    assert sorted(state.asked) == [(image, 0) for image in range(8)]
    assert [one.answers for one in state.cycles] == [2, 7, 8]


def test_acquisitions_start_from_the_same_slices_and_then_differ(start: Start) -> None:
    names = ("random", "entropy", "bald", "entropy-released", "bald-released")
    asked = {name: start(name, acquisition=name, max_cycles=2).run().asked for name in names}
    assert len({tuple(one[:9]) for one in asked.values()}) == 1
    assert asked["random"] != asked["entropy"]
    other = {start(f"seed{seed}", seed=seed, max_cycles=1).run().asked[0][0] for seed in (1, 2)}
    assert other != {asked["entropy"][0][0]}


def test_the_model_decides_what_is_asked(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsure of the lower right corner of slice 5 alone, the model asks that."""

    def draws(method: object, images: torch.Tensor, count: int) -> torch.Tensor:
        drawn = torch.full((count, len(images), 32, 32), 0.01)
        drawn[:, 5 if len(images) == 8 else 0, 24:, 24:] = 0.5
        return drawn

    monkeypatch.setattr("groundglass.active.scoring.lesion_draws", draws)
    asked = start(initial_images=0, initial_regions=1, query_size=1, budget_seconds=6).run().asked
    assert asked[1] == (5, 8)


@pytest.mark.parametrize(("at_threshold", "asked"), [(True, (2, 0)), (False, (5, 8))])
def test_what_the_decision_is_unsure_about_is_asked(
    start: Start, monkeypatch: pytest.MonkeyPatch, at_threshold: bool, asked: tuple[int, int]
) -> None:
    """At a threshold of 0.9 a pixel of 0.9 is the unsure one, and one of 0.5 is background."""

    def draws(method: object, images: torch.Tensor, count: int) -> torch.Tensor:
        drawn = torch.full((count, len(images), 32, 32), 0.01)
        drawn[:, 5, 24:, 24:] = 0.5
        drawn[:, 2, :8, :8] = 0.9
        return drawn

    monkeypatch.setattr("groundglass.active.scoring.lesion_draws", draws)
    learning = start(initial_regions=1, initial_images=0, query_size=1, at_threshold=at_threshold)
    learning.method.threshold.fill_(0.9)
    is_open = np.ones((8, 9), bool)
    given = (learning.method, learning.pool, is_open, learning.acquisition, learning.settings)
    assert next_questions(*given, cycle=1) == [asked]


def test_regions_from_anywhere_may_begin_a_run(start: Start) -> None:
    asked = start(initial_images=0, initial_regions=12, max_cycles=1).run().asked
    assert len({image for image, _ in asked}) > 3
    lesions = start("lesions", initial_images=6, initial_with_lesion=True, budget_seconds=500, max_cycles=1)
    lesions.run()
    assert all(lesions.pool.masks[image].any() for image, _ in lesions.state.asked)


def test_only_some_slices_are_scored_if_so_set(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = []
    monkeypatch.setattr(
        "groundglass.active.scoring.lesion_draws",
        lambda method, images, draws: scored.append(len(images)) or torch.rand(draws, len(images), 32, 32),
    )
    start(candidates=3, budget_seconds=40).run()
    assert scored
    assert set(scored) == {3}


def test_regions_without_lung_are_not_asked_if_so_set(start: Start) -> None:
    learning = start(lungs_only=True, budget_seconds=2000, initial_images=8, max_cycles=1)
    learning.pool.samples.tensors["lung"][:, :, :16] = False
    learning.run()
    assert {region for _, region in learning.state.asked} == {3, 4, 5, 6, 7, 8}


def test_the_run_folder_holds_curve_answers_and_a_model_to_predict_with(start: Start, blobs: DatasetFolder) -> None:
    learning = start(max_cycles=2)
    learning.run()
    record = curve_record(learning, blobs)
    write_curve(record, learning.output)
    assert json.loads((learning.output / "curve.json").read_text())["full_seconds"] == 8 * 96
    assert len(record["curve"]) == len(record["curve_at_threshold"]) == 2
    assert record["curve"][0][0] == 27
    predictor = Predictor(learning.method, learning.config.grid, batch_size=4, orientations=1)
    chosen = learning.state.cycles[-1].threshold
    scores = evaluate_at(predictor, learning.held_out.test, [0.5, chosen])
    found = [record[name][-1][1] for name in ("curve", "curve_at_threshold")]
    assert found == pytest.approx([one["dice_global"] for one in scores], abs=1e-5)
    assert (learning.output / "figures" / "curve.png").stat().st_size > 3000
    method, config = load_method(learning.output)
    assert config.grid.size == (32, 32)
    assert torch.equal(method.network.state_dict()["head.bias"], learning.method.network.state_dict()["head.bias"])


def test_without_validation_and_test_masks_it_runs_all_the_same(start: Start, blobs: DatasetFolder) -> None:
    bare = [replace(case, label=None) for case in (*blobs.split.validation, *blobs.split.test)]
    split = replace(blobs.split, validation=(bare[0],), test=(bare[1],))
    learning = start(folder=DatasetFolder(blobs.root, "bare", split), max_cycles=1)
    learning.run()
    assert learning.state.cycles[0].dice_global is None
    assert learning.state.cycles[0].epochs == 2
    record = curve_record(learning, blobs)
    write_curve(record, learning.output)
    assert record["curve"] == []


def test_training_stops_when_validation_no_longer_rises_and_keeps_the_best(start: Start) -> None:
    recipe = {"epochs": 30, "patience": 2, "settings": {"lr": 1e-2, "power": 0.0, "average": 0.5}}
    learning = start(recipe=recipe, max_cycles=1, initial_images=3, budget_seconds=200)
    scores: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        given = iter([0.1, 0.5, 0.3, 0.2, 0.9])
        patch.setattr("groundglass.active.fit.validate", lambda *_: {"dice_global": scores.append(1) or next(given)})
        learning.run()
    assert learning.state.cycles[0].epochs == len(scores) == 4


def test_no_time_is_spent_on_validation_that_decides_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundglass.active.fit.validate", lambda *_: pytest.fail("validated"))
    learning = start(recipe={"epochs": 2, "patience": 2, "select": "last"}, max_cycles=1)
    assert learning.run().cycles[0].epochs == 2


def test_the_recipes_score_chooses_the_weights(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([{"dice_global": 0.9, "average_precision": 0.1}, {"dice_global": 0.1, "average_precision": 0.9}])
    kept = []

    def validate(predictor: Predictor, pairs: object, monitor: str) -> dict[str, float]:
        assert monitor == "precision"
        kept.append({key: value.clone() for key, value in predictor.method.network.state_dict().items()})
        return next(given)

    monkeypatch.setattr("groundglass.active.fit.validate", validate)
    learning = start(recipe={"epochs": 2, "monitor": "precision"}, max_cycles=1)
    learning.run()
    weights = learning.method.network.state_dict()
    assert all(torch.equal(weights[key], value) for key, value in kept[1].items())


def test_slices_with_a_lesion_are_half_of_what_is_drawn(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    learning = start(recipe={"draw": "lesions", "epoch_samples": 400, "batch_size": 400}, max_cycles=1)
    learning.pool.samples.tensors["target"][:, :, :2] = 0
    learning.pool.samples.tensors["target"][3, 0, 0, 0] = 1
    drawn = []
    monkeypatch.setattr(type(learning.method), "step_loss", lambda method, batch: drawn.append(batch["target"]))
    with pytest.raises(TypeError):
        fit(learning.method, learning.pool.samples, learning.config, [])
    share = (drawn[0] == 1).flatten(1).any(dim=1).float().mean()
    assert 0.4 < share < 0.6


def test_precision_and_orientations_are_the_recipes(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers multiply in bfloat16 in training and in scoring the pool, and the curve is what ``predict`` will give."""
    seen: set[tuple[bool, torch.dtype]] = set()
    learning = start(recipe={"precision": "bf16", "orientations": 2}, max_cycles=2)
    network = learning.method.network
    network.head.register_forward_hook(lambda module, given, out: seen.add((network.training, out.dtype)))
    orientations = []
    original = Predictor.__init__

    def watched(predictor: Predictor, *given: object, **named: object) -> None:
        original(predictor, *given, **named)
        orientations.append(predictor.orientations)

    monkeypatch.setattr(Predictor, "__init__", watched)
    learning.run()
    assert seen == {(True, torch.bfloat16), (False, torch.float32), (False, torch.bfloat16)}
    assert set(orientations) == {1, 2}, "1 while training, 2 for the curve"
    assert all(one.dtype == torch.float32 for one in learning.method.parameters())


def test_training_learns_from_the_answers(start: Start) -> None:
    recipe = {"epochs": 40, "batch_size": 8, "settings": {"lr": 1e-2, "power": 0.0}}
    learning = start(recipe=recipe, acquisition="random", initial_images=8, budget_seconds=216, max_cycles=1)
    untrained, _, _ = learning.held_out.score(learning.method)
    state = learning.run()
    assert state.cycles[0].dice_global > max(0.5, (untrained or 0) + 0.2)


def test_refusals(start: Start, blobs: DatasetFolder, tmp_path: Path) -> None:
    start(max_cycles=1).run()
    with pytest.raises(InputError, match=r"there is a run already; go on with it by --resume"):
        start(max_cycles=1)
    with pytest.raises(InputError, match=r"setting seed is not what this run was started with"):
        start(max_cycles=1, seed=1, resume=True).run()
    with pytest.raises(InputError, match=r"a budget of 2 s does not pay for one answer; raise it"):
        start("poor", budget_seconds=2).run()
    with pytest.raises(InputError, match=r"set network_options.dropout"):
        start("still", recipe={"network_options": {"channels": [4, 8]}})
    with pytest.raises(InputError, match=r"take grid.depth out"):
        start("volumes", recipe={"grid": {"size": [32, 32], "depth": 8}})
    with pytest.raises(InputError, match=r"7 regions: give a perfect square"):
        start("seven", regions=7)
    with pytest.raises(InputError, match=r"--device 'abacus': choose auto, cpu"):
        ActiveLearning(blobs, tmp_path / "d", ActiveSettings(budget_seconds=9), active_recipe("pl"), device="abacus")
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "labels.jsonl").touch()
    with pytest.raises(InputError, match=r"there are answers already"):
        start("lost")


def test_a_diverging_training_is_said(start: Start) -> None:
    learning = start(recipe={"settings": {"lr": 1e30, "power": 0.0}}, max_cycles=1)
    says = r"diverged in this cycle: a weight of network is .*; the answers are kept; lower settings\.lr"
    with pytest.raises(InputError, match=says):
        learning.run()


def test_nothing_to_train_on_is_said(start: Start) -> None:
    learning = start(max_cycles=1)
    with pytest.raises(InputError, match=r"no answer so far has a label this method can use"):
        fit(learning.method, learning.pool.samples, learning.config, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"budget_seconds": 0}, "the budget must be above 0 seconds, not 0"),
        ({"budget_seconds": float("nan")}, "the budget must be above 0"),
        ({"budget_seconds": 9, "query_size": 0}, "query_size must be 1 or more, not 0"),
        ({"budget_seconds": 9, "seed": -1}, "seed must be 0 or more, not -1"),
        ({"budget_seconds": 9, "initial_images": 0}, "there is nothing to start from"),
        ({"budget_seconds": 9, "answer": "scribble"}, "active learning: .*answer"),
        ({"budget_seconds": 9, "budget": 3}, "active learning: .*budget"),
        ({"budget_seconds": 9, "cost": {"click": 0}}, "cost.click must be above 0 seconds, not 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(content: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        active_settings(content)


def test_settings_from_plain_values() -> None:
    settings = active_settings({"budget_seconds": 10, "cost": {"click": 2}, "per_image": None})
    assert settings == ActiveSettings(budget_seconds=10, cost=Cost(click=2), per_image=None)
    assert active_settings(settings.to_dict()) == settings


def test_the_default_recipe_can_be_asked_for_draws() -> None:
    config = active_recipe(None, {"epochs": 3, "method_options": {"weight": 0.5}})
    assert config.network_options["dropout"] > 0
    assert config.method_options == {"transforms": "flip-rot", "reduction": "balanced", "weight": 0.5}
    assert config.epochs == 3
    assert active_recipe("pl").network_options == {}


def test_seconds_to_reach_a_dice() -> None:
    points = [(10.0, 0.3), (20.0, 0.6), (30.0, 0.5), (40.0, 0.7)]
    assert seconds_to_reach(points, 0.6) == 20
    assert seconds_to_reach(points, 0.65) == 40
    assert seconds_to_reach(points, 0.8) is None
