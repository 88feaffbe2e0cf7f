"""Enformer's trunk written out in NumPy from its formulas, over the original's variables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.stats
from numpy.typing import NDArray

Array = NDArray[np.float64]
Variables = Mapping[str, NDArray[np.floating]]


def draw(names: list[tuple[str, list[int]]], seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return variables that a trained network could have, by name."""
    rng = np.random.default_rng(seed)
    found = {}
    average = 0
    for name, shape in names:
        values = rng.normal(size=shape)
        if "/w:" in name:
            values /= np.sqrt(np.prod(shape[:-1]))
        elif "average:" in name:
            average += 1
            values = 0.3 * values if average % 2 else np.exp(0.3 * values)
        elif "scale:" in name:
            values = 1 + 0.1 * values
        elif "counter:" in name:
            values = np.full(shape, 7)
        else:
            values *= 0.2
        found[name] = values.astype(np.float32)
    return found


class Trunk:
    """The trunk.

    Parameters
    ----------
    variables : mapping of str to array
        By the original's names, ``#`` and their number at the end.
    heads, key, blocks : int
        Heads of the attention, width of their keys, blocks of attention.
    """

    def __init__(self, variables: Variables, *, heads: int, key: int, blocks: int) -> None:
        self.variables, self.heads, self.key, self.blocks = variables, heads, key, blocks

    def get(self, path: str, nth: int = 0) -> Array:
        """Return the nth variable of a name."""
        same = [n for n in self.variables if n.split(":")[0] == f"enformer/trunk/{path}"]
        same.sort(key=lambda n: int(n.split("#")[1]))
        return self.variables[same[nth]].astype(np.float64)

    def conv(self, x: Array, path: str) -> Array:
        """Convolve (length, channels) with as many zeros on either side."""
        w, b = self.get(f"{path}/conv1_d/w"), self.get(f"{path}/conv1_d/b")
        side = len(w) // 2
        padded = np.pad(x, ((side, side), (0, 0)))
        return b + sum(padded[k : k + len(x)] @ w[k] for k in range(len(w)))

    def conv_block(self, x: Array, path: str) -> Array:
        """Normalise by running statistics, activate, convolve."""
        norm = f"{path}/cross_replica_batch_norm"
        mean, variance = (
            self.get(f"{path}/exponential_moving_average/average", i).ravel() for i in range(2)
        )
        x = (x - mean) / np.sqrt(variance + 1e-5)
        x = x * self.get(f"{norm}/scale") + self.get(f"{norm}/offset")
        return self.conv(gelu(x), path)

    def pool(self, x: Array, path: str) -> Array:
        """Weigh two positions each by a softmax."""
        pairs = x.reshape(len(x) // 2, 2, -1)
        weights = np.exp(pairs @ self.get(f"{path}/softmax_pooling/linear/w"))
        return (pairs * weights / weights.sum(axis=1, keepdims=True)).sum(axis=1)

    def norm(self, x: Array, path: str) -> Array:
        """Normalise over the channels."""
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        scale, offset = (self.get(f"{path}/layer_norm/{part}") for part in ("scale", "offset"))
        return scaled * scale + offset

    def attention(self, x: Array, path: str) -> Array:
        """Attend, each head and distance by itself."""
        length, out = len(x), []
        q, k, v = (x @ self.get(f"{path}/{part}_layer/w") for part in "qkv")
        r = features(length, len(self.get(f"{path}/r_k_layer/w"))) @ self.get(f"{path}/r_k_layer/w")
        content, distance = (self.get(f"{path}/r_{part}_bias")[0, :, 0] for part in "wr")
        width = v.shape[1] // self.heads
        at = np.arange(length)
        for h in range(self.heads):
            own = slice(h * self.key, (h + 1) * self.key)
            query = q[:, own] / np.sqrt(self.key)
            logits = (query + content[h]) @ k[:, own].T
            by_distance = (query + distance[h]) @ r[:, own].T
            logits += by_distance[at[:, None], at[None, :] - at[:, None] + length - 1]
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            out.append(weights @ v[:, h * width : (h + 1) * width])
        layer = f"{path}/embedding_layer"
        return np.concatenate(out, axis=1) @ self.get(f"{layer}/w") + self.get(f"{layer}/b")

    def __call__(self, x: Array) -> Array:
        """Return (bins, 2 * channels) from (length, 4)."""
        x = self.conv(x, "stem")
        x = self.pool(x + self.conv_block(x, "stem/pointwise_conv_block"), "stem")
        for i in range(6):
            path = f"conv_tower/conv_tower_block_{i}"
            x = self.conv_block(x, f"{path}/conv_block")
            x = self.pool(x + self.conv_block(x, f"{path}/pointwise_conv_block"), path)
        for i in range(self.blocks):
            path = f"transformer/transformer_block_{i}"
            x = x + self.attention(self.norm(x, f"{path}/mha"), f"{path}/mha/attention_{i}")
            dense = self.norm(x, f"{path}/mlp")
            for nth in range(2):
                w, b = (self.get(f"{path}/mlp/linear/{part}", nth) for part in "wb")
                dense = np.maximum(dense @ w + b, 0) if nth == 0 else dense @ w + b
            x = x + dense
        return gelu(self.conv_block(x, "final_pointwise/conv_block"))


def gelu(x: Array) -> Array:
    """Return ``x`` times the logistic function of 1.702 of it."""
    return x / (1 + np.exp(-1.702 * x))


def features(length: int, n: int) -> Array:
    """Return the features of distances, (2 * length - 1, n)."""
    signed = np.arange(1 - length, length)
    distance, sixth = np.abs(signed)[:, None], n // 6
    decay = 0.5 ** (distance / 2 ** np.linspace(3, np.log2(length), sixth))
    mask = (2.0 ** np.arange(1, sixth + 1) - 1 > distance).astype(float)
    mean, deviation = np.linspace(length / sixth, length, sixth), length / (2 * sixth)
    density = 1e-8 + scipy.stats.gamma.pdf(
        distance, (mean / deviation) ** 2, scale=deviation**2 / mean
    )
    basis = np.concatenate((decay, mask, density / density.max(axis=0)), axis=1)
    return np.concatenate((basis, np.sign(signed)[:, None] * basis), axis=1)
