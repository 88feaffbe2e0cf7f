"""Layers of Enformer beside what the original program gives (F1, F5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from eugene.nn import (
    AttentionHead,
    AttentionPool1d,
    ModelError,
    RelativeAttention,
    SigmoidGELU,
    relative_features,
)
from eugene.nn._attention import _shift

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden" / "enformer"
Arrays = dict[str, NDArray[np.float32]]


def load(name: str) -> Arrays:
    path = GOLDEN / name
    if not path.is_file():
        pytest.skip(f"golden numbers of the original are not at {path}")
    with np.load(path) as kept:
        return dict(kept)


@pytest.fixture(scope="module")
def layers() -> Arrays:
    return load("enformer_layers.npz")


def tensor(values: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(values.copy())


def put(layer: torch.nn.Linear, values: NDArray[np.float32]) -> None:
    layer.weight.data.copy_(tensor(values.T))


def apart(found: torch.Tensor, expected: NDArray[np.float32]) -> float:
    """Return the largest difference of two arrays of one shape."""
    assert found.shape == expected.shape
    return float(np.abs(found.detach().numpy() - expected).max())


@pytest.mark.parametrize("scale", ["init", "rand", "scale0"])
def test_pooling(layers: Arrays, scale: str) -> None:
    x = tensor(layers["pool_in"]).transpose(1, 2)
    layer = AttentionPool1d(6, init_gain=0.0 if scale == "scale0" else 2.0)
    if scale == "rand":
        put(layer.logits, layers["pool_rand_w"])
    elif scale == "init":
        assert apart(layer.logits.weight, layers["pool_init_w"].T) <= 0
    assert apart(layer(x).transpose(1, 2), layers[f"pool_{scale}_out"]) <= 1e-6


def test_pairs_are_pooled_as_wider_windows_are() -> None:
    x = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(0))
    layer = AttentionPool1d(5)
    layer.logits.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    windows = x.unflatten(2, (6, 2))
    logits = torch.einsum("dc,ncwp->ndwp", layer.logits.weight, windows)
    torch.testing.assert_close(layer(x), (windows * logits.softmax(dim=-1)).sum(dim=-1))
    # one position more: the last window is filled up, the others are as they were
    longer = layer(torch.cat((x, x[..., :1]), dim=2))
    torch.testing.assert_close(longer[..., :6], layer(x))
    torch.testing.assert_close(longer[..., 6], x[..., 0])


def test_shift_and_gelu(layers: Arrays) -> None:
    shifted = _shift(tensor(layers["relshift_in"]), layers["relshift_in"].shape[2])
    assert np.array_equal(shifted.numpy(), layers["relshift_out"])
    assert apart(SigmoidGELU()(tensor(layers["gelu_in"])), layers["gelu_out"]) <= 1e-6
    assert _shift(torch.full((2, 1, 1), 3.0), 1).tolist() == [[[3.0]]] * 2


@pytest.mark.parametrize("length", [8, 200])
def test_features_of_distances(layers: Arrays, length: int) -> None:
    expected = layers[f"pos_all_T{length}_F192"][0]
    exact, single = (relative_features(length, 192, g) for g in ("exact", "tensorflow"))
    assert apart(single, expected) <= 1e-6
    assert apart(exact[:, :64], expected[:, :64]) <= 1e-6
    assert apart(exact, expected) <= 3e-3


@pytest.mark.parametrize("length", [200, 1536])
def test_gamma_of_tensorflow_to_the_last_bit(length: int) -> None:
    kept = load("positional_features_tf_float32.npz")
    found = relative_features(length, 192, "tensorflow").numpy()
    assert np.array_equal(found[:, 64:96], kept[f"gamma_T{length}_F32_tf2.15_float32"])
    assert float(np.abs(found - kept[f"all_T{length}_F192"]).max()) < 1e-6


def test_other_lengths_are_computed_as_tensorflow_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from eugene.nn import _positions

    table = relative_features(200, 192, "tensorflow")
    monkeypatch.setattr(_positions, "_tables", dict)
    _positions._features.cache_clear()
    computed = relative_features(200, 192, "tensorflow")
    _positions._features.cache_clear()
    assert 0 < float((computed - table).abs().max()) < 1e-4
    exact = relative_features(200, 192, "exact")
    assert float((exact - table).abs().max()) > 1e-3  # what the table is for


def test_features_refuse_what_is_unknown() -> None:
    with pytest.raises(ModelError, match="gamma='tf' must be 'tensorflow' or 'exact'"):
        relative_features(8, 6, "tf")


def attention(layers: Arrays, **changes: object) -> RelativeAttention:
    layer = RelativeAttention(
        96, num_heads=4, key_dim=16, value_dim=24, n_features=24, **changes
    ).eval()
    for name, key in (("query", "q"), ("key", "k"), ("value", "v"), ("distance", "r_k"),
                      ("output", "emb_w")):  # fmt: skip
        put(getattr(layer, name), layers[f"mha_{key}"])
    layer.output.bias.data.copy_(tensor(layers["mha_emb_b"]))
    layer.content_bias.data.copy_(tensor(layers["mha_r_w_bias"])[0])
    layer.distance_bias.data.copy_(tensor(layers["mha_r_r_bias"])[0])
    return layer


def test_relative_attention(layers: Arrays) -> None:
    x = tensor(layers["mha_in"])
    assert apart(attention(layers, gamma="tensorflow")(x), layers["mha_out"]) <= 1e-5
    # features that several layers share are those that each would have made
    layer = attention(layers)
    torch.testing.assert_close(layer(x, relative_features(10, 24)), layer(x))


def test_attention_begins_as_nothing() -> None:
    layer = RelativeAttention(12, num_heads=2, key_dim=3, value_dim=6, n_features=6,
                              zero_output=True)  # fmt: skip
    assert not layer(torch.rand(2, 5, 12)).any()


@pytest.mark.parametrize(("name", "value", "heads"), [("sh", 8, 1), ("sh2", 16, 1), ("mh", 8, 4)])
def test_heads(layers: Arrays, name: str, value: int, heads: int) -> None:
    x = tensor(layers["head_in"])
    head = AttentionHead(32, 20, key_dim=8, value_dim=value, num_heads=heads).eval()
    for part, key in (("query", "q"), ("key", "k"), ("value", "v")):
        put(getattr(head.attention, part), layers[f"head_{name}_{key}"])
    put(head.linear, layers[f"head_{name}_dense_w"])
    head.linear.bias.data.copy_(tensor(layers[f"head_{name}_dense_b"]))
    assert apart(head.attention(x), layers[f"head_{name}_att"]) <= 1e-5
    assert apart(torch.nn.functional.softplus(head(x)), layers[f"head_{name}_out"]) <= 1e-5
