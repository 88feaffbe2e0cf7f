"""Published weights give published outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import eugene as eu
from eugene.errors import EugeneError, MissingFileError, NotARunError
from eugene.models import load_deepstarr_weights, load_eugene_checkpoint, zoo


def letters(sequences: list[str]) -> np.ndarray:
    return np.array([list(s) for s in sequences], dtype="S1")


def test_deepstarr_layer_by_layer(shared_data: Path) -> None:
    folder = shared_data / "models_golden"
    golden = np.load(folder / "deepstarr_pytorch_layer_outputs.npz")
    model = load_deepstarr_weights(folder / "deepstarr_pytorch_weights.pth")
    x = torch.from_numpy(golden["input"]).float()
    with torch.no_grad():
        h = x
        for i in range(4):
            for j, name in enumerate(("conv", "bn", "relu", "pool")):
                h = model.conv1d_tower.layers[4 * i + j](h)
                np.testing.assert_allclose(h.numpy(), golden[f"{name}{i + 1}"], atol=1e-4)
        out = model(x).numpy()
    np.testing.assert_allclose(out[:, :1], golden["out_dev"], atol=1e-4)
    np.testing.assert_allclose(out[:, 1:], golden["out_hk"], atol=1e-4)


def test_deepstarr_keras_predictions(shared_data: Path) -> None:
    pytest.importorskip("h5py")
    folder = shared_data / "deepstarr_model"
    golden = pd.read_csv(folder / "golden_predictions_keras.tsv", sep="\t")
    module = eu.models.SequenceModule(load_deepstarr_weights(folder / "deepstarr.model.h5"))
    found = module.predict(letters(list(golden["sequence"])))
    np.testing.assert_allclose(found.numpy(), golden[["dev_log2", "hk_log2"]], atol=1e-4)


def test_eugene_s_kopp_weights(shared_data: Path) -> None:
    path = shared_data / "models_golden" / "eugene_kopp21_cnn.ckpt"
    model = load_eugene_checkpoint(path, zoo.Kopp21CNN(500, 1, variant="eugene"))
    # JunD binds TGACTCA and TGACGTCA: a window with the site scores above its background
    rng = np.random.default_rng(0)
    background = rng.choice(list("ACGT"), (30, 500))
    bound = background.copy()
    bound[:, 240:249] = list("ATGACTCAT")
    module = eu.models.SequenceModule(model, task="binary_classification")
    gap = module.predict(bound.astype("S1")) - module.predict(background.astype("S1"))
    assert float((gap > 0).float().mean()) > 0.9


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no weights at"):
        load_deepstarr_weights(tmp_path / "none.pth")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(EugeneError, match="is not DeepSTARR: it has no layer"):
        load_deepstarr_weights(tmp_path / "other.pth")
    torch.save({"state_dict": {"model.weight": torch.zeros(1)}}, tmp_path / "bare.ckpt")
    with pytest.raises(NotARunError, match=r"no weights under 'arch\.'"):
        load_eugene_checkpoint(tmp_path / "bare.ckpt", zoo.DeepBind(41, 1))
    torch.save({"state_dict": {"arch.weight": torch.zeros(1)}}, tmp_path / "misfit.ckpt")
    with pytest.raises(NotARunError, match="do not fit the network"):
        load_eugene_checkpoint(tmp_path / "misfit.ckpt", zoo.DeepBind(41, 1))
