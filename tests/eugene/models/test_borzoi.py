"""Borzoi beside borzoi-pytorch, with its weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from eugene.errors import EugeneError
from eugene.models import load_enformer_weights, zoo
from eugene.nn import InputShapeError, ModelError
from eugene.nn._positions import central_features

SMALL = {"channels": 48, "n_transformers": 2, "n_heads": 4, "key_size": 8, "value_size": 6}


def small(**changes: object) -> zoo.Borzoi:
    return zoo.Borzoi(1024, **{"heads": {"human": 3, "mouse": 2}, **SMALL, **changes})


def one_hot(length: int, seed: int = 1) -> torch.Tensor:
    letters = np.random.default_rng(seed).integers(4, size=(1, length))
    return torch.from_numpy(np.eye(4, dtype=np.float32)[letters]).swapaxes(1, 2)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Return weights by borzoi-pytorch's names, and what it gives with them (0.5.1, 1,024 bp)."""
    golden = Path(__file__).resolve().parents[2] / "golden" / "borzoi_pytorch_tiny.json"
    kept = json.loads(golden.read_text())
    rng, state = np.random.default_rng(0), {}
    for name, shape in kept["tensors"]:
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
            continue
        values = rng.normal(size=tuple(shape))
        if name.endswith("running_var"):
            values = np.exp(0.3 * values)
        elif len(shape) > 1 and "bias" not in name:
            values /= np.sqrt(np.prod(shape[1:]))
        else:
            values = 0.3 * values + name.endswith("weight")
        state[name] = torch.tensor(values, dtype=torch.float32)
    path = tmp_path_factory.mktemp("borzoi") / "peer.pt"
    torch.save(state, path)
    return path, kept


def test_as_borzoi_pytorch(peer: tuple[Path, dict]) -> None:
    path, kept = peer
    model = load_enformer_weights(small(crop=4), path, heads=True)
    embedded = model.embed(one_hot(1024)).detach()
    assert embedded.shape == (1, 24, 60)
    assert float((embedded[0] - torch.tensor(kept["embedding"])).abs().max()) < 2e-5
    human = nn.functional.softplus(model.by_head(embedded)["human"])[0].detach()
    assert float((human - torch.tensor(kept["human"])).abs().max()) < 2e-5
    with pytest.raises(EugeneError, match="of another shape"):
        load_enformer_weights(small(value_size=12), path)
    with pytest.raises(EugeneError, match=r"not in the network .*conv_dna"):
        load_enformer_weights(zoo.Enformer(1024, 3, channels=48, n_heads=4), path)


def test_any_multiple_of_the_bins_of_the_attention() -> None:
    model = small().eval()
    for length in (128, 384):
        assert model.embed(one_hot(length)).shape == (1, length // 32, 60)
        assert model(one_hot(length)).shape == (1, 5, length // 32)
    with pytest.raises(InputShapeError, match="input_len=160 must be a multiple of 128 bp"):
        model(one_hot(160))
    with pytest.raises(ModelError, match="crop=16 leaves none: it must be at least 1152"):
        small(crop=16)


def test_masks_of_the_centre_are_spaced_for_the_length_of_training() -> None:
    found = central_features(50, 32, 4096).numpy()
    widths = 4097 ** (np.arange(1, 17) / 16) - 1
    distance = np.abs(np.arange(-49, 50))[:, None]
    assert np.array_equal(found[:, :16], (widths > distance).astype(np.float32))
    assert np.array_equal(found[:, 16:], np.sign(np.arange(-49, 50))[:, None] * found[:, :16])


def test_recomputing_gives_the_same_gradients() -> None:
    grads = []
    for again in (False, True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = small(trunk_kwargs={"recompute": again}).train()
            model(one_hot(512)).square().mean().backward()
        grads.append([p.grad for p in model.parameters()])
    for one, two in zip(*grads, strict=True):
        torch.testing.assert_close(one, two)
