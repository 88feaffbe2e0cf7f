"""The PyTorch modules that come with seqgra, by the names of their files.

A name such as ``o2-dna1000-conv10w-do03-fc5`` says outputs, alphabet, length and layers. Nothing
of a file is run: what the name says is built here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath, PureWindowsPath

_NAME = re.compile(r"o(\d+)-(dna|rna|protein)(\d+)-([a-z0-9-]+)")
_CONV = re.compile(r"conv(\d+)(xn|n|w|xw|xxw)?")
_WIDTHS = {"xn": 3, "n": 5, None: 11, "w": 21, "xw": 41, "xxw": 81}
_LAYER = re.compile(r"(fc|bn|do)(\d+)")
Layers = list[dict[str, object]]


def shipped(path: str) -> dict[str, object] | None:
    """Return the model section of a module that comes with seqgra.

    Parameters
    ----------
    path : str
        Its file.

    Returns
    -------
    dict or None
        None where the name is not one of theirs.

    Examples
    --------
    >>> found = shipped("PyTorch/o2-dna150-conv10n-gmp-fc5.py")
    >>> [layer["name"] for layer in found["operations"]]
    ['conv1d', 'globalmaxpool1d', 'dense', 'dense']
    >>> found["operations"][0]["kernel_size"], shipped("mine.py")
    (5, None)
    """
    stem = PureWindowsPath(PurePosixPath(path).name).name.removesuffix(".py")
    found = _NAME.fullmatch(stem)
    if not found:
        return None
    outputs, length, words = int(found[1]), int(found[3]), found[4]
    if words in _NETS:
        section = _NETS[words](length, outputs)
        return {**section, "input_len": length, "output_dim": outputs}
    operations = _layers(words.split("-"), outputs)
    if operations is None:
        return None
    section = {"name": "operations", "operations": operations, "output_dim": outputs}
    # a network that is pooled over all positions reads any length
    return section if "gmp" in words.split("-") else {**section, "input_len": length}


def _layers(words: list[str], outputs: int) -> Layers | None:
    """Return the layers that words say, and the last; None where one is not known."""
    found: Layers = []
    flat = False

    def flatten() -> None:
        nonlocal flat
        if not flat:
            found.append({"name": "flatten", "order": "channels"})
        flat = True

    for i, word in enumerate(words):
        conv, layer = _CONV.fullmatch(word), _LAYER.fullmatch(word)
        normed = i + 1 < len(words) and words[i + 1].startswith("bn")
        if conv:
            made: dict[str, object] = {
                "name": "conv1d",
                "filters": int(conv[1]),
                "kernel_size": _WIDTHS[conv[2]],
                "padding": "same",
            }
            found.append(made if normed else {**made, "activation": "relu"})
        elif word == "gmp":
            found.append({"name": "globalmaxpool1d"})
            flat = True
        elif layer and layer[1] == "fc":
            flatten()
            made = {"name": "dense", "units": int(layer[2])}
            found.append(made if normed else {**made, "activation": "relu"})
        elif layer and layer[1] == "bn" and found:
            found += [{"name": "batchnorm"}, {"name": "activation", "activation": "relu"}]
        elif layer and layer[1] == "do" and layer[2].startswith("0"):
            found.append({"name": "dropout", "rate": float(f"0.{layer[2][1:]}")})
        else:
            return None
    flatten()
    return [*found, {"name": "dense", "units": outputs}]


def _deepsea(length: int, _: int) -> dict[str, object]:
    # at 150 bp their pools are half as wide
    pools = {} if length >= 1000 else {"conv_kwargs": {"pool_kernels": [2, 2, None]}}
    return {"name": "deepsea", **pools}


def _legacy(_: int, outputs: int) -> dict[str, object]:
    layers: Layers = []
    for filters, rate in ((320, 0.2), (480, 0.2), (960, 0.5)):
        layers += [
            {"name": "conv1d", "filters": filters, "kernel_size": 8, "padding": 4,
             "activation": "relu"},
            {"name": "maxpool1d", "pool_size": 4},
            {"name": "dropout", "rate": rate},
        ]  # fmt: skip
    last: Layers = [
        {"name": "flatten", "order": "channels"},
        {"name": "dense", "units": 925, "activation": "relu"},
        {"name": "dense", "units": outputs},
    ]
    return {"name": "operations", "operations": [*layers, *last]}


def _basset(*_: int) -> dict[str, object]:
    return {"name": "basset", "padding": "valid", "dense_kwargs": {"batchnorm": False}}


def _danq(*_: int) -> dict[str, object]:
    # two layers in each direction, and nothing dropped behind them
    recurrent = {"hidden_dim": 320, "bidirectional": True, "num_layers": 2, "dropout_rates": 0.5}
    return {"name": "danq", "recurrent_kwargs": recurrent, "dropout": 0.0}


_NETS: Mapping[str, Callable[[int, int], dict[str, object]]] = {
    "basset": _basset,
    "deepsea": _deepsea,
    "deepsea-legacy": _legacy,
    "danq": _danq,
    "chromdragonn": lambda *_: {"name": "chromdragonn"},
}
