"""How the tests build every architecture, and what they expect of it.

``python tests/zoo_table.py [NAME ...]`` prints the fingerprints as they are now,
``python tests/zoo_table.py --table`` sizes, fingerprint, export and completeness of every network.
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
    step : int
        What lengths have to be a multiple of.
    """

    tiny: Mapping[str, Any]
    fingerprint: float = 0.0
    target: Any = 0
    both: bool = False
    silent: tuple[str, ...] = field(default=())
    export: str = ""
    explained: str = "deep_lift_shap"
    step: int = 1


_CONV = {"conv_channels": [6, 8], "conv_kernels": [7, 5], "pool_kernels": [4, 2]}
_TRUNK = {"channels": 12, "n_transformers": 1, "n_heads": 2, "key_size": 3}
_GRAMMAR = {
    "id": "pair",
    "task": "multi-label",
    "background": {"length": 40, "letters": [{"letters": dict.fromkeys("ACGT", 1)}]},
    "sets": {k: [{"samples": 1, "conditions": ["a"]}] for k in ("training", "validation", "test")},
    "conditions": {
        "a": {"rules": [{"elements": ["x", "y"],
                         "spacing": [{"between": ["x", "y"], "distance": [1, 5]}]}]},
        "b": {"rules": [{"elements": ["z"], "position": "center"}]},
    },
    "elements": {
        "x": {"kmers": {"GATA": 2, "CATA": 1}},
        "y": {"kmers": {"CACGTG": 1}},
        "z": {"matrix": [{"A": 0.7, "C": 0.3}, {"T": 1}, {"G": 0.5, "C": 0.5}]},
    },
}  # fmt: skip
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
    "bpnet": Row(
        {"input_len": 120, "n_filters": 6, "n_layers": 3},
        target=(1, 0),
        fingerprint=48.48,
    ),
    "chrombpnet": Row(
        {"input_len": 150, "n_filters": 6, "n_layers": 3, "bias_filters": 4, "bias_layers": 2},
        target=(1, 0),
        fingerprint=12.477,
    ),
    "cherimoya": Row(
        {"input_len": 130, "n_filters": 6, "n_layers": 3},
        target=(1, 0),
        # read by a loss alone
        silent=("loss_weights",),
        fingerprint=0.51923,
    ),
    "basenji": Row(
        {
            "input_len": 1024,
            "stem_filters": 4,
            "tower_filters": 5,
            "dilated_filters": 4,
            "dilated_repeat": 3,
            "cropping": 1,
            "final_filters": 6,
            "pool": "avg",
        },
        fingerprint=-0.67842,
    ),
    "crested_basenji": Row({"input_len": 80, "first_filters": 8, "filters": 6}, fingerprint=4.5791),
    "simple_convnet": Row(
        {"input_len": 200, "first_filters": 6, "filters": 5, "dense_size": 6},
        fingerprint=4.1848,
    ),
    "deeptopic_cnn": Row({"input_len": 90, "filters": 8, "dense_out": 6}, fingerprint=-1.0329),
    "deeptopic_lstm": Row(
        {"input_len": 80, "filters": 6, "lstm_out": 4, "dense_out": 6}, fingerprint=-1.1683
    ),
    "dilated_cnn": Row(
        {"input_len": 80, "first_conv_filters": 6, "num_filters": 6, "n_dil_layers": 3},
        fingerprint=3.6797,
    ),
    "legnet": Row(
        {"input_len": 60, "stem_ch": 8, "ef_block_sizes": [8, 6], "pool_sizes": [2, 2]},
        fingerprint=-0.38093,
    ),
    "malinois": Row(
        {"input_len": 150, "linear_channels": 8, "branched_channels": 5}, fingerprint=1.5078
    ),
    "explainn": Row({"input_len": 60, "n_units": 5, "fc_units": 4}, fingerprint=-1.1539),
    "sei": Row({"input_len": 128, "channels": [6, 5, 6], "spline_df": 5}, fingerprint=-0.26334),
    "aparent": Row(
        {"input_len": 60, "filters": [6, 5], "hidden_dims": [8, 6], "n_libraries": 3},
        target=(1, 0),
        fingerprint=-6.8661,
    ),
    "optimus": Row({"input_len": 30, "conv_filters": 6, "dense_nodes": 6}, fingerprint=-0.49849),
    "fcn": Row({"input_len": 40, "dense_kwargs": {"hidden_dims": [5]}}, fingerprint=2.1222),
    "rnn": Row({"input_len": 40, "recurrent_kwargs": {"hidden_dim": 5}}, fingerprint=-1.1569),
    "ds_fcn": Row(
        {"input_len": 40, "dense_kwargs": {"hidden_dims": [5]}}, both=True, fingerprint=0.63347
    ),
    "ds_cnn": Row({"input_len": 60, "conv_kwargs": _CONV}, both=True, fingerprint=-0.5484),
    "ds_rnn": Row(
        {"input_len": 40, "recurrent_kwargs": {"hidden_dim": 5}}, both=True, fingerprint=-1.0483
    ),
    "ds_hybrid": Row(
        {"input_len": 60, "conv_kwargs": _CONV, "recurrent_kwargs": {"hidden_dim": 5}},
        both=True,
        fingerprint=1.1278,
    ),
    "tutorial_cnn": Row({"input_len": 40, "filters": 5}, fingerprint=-0.69037),
    "inception": Row({"input_len": 40, "channels": [4, 8, 8]}, fingerprint=-0.42182),
    "residualbind": Row({"input_len": 41, "filters": 6, "hidden_dim": 8}, fingerprint=-0.1723),
    "deepsea": Row(
        {
            "input_len": 220,
            "conv_kwargs": {"conv_channels": [6, 6, 6]},
            "dense_kwargs": {"hidden_dims": [8]},
        },
        fingerprint=-0.62601,
    ),
    "basset": Row(
        {
            "input_len": 110,
            "conv_kwargs": {"conv_channels": [6, 6, 6]},
            "dense_kwargs": {"hidden_dims": [8, 8]},
        },
        fingerprint=-0.21741,
    ),
    "factorized_basset": Row(
        {
            "input_len": 110,
            "conv1_kwargs": {"conv_channels": [5, 5, 5, 5, 6]},
            "conv2_kwargs": {"conv_channels": [6, 6, 6]},
            "conv3_kwargs": {"conv_channels": [6]},
            "dense_kwargs": {"hidden_dims": [8, 8]},
        },
        fingerprint=1.1402,
    ),
    "danq": Row(
        {
            "input_len": 100,
            "conv_kwargs": {"conv_channels": [6]},
            "recurrent_kwargs": {"hidden_dim": 4},
            "dense_kwargs": {"hidden_dims": [8]},
        },
        fingerprint=0.42012,
    ),
    "satori": Row(
        {
            "input_len": 60,
            "conv_kwargs": {"conv_channels": [6]},
            "mha_kwargs": {"head_dim": 6, "num_heads": 2},
            "recurrent_kwargs": {"hidden_dim": 4},
            "multihead_size": 16,
        },
        fingerprint=-2.1131,
    ),
    "deepmel": Row(
        {"input_len": 80, "filters": 6, "lstm_units": 4, "dense_units": 6},
        both=True,
        fingerprint=-0.081131,
    ),
    "scbasset": Row(
        {
            "input_len": 60,
            "filters": [6, 6, 7],
            "kernel_size": 7,
            "last_filters": 6,
            "bottleneck": 5,
        },
        fingerprint=-1.7387,
    ),
    "chromdragonn": Row(
        {"input_len": 130, "channels": [5, 6, 7, 7], "stem_channels": 4, "hidden_dims": [8, 8]},
        fingerprint=-0.19538,
    ),
    "heartenn": Row(
        {"input_len": 200, "filters": [6, 6, 8], "conv_kernel_size": 5}, fingerprint=-0.02274
    ),
    "acme_cnn": Row({"input_len": 200}, fingerprint=-0.03172),
    "enformer": Row({"input_len": 256, **_TRUNK, "pool": "avg"}, fingerprint=1.4093, step=128),
    "borzoi": Row(
        {"input_len": 256, **_TRUNK, "value_size": 4, "pool": "avg"},
        fingerprint=-0.26826,
        step=128,
    ),
    "enformer_finetune": Row(
        {"input_len": 256, "key_size": 3, "value_size": 4, "trunk_kwargs": _TRUNK},
        fingerprint=4.5889,
        step=128,
    ),
    "operations": Row(
        {
            "input_len": 60,
            "operations": [
                {"name": "conv1d", "filters": 6, "kernel_size": 7, "activation": "relu"},
                {"name": "maxpool1d", "pool_size": 4},
                {"name": "flatten"},
                {"name": "dense", "units": 5, "activation": "relu"},
                {"name": "dense"},
            ],
        },
        fingerprint=0.43008,
    ),
    "bayes_optimal": Row(
        {"input_len": 40, "definition": _GRAMMAR}, fingerprint=-41.668, explained="saliency"
    ),
}


def tiny(name: str, **changes: Any) -> dict[str, Any]:
    """Return the arguments of a small network of two outputs."""
    return {"output_dim": 2, **ZOO[name].tiny, **changes}


def build_tiny(name: str, **changes: Any) -> torch.nn.Module:
    """Return a small network, the same whenever it is built, its closed skips opened.

    A residual path whose normalisation or last layer starts from zero would be seen by nothing.
    """
    from eugene.models import build

    model = build(name, seed=1, **tiny(name, **changes))
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm1d) and not layer.weight.any():
            torch.nn.init.ones_(layer.weight)
        if isinstance(layer, torch.nn.Linear) and not layer.weight.any():
            torch.nn.init.eye_(layer.weight)
    return model


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


def measured(name: str) -> list[str]:
    """Return a row of the table that `main` prints: sizes, fingerprint, export, completeness."""
    import warnings

    import seqexplainer as se
    from eugene.models import outline

    sizes = []
    for row in outline.rows_of(name):
        count = f"{outline.trainable(outline.published(row)):,}"
        theirs = "not compared" if row.parameters is None else f"{row.parameters:,}"
        sizes.append(f"{count} / {theirs}")
    model = build_tiny(name).eval()
    X = one_hot(2, model.input_len)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.export.export(model, (X,), strict=False)
            exported = "yes"
        except Exception as error:
            exported = f"no: {ZOO[name].export or type(error).__name__}"
        found = se.attribute(
            model, X, "deep_lift_shap", target=ZOO[name].target, n_references=2, return_delta=True
        )
    delta = f"{float(found.delta.abs().max()):.0e}"
    return [name, "; ".join(sizes), f"{fingerprint(name):.5g}", exported, delta]


def main(words: list[str]) -> None:
    """Print fingerprints, or with ``--table`` everything that is measured of every network."""
    if words[:1] != ["--table"]:
        for known in words or ZOO:
            print(f"{known}: {fingerprint(known):.5g}")
        return
    print("| network | parameters ours / published | fingerprint | export | DeepLIFT delta |")
    print("|---|---|---|---|---|")
    for known in words[1:] or ZOO:
        print(f"| {' | '.join(measured(known))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
