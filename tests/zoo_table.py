"""How the tests build every architecture, and what they expect of it.

``python tests/zoo_table.py [NAME ...]`` prints the fingerprints as they are now.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Row:
    """One architecture.

    Attributes
    ----------
    tiny : mapping
        Arguments of a network small enough for tests, with ``input_len``.
    fingerprint : float
        Of the tiny network at a fixed seed, see `fingerprint`.
    target : object
        What is explained, as in `seqexplainer.attribute`.
    both : bool
        Whether only alphabets with a reverse complement can be read.
    silent : tuple of str
        Parameters that the loss cannot move, such as a bias before a softmax.
    export : str
        Why ``torch.export`` cannot take the network; empty where it can.
    """

    tiny: Mapping[str, Any]
    fingerprint: float = 0.0
    target: Any = 0
    both: bool = False
    silent: tuple[str, ...] = field(default=())
    export: str = ""


_CONV = {"conv_channels": [6, 8], "conv_kernels": [7, 5], "pool_kernels": [4, 2]}
ZOO: dict[str, Row] = {
    "cnn": Row(
        {"input_len": 60, "conv_kwargs": _CONV},
        fingerprint=0.19483,
    ),
    "hybrid": Row(
        {"input_len": 60, "conv_kwargs": _CONV, "recurrent_kwargs": {"hidden_dim": 5}},
        fingerprint=-1.1715,
    ),
    "deepbind": Row(
        {"input_len": 41, "conv_kwargs": {"conv_channels": [6]}},
        fingerprint=-1.5151,
    ),
    "deepstarr": Row(
        {
            "input_len": 64,
            "conv_kwargs": {"conv_channels": [8, 6, 6, 8]},
            "dense_kwargs": {"hidden_dims": [8, 8]},
        },
        fingerprint=-0.9319,
    ),
    "jores21_cnn": Row(
        {"input_len": 40, "filters": 6, "hidden_dim": 5},
        fingerprint=-0.14899,
        both=True,
    ),
    "kopp21_cnn": Row(
        {"input_len": 100, "maxpool_kernel_size": 10},
        fingerprint=0.14933,
        both=True,
    ),
}


def tiny(name: str, **changes: Any) -> dict[str, Any]:
    """Return the arguments of a small network of two outputs."""
    return {"output_dim": 2, **ZOO[name].tiny, **changes}


def build_tiny(name: str, **changes: Any) -> torch.nn.Module:
    """Return a small network, the same whenever it is built."""
    from eugene.models import build

    return build(name, seed=1, **tiny(name, **changes))


def one_hot(n: int, length: int, seed: int = 0) -> torch.Tensor:
    """Return random sequences, float32 (n, 4, length)."""
    letters = np.random.default_rng(seed).integers(4, size=(n, length))
    return torch.from_numpy(np.eye(4, dtype=np.float32)[letters].swapaxes(1, 2).copy())


def outputs(found: Any) -> list[torch.Tensor]:
    """Return every tensor that a network gives."""
    return [found] if isinstance(found, torch.Tensor) else list(found)


def fingerprint(name: str) -> float:
    """Return one number that any change of arrangement or order of parameters moves."""
    model = build_tiny(name).eval()
    with torch.no_grad():
        found = torch.cat([t.flatten() for t in outputs(model(one_hot(2, model.input_len)))])
    return float(found.double() @ torch.linspace(1, 2, len(found), dtype=torch.float64))


if __name__ == "__main__":
    for known in sys.argv[1:] or ZOO:
        print(f"{known}: {fingerprint(known):.5g}")
