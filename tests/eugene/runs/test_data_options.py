"""Every option of the data module and of training is a key of the section, and reaches it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import seqdata as sd
from eugene.config import find_problems, load_run_config, parse_text
from eugene.config.schema import parameters
from eugene.data import SequenceDataModule
from eugene.errors import ConfigError
from eugene.runs import RunFolder, run
from eugene.runs import _pipeline as pipeline
from eugene.runs._data import RunData, data_module
from eugene.runs._load import resolved_config
from eugene.train import fit

# what a run settles itself, or what no YAML file can hold
NO_KEYS = {"ds", "seed"}
NOT_OF_THE_TRAINER = {
    *("module", "datamodule", "run_dir", "seed", "resume", "overwrite", "progress"),
    *("restore_best", "trainer_kwargs"),
}
GIVEN: dict[str, Any] = {
    "batch_size": 7,
    "num_workers": 0,
    "reverse_complement": True,
    "max_jitter": 2,
    "weight_var": "w",
    "control_var": "c",
    "mask_var": "m",
    "length": 20,
    "target_length": 12,
    "drop_last": True,
    "pin_memory": False,
    "in_memory": False,
    "cache": "memmap",
    "cache_dir": "decoded",
    "sampler": {"name": "weighted", "weights": "w"},
    "rows": "use",
    "head_var": "h",
}
N, LENGTH = 40, 30


def of(function: Any) -> set[str]:
    return set(inspect.signature(inspect.unwrap(function)).parameters)  # without EUGENe's names


def keys(name: str) -> set[str]:
    return {parameter.name for parameter in parameters(name)}


def test_no_option_is_forgotten() -> None:
    assert of(SequenceDataModule) - NO_KEYS == keys("data")
    assert of(fit) - NOT_OF_THE_TRAINER == keys("trainer")
    own = {"seq_var", "target_vars", "split", "targets"}
    assert of(SequenceDataModule) - NO_KEYS - own == set(GIVEN)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a store of tracks, and stand in it."""
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (N, LENGTH))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"C").mean(1))
    ds["w"] = ("_sequence", rng.random(N) + 0.5)
    ds["use"], ds["h"] = ("_sequence", np.ones(N, bool)), ("_sequence", np.zeros(N, np.int64))
    for name in ("c", "m"):
        ds[name] = (("_sequence", "_track", "_length"), np.ones((N, 1, LENGTH)))
    ds["split"] = ("_sequence", np.repeat([0, 1, 2], [24, 8, 8]).astype(np.int8))
    sd.to_zarr(ds, tmp_path / "x.zarr")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(**data: Any) -> dict[str, Any]:
    return {
        "data": {"name": "zarr", "path": "x.zarr", "target_vars": ["y"], **data},
        "model": {"name": "deepbind"},
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
    }


def test_every_option_reaches_the_data_module(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_run_config(tree(**GIVEN))
    seen: dict[str, Any] = {}
    monkeypatch.setattr("eugene.data.SequenceDataModule", lambda ds, **given: seen.update(given))
    data_module(config, RunData(sd.open_zarr("x.zarr"), "seq", ["y"]))
    sampler = {**GIVEN["sampler"], "n": None, "replacement": True}
    expected = {**GIVEN, "sampler": sampler, "cache_dir": str(place / "decoded")}
    assert {key: seen[key] for key in GIVEN} == expected
    assert set(seen) == of(SequenceDataModule) - {"ds", "split", "targets"}


def test_they_are_read_back_by_later_steps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"length": 20, "drop_last": True, "batch_size": 7, "in_memory": True}
    given |= {"cache": "memmap", "cache_dir": "decoded", "pin_memory": False}
    asked = tree(**given)
    asked["trainer"] |= {"monitor": "val_pearson", "mode": "max", "tensorboard": False}
    folder = run({**asked, "evaluate": {"n_bootstrap": 0}}, run_dir=place / "run")
    assert not (folder / "tensorboard").exists()
    assert list((place / "decoded").rglob("*"))
    assert folder.read_json("data.json")["input_len"] == 20
    # a relative folder stays where it was, wherever one stands later
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    again = pipeline.reopen(RunFolder(folder.path), resolved_config(folder)).datamodule
    assert (again.input_len, again.drop_last, again.batch_size) == (20, True, 7)
    assert (again.cache, Path(again.cache_dir)) == ("memmap", place / "decoded")
    # 24 rows of training in sevens, the last one of three left out
    assert len(list(again.train_dataloader())) == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cache", "disk"),
        ("length", 0),
        ("target_length", "ten"),
        ("drop_last", "perhaps"),
        ("pin_memory", 3),
        ("in_memory", "all"),
        ("cache_dir", 5),
        ("control_var", ["c"]),
    ],
)
def test_what_they_may_be_is_judged(key: str, value: Any) -> None:
    text = f"data: {{name: zarr, path: x.zarr, target_vars: [y], {key}: {value!r}}}\nmodel: cnn\n"
    problems = find_problems(parse_text(text))
    assert [p.path for p in problems if key in p.path]


@pytest.mark.parametrize("key", ["control_var", "mask_var", "weight_var"])
def test_variables_that_are_not_there_are_named(place: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"data\.{key}.*no 'nothing'"):
        run(tree(**{key: "nothing"}), run_dir=place / "run")


def test_length_is_that_of_a_source_that_makes_sequences() -> None:
    simulated = {"name": "simulated", "n": 30, "target_vars": ["label"], "max_jitter": 5}
    config = load_run_config({"data": simulated, "model": {"name": "cnn"}})
    assert config.section("data")["length"] == 200
    assert config.section("data")["cache_dir"] is None
    config = load_run_config({"data": {**simulated, "length": 140}, "model": {"name": "cnn"}})
    from eugene.simulate import simulated as make

    data = data_module(config, RunData(make(n=30, length=140), "seq", ["label"]))
    assert data.input_len == 130
