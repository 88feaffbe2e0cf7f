"""Activations of filters, and what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seqexplainer._receptive_field import find_layer, layer_output
from seqexplainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from torch.utils.hooks import RemovableHandle


def get_layer_outputs(
    model: torch.nn.Module,
    inputs: NDArray[np.generic] | torch.Tensor,
    layer_name: str,
    batch_size: int = 32,
    device: str = "cpu",
    verbose: bool = True,
) -> NDArray[np.float32]:
    """Return what a layer of a network gives.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    inputs : ndarray or Tensor, shape (n, letters, length)
        One-hot sequences.
    layer_name : str
        Name of the layer.
    batch_size : int
        Sequences at a time.
    device : str
        Where to compute; the network comes back to where it was.
    verbose : bool
        Unused.

    Returns
    -------
    ndarray of float32, shape (n, ...)

    Examples
    --------
    >>> net = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 2))
    >>> get_layer_outputs(net, np.eye(4)[None], "0").shape
    (1, 3, 3)
    """
    layer = find_layer(model, layer_name)[1]
    first = next(model.parameters(), None)
    home, training = (torch.device("cpu") if first is None else first.device), model.training
    X = torch.as_tensor(np.asarray(inputs.cpu() if isinstance(inputs, torch.Tensor) else inputs))
    try:
        model.eval().to(device)
        with torch.no_grad():
            parts = [
                layer_output(model, layer, batch.float().to(device)).cpu()
                for batch in torch.split(X, batch_size)
            ]
    finally:
        model.train(training).to(home)
    return torch.cat(parts).numpy()


def _windows(
    sequences: NDArray[np.generic] | torch.Tensor, kernel_size: int, padding: int, there: int
) -> NDArray[np.generic]:
    """Return what a filter sees at each place, (n, places, letters, kernel_size)."""
    padded = np.pad(np.asarray(sequences), ((0, 0), (0, 0), (padding, padding)))
    places = padded.shape[2] - kernel_size + 1
    if places != there:
        raise InputError(
            f"activations are at {there} places, but windows of {kernel_size} bp with a padding "
            f"of {padding} at {places}: kernel_size and padding are those of the convolution "
            f"('same' is a padding of {(kernel_size - 1) // 2})"
        )
    return sliding_window_view(padded, kernel_size, axis=2).transpose(0, 2, 1, 3)


def get_activators_n_seqlets(
    activations: NDArray[np.floating] | torch.Tensor,
    sequences: NDArray[np.generic] | torch.Tensor,
    kernel_size: int,
    padding: int = 0,
    num_seqlets: int = 100,
    num_filters: int | None = None,
) -> NDArray[np.generic]:
    """Return the windows that activate each filter most.

    Parameters
    ----------
    activations : ndarray or Tensor, shape (n, filters, places)
        Of a convolution, as `get_layer_outputs` gives them.
    sequences : ndarray or Tensor, shape (n, letters, length)
        One-hot sequences.
    kernel_size, padding : int
        Of the convolution, in bp.
    num_seqlets : int
        Windows a filter.
    num_filters : int, optional
        Only so many filters, from the first.

    Returns
    -------
    ndarray, shape (filters, num_seqlets, letters, kernel_size)
        The strongest first.
    """
    scores = np.asarray(activations)[:, :num_filters]
    seen = _windows(sequences, kernel_size, padding, scores.shape[2])
    found = []
    for f in range(scores.shape[1]):
        order = np.argsort(-scores[:, f].ravel(), kind="stable")[:num_seqlets]
        row, place = np.unravel_index(order, scores[:, f].shape)
        found.append(seen[row, place])
    return np.stack(found)


def get_activators_max_seqlets(
    activations: NDArray[np.floating] | torch.Tensor,
    sequences: NDArray[np.generic] | torch.Tensor,
    kernel_size: int,
    padding: int = 0,
    activation_threshold: float = 0.5,
    num_filters: int | None = None,
) -> list[NDArray[np.generic]]:
    """Return all windows above a share of each filter's largest activation.

    Parameters
    ----------
    activations, sequences, kernel_size, padding, num_filters
        As in `get_activators_n_seqlets`.
    activation_threshold : float
        The share.

    Returns
    -------
    list of ndarray, shape (windows, letters, kernel_size)
        One a filter.
    """
    scores = np.asarray(activations)[:, :num_filters]
    seen = _windows(sequences, kernel_size, padding, scores.shape[2])
    found = []
    for f in range(scores.shape[1]):
        row, place = np.nonzero(scores[:, f] > activation_threshold * scores[:, f].max())
        found.append(seen[row, place])
    return found


def get_pfms(
    filter_activators: Sequence[NDArray[np.generic]] | NDArray[np.generic], kernel_size: int = 13
) -> NDArray[np.float64]:
    """Count the letters of the windows of each filter.

    Parameters
    ----------
    filter_activators : sequence of ndarray, shape (windows, letters, kernel_size)
        As `get_activators_n_seqlets` gives them.
    kernel_size : int
        Width where a filter has no window.

    Returns
    -------
    ndarray of float64, shape (filters, kernel_size, letters)
        Positions before letters, as SeqExplainer's; ones where a filter has no window.
    """
    counts = [
        np.asarray(windows).sum(0).T if len(windows) else np.ones((kernel_size, 4))
        for windows in filter_activators
    ]
    return np.stack(counts).astype(np.float64)


def plot_filter_logo(
    mtx: NDArray[np.floating],
    mtx_type: str = "counts",
    vocab: str = "DNA",
    title: str | None = None,
) -> Axes:
    """Draw a matrix as a logo.

    Parameters
    ----------
    mtx : ndarray, shape (width, letters) or (letters, width)
        The matrix; where it is square, positions are first.
    mtx_type : {"counts", "probability", "weight", "information"}
        Counts and probabilities are drawn as bits, others as they are.
    vocab : str
        DNA or RNA.
    title : str, optional
        Above the logo.
    """
    from seqexplainer import plot

    matrix = np.asarray(mtx, dtype=np.float64)
    matrix = matrix.T if matrix.shape[1] == 4 else matrix
    kind: Literal["bits", "values"] = "bits" if mtx_type in ("counts", "probability") else "values"
    if mtx_type == "counts":
        matrix = matrix / matrix.sum(0, keepdims=True)
    ax: Axes = plot.logo(matrix, kind=kind, alphabet=vocab)
    if title:
        ax.set_title(title)
    return ax


def plot_filter_logos(
    mtxs: NDArray[np.floating],
    vocab: str = "DNA",
    mtx_type: str = "counts",
    title: str | None = None,
) -> list[Axes]:
    """Draw matrices (n, width, letters) as logos, each in a figure of its own."""
    return [plot_filter_logo(mtx, mtx_type, vocab, title) for mtx in mtxs]


class FeatureExtractor(torch.nn.Module):
    """Give what layers of a network give beside its output.

    Hooks stay until they are removed: ``for hook in extractor.handles.values(): hook.remove()``.
    `seqexplainer.get_layer_outputs` removes its own.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    key_word : str
        Part of the names of the layers.

    Examples
    --------
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    >>> features, handles, output = FeatureExtractor(net, "0")(torch.zeros(2, 4))
    >>> features["0"].shape, output.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """

    def __init__(self, model: torch.nn.Module, key_word: str) -> None:
        super().__init__()
        self.model = model
        layers = {name: layer for name, layer in model.named_modules() if key_word in name}
        self.features = {name: torch.empty(0) for name in sorted(layers)}
        self.handles = {
            name: layers[name].register_forward_hook(self._keep(name)) for name in self.features
        }

    def _keep(self, name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
        def keep(layer: torch.nn.Module, given: object, output: torch.Tensor) -> None:
            self.features[name] = output

        return keep

    def forward(
        self, x: torch.Tensor, **kwargs: object
    ) -> tuple[dict[str, torch.Tensor], dict[str, RemovableHandle], torch.Tensor]:
        """Return outputs of the layers, the hooks, and the output of the network."""
        return self.features, self.handles, self.model(x, **kwargs)
