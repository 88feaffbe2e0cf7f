"""The data module over windows cut from files, mapped stores and samplers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest
import pytorch_lightning as pl
import torch
import xarray as xr

import seqdata as sd
from eugene.config import load_run_config
from eugene.data import SequenceDataModule, sources
from eugene.data.module import DataError
from eugene.data.sources import SourceError

SPLIT = {"name": "chromosome", "test": ["c3"], "val": ["c2"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    sizes = {"c1": 4000, "c2": 1500, "c3": 1500}
    with (path / "g.fa").open("w") as out:
        for contig, size in sizes.items():
            out.write(f">{contig}\n{''.join(rng.choice(list('ACGT'), size))}\n")
    signal = pyBigWig.open(str(path / "x.bw"), "w")
    signal.addHeader(list(sizes.items()))
    for contig, size in sizes.items():
        signal.addEntries(contig, 0, values=rng.poisson(2, size).astype(float), span=1, step=1)
    signal.close()
    rows = [
        (c, s, s + 50, f"r{s}", int(rng.random() < 0.3), "+-."[s % 3])
        for c, size in sizes.items()
        for s in range(0, size - 60, 40)
    ]
    pd.DataFrame(rows).to_csv(path / "r.bed", sep="\t", header=False, index=False)
    return path


def opened(folder: Path, **options: Any) -> xr.Dataset:
    given: dict[str, Any] = {"width": 50, "cache_dir": folder / "cache"}
    return sources.genome(folder / "g.fa", folder / "r.bed", folder / "x.bw", **given | options)


def everything(loader: Any) -> dict[str, np.ndarray]:
    batches = list(loader)
    return {k: np.concatenate([b[k].numpy() for b in batches]) for k in batches[0]}


@pytest.mark.parametrize("target", ["score", "cov"])
@pytest.mark.parametrize("in_memory", [None, False])
def test_windows_without_a_store_train_like_stored_ones(folder, tmp_path, target, in_memory):
    ds = opened(folder)
    stored = sd.from_region_files(
        sd.GenomeFASTA("seq", folder / "g.fa"),
        sd.BigWig("cov", folder / "x.bw", "x"),
        path=tmp_path / "x.zarr",
        bed=folder / "r.bed",
        fixed_length=50,
        max_jitter=5,
    )
    options: dict[str, Any] = {
        "target_vars": target,
        "split": SPLIT,
        "max_jitter": 5,
        "reverse_complement": True,
        "batch_size": 16,
        "target_length": 20 if target == "cov" else None,
    }
    ours = SequenceDataModule(ds, in_memory=in_memory, **options)
    beside = SequenceDataModule(stored, **options)
    assert ours.input_len == beside.input_len == 50
    for a, b in (
        (ours.train_dataloader(), beside.train_dataloader()),
        (ours.val_dataloader(), beside.val_dataloader()),
    ):
        got, want = everything(a), everything(b)
        for name, values in want.items():
            np.testing.assert_array_equal(got[name], values, err_msg=name)


def test_mapped_stores_serve_the_same_batches(folder, tmp_path):
    sd.to_zarr(opened(folder), tmp_path / "x.zarr")
    ds = sd.open_zarr(tmp_path / "x.zarr")
    options: dict[str, Any] = {"target_vars": "cov", "split": SPLIT, "batch_size": 16}
    mapped = SequenceDataModule(ds, cache="memmap", cache_dir=tmp_path, **options)
    got = everything(mapped.train_dataloader())
    want = everything(SequenceDataModule(ds, **options).train_dataloader())
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)
    assert len(list((tmp_path / "decoded").iterdir())) == 2


def test_samplers_choose_training_rows_only(folder):
    ds = opened(folder)
    data = SequenceDataModule(
        ds,
        target_vars="score",
        split=SPLIT,
        sampler={"name": "ratio", "label": "score", "ratio": 1},
        batch_size=16,
    )
    loader = data.train_dataloader()
    label = ds["score"].values
    train = np.flatnonzero(data.codes == 0)
    for _ in range(2):
        index = everything(loader)["index"]
        assert sorted(index[label[index] == 1]) == train[label[train] == 1].tolist()
        assert (label[index] == 0).sum() == (label[index] == 1).sum()
    assert len(everything(data.val_dataloader())["index"]) == (data.codes == 1).sum()
    weighted = SequenceDataModule(
        ds,
        target_vars="cov",
        split=SPLIT,
        sampler={"name": "weighted", "weights": "score"},
        batch_size=16,
    )
    index = everything(weighted.train_dataloader())["index"]
    assert (label[index] == 1).all()
    with pytest.raises(DataError, match=r"no sampler 'ration'.*did you mean 'ratio'"):
        SequenceDataModule(ds, target_vars="score", split=SPLIT, sampler="ration")
    with pytest.raises(DataError, match=r"sampler 'ratio': .*label"):
        SequenceDataModule(ds, target_vars="score", split=SPLIT, sampler="ratio")


def test_a_run_file_trains_on_a_genome(folder, tmp_path):
    from eugene.runs import Run, RunFolder
    from eugene.runs.steps.fit import fit

    config = load_run_config(
        {
            "data": {
                "name": "genome",
                "fasta": str(folder / "g.fa"),
                "bed": str(folder / "r.bed"),
                "bigwigs": {"x": str(folder / "x.bw")},
                "width": 50,
                "target_vars": ["score"],
                "split": SPLIT,
                "sampler": {"name": "ratio", "label": "score", "ratio": 1},
                "max_jitter": 4,
                "reverse_complement": True,
                "batch_size": 16,
            },
            "model": {"name": "cnn", "input_len": 50, "output_dim": 1},
            "module": {"task": "binary_classification"},
            "trainer": {"max_epochs": 1, "accelerator": "cpu"},
            "evaluate": {"n_bootstrap": 0},
        }
    )
    run = Run(config, RunFolder.create(tmp_path / "run"))
    before = [p.detach().clone() for p in run.new_module().arch.parameters()]
    fit(run)
    after = list(run.module.arch.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not (tmp_path / "run" / "data.zarr").exists()


def test_contigs_and_mistakes(folder):
    ds = opened(folder, contigs=["c2"])
    assert set(ds.sd.labels("chrom")) == {"c2"}
    with pytest.raises(SourceError, match="no region is on 'c9'"):
        opened(folder, contigs=["c9"])
    with pytest.raises(SourceError, match="no signal to have strands"):
        sources.genome(folder / "g.fa", folder / "r.bed", width=50, strands=["+"])


def test_pinning_changes_no_value(folder):
    options: dict[str, Any] = {"target_vars": "score", "split": SPLIT, "batch_size": 16}
    plain = everything(SequenceDataModule(opened(folder), pin_memory=False, **options).loader())
    asked = everything(SequenceDataModule(opened(folder), pin_memory=True, **options).loader())
    for name, values in plain.items():
        np.testing.assert_array_equal(asked[name], values)


def test_lightning_takes_a_genome(folder):
    class Net(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(50, 1)

        def training_step(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            out = self.layer(batch["seq"].float() / 100)
            return (out - batch["target"]).square().mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 1e-3)

    data = SequenceDataModule(opened(folder), target_vars="score", split=SPLIT, in_memory=False)
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Net(), train_dataloaders=data.train_dataloader())
    assert trainer.current_epoch == 2
