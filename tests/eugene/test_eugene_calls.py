"""Calls of EUGENe's notebooks are understood, and what is not is refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import eugene as eu
from eugene._calls import only_turns
from eugene.errors import EugeneError

N, L = 24, 40
TURN = {"ohe_seq": lambda x: x.swapaxes(1, 2)}


@pytest.fixture
def ds() -> xr.Dataset:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (N, L))
    made = xr.Dataset({"seq": (("_sequence", "_length"), letters, {"alphabet": "ACGT"})})
    made["y"] = ("_sequence", rng.normal(size=N))
    made["id"] = ("_sequence", np.array([f"s{i}" for i in range(N)], dtype=object))
    made["mine"] = ("_sequence", np.arange(N) < 20)
    eu.preprocess.ohe_seqs_sdata(made)
    return made


@pytest.fixture
def module() -> Any:
    return eu.models.SequenceModule({"name": "deepbind", "input_len": L, "output_dim": 1})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_training_as_in_the_notebook(ds: xr.Dataset, module: Any, tmp_path: Path) -> None:
    result = eu.train.fit_sequence_module(
        model=module, sdata=ds, seq_var="ohe_seq", target_vars=["y"], in_memory=True,
        train_var="mine", epochs=1, batch_size=8, num_workers=0, prefetch_factor=None,
        transforms=TURN, drop_last=False, logger="csv", log_dir=tmp_path / "logs", name="a",
        version="b", early_stopping_metric="val_loss_epoch", early_stopping_patience=3,
        early_stopping_verbose=False, model_checkpoint_k=1, gpus=0, return_trainer=False,
        model_checkpoint_monitor="val_loss_epoch", seed=1, limit_train_batches=2,
    )  # fmt: skip
    assert result.best_path == tmp_path / "logs" / "a" / "b" / "checkpoints" / "best.ckpt"
    assert not (tmp_path / "logs" / "a" / "b" / "tensorboard").exists()
    loaded = eu.load(tmp_path / "logs" / "a" / "b")
    np.testing.assert_allclose(loaded.predict(ds["seq"]), module.predict(ds["seq"]), rtol=1e-5)


def test_loaders_one_by_one(module: Any, ds: xr.Dataset) -> None:
    data = eu.data.SequenceDataModule(ds, target_vars="y", split="random", batch_size=8)
    loaders = {"train_dataloader": data.train_dataloader(), "val_dataloader": data.val_dataloader()}
    result = eu.train.fit(model=module, epochs=1, logger=None, gpus=0, **loaders)
    assert result.epochs == 1
    assert "val_loss" in result.history[0]


def test_which_rows_train_var_means(ds: xr.Dataset, module: Any, monkeypatch: Any) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr("eugene.train._sequences.fit", lambda _, data, **__: seen.update(data=data))
    ds["split"] = ("_sequence", np.array(["test"] * N, dtype=object))
    eu.train.fit_sequence_module(module, ds, "ohe_seq", "y", train_var="mine")
    np.testing.assert_array_equal(seen["data"].codes, np.where(np.arange(N) < 20, 0, 1))


def test_predictions_are_kept_in_the_dataset(ds: xr.Dataset, module: Any, tmp_path: Path) -> None:
    expected = module.predict(ds["seq"]).numpy()[:, 0]
    made = eu.evaluate.predictions_sequence_module(
        module, sdata=ds, seq_var="ohe_seq", target_vars="y", transforms=TURN, gpus=0,
        out_dir=tmp_path, file_label="all", prefix="p_", suffix="_s", in_memory=True,
    )  # fmt: skip
    assert made is ds
    np.testing.assert_allclose(ds["p_y_predictions_s"], expected, rtol=1e-5, atol=1e-6)
    assert (tmp_path / "all_predictions.tsv").read_text().startswith("index\ty_predictions\ty\n")
    copied = eu.evaluate.train_val_predictions_sequence_module(
        model=module, sdata=ds, target_vars=["y"], train_var="mine", copy=True
    )
    np.testing.assert_allclose(copied["y_predictions"], expected, rtol=1e-5, atol=1e-6)
    assert "y_predictions" not in ds
    with pytest.raises(EugeneError, match="names 2 outputs"):
        eu.evaluate.predictions_sequence_module(module, ds, target_vars=["a", "b"])


def test_interpretation_as_in_the_notebook(ds: xr.Dataset, module: Any, tmp_path: Path) -> None:
    eu.interpret.attribute_sdata(
        module, ds, "ohe_seq", method="Saliency", batch_size=None, num_workers=0, transforms=TURN
    )
    assert ds["Saliency_attrs"].shape == (N, 4, L)
    eu.interpret.generate_pfms_sdata(
        module, ds, "ohe_seq", "arch.conv1d_tower.layers.0", kernel_size=16, num_filters=3,
        num_seqlets=5, padding=0, transforms=TURN, prefetch_factor=2,
    )  # fmt: skip
    pfms = ds["conv1d_tower.layers.0_pfms"]
    assert pfms.shape == (3, 4, 16)
    path = eu.interpret.filters_to_meme_sdata(
        ds, filters_var="conv1d_tower.layers.0_pfms", filter_inds=[2, 0], output_dir=tmp_path,
        axis_order=("a", "b", "c"), alphabet="ACGT", bg={"A": 0.3, "C": 0.2, "G": 0.2, "T": 0.3},
    )  # fmt: skip
    text = path.read_text()
    assert text.index("MOTIF filter_2") < text.index("MOTIF filter_0")
    assert "A 0.3" in text
    eu.interpret.evolve_seqs_sdata(
        module, ds, 1, seq_var="ohe_seq", axis_order=("x",), device="cpu"
    )
    assert "evolved_1_score" in ds
    tata = np.eye(4, dtype=np.uint8)[[3, 0, 3, 0]]
    for feature in (tata, tata.T, "TATA"):
        eu.interpret.positional_gia_sdata(
            module, ds, feature, feature_name="TATA", store_var="gia", encoding="onehot",
            id_var="id", stride=30,
        )  # fmt: skip
        one = eu.interpret.feature_implant_seq_sdata(
            module, ds, feature=feature, seq_id="s3", id_var="id", stride=30, store=False
        )
        np.testing.assert_allclose(ds["gia"][3], one, rtol=1e-4, atol=1e-6)
    assert ds["id"].values[0] == "s0"


def test_a_variable_is_not_lost_to_a_new_one(ds: xr.Dataset, module: Any) -> None:
    with pytest.raises(EugeneError, match="has a variable 'id', which would be lost"):
        eu.interpret.positional_gia_sdata(module, ds, "TATA", store_var="id")


CALLS: dict[str, Callable[..., Any]] = {
    "train.fit": lambda m, d, **k: eu.train.fit(m, d, **k),
    "train.fit_sequence_module": lambda m, d, **k: eu.train.fit_sequence_module(
        m, d, "ohe_seq", "y", **k
    ),
    "evaluate.predictions": lambda m, d, **k: eu.evaluate.predictions(m, d, **k),
    "evaluate.predictions_sequence_module": lambda m, d, **k: (
        eu.evaluate.predictions_sequence_module(m, d, **k)
    ),
    "evaluate.train_val_predictions_sequence_module": lambda m, d, **k: (
        eu.evaluate.train_val_predictions_sequence_module(m, d, **k)
    ),
    "interpret.attribute_sdata": lambda m, d, **k: eu.interpret.attribute_sdata(m, d, **k),
    "interpret.generate_pfms_sdata": lambda m, d, **k: eu.interpret.generate_pfms_sdata(m, d, **k),
    "interpret.filters_to_meme_sdata": lambda m, d, **k: eu.interpret.filters_to_meme_sdata(
        d, "x", **k
    ),
    "interpret.evolve_seqs_sdata": lambda m, d, **k: eu.interpret.evolve_seqs_sdata(m, d, 1, **k),
    "interpret.positional_gia_sdata": lambda m, d, **k: eu.interpret.positional_gia_sdata(
        m, d, "TATA", **k
    ),
    "interpret.feature_implant_seq_sdata": lambda m, d, **k: eu.interpret.feature_implant_seq_sdata(
        m, d, "TATA", **k
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_unknown_arguments_are_named(call: str, ds: xr.Dataset, module: Any) -> None:
    name = call.rpartition(".")[2]
    with pytest.raises(EugeneError, match=rf"{name} has no argument 'zzz' \(its arguments: "):
        CALLS[call](module, ds, zzz=1)
    with pytest.raises(EugeneError, match=f"{name}: missing a required argument"):
        getattr(getattr(eu, call.partition(".")[0]), name)()


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        ("train.fit_sequence_module", {"model": 1}, "model and module are one|multiple values"),
        ("train.fit_sequence_module", {"logger": "wandb"}, "logger='wandb' can be"),
        ("train.fit_sequence_module", {"train_var": "nine"}, "did you mean 'mine'"),
        ("train.fit_sequence_module", {"train_var": "y"}, "must hold a truth value"),
        (
            "train.fit_sequence_module",
            {"model_checkpoint_monitor": "val_r2"},
            "one value says when to stop",
        ),
        (
            "train.fit_sequence_module",
            {"transforms": {"target": lambda y: y * 2}},
            "'target' does more than turn axes",
        ),
        ("train.fit", {"datamodule": 3}, "multiple values"),
        (
            "interpret.attribute_sdata",
            {"transforms": {"seq": lambda x: x[:, :3]}},
            "more than turn",
        ),
        (
            "interpret.attribute_sdata",
            {"transforms": lambda x: x},
            "a dict of functions was expected",
        ),
        ("interpret.generate_pfms_sdata", {"kernel_size": 13}, "sees 16 bp of the input"),
        ("interpret.generate_pfms_sdata", {"num_filters": 99}, "has 16 filters"),
        ("interpret.generate_pfms_sdata", {"activations": 1}, "activations: it can only be None"),
        ("interpret.feature_implant_seq_sdata", {"seq_id": "s99"}, "no sequence 's99' in 'id'"),
    ],
)
def test_what_would_not_be_heard_is_refused(
    call: str, given: dict[str, Any], words: str, ds: xr.Dataset, module: Any
) -> None:
    with pytest.raises(EugeneError, match=words):
        CALLS[call](module, ds, **given)


@pytest.mark.parametrize("data", [None, 3, "x.zarr"])
def test_training_data_of_another_kind(data: Any, module: Any) -> None:
    with pytest.raises(EugeneError, match="expected a LightningDataModule"):
        eu.train.fit(module, data)


def test_more_processes_than_cores(module: Any, ds: xr.Dataset) -> None:
    data = eu.data.SequenceDataModule(ds, target_vars="y", split="random")
    with pytest.raises(EugeneError, match="devices=9999: there are"):
        eu.train.fit(module, data, accelerator="cpu", devices=9999)


def test_transforms_that_turn_or_do_nothing() -> None:
    for fine in (None, {}, TURN, {"a": lambda x: x}, {"a": lambda x: x.permute(0, 2, 1)},
                 {"a": lambda x: np.swapaxes(np.asarray(x), 1, 2)}):  # fmt: skip
        assert only_turns(fine) is None
    for wrong in (lambda x: x + 1, lambda x: x.flip(1), 3, lambda x: 1 / 0, lambda x: x.int()):
        assert only_turns({"a": wrong})


GONE = {"train": ("hyperopt",)}
ZOO = ("FCN", "dsFCN", "dsCNN", "RNN", "dsRNN", "dsHybrid", "TutorialCNN", "ResidualBind",
       "DeepSEA", "Basset", "FactorizedBasset", "DanQ", "Satori", "DeepMEL", "scBasset",
       "BPNet")  # fmt: skip


@pytest.mark.parametrize(
    ("room", "name"),
    [(eu_room, name) for eu_room, names in GONE.items() for name in names],
)
def test_names_that_are_gone_say_so(room: str, name: str) -> None:
    place = getattr(eu, room)
    with pytest.raises(EugeneError, match=rf"EUGENe's .*{name} is not here: "):
        getattr(place, name)
    assert not hasattr(place, name)
    with pytest.raises(AttributeError, match="has no attribute 'zzz'"):
        _ = place.zzz


@pytest.mark.parametrize("name", ZOO)
def test_eugene_s_networks_are_here_under_its_names(name: str) -> None:
    network = getattr(eu.models.zoo, name)
    assert issubclass(network, torch.nn.Module)
    assert eu.config.registries.MODELS.get(name) is network
    with pytest.raises(AttributeError, match="has no attribute 'zzz'"):
        _ = eu.models.zoo.zzz


def test_blocks_are_where_eugene_had_them() -> None:
    for name in ("Conv1DBlock", "DenseBlock", "RecurrentBlock", "Tower", "Conv1DTower"):
        assert getattr(eu.models, name) is getattr(eu.nn, name)


def test_signatures_stay_readable() -> None:
    assert list(inspect.signature(eu.train.fit).parameters)[:2] == ["module", "datamodule"]
    assert torch.nn.Module in (eu.models.zoo.CNN.__mro__)
