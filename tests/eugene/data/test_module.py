from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import xarray as xr

import seqdata as sd
import seqpro as sp
from eugene.data import SequenceDataModule, summarise
from eugene.data.module import DataError
from eugene.errors import EugeneError

LETTERS = np.frombuffer(b"ACGT", "S1")


def make(n: int = 90, length: int = 20) -> xr.Dataset:
    rng = np.random.default_rng(0)
    y = rng.normal(5, 2, n)
    y[7] = np.nan
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), rng.choice(LETTERS, (n, length))),
            "y": ("_sequence", y),
            "z": ("_sequence", rng.integers(0, 2, n)),
            "w": ("_sequence", rng.random(n)),
            "name": ("_sequence", np.array([f"s{i}" for i in range(n)], object)),
            "cov": (
                ("_sequence", "cov_sample", "_length"),
                rng.poisson(2, (n, 2, length)).astype(np.float32),
            ),
            "ctl": (
                ("_sequence", "cov_sample", "_length"),
                rng.poisson(2, (n, 2, length)).astype(np.float32),
            ),
        },
        coords={"cov_sample": ["p", "m"], "cov_pair": ("cov_sample", ["m", "p"])},
    )


SPLIT = {"name": "random", "fractions": [0.6, 0.2, 0.2]}


def rows(loader: Any) -> np.ndarray:
    return np.concatenate([b["index"].numpy() for b in loader])


def test_batches_keep_the_contract():
    ds = make()
    data = SequenceDataModule(
        ds, target_vars=["y", "z"], weight_var="w", split=SPLIT, batch_size=16
    )
    batch = next(iter(data.train_dataloader()))
    assert {k: (v.dtype, tuple(v.shape)) for k, v in batch.items()} == {
        "seq": (torch.uint8, (16, 20)),
        "target": (torch.float32, (16, 2)),
        "weight": (torch.float32, (16,)),
        "index": (torch.int64, (16,)),
    }
    index = batch["index"].numpy()
    np.testing.assert_array_equal(batch["seq"].numpy().view("S1"), ds["seq"].values[index])
    np.testing.assert_array_equal(
        batch["target"].numpy(), np.stack([ds["y"], ds["z"]], 1)[index].astype(np.float32)
    )
    assert data.input_len == 20
    assert data.output_dim == 2


def test_splits_part_all_rows_and_nan_passes_through():
    data = SequenceDataModule(make(), target_vars="y", split=SPLIT, batch_size=16)
    parts = [rows(loader) for loader in (data.loader("train"), data.loader("val"))]
    parts.append(rows(data.test_dataloader()))
    assert [len(p) for p in parts] == [54, 18, 18]
    assert sorted(np.concatenate(parts)) == list(range(90))
    everything = list(data.predict_dataloader())
    assert rows(everything).tolist() == list(range(90))
    target = torch.cat([b["target"] for b in everything])
    assert torch.isnan(target).nonzero().tolist() == [[7, 0]]


def test_only_training_rows_are_augmented():
    ds = make()
    data = SequenceDataModule(
        ds, target_vars="y", split=SPLIT, batch_size=90, reverse_complement=True, max_jitter=3
    )
    assert data.input_len == 14
    for split in ("val", "test"):
        batch = next(iter(data.loader(split)))
        middle = ds["seq"].values[batch["index"].numpy(), 3:17]
        np.testing.assert_array_equal(batch["seq"].numpy().view("S1"), middle)
    batch = next(iter(data.train_dataloader()))
    whole = ds["seq"].values[batch["index"].numpy()]
    both = (whole, sp.reverse_complement(whole, sp.DNA, length_axis=1))
    found = set()
    for i, seq in enumerate(batch["seq"].numpy().view("S1")):
        places = [
            (strand, s)
            for strand in (0, 1)
            for s in range(7)
            if (both[strand][i, s : s + 14] == seq).all()
        ]
        assert places
        found |= set(places)
    assert len(found) > 10


def test_tracks_controls_and_masks():
    ds = make().assign(m=(("_sequence", "_length"), np.ones((90, 20), np.uint8)))
    data = SequenceDataModule(
        ds,
        target_vars="cov",
        control_var="ctl",
        mask_var="m",
        split=SPLIT,
        batch_size=8,
        target_length=10,
        reverse_complement=1.0,
    )
    assert data.output_dim == 2
    batch = next(iter(data.train_dataloader()))
    index = batch["index"].numpy()
    np.testing.assert_array_equal(
        batch["target"], ds["cov"].values[index][:, ::-1, 5:15][..., ::-1]
    )
    np.testing.assert_array_equal(batch["control"], ds["ctl"].values[index][:, ::-1, ::-1])
    assert batch["mask"].shape == (8, 10)


def test_one_hot_variable_becomes_alphabet_first():
    ds = make()
    ds["ohe_seq"] = (("_sequence", "_length", "_ohe"), sp.ohe(ds["seq"].values, sp.DNA))
    data = SequenceDataModule(
        ds, seq_var="ohe_seq", target_vars="y", split=SPLIT, reverse_complement=1.0
    )
    batch = next(iter(data.train_dataloader()))
    assert batch["ohe_seq"].dtype == torch.float32
    turned = sp.reverse_complement(ds["seq"].values, sp.DNA, length_axis=1)
    want = sp.ohe(turned[batch["index"].numpy()], sp.DNA).swapaxes(1, 2)
    np.testing.assert_array_equal(batch["ohe_seq"].numpy(), want)
    assert data.dataset_summary()["leakage"]["duplicates"] is None


def test_transforms_are_fitted_on_training_rows_and_undone():
    ds = make()
    data = SequenceDataModule(ds, target_vars="y", split=SPLIT, targets=[{"name": "zscore"}])
    train = ds["y"].values[data.codes == 0]
    step = data.dataset_summary()["transforms"]["y"][0]
    assert step["mean"] == pytest.approx([np.nanmean(train)])
    shown = data.ds["y"].values[:, None]
    np.testing.assert_allclose(data.inverse_targets(shown)[:, 0], ds["y"].values)


def test_a_dataset_on_disk_gives_the_same_rows(tmp_path):
    ds = make()[["seq", "y"]]
    sd.to_zarr(ds, tmp_path / "x.zarr")
    stored = sd.open_zarr(tmp_path / "x.zarr")
    options: dict[str, Any] = {
        "target_vars": "y",
        "split": SPLIT,
        "reverse_complement": True,
        "batch_size": 7,
    }
    whole = SequenceDataModule(ds, **options)
    streamed = SequenceDataModule(stored, in_memory=False, **options)
    a, b = whole.train_dataloader(), streamed.train_dataloader()
    assert not b.core.in_memory

    def by_row(loader):
        batches = list(loader)
        index = np.concatenate([x["index"].numpy() for x in batches])
        seq = np.concatenate([x["seq"].numpy() for x in batches])
        return seq[np.argsort(index)]

    np.testing.assert_array_equal(by_row(a), by_row(b))


class Recorder(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(self.layer.weight)
        self.seen: list[tuple[int, list[int]]] = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, batch["index"].tolist()))
        return self.layer(batch["weight"][:, None]).mean()

    def validation_step(self, batch, batch_idx):
        return None

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder: Path, epochs: int) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        enable_checkpointing=False,
        num_sanity_val_steps=1,
    )


def test_a_resumed_run_sees_the_rows_an_unbroken_one_sees(tmp_path):
    def data() -> SequenceDataModule:
        return SequenceDataModule(
            make(), target_vars="y", weight_var="w", split=SPLIT, batch_size=16, seed=3
        )

    whole = Recorder()
    trainer(tmp_path, 4).fit(whole, datamodule=data())
    orders = {e: [i for f, b in whole.seen if f == e for i in b] for e in range(4)}
    assert all(sorted(o) == sorted(orders[0]) for o in orders.values())
    assert len({tuple(o) for o in orders.values()}) == 4

    first = Recorder()
    half = trainer(tmp_path, 2)
    half.fit(first, datamodule=data())
    half.save_checkpoint(tmp_path / "half.ckpt")
    second = Recorder()
    trainer(tmp_path, 4).fit(second, datamodule=data(), ckpt_path=tmp_path / "half.ckpt")
    assert first.seen + second.seen == whole.seen
    assert torch.equal(second.layer.weight, whole.layer.weight)


def test_summary_is_plain_and_complete():
    data = SequenceDataModule(make(), target_vars=["y", "z"], split=SPLIT)
    summary = json.loads(json.dumps(data.dataset_summary()))
    assert summary["splits"] == {"train": 54, "val": 18, "test": 18}
    assert summary["sequence"]["length"] == 20
    assert 0.45 < summary["sequence"]["gc_mean"] < 0.55
    parts = summary["targets"]["y"]
    assert parts["all"]["missing"] == 1
    assert sum(parts[p]["n"] for p in ("train", "val", "test")) == 89
    assert set(summary["targets"]["z"]["all"]["classes"]) == {"0", "1"}
    assert summary["leakage"]["clean"]
    lower = make()
    lower["seq"] = (lower["seq"].dims, np.char.lower(lower["seq"].values.astype("U1")).astype("S1"))
    assert summarise(lower)["sequence"]["gc_mean"] == summary["sequence"]["gc_mean"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_vars": "yy"}, "target_vars: the dataset has no variable 'yy'"),
        ({"seq_var": "sek"}, "seq_var: .* 'sek'; did you mean 'seq'"),
        ({"target_vars": "name"}, "'name' is of type object, not a number"),
        ({"target_vars": []}, "name at least one variable"),
        ({"target_vars": ["y", "cov"]}, "cannot be put side by side"),
        ({"split": {"name": "randm"}}, "no split 'randm'; did you mean 'random'"),
        ({"split": {"name": "random", "part": 1}}, "split 'random': .*part"),
    ],
)
def test_mistakes_are_explained(options, message):
    with pytest.raises(EugeneError, match=message):
        SequenceDataModule(make(), **{"target_vars": "y", "split": SPLIT, **options})


def test_more_mistakes():
    data = SequenceDataModule(make(), target_vars="y")
    with pytest.raises(DataError, match="has no split, so no train rows"):
        data.train_dataloader()
    assert len(rows(data.predict_dataloader())) == 90
    data = SequenceDataModule(make(), target_vars="y", split=np.zeros(90))
    with pytest.raises(DataError, match="leaves no val rows"):
        data.val_dataloader()
    with pytest.raises(DataError, match="there is no split 'vall'; did you mean 'val'"):
        data.loader("vall")
    text = make().assign(seq=("_sequence", np.array(["ACGT"] * 90, object)))
    with pytest.raises(DataError, match="expected letters"):
        SequenceDataModule(text, target_vars="y", split=SPLIT).train_dataloader()
    with pytest.raises(DataError, match="no dimension '_sequence'"):
        SequenceDataModule(make().rename(_sequence="row"), target_vars="y")


def test_a_data_module_tells_what_it_holds() -> None:
    data = SequenceDataModule(make(), target_vars=["y", "z"], split=SPLIT)
    said = "SequenceDataModule: 90 rows (54 train, 18 val, 18 test), 20 bp, targets y, z"
    assert str(data) == repr(data) == said
    whole = SequenceDataModule(make(), target_vars="y")
    assert str(whole) == "SequenceDataModule: 90 rows, 20 bp, targets y"
