"""A trained module from its folder, and clear words about folders that are not ours."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import xarray as xr

import eugene
import seqdata as sd
from eugene.config import parse_file
from eugene.errors import ConfigError, MissingFileError, NotARunError
from eugene.runs import RunFolder


@pytest.fixture
def copy_of(finished, tmp_path):
    folder = tmp_path / "copy"
    skipped = shutil.ignore_patterns("control", "*.zarr", "tensorboard")
    shutil.copytree(finished.path, folder, ignore=skipped)
    return RunFolder(folder)


def test_predicts_with_nothing_else_given(finished):
    module = eugene.load(finished.path)
    assert not module.training
    assert module.alphabet == "ACGT"
    assert module.input_len == 140
    assert module.target_names == ["label"]
    letters = sd.open_zarr(finished.data_store)["seq"].values
    predicted = module.predict(letters)
    stored = sd.open_zarr(finished.predictions)["prediction"].values
    np.testing.assert_allclose(predicted.numpy(), stored, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(module.inverse_targets(predicted), predicted)
    state = torch.random.get_rng_state()
    eugene.load(finished.path)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_checkpoint_inside_a_run_and_one_without_safetensors(copy_of):
    whole = eugene.load(copy_of.path)
    best = eugene.load(copy_of.best)
    copy_of.weights.unlink()
    fallback = eugene.load(copy_of.path)
    for module in (best, fallback):
        for name, value in whole.arch.state_dict().items():
            assert torch.equal(value, module.arch.state_dict()[name])


def test_nothing_trained(copy_of):
    for path in (copy_of.weights, copy_of.best, copy_of.last):
        path.unlink()
    with pytest.raises(MissingFileError, match="has no trained weights"):
        eugene.load(copy_of.path)


def test_a_folder_that_is_not_ours(tmp_path):
    with pytest.raises(MissingFileError, match="does not exist"):
        eugene.load(tmp_path / "nothing")
    with pytest.raises(NotARunError, match="is not a run folder"):
        eugene.load(tmp_path)
    torch.save({"state_dict": {}}, tmp_path / "x.ckpt")
    with pytest.raises(NotARunError, match="does not lie in a run folder of eugene"):
        eugene.load(tmp_path / "x.ckpt")
    with pytest.raises(MissingFileError, match=r"y\.ckpt does not exist"):
        eugene.load(tmp_path / "y.ckpt")


class Payload:
    """Something that unpickling would run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        import pathlib

        return pathlib.Path.touch, (pathlib.Path(self.path),)


@pytest.mark.parametrize("kind", ["pickle", "rubbish", "other network", "no state"])
def test_a_checkpoint_that_is_not_ours(copy_of, tmp_path, kind):
    copy_of.weights.unlink()
    marker = tmp_path / "ran"
    if kind == "pickle":
        torch.save({"state_dict": Payload(str(marker))}, copy_of.best)
    elif kind == "rubbish":
        copy_of.best.write_bytes(b"not a checkpoint")
    elif kind == "other network":
        torch.save({"state_dict": {"arch.x": torch.zeros(1)}}, copy_of.best)
    else:
        torch.save({"weights": {}}, copy_of.best)
    with pytest.raises(NotARunError, match=r"best\.ckpt") as caught:
        eugene.load(copy_of.path)
    assert "weights_only" not in str(caught.value)
    assert not marker.exists()


def test_weights_of_another_network(copy_of):
    text = copy_of.config.read_text().replace("conv_channels: [6]", "conv_channels: [7]")
    copy_of.config.write_text(text)
    with pytest.raises(NotARunError, match=r"model\.safetensors do not fit the network"):
        eugene.load(copy_of.path)


def test_a_strangers_folder_cannot_import(copy_of, tmp_path, monkeypatch):
    marker = tmp_path / "imported"
    (tmp_path / "strange.py").write_text(f"open({str(marker)!r}, 'w')\nclass Net: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    tree = parse_file(copy_of.config).tree
    tree["model"] = {"class_path": "strange.Net", "init_args": {}}
    from eugene.config import dump_yaml

    copy_of.config.write_text(dump_yaml(tree))
    with pytest.raises(ConfigError, match="needs --allow-class-path"):
        eugene.load(copy_of.path)
    assert not marker.exists()


def test_a_damaged_folder(copy_of):
    copy_of.write_json("data.json", {"alphabet": "ACGT"})
    with pytest.raises(NotARunError, match=r"data\.json lacks or garbles 'input_len'"):
        eugene.load(copy_of.path)
    copy_of.config.unlink()
    with pytest.raises(NotARunError, match=r"has no config\.yaml"):
        eugene.load(copy_of.path)


def test_what_was_trained_in_python_loads_from_its_folder(tmp_path):
    from eugene.data import SequenceDataModule
    from eugene.models import SequenceModule
    from eugene.models.zoo import CNN
    from eugene.train import fit

    rng = np.random.default_rng(0)
    letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (60, 50))
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    ds["activity"] = ("_sequence", rng.normal(500.0, 3.0, 60))
    data = SequenceDataModule(ds, target_vars="activity", split="random", targets=["zscore"])
    module = SequenceModule(CNN(input_len=50, output_dim=1), task="regression")
    fit(module, data, run_dir=tmp_path / "run", max_epochs=1)
    loaded = eugene.load(tmp_path / "run")
    predicted = loaded.predict(letters)
    np.testing.assert_allclose(predicted, module.predict(letters), rtol=1e-5)
    assert loaded.target_names == ["activity"]
    np.testing.assert_allclose(
        loaded.inverse_targets(predicted), data.inverse_targets(predicted), rtol=1e-6
    )
    assert (loaded.inverse_targets(predicted) > 400).all()
