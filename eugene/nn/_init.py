"""Starting weights: torch's initialisers by name, and motifs written into first filters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

import seqpro as sp
from eugene._calls import eugene_call, only
from eugene.errors import did_you_mean
from eugene.nn._errors import ModelError
from eugene.settings import session_seed

INITIALIZERS: dict[str, Callable[..., torch.Tensor]] = {
    "uniform": nn.init.uniform_,
    "normal": nn.init.normal_,
    "constant": nn.init.constant_,
    "ones": nn.init.ones_,
    "zeros": nn.init.zeros_,
    "eye": nn.init.eye_,
    "dirac": nn.init.dirac_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
    "trunc_normal": nn.init.trunc_normal_,
}


def list_available_layers(model: nn.Module) -> list[str]:
    """Return the dotted names of all layers of a network.

    Parameters
    ----------
    model : torch.nn.Module
        The network.

    Returns
    -------
    list of str
        Names that :func:`get_layer` takes.

    Examples
    --------
    >>> list_available_layers(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    ['0', '1']
    """
    return [name for name, _ in model.named_modules() if name]


def get_layer(model: nn.Module, layer_name: str) -> nn.Module:
    """Return a layer by its dotted name.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    layer_name : str
        A name of :func:`list_available_layers`.

    Returns
    -------
    torch.nn.Module
        The layer itself, not a copy.

    Raises
    ------
    ModelError
        If there is no such layer.

    Examples
    --------
    >>> get_layer(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "1")
    ReLU()
    """
    layers = dict(model.named_modules())
    if layer_name not in layers:
        names = list_available_layers(model)
        raise ModelError(f"no layer {layer_name!r}{did_you_mean(layer_name, names)}")
    layer: nn.Module = layers[layer_name]
    return layer


def first_conv(model: nn.Module, channels: int = 4) -> tuple[str, nn.Conv1d]:
    """Return the first convolution that reads one-hot sequence, with its name.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    channels : int
        Letters of the alphabet.

    Returns
    -------
    name : str
        Dotted name of the layer.
    layer : torch.nn.Conv1d
        The layer.

    Raises
    ------
    ModelError
        If no convolution has that many input channels.

    Examples
    --------
    >>> first_conv(nn.Sequential(nn.Conv1d(4, 8, 3)))[0]
    '0'
    """
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv1d) and layer.in_channels == channels:
            return name, layer
    raise ModelError(f"the network has no Conv1d with {channels} input channels")


@contextlib.contextmanager
def drawn_with(seed: int | None) -> Iterator[None]:
    """Draw weights with a seed, and leave the global random state as it was.

    Parameters
    ----------
    seed : int, optional
        By default ``settings.seed``.

    Examples
    --------
    >>> with drawn_with(0):
    ...     first = torch.rand(2)
    >>> with drawn_with(0):
    ...     bool((torch.rand(2) == first).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(session_seed(seed))
        yield


def init_weights(
    model: nn.Module, initializer: str = "kaiming_normal", *, seed: int | None = None, **kwargs: Any
) -> nn.Module:
    """Draw new weights for every linear, convolutional and recurrent layer, in place.

    Biases of those layers become zero. Normalisation layers are left alone.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    initializer : str
        A name of ``INITIALIZERS``, torch's initialisers without the underscore.
    seed : int, optional
        Seed of the draw, by default ``settings.seed``; the global random state is left as it was.
    **kwargs
        Passed to the initialiser.

    Returns
    -------
    torch.nn.Module
        ``model``.

    Raises
    ------
    ModelError
        If the initialiser is unknown.

    Examples
    --------
    >>> model = init_weights(nn.Linear(3, 2), "xavier_uniform", seed=0)
    >>> model.bias.tolist()
    [0.0, 0.0]
    """
    if initializer not in INITIALIZERS:
        raise ModelError(
            f"unknown initializer {initializer!r}{did_you_mean(initializer, INITIALIZERS)}"
        )
    draw = INITIALIZERS[initializer]
    with drawn_with(seed), torch.no_grad():
        for layer in model.modules():
            if not isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)):
                continue
            for name, parameter in layer.named_parameters(recurse=False):
                if "bias" in name:
                    nn.init.zeros_(parameter)
                else:
                    draw(parameter, **kwargs)
    return model


@eugene_call(
    "eugene.models.init_motif_weights",
    unheard={"divide_by_bg": only(True), "kernel_align": only("center")},
)
def init_motif_weights(
    model: nn.Module,
    layer_name: str | None,
    motifs: object,
    *,
    list_index: int | None = None,
    initializer: str | None = None,
    convert_to_pwm: bool = True,
    pseudocount: float = 0.01,
    background: Iterable[float] | None = None,
    scale: float | str | None = None,
    motif_align: str = "center",
    seed: int | None = None,
) -> list[str]:
    """Write motifs into the filters of the first convolution, in place.

    The first filters become the motifs in log odds, in order; the others stay as they were. A
    motif wider than the kernel is cut to its most informative window, a narrower one is placed in
    the middle of the kernel on zeros.

    Parameters
    ----------
    model : torch.nn.Module
        The network; both kinds of convolution, one strand and two, are taken.
    layer_name : str or None
        Dotted name of a ``Conv1d`` (or of a list of filters, with ``list_index``); None for the
        first convolution that reads sequence.
    motifs : MotifSet, mapping of str to ndarray of float, shape (4, width), a list, or a path
        Motifs; arrays are probabilities, a path leads to a file in MEME, JASPAR, HOMER or
        TRANSFAC format.
    list_index : int, optional
        Position in a ``ModuleList`` named by ``layer_name``.
    initializer : str, optional
        Draw the whole layer anew with this initialiser first.
    convert_to_pwm : bool
        Write log2 odds against the background; otherwise probabilities less the background.
    pseudocount : float
        Added to every probability before the logarithm is taken.
    background : iterable of float, optional
        Frequencies of the letters; uniform by default.
    scale : float or "layer", optional
        Factor on what is written, or ``"layer"`` to give each motif filter the norm that the
        layer's filters have on average.
    motif_align : {"center", "left", "right"}
        Where a motif narrower than the kernel goes.
    seed : int, optional
        Seed of ``initializer``; by default ``settings.seed``.

    Returns
    -------
    list of str
        Name of the motif in each filter written.

    Raises
    ------
    ModelError
        If there are more motifs than filters, the layer is no convolution on as many letters as
        the motifs have, or an argument has an unknown value.

    References
    ----------
    Jores et al. 2021, https://doi.org/10.1038/s41477-021-00932-y

    Examples
    --------
    >>> conv = nn.Sequential(nn.Conv1d(4, 2, 5))
    >>> tata = np.array([[.05, .9, .05, .9], [.05, .03, .05, .03], [.05, .04, .05, .04],
    ...                  [.85, .03, .85, .03]])
    >>> init_motif_weights(conv, None, {"TATA": tata})
    ['TATA']
    """
    name, layer = _find_conv(model, layer_name, list_index)
    if initializer is not None:
        init_weights(layer, initializer, seed=seed)
    named = _motif_probabilities(motifs)
    filters, letters, width = layer.weight.shape
    if len(named) > filters:
        raise ModelError(
            f"{len(named)} motifs do not fit into the {filters} filters of {name!r}: give fewer "
            f"motifs or build the network with at least {len(named)} first filters"
        )
    base = (
        np.full(letters, 1 / letters) if background is None else np.asarray(list(background), float)
    )
    base = base / base.sum()
    norms = layer.weight.detach().flatten(1).norm(dim=1)
    target_norm = float(norms.mean())
    with torch.no_grad():
        for i, (motif, matrix) in enumerate(named):
            if matrix.shape[0] != letters:
                raise ModelError(
                    f"motif {motif!r} has {matrix.shape[0]} rows, the filters of {name!r} read "
                    f"{letters} letters"
                )
            kernel = _motif_kernel(
                matrix,
                width,
                base,
                log_odds=convert_to_pwm,
                pseudocount=pseudocount,
                align=motif_align,
            )
            if scale == "layer":
                kernel = kernel * (target_norm / max(float(np.linalg.norm(kernel)), 1e-12))
            elif isinstance(scale, str):
                raise ModelError(f"scale={scale!r} must be a number, 'layer' or None")
            elif scale is not None:
                kernel = kernel * scale
            layer.weight[i] = torch.as_tensor(kernel, dtype=layer.weight.dtype)
    return [motif for motif, _ in named]


def _find_conv(
    model: nn.Module, layer_name: str | None, list_index: int | None
) -> tuple[str, nn.Conv1d]:
    if layer_name is None:
        return first_conv(model)
    layer = get_layer(model, layer_name)
    name = layer_name
    if list_index is not None:
        layer = get_layer(model, f"{layer_name}.{list_index}")
        name = f"{layer_name}.{list_index}"
    if not isinstance(layer, nn.Conv1d):
        try:
            inner, layer = first_conv(layer)
        except ModelError:
            raise ModelError(
                f"layer {name!r} is a {type(layer).__name__}, not a Conv1d: motifs go into the "
                f"filters of a first convolution, here {first_conv(model)[0]!r}"
            ) from None
        name = f"{name}.{inner}"
    return name, layer


def _motif_probabilities(motifs: Any) -> list[tuple[str, np.ndarray]]:
    """Return (name, probabilities (letters, width)) of every motif."""
    if isinstance(motifs, (str, Path)):
        motifs = sp.motifs.read(motifs)
    motifs = getattr(motifs, "today", motifs)  # of motifdata's form
    if hasattr(motifs, "ppm") or isinstance(motifs, np.ndarray):
        motifs = [motifs]
    if isinstance(motifs, Mapping):
        return [(str(name), _columns_to_one(matrix)) for name, matrix in motifs.items()]
    found = []
    for i, given in enumerate(motifs):
        motif = getattr(given, "today", given)
        if hasattr(motif, "ppm"):
            found.append((str(motif.name), _columns_to_one(motif.ppm())))
        else:
            found.append((f"motif_{i}", _columns_to_one(motif)))
    return found


def _columns_to_one(matrix: ArrayLike) -> np.ndarray:
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or (values < 0).any():
        raise ModelError(
            f"a motif must be a matrix (letters, width) of probabilities or counts, got shape "
            f"{values.shape} with least value {values.min() if values.size else 'none'}"
        )
    columns: np.ndarray = values / np.maximum(values.sum(axis=0, keepdims=True), 1e-12)
    return columns


def _motif_kernel(
    ppm: np.ndarray,
    width: int,
    background: np.ndarray,
    *,
    log_odds: bool,
    pseudocount: float,
    align: str,
) -> np.ndarray:
    """Return the motif as a kernel, float64 (letters, width)."""
    smooth = (ppm + pseudocount) / (1 + pseudocount * len(ppm))
    odds = np.log2(smooth / background[:, None])
    information = (smooth * odds).sum(axis=0)
    values = odds if log_odds else ppm - background[:, None]
    if values.shape[1] > width:
        running = np.concatenate(([0.0], np.cumsum(information)))
        start = int(np.argmax(running[width:] - running[:-width]))
        window: np.ndarray = values[:, start : start + width]
        return window
    room = width - values.shape[1]
    if align not in ("center", "left", "right"):
        raise ModelError(f"motif_align={align!r} must be 'center', 'left' or 'right'")
    left = {"center": room // 2, "left": 0, "right": room}[align]
    kernel = np.zeros((len(ppm), width))
    kernel[:, left : left + values.shape[1]] = values
    return kernel
