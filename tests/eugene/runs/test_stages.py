"""A run whose training has stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import eugene as eu
from eugene.errors import ConfigError
from eugene.runs import RunFolder, run
from eugene.train import read_checkpoint

STAGES: list[dict[str, Any]] = [
    {
        "name": "head",
        "train": "dense_block",
        "data": {"n": 200},
        "trainer": {"max_epochs": 1},
    },
    {
        "name": "all",
        "freeze": ["conv1d_tower.layers.0.bias"],
        "before": {"name": "redraw", "parameters": ["dense_block.layers.2"]},
        "data": {"batch_size": 32},
        "module": {"optimizer_lr": 1e-4},
    },
]


@pytest.fixture
def staged(tiny: dict[str, Any]) -> dict[str, Any]:
    return {**tiny, "stages": json.loads(json.dumps(STAGES)), "baselines": []}


def test_each_stage_has_its_folder_and_later_steps_see_the_last(
    tmp_path: Path, staged: dict[str, Any]
) -> None:
    folder = run(staged, run_dir=tmp_path / "run")
    first, second = (folder / "stages" / name for name in ("1_head", "2_all"))
    # the first stage has data of its own, the last those of the run
    assert (first / "data.zarr").is_dir()
    assert not (second / "data.zarr").exists()
    table = folder.table("metrics.csv")
    assert list(table["stage"]) == ["head", "all", "all"]
    assert list(table["epoch"]) == [0, 1, 2]
    assert list(table["lr"]) == [1e-3, 1e-4, 1e-4]
    assert folder.state()["training"]["epochs"] == 3

    module = eu.load(folder.path)
    assert module.optimizer_lr == 1e-4
    best = read_checkpoint(second / "checkpoints" / "best.ckpt")["state_dict"]
    for name, value in module.arch.state_dict().items():
        assert torch.equal(value, best[f"arch.{name}"])
    before = read_checkpoint(first / "checkpoints" / "best.ckpt")["state_dict"]
    assert torch.equal(
        best["arch.conv1d_tower.layers.0.bias"], before["arch.conv1d_tower.layers.0.bias"]
    )
    assert not torch.equal(
        best["arch.conv1d_tower.layers.0.weight"], before["arch.conv1d_tower.layers.0.weight"]
    )
    hook = json.loads((second / "stage.json").read_text())["hook"]
    assert hook == {"redraw.redrawn": ["dense_block.layers.2.weight", "dense_block.layers.2.bias"]}
    assert json.loads((first / "stage.json").read_text())["still"] == ["conv1d_tower"]

    # the network of a stage is loaded as that of a run is
    for place, state in ((first, before), (second, best)):
        own = eu.load(place).arch.state_dict()
        assert all(torch.equal(v, state[f"arch.{k}"]) for k, v in own.items())

    written = folder.weights.read_bytes()
    run(staged, run_dir=folder.path, resume=True)
    assert folder.weights.read_bytes() == written
    staged["stages"][0]["module"] = {"optimizer_lr": 0.5}
    with pytest.raises(ConfigError, match=r"\$\.stages\[0\]\.module\.optimizer_lr.*was made with"):
        run(staged, run_dir=folder.path, resume=True)


def test_rows_of_a_stage(tmp_path: Path, staged: dict[str, Any]) -> None:
    staged["stages"][0]["data"] = {"rows": "label"}
    with pytest.raises(ConfigError, match=r"no validation row|both classes|one class"):
        run(staged, run_dir=tmp_path / "run")
    staged["stages"][0]["data"] = {"rows": "labl"}
    with pytest.raises(ConfigError, match=r"\$\.stages\[0\]\.data\.rows.*did you mean 'label'"):
        run(staged, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freeze": "conv1d_tower.layers.9"}, r"stages\[1\]\.freeze.*mean 'conv1d_tower"),
        ({"train": "head"}, r"stages\[1\]\.train.*matches no parameter"),
        ({"freeze": "*"}, r"stages\[1\]\.freeze|stages\[1\]\.train"),
        ({"model": {"conv_kwargs": {"conv_kernels": [11]}}}, r"stages\[1\].*another one than"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_trained(
    tmp_path: Path, staged: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    staged["stages"][1] = {"name": "all", **changes}
    with pytest.raises(ConfigError, match=message):
        run(staged, run_dir=tmp_path / "run")
    assert not RunFolder(tmp_path / "run").is_run()


def test_rows_limit_what_is_trained_and_validated_on() -> None:
    import xarray as xr

    from eugene.data import SequenceDataModule
    from eugene.errors import DataError

    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (30, 8))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", rng.random(30))
    ds["few"] = ("_sequence", np.arange(30) % 3 == 0)
    codes = np.repeat([0, 1, 2], 10)
    data = SequenceDataModule(ds, target_vars="y", split=codes, rows="few", targets=["zscore"])
    whole = SequenceDataModule(ds, target_vars="y", split=codes, targets=["zscore"])
    for split, start in (("train", 0), ("val", 10)):
        seen = np.concatenate([b["index"].numpy() for b in data.loader(split)])
        assert sorted(seen) == [i for i in range(start, start + 10) if i % 3 == 0]
    assert len(np.concatenate([b["index"].numpy() for b in data.loader("test")])) == 10
    # targets are on the scale that all training rows gave
    np.testing.assert_array_equal(data.ds["y"], whole.ds["y"])
    with pytest.raises(DataError, match="truth value"):
        SequenceDataModule(ds, target_vars="y", split=codes, rows="y")


def test_a_new_head_and_adapters_from_the_weights_of_a_run(
    tmp_path: Path, tiny: dict[str, Any]
) -> None:
    first = run({**tiny, "baselines": []}, run_dir=tmp_path / "first")
    tuned = {
        **tiny,
        "seed": 4,
        "baselines": [],
        "model": {**tiny["model"], "weights": str(first.path), "head": {}},
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "ema": 0.9},
        "stages": [
            {"name": "head", "train": "dense_block.layers.2", "lr_scale": {"*.bias": 0.5}},
            {"name": "all", "adapters": {"name": "lora", "rank": 1, "targets": ["dense_block"]}},
        ],
    }
    folder = run(tuned, run_dir=tmp_path / "tuned")
    given = eu.load(first.path).arch.state_dict()
    network = eu.load(folder.path).arch
    head = read_checkpoint(folder / "stages/1_head/checkpoints/best.ckpt")["state_dict"]
    assert torch.equal(network.conv1d_tower.layers[0].weight, given["conv1d_tower.layers.0.weight"])
    # the head was drawn anew although it has the same shape, and trained alone
    assert not torch.allclose(
        head["arch.dense_block.layers.2.weight"], given["dense_block.layers.2.weight"], atol=0.01
    )
    assert torch.equal(
        head["arch.dense_block.layers.0.weight"], given["dense_block.layers.0.weight"]
    )
    record = json.loads((folder / "stages/2_all/stage.json").read_text())
    assert record["adapters"] == {"dense_block.layers.0": 1, "dense_block.layers.2": 1}
    assert (folder / "stages/2_all/adapters.safetensors").stat().st_size < 4000
    page = folder.report.read_text()
    assert "Stages" in page
    assert "of adapters and what was named" in page
    assert "0.001 times 1, 0.5" in page

    tuned["stages"][1]["adapters"]["targets"] = ["dens_block"]
    with pytest.raises(ConfigError, match=r"\$\.stages\[1\]\.adapters.*mean 'dense_block'"):
        run(tuned, run_dir=tmp_path / "other")
    tuned["model"]["weights_part"] = ["dense"]
    with pytest.raises(ConfigError, match=r"\$\.model\.weights: part: 'dense'"):
        run(tuned, run_dir=tmp_path / "other")
