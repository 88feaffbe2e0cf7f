"""Methods of captum by name: to compare with, and for the layers inside a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch

from seqexplainer import references as references_
from seqexplainer._inputs import ArrayLike, as_seed, as_sequences, check_choice, letters_there, wide
from seqexplainer._receptive_field import LayerError, find_layer, last_convolution, receptive_field
from seqexplainer._targets import Target, resolve
from seqexplainer.attribute._explained import Explained
from seqexplainer.attribute._gradient import identities
from seqexplainer.calls import explained as explained_by
from seqexplainer.errors import GraphError, InputError
from seqexplainer.methods import Method
from seqexplainer.running import RUNNING, Runner, Running
from seqpro.keywords import keywords

_LAYERS = {
    "LayerActivation": False,
    "LayerConductance": True,
    "LayerDeepLift": True,
    "LayerGradCam": False,
    "LayerGradientXActivation": False,
    "LayerIntegratedGradients": True,
    "InternalInfluence": True,
}
"""Methods for layers, and whether they compare with references."""


class _Net(torch.nn.Module):
    """A model from sequences to the explained number, as captum calls it."""

    def __init__(self, explained: Explained, copies: int = 1) -> None:
        super().__init__()
        self.net, self.pick = explained.model, explained.pick
        self.args = [a.repeat_interleave(copies, dim=0) for a in explained.args]

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the number of each row; what captum makes of a batch comes one after the other."""
        args = [a.repeat(len(X) // len(a), *[1] * (a.ndim - 1)) for a in self.args]
        return explained_by(self.net, self.pick, X, args)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let captum draw from torch's global state, and put that back."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _captum(
    name: str,
    net: _Net,
    X: torch.Tensor,
    *layer: torch.nn.Module,
    multipliers: bool = False,
    **options: Any,
) -> torch.Tensor:
    """Return what a class of `captum.attr` gives for a batch."""
    import captum.attr

    with warnings.catch_warnings():
        # that hooks are set and taken away is nothing to act on
        warnings.filterwarnings("ignore", message="Setting ", category=UserWarning)
        own = {"multiply_by_inputs": False} if multipliers else {}
        found = getattr(captum.attr, name)(net, *layer, **own).attribute(
            X.detach().clone(memory_format=torch.contiguous_format).requires_grad_(), **options
        )
    if not isinstance(found, torch.Tensor):
        raise InputError(f"{name} of captum gives {type(found).__name__}, expected one tensor")
    return found.detach()


def _gradient(name: str, explained: Explained, X: torch.Tensor) -> torch.Tensor:
    signed = {"abs": False} if name == "Saliency" else {}
    return _captum(name, _Net(explained), X, **signed)


def _multipliers(
    name: str, explained: Explained, X: torch.Tensor, references: torch.Tensor
) -> torch.Tensor:
    n, k = references.shape[:2]
    options: dict[str, Any] = {"baselines": references.flatten(0, 1)}
    if name == "IntegratedGradients":
        options["internal_batch_size"] = max(explained.batch_size, n * k)
    pairs = X.repeat_interleave(k, dim=0)
    found = _captum(name, _Net(explained, k), pairs, multipliers=True, **options)
    return found.reshape(references.shape)


def _by_sequence(name: str, explained: Explained, X: torch.Tensor, **options: Any) -> torch.Tensor:
    """Return what one sequence after the other is given, so that draws depend on it alone."""
    found = []
    for i, identity in enumerate(identities(X).tolist()):
        one = replace(explained, args=tuple(a[i : i + 1] for a in explained.args))
        with _seeded((explained.seed + identity) % 2**63, X.device):
            found.append(_captum(name, _Net(one), X[i : i + 1], **options))
    return torch.cat(found) * letters_there(X)


def _without(name: str, explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return what is lost without the letter of a position."""
    places = torch.arange(X.shape[2], device=X.device).repeat(1, X.shape[1], 1)
    size = {"perturbations_per_eval": explained.batch_size}
    return _by_sequence(name, explained, X, feature_mask=places, **size)


def _windows(name: str, explained: Explained, X: torch.Tensor, *, width: int = 1) -> torch.Tensor:
    """Return what is lost where a window is covered."""
    return _by_sequence(name, explained, X, sliding_window_shapes=(X.shape[1], width))


def grad_cam(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return Grad-CAM of the last convolution at the letters that are there, shape of X.

    Grad-CAM, doi:10.1109/ICCV.2017.74: the filters of the layer (behind its activation), weighted
    by their mean gradient and summed; what is negative is 0. An output of the layer stands over the
    middle of what it sees of the sequence, and positions between two outputs lie on a line.

    Raises
    ------
    GraphError
        If the network has no convolution along the sequence.
    """
    run = explained.runner
    try:
        _, layer = last_convolution(run.model)
    except LayerError as error:
        raise GraphError(str(error)) from error
    own = explained.of(slice(0, 1)).args
    try:
        seen = receptive_field(run.model, layer, X.shape[1], X.shape[2], own)
        middles = seen.start + (seen.width - 1) / 2 + seen.stride * np.arange(seen.n_outputs)
    except LayerError:
        # a layer that sees the whole sequence stretches over it evenly
        middles = None
    found = []
    for rows, batch, _ in run.batches():
        # a model that drops the axis of a single row is shown the row twice
        copies = 2 if len(batch) == 1 else 1
        net = _Net(explained.of(rows), copies)
        several = batch.repeat_interleave(copies, dim=0)
        try:
            cam = _captum("LayerGradCam", net, several, layer, relu_attributions=True)[::copies]
        except AssertionError as error:
            raise GraphError(
                "the last convolution is called in a way that Grad-CAM does not see (a TorchScript "
                "or exported part?), or not at all; use another method"
            ) from error
        if cam.ndim != 3:
            raise GraphError(
                f"the last convolution gives {tuple(cam.shape)} a batch, expected one row of "
                "positions a sequence; use another method"
            )
        values = wide(cam[:, 0]).cpu().numpy()
        count = values.shape[1]
        even = (np.arange(count) + 0.5) * X.shape[2] / count - 0.5
        at = even if middles is None or len(middles) != count else middles
        places = np.arange(X.shape[2])
        lines = np.stack([np.interp(places, at, row) for row in values])
        found.append(torch.from_numpy(lines).to(wide(cam).dtype))
    return torch.cat(found).unsqueeze(1) * letters_there(X).cpu()


_COMPARED = {"references": True, "gradient": False, "hypothetical": True}
_BACKWARD = {"references": False, "gradient": True, "hypothetical": True}
_THERE = {"references": False, "gradient": False, "hypothetical": False}
_KNOWN: dict[str, tuple[Callable[..., torch.Tensor], dict[str, Any]]] = {
    "DeepLift": (_multipliers, _COMPARED),
    "IntegratedGradients": (_multipliers, _COMPARED),
    "Saliency": (_gradient, _BACKWARD),
    "GuidedBackprop": (_gradient, _BACKWARD),
    "Deconvolution": (_gradient, _BACKWARD),
    "InputXGradient": (_by_sequence, _THERE),
    "FeatureAblation": (_without, _THERE),
    "ShapleyValueSampling": (_without, _THERE),
    "KernelShap": (_without, _THERE),
    "Lime": (_without, _THERE),
    "Occlusion": (_windows, _THERE),
}


def method_of(name: str) -> Method:
    """Return the method that a class of `captum.attr` is.

    Parameters
    ----------
    name : str
        Name of the class. Of those that compare with references (zeros by default) the mean over
        them is taken, so that ``DeepLift`` with several is DeepLIFT/SHAP.

    Returns
    -------
    Method

    Raises
    ------
    InputError
        If there is no such class, or it explains something other than sequences.

    Examples
    --------
    >>> method_of("DeepLift").references
    True
    """
    compute, traits = _KNOWN[check_choice(name, tuple(_KNOWN), "method of captum")]
    return Method(
        f"captum.{name}",
        partial(compute, name),
        f"{name} of captum.",
        label=f"captum's {name}",
        default_reference="zero",
        **traits,
    )


@keywords(RUNNING)
def layer_attribution(
    model: torch.nn.Module,
    X: ArrayLike,
    layer: str | torch.nn.Module,
    method: str = "LayerGradientXActivation",
    *,
    target: Target | None = None,
    references: references_.Reference = "zero",
    n_references: int = 20,
    seed: int | None = None,
    **running: Unpack[Running],
) -> torch.Tensor:
    """Return how much each value inside a model contributes to its output, through captum.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    layer : str or Module
        Name of the layer, as in ``model.named_modules()``, or the layer itself.
    method : str
        Class of `captum.attr`: ``"LayerActivation"``, ``"LayerConductance"``,
        ``"LayerDeepLift"``, ``"LayerGradCam"``, ``"LayerGradientXActivation"``,
        ``"LayerIntegratedGradients"`` or ``"InternalInfluence"``.
    target : int, tuple, str or callable, optional
        What to explain, as in `attribute`.
    references : str, callable or array, optional
        What sequences are compared with by methods that do, as in `attribute`; the mean over
        several is returned.
    n_references : int
        References per sequence, where they are drawn.
    seed : int, optional
        Of the references; None means 0.
    batch_size, device, dtype, args, progress
        As in `predict`.

    Returns
    -------
    Tensor of float, shape (n_seqs, ...)
        On the CPU, of the shape of what the layer gives (Grad-CAM: summed over channels).

    Raises
    ------
    InputError
        If an argument has the wrong form.
    LayerError
        If there is no such layer.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 3), torch.nn.ReLU(),
    ...                             torch.nn.Flatten(), torch.nn.Linear(30, 1))
    >>> layer_attribution(model, torch.eye(4)[[0, 1, 2] * 4].T[None], "0").shape
    torch.Size([1, 3, 10])
    """
    check_choice(method, tuple(_LAYERS), "method of captum for layers")
    run = Runner.of(model, as_sequences(X), running)
    drawn = {"n": n_references, "seed": as_seed(seed)}
    found = []
    with run.held(gradients=True) as held:
        _, module = find_layer(held.model, layer)
        explained = Explained(held, resolve(target))
        fixed = None
        if _LAYERS[method]:
            fixed = references_.make(run.X, references, **drawn)
        for rows, batch, _ in held.batches():
            refs = batch[:, None] if fixed is None else fixed[rows].to(batch)
            k = refs.shape[1]
            options: dict[str, Any] = {} if fixed is None else {"baselines": refs.flatten(0, 1)}
            net = _Net(explained.of(rows), k)
            values = _captum(method, net, batch.repeat_interleave(k, dim=0), module, **options)
            split = wide(values).reshape(len(batch), k, *values.shape[1:])
            found.append(split.mean(dim=1).cpu())
    return torch.cat(found)
