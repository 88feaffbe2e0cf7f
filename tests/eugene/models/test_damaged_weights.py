"""Bits that flip in weights or checkpoints: nothing loads that predicts something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import eugene as eu
from eugene.errors import EugeneError
from eugene.models._weights import save_weights
from eugene.train import load_checkpoint, load_weights

X = torch.eye(4)[torch.arange(40).reshape(1, 40) % 4].transpose(1, 2).repeat(3, 1, 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.Tensor]:
    folder = tmp_path_factory.mktemp("weights")
    arch = {"name": "cnn", "input_len": 40, "output_dim": 1}
    module = eu.models.SequenceModule(arch, task="regression", seed=3).eval()
    save_weights(module.arch, folder / "model.safetensors")
    content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(content, folder / "best.ckpt")
    return folder, module(X).detach()


LOADERS: dict[str, Callable[[Path], Any]] = {
    "model.safetensors": load_weights,
    "best.ckpt": load_checkpoint,
}


def damaged(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    out = bytearray(data)
    # half of them where the header is
    at = int(rng.integers(min(600, len(out)) if seed % 2 else len(out)))
    if seed % 5 == 4:
        return bytes(out[:at])
    if seed % 5 == 3:
        out[at : at + 4] = bytes(4)
    else:
        out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


@pytest.mark.parametrize("name", LOADERS)
def test_damage_is_told_or_harmless(
    tmp_path: Path, files: tuple[Path, torch.Tensor], name: str
) -> None:
    folder, wanted = files
    data = (folder / name).read_bytes()
    path = tmp_path / name
    told = 0
    for seed in range(40):
        path.write_bytes(damaged(data, seed))
        try:
            found = LOADERS[name](path)(X).detach()
        except EugeneError as error:
            told += str(path) in str(error)
            continue
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert told > 20


def test_weights_are_the_same_bytes_each_time(
    tmp_path: Path, files: tuple[Path, torch.Tensor]
) -> None:
    folder, _ = files
    network = load_weights(folder / "model.safetensors")
    save_weights(network, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_weights_of_other_programs(tmp_path: Path, files: tuple[Path, torch.Tensor]) -> None:
    """Without a checksum they load as they did."""
    from safetensors.torch import load_file, save_file

    folder, wanted = files
    tensors = load_file(folder / "model.safetensors")
    config = {"arch": json.dumps(load_weights(folder / "model.safetensors").config)}
    save_file(tensors, tmp_path / "x.safetensors", metadata=config)
    torch.testing.assert_close(load_weights(tmp_path / "x.safetensors")(X).detach(), wanted)
