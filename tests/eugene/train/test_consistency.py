"""Consistency of attributions as a value to watch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import seqexplainer as se
from eugene.augment import Augmenter, Insertion
from eugene.config.registries import CALLBACKS
from eugene.data import SequenceDataModule
from eugene.errors import EugeneError
from eugene.models import SequenceModule
from eugene.train import Consistency, fit


@pytest.fixture
def data() -> SequenceDataModule:
    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (160, 40))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["y"] = ("_sequence", (letters == b"G").mean(1).astype("f4"))
    split = {"name": "random", "fractions": [0.5, 0.4, 0.1]}
    return SequenceDataModule(ds, target_vars="y", split=split, batch_size=32, seed=3)


def module(**options: Any) -> SequenceModule:
    arch = {"name": "deepbind", "input_len": options.pop("input_len", 40), "output_dim": 1}
    return SequenceModule({**arch, "seed": 0}, optimizer_lr=0.01, **options)


def trained(data: SequenceDataModule, net: SequenceModule, *callbacks: Any, **options: Any) -> Any:
    given = {"max_epochs": 3, "patience": None, "accelerator": "cpu", "progress": False}
    return fit(net, data, callbacks=callbacks, **{**given, **options})


def expected(data: SequenceDataModule, net: SequenceModule, n: int) -> float:
    """Explain the validation rows with the highest targets by plain gradients."""
    rows = np.flatnonzero(data.codes == 1)
    rows = np.sort(rows[np.argsort(-data.ds["y"].to_numpy()[rows], kind="stable")[:n]])
    letters = np.ascontiguousarray(data.ds["seq"].to_numpy()[rows]).view(np.uint8)
    x = net.encode({"seq": torch.from_numpy(letters)}).requires_grad_()
    net.explained(x)[:, 0].sum().backward()
    assert x.grad is not None
    maps = x.grad - x.grad.mean(1, keepdim=True)
    return float(se.metrics.k_attr_mean_kld(maps.numpy(), x.detach().numpy()).kld)


def test_the_value_is_that_of_plain_gradients_and_decides_what_is_kept(
    data: SequenceDataModule, tmp_path: Path
) -> None:
    net = module(augment=Augmenter([Insertion(0, 6)]), input_len=46)
    n = 20
    # no two rows have the same target, so that no lots are drawn
    targets = data.ds["y"].to_numpy()
    targets[:] = targets + np.arange(len(targets)) * 1e-6
    found = trained(
        data, net, {"name": "consistency", "n": n}, monitor="val_consistency", run_dir=tmp_path
    )
    column = [row["val_consistency"] for row in found.history]
    assert found.best_epoch == int(np.argmax(column))
    assert found.best_score == max(column)
    assert len(set(column)) == 3
    assert max(column) == pytest.approx(expected(data, net, n), rel=1e-4)


def test_rows_depend_neither_on_batches_nor_on_their_order(data: SequenceDataModule) -> None:
    again = Consistency(n=12)
    value = trained(data, module(), again, max_epochs=1)
    assert again._X is not None
    assert again._X.shape == (12, 4, 40)
    assert math.isfinite(value.history[0]["val_consistency"])
    other, data.batch_size = Consistency(n=12), 7
    trained(data, module(), other, max_epochs=1)
    assert other._X is not None
    assert torch.equal(again._X, other._X)


def test_epochs_without_a_value_have_none_and_cannot_be_watched(
    data: SequenceDataModule, capsys: pytest.CaptureFixture[str]
) -> None:
    some = Consistency(n=12, every_n_epochs=2, measure="kmer_kld", k=2, method="ism")
    found = trained(data, module(), some, progress="lines")
    assert [math.isnan(row["val_consistency"]) for row in found.history] == [False, True, False]
    said = capsys.readouterr().err
    assert "kmer_kld of saturation mutagenesis of 12 validation rows takes" in said
    assert ", 1 epoch in 2" in said
    assert "2 values took" in said
    assert said.count("k-mers were counted") == 1  # told once
    with pytest.raises(EugeneError, match=r"monitor='val_consistency'.*say every_n_epochs: 1"):
        trained(data, module(), some, monitor="val_consistency")
    watching = module(scheduler="reduce_lr_on_plateau", scheduler_monitor="val_consistency")
    with pytest.raises(EugeneError, match="scheduler_monitor='val_consistency'"):
        trained(data, watching, some)


def test_what_cannot_be_is_refused(data: SequenceDataModule) -> None:
    with pytest.raises(EugeneError, match=r"val_consistenci.*was not logged; there are.*val_cons"):
        trained(data, module(), Consistency(n=12), monitor="val_consistenci")
    with pytest.raises(EugeneError, match="monitor='val_consistency' was not logged"):
        trained(data, module(), monitor="val_consistency")
    with pytest.raises(EugeneError, match="hypothetical form"):
        Consistency(method="occlusion")
    with pytest.raises(EugeneError, match="expected a name, a mapping"):
        trained(data, module(), 3)
    with pytest.raises(EugeneError, match="did you mean 'consistency'"):
        trained(data, module(), "consistenci")
    data.codes[data.codes == 1] = 0
    with pytest.warns(UserWarning, match="no validation rows"):
        with pytest.raises(EugeneError, match="there are no validation rows"):
            trained(data, module(), Consistency(n=12))


def test_shipped_callbacks_log_their_name() -> None:
    for name in CALLBACKS:
        logs = () if name == "embeddings" else (f"val_{name}",)
        assert CALLBACKS.get(name).logs == logs
