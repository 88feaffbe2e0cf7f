"""Parts of a search without Ray at work: what is handed on, what is told, what is remembered."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import eugene as eu
from eugene._folder import RunFolder
from eugene.config import load_run_config
from eugene.runs import Run
from eugene.runs._pipeline import train
from eugene.train import read_checkpoint
from eugene.tune import _trial
from eugene.tune._inherit import changed, inherit
from eugene.tune._records import allot, note, records
from eugene.tune._run import _Names
from eugene.tune._space import Space
from eugene.tune._trial import Listener, Plan, run_trial


@pytest.fixture
def plan(searched) -> Plan:
    return Plan(str(searched.path), "val_loss", "min")


def test_ray_hears_of_the_best_until_now_and_of_nan_as_the_worst(plan) -> None:
    rows = [{"val_loss": 2.0}, {"val_loss": 1.0}, {"val_loss": math.nan}]
    assert plan.told(rows[:2], 0.0) == {"epochs": 2.0, "best": 1.0, "current": 1.0}
    assert plan.told(rows, 0.0) == {"epochs": 3.0, "best": 1.0, "current": math.inf}
    assert plan.told([{"val_loss": 0.5}, {"val_loss": 2.0}], 0.0)["current"] == 2.0
    assert plan.objective == "best"
    assert Plan("x", "v", "max", population=True).objective == "current"


def test_names_are_numbers_in_their_order(tmp_path: Path) -> None:
    names = _Names(str(tmp_path))
    assert [names(None), names(None)] == ["0001", "0002"]
    note(tmp_path, "0001", status="done", values={"a": [1]})
    assert allot(tmp_path) == "0003"
    assert [r["status"] for r in records(tmp_path)] == ["done", "waiting", "waiting"]


def test_an_epoch_is_told_when_its_checkpoint_is_there_and_the_last_by_the_end(
    tmp_path: Path, small, monkeypatch
) -> None:
    """A trial is done as Ray would have it done; a stop comes where Ray is told something."""
    pytest.importorskip("ray", reason="needs the extra 'tune'")
    from ray import tune

    config = load_run_config(small(epochs=3), searched=True)
    folder = RunFolder.create(tmp_path / "search")
    first = Run(config.candidate({"module.optimizer_lr": 0.01}), folder)
    folder.write_text("config.yaml", config.to_yaml())
    folder.write_json("data.json", first.describe())
    looked: list[object] = []
    monkeypatch.setattr("seqdata.splits.leakage", lambda *a, **k: looked.append(a) or {})
    plan = Plan(str(folder.path), "val_loss", "min")
    told: list[tuple[float, int]] = []

    def report(metrics: dict[str, float]) -> None:
        last = folder / "trials" / "0001" / "checkpoints" / "last.ckpt"
        told.append((metrics["epochs"], read_checkpoint(last)["eugene"]["epochs_done"]))
        if stop_at == metrics["epochs"]:
            raise SystemExit

    monkeypatch.setattr(tune, "report", report)
    place = SimpleNamespace(get_trial_dir=lambda: str(folder / "ray" / "0001"))
    monkeypatch.setattr(tune, "get_context", lambda: place)
    allot(folder.path)
    stop_at = 2.0
    with pytest.raises(SystemExit):
        run_trial({"module.optimizer_lr": 0.01}, plan)
    assert told == [(1.0, 1), (2.0, 2)]
    trial = RunFolder(folder / "trials" / "0001")
    assert trial.status("fit") == "stopped"
    assert next(records(folder.path))["status"] == "running"
    # taken up again: what was told last is told once more, and then the rest
    stop_at = 3.0
    with pytest.raises(SystemExit):
        run_trial({"module.optimizer_lr": 0.01}, plan)
    stop_at = 0.0
    assert told[2:] == [(2.0, 2), (3.0, 3)]
    record = next(records(folder.path))
    assert record["status"] == "done"
    assert record["values"] == {"module.optimizer_lr": 0.01}
    train(config.candidate(record["values"]), tmp_path / "alone")
    losses = [
        f.table("metrics.csv")["val_loss"].tolist() for f in (trial, RunFolder(tmp_path / "alone"))
    ]
    assert losses[0] == losses[1]
    assert len(looked) == 1, "only the run on its own looks for what the splits share"
    # a trial that was whole already only tells its end
    run_trial({"module.optimizer_lr": 0.01}, plan)
    assert told[4:] == [(3.0, 3)]
    _goes_on_with_other_values(tmp_path, config, trial)


def test_a_training_that_is_over_is_not_gone_on_with(
    tmp_path: Path, small, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Values with which nothing was trained are never those of a trial."""
    pytest.importorskip("ray", reason="needs the extra 'tune'")
    from ray import tune

    config = load_run_config(small(epochs=2), searched=True)
    folder = RunFolder.create(tmp_path / "search")
    folder.write_text("config.yaml", config.to_yaml())
    first = Run(config.candidate({"module.optimizer_lr": 0.01}), folder)
    folder.write_json("data.json", first.describe())
    train(config.candidate({"module.optimizer_lr": 0.03}), tmp_path / "donor")
    told: list[float] = []

    def report(metrics: dict[str, float], checkpoint: object = None) -> None:
        told.append(metrics["epochs"])
        if stops and metrics["epochs"] == 1:
            raise SystemExit

    monkeypatch.setattr(tune, "report", report)
    place = SimpleNamespace(get_trial_dir=lambda: str(folder / "ray" / "0001"))
    monkeypatch.setattr(tune, "get_context", lambda: place)
    allot(folder.path)
    plan, stops = Plan(str(folder.path), "val_loss", "min", population=True), True
    monkeypatch.setattr(tune, "get_checkpoint", lambda: None)
    with pytest.raises(SystemExit):
        run_trial({"module.optimizer_lr": 0.01}, plan)
    handed = tune.Checkpoint.from_directory(RunFolder(tmp_path / "donor").checkpoints)
    monkeypatch.setattr(tune, "get_checkpoint", lambda: handed)
    stops = False
    run_trial({"module.optimizer_lr": 0.05}, plan)
    record = next(records(folder.path))
    assert (record["status"], record["values"]) == ("done", {"module.optimizer_lr": 0.01})
    assert told == [1.0, 1.0]
    assert "ends with its own values after 1 of 2 epochs" in caplog.text


def _goes_on_with_other_values(tmp_path: Path, config, donor: RunFolder) -> None:
    """Weights and moments are those of the donor, the learning rate is the heir's."""
    tree = {**config.document.tree, "trainer": {**config.tree["trainer"], "max_epochs": 4}}
    heir = load_run_config(tree, searched=True).candidate({"module.optimizer_lr": 0.05})
    folder = RunFolder.create(tmp_path / "heir")
    untrained = Run(heir, folder).new_module(initialise=False)
    inherit(donor.checkpoints, folder, heir, dict(untrained.hparams))
    before, after = (read_checkpoint(f.last) for f in (donor, folder))
    for name, weight in before["state_dict"].items():
        assert torch.equal(after["state_dict"][name], weight), name
    moments = [c["optimizer_states"][0]["state"][0]["exp_avg"] for c in (before, after)]
    assert torch.equal(*moments)
    train(heir, folder.path, resume=True)
    history = folder.table("metrics.csv")
    assert history["lr"].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.05])
    assert history["val_loss"].tolist()[:3] == donor.table("metrics.csv")["val_loss"].tolist()
    assert eu.load(folder.path) is not None


def test_a_rate_keeps_its_place_in_its_schedule() -> None:
    group = {"lr": 0.002, "initial_lr": 0.01, "weight_decay": 0.0, "betas": (0.9, 0.999)}
    checkpoint = {
        "hyper_parameters": {"optimizer_lr": 0.01, "optimizer_kwargs": None},
        "optimizer_states": [{"param_groups": [group]}],
        "lr_schedulers": [{"base_lrs": [0.01], "_last_lr": [0.002], "last_epoch": 3}],
        "eugene": {"settings": {"gradient_clip_val": None, "precision": "32-true"}},
    }
    hparams = {"optimizer_lr": 0.05, "optimizer_kwargs": {"weight_decay": 0.1}}
    found = changed(checkpoint, hparams, {"gradient_clip_val": 1.0, "max_epochs": 3})
    new = found["optimizer_states"][0]["param_groups"][0]
    assert (new["lr"], new["initial_lr"]) == pytest.approx((0.01, 0.05))
    assert new["weight_decay"] == 0.1
    assert found["lr_schedulers"][0]["base_lrs"] == pytest.approx([0.05])
    assert found["lr_schedulers"][0]["_last_lr"] == pytest.approx([0.01])
    assert found["eugene"]["settings"] == {"gradient_clip_val": 1.0, "precision": "32-true"}
    assert found["hyper_parameters"] == hparams


def test_a_checkpoint_goes_on_with_other_strengths_of_augmentations(tmp_path: Path, small) -> None:
    """Rows are augmented as the heir says from then on, and the checkpoint says so as well."""
    tree = small(epochs=1)
    tree["module"]["optimizer_lr"] = 0.01
    tree["trainer"]["fast"] = False
    tree["augment"] = {
        "augmentations": [
            {"name": "deletion", "max_length": {"search": "int", "low": 0, "high": 20, "q": 10}}
        ]
    }
    config = load_run_config(tree, searched=True)
    donor = RunFolder.create(tmp_path / "donor")
    train(config.candidate({"augment.augmentations.0.max_length": 0}), donor.path, resume=True)
    longer = {**tree, "trainer": {**tree["trainer"], "max_epochs": 2}}
    heir = load_run_config(longer, searched=True).candidate(
        {"augment.augmentations.0.max_length": 20}
    )
    folder = RunFolder.create(tmp_path / "heir")
    untrained = Run(heir, folder).new_module(initialise=False)
    inherit(donor.checkpoints, folder, heir, dict(untrained.hparams))
    train(heir, folder.path, resume=True)
    assert len(folder.table("metrics.csv")) == 2
    kept = read_checkpoint(folder.last)["hyper_parameters"]["augment"]
    assert kept["augmentations"] == [{"name": "deletion", "min_length": 0, "max_length": 20}]
    assert eu.load(folder.path).augmenter.augmentations[0].max_length == 20


def test_what_cannot_be_trained_is_noted_and_ends_its_own_trial_alone(
    plan, monkeypatch, searched
) -> None:
    pytest.importorskip("ray", reason="needs the extra 'tune'")
    from ray import tune

    place = SimpleNamespace(get_trial_dir=lambda: str(searched / "ray" / "0004"))
    monkeypatch.setattr(tune, "get_context", lambda: place)
    run_trial({"module.optimizer": 0, "module.optimizer_lr": 0.1}, plan)
    found = list(records(searched.path))[3]
    assert found["status"] == "failed"
    assert "rows.zarr" in found["error"]


def test_the_listener_tells_nothing_before_there_is_an_epoch(plan, searched, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(_trial, "report", lambda *given: told.append(len(given[2])))
    listener = Listener(plan, RunFolder(searched / "trials" / "0001"), 0.0)
    for epoch in (0, 1, 3):
        listener.on_train_epoch_start(SimpleNamespace(current_epoch=epoch), None)
    assert told == [1, 3]


SECTION = {"grace_period": 1, "reduction_factor": 3, "perturbation_interval": 1}


def test_a_scheduler_is_told_of_the_trials_of_before(plan, config) -> None:
    schedulers = pytest.importorskip("ray.tune.schedulers", reason="needs the extra 'tune'")
    from eugene.tune._schedulers import Former, scheduler

    made = scheduler({**SECTION, "scheduler": "asha"}, plan, Space(config), max_epochs=9)
    made.set_search_properties("best", "min")
    trial = Former("new")
    made.on_trial_add(None, trial)
    # at epoch 1 the trials of before had 3.0, 4.0, 2.5 and 3.5: one in three goes on
    result = {"epochs": 1.0, "best": 3.2, "current": 3.2}
    assert made.on_trial_result(None, trial, result) == schedulers.TrialScheduler.STOP
    good = Former("good")
    made.on_trial_add(None, good)
    assert made.on_trial_result(None, good, {**result, "best": 2.4}) == (
        schedulers.TrialScheduler.CONTINUE
    )
    median = scheduler({**SECTION, "scheduler": "median"}, plan, Space(config), max_epochs=9)
    median.set_search_properties("best", "min")
    median.on_trial_add(None, trial)
    assert median.on_trial_result(None, trial, {**result, "best": 9.0}) == (
        schedulers.TrialScheduler.STOP
    )


def test_draws_of_ray_are_inside_the_space_and_hit_its_ends() -> None:
    tune = pytest.importorskip("ray.tune", reason="needs the extra 'tune'")
    tree = {
        "data": {"name": "zarr", "path": "x"},
        "model": {"name": "cnn"},
        "module": {"optimizer_lr": {"search": "loguniform", "low": 1e-3, "high": 1e-2}},
        "trainer": {
            "max_epochs": {"search": "int", "low": 3, "high": 9, "q": 3},
            "min_delta": {"search": "quniform", "low": 0.1, "high": 0.3, "q": 0.1},
            "accumulate_grad_batches": {"search": "lograndint", "low": 1, "high": 4},
        },
    }
    space = Space(load_run_config(tree, searched=True))
    rng = np.random.RandomState(0)
    domains = space.in_ray(tune)
    drawn = [
        space.values({k: d.sample(random_state=rng) for k, d in domains.items()})
        for _ in range(200)
    ]
    seen = {key: {row[key] for row in drawn} for key in drawn[0]}
    assert seen["trainer.max_epochs"] == {3, 6, 9}
    assert seen["trainer.min_delta"] == {0.1, 0.2, 0.3}
    assert seen["trainer.accumulate_grad_batches"] == {1, 2, 3, 4}
    assert 1e-3 <= min(seen["module.optimizer_lr"]) < 1.2e-3
    assert 8e-3 < max(seen["module.optimizer_lr"]) <= 1e-2
    for row in drawn[:20]:
        assert space.values({d: space.number(d, v) for d, v in row.items()}) == row
        assert json.dumps(row)
    assert list(space.mutations(tune)) == ["module.optimizer_lr"]
