"""Filters of a convolution turned into motifs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
import torch
from torch import nn

import seqpro as sp
from seqexplainer._inputs import check_one_hot, letters_for
from seqexplainer._receptive_field import LayerError, find_layer, layer_output, receptive_field
from seqexplainer.errors import SeqexplainerError
from seqexplainer.running import RUNNING, Runner, Running
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from seqpro.alphabets import BaseAlphabet
    from seqpro.motifs import MotifSet

__all__ = ["SITE", "FilterMotifs", "LayerError", "generate_pfms"]

SITE = np.dtype(
    [
        ("filter", np.int32),
        ("sequence", np.int64),
        ("start", np.int64),
        ("reverse", np.bool_),
        ("activation", np.float32),
    ]
)
"""One activating window: filter, sequence, start (bp), strand, activation."""

__path__: list[str] = []  # SeqExplainer's was a package: its modules are found by seqpro.family


@dataclass(frozen=True, eq=False)
class FilterMotifs:
    """Position frequency matrices of the filters of a layer.

    It stands wherever an array ``(F, A, w)`` does (``np.asarray(motifs)``, ``motifs[3]``,
    ``motifs.shape``) and carries what is known about each filter beside it.

    Attributes
    ----------
    pfms : ndarray of float64, shape (F, A, w)
        Letter counts over the activating windows of each filter; all 0 for a dead filter.
    n_sites : ndarray of int64, shape (F,)
        Number of activating windows.
    max_activation : ndarray of float64, shape (F,)
        Largest activation over all windows that lie inside the sequences.
    dead : ndarray of bool, shape (F,)
        Filters that no window activates.
    sites : ndarray of `SITE`, shape (sum(n_sites),)
        The windows, best first within each filter; ``start`` is on the forward strand.
    layer : str
        Name of the layer.
    alphabet : str
        Letters of the rows.
    """

    pfms: NDArray[np.float64]
    n_sites: NDArray[np.int64]
    max_activation: NDArray[np.float64]
    dead: NDArray[np.bool_]
    sites: NDArray[np.void]
    layer: str
    alphabet: str = "ACGT"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the matrices, ``(F, A, w)``."""
        return self.pfms.shape

    def __len__(self) -> int:
        return len(self.pfms)

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        return iter(self.pfms)

    def __getitem__(self, key: int | slice | NDArray[np.bool_]) -> NDArray[np.float64]:
        return self.pfms[key]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.pfms, dtype=dtype, copy=copy)

    @property
    def names(self) -> list[str]:
        """Names of the filters: ``filter_0``, ``filter_1``, ..."""
        return [f"filter_{i}" for i in range(len(self.pfms))]

    def to_motif_set(self) -> MotifSet:
        """Return the filters that are not dead as a `seqpro.motifs.MotifSet`.

        Returns
        -------
        seqpro.motifs.MotifSet
            One motif per living filter, named ``filter_<index>``, kind ``"pfm"``.
        """
        from seqpro.motifs import Motif, MotifSet

        return MotifSet(
            [
                Motif(
                    name,
                    pfm,
                    kind="pfm",
                    n_sites=int(n),
                    alphabet=sp.alphabet_of(self.alphabet),
                    source=self.layer,
                )
                for name, pfm, n in zip(self.names, self.pfms, self.n_sites, strict=True)
                if n > 0
            ]
        )

    def write_meme(self, path: str | os.PathLike[str]) -> None:
        """Write the filters that are not dead as MEME text.

        Parameters
        ----------
        path : str or path
            File to write.
        """
        from seqpro.motifs import write_meme

        write_meme(self.to_motif_set(), path)


@keywords(RUNNING)
def generate_pfms(
    model: nn.Module,
    X: np.ndarray | torch.Tensor,
    layer: str | nn.Module | None = None,
    *,
    method: Literal["top_n", "threshold"] = "top_n",
    n: int = 100,
    threshold: float = 0.75,
    min_activation: float = 0.0,
    both_strands: bool = False,
    filters: Sequence[int] | None = None,
    alphabet: BaseAlphabet | str | None = None,
    **running: Unpack[Running],
) -> FilterMotifs:
    """Align the windows that activate each filter and count their letters.

    Every convolution has a window of input bases (its receptive field, measured through all that
    lies before it); the windows that activate a filter most are stacked into a position frequency
    matrix. Activations are looked at one batch at a time and only the best windows are kept.
    Windows that reach into the padding are left out.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, A, L).
    X : ndarray or Tensor of uint8 or float, shape (N, A, L)
        One-hot sequences.
    layer : str, torch.nn.Module or None, optional
        Name of the layer, or the module itself; its output must be (N, filters, positions). None:
        the first convolution, together with the batch normalisation and activation directly
        behind it where these stand in one ``torch.nn.Sequential``.
    method : {"top_n", "threshold"}, optional
        ``top_n`` takes the ``n`` windows with the largest activations over all sequences [1]_;
        ``threshold`` all windows that reach ``threshold`` times the filter's maximum [2]_.
    n : int, optional
        Windows per filter of ``top_n``; 100 by default. Of equal activations the earlier
        sequence and position win.
    threshold : float, optional
        Fraction of the maximum of ``threshold``, in (0, 1].
    min_activation : float, optional
        A window counts as activating only above this value: 0 is what a rectifier passes. Use
        ``-inf`` for a convolution whose outputs are shifted before they are rectified.
    both_strands : bool, optional
        Look at the reverse complements of the sequences as well; their windows are counted in
        the filter's own direction.
    filters : sequence of int, optional
        Only these filters get windows; the others are reported as without sites.
    alphabet : BaseAlphabet or str, optional
        Letters of the columns; by default those that ``X`` says, else DNA (21 columns: amino
        acids).
    batch_size, device, dtype, args, progress
        As in `predict`.

    Returns
    -------
    FilterMotifs
        Matrices ``(F, A, w)`` of counts and what belongs to them.

    Raises
    ------
    LayerError
        If the layer does not exist or its outputs do not see regular windows.
    SeqexplainerError
        If the sequences or an argument are not usable.

    References
    ----------
    .. [1] Minnoye et al. 2020, doi:10.1101/gr.260844.120
    .. [2] Alipanahi et al. 2015, doi:10.1038/nbt.3300

    Examples
    --------
    >>> import numpy as np, torch
    >>> conv = torch.nn.Conv1d(4, 1, 3, bias=False)
    >>> gat = np.eye(4)[[2, 0, 3]].T
    >>> _ = conv.weight.data.copy_(torch.tensor(gat - 0.25)[None])
    >>> X = np.eye(4, dtype=np.uint8)[[[1, 2, 0, 3, 1], [2, 0, 3, 0, 0]]].swapaxes(1, 2)
    >>> found = generate_pfms(torch.nn.Sequential(conv), X, method="threshold")
    >>> found.pfms[0].astype(int).tolist()
    [[0, 2, 0], [0, 0, 0], [2, 0, 0], [0, 0, 2]]
    """
    sequences = check_one_hot(X)
    if method not in {"top_n", "threshold"}:
        raise SeqexplainerError(f"method is {method!r}; choose 'top_n' or 'threshold'")
    if n < 1:
        raise SeqexplainerError(f"n is {n}; at least one window per filter is needed")
    if not 0 < threshold <= 1:
        msg = f"threshold is {threshold}; it is a fraction of the maximum and lies in (0, 1]"
        raise SeqexplainerError(msg)
    n_letters, length = sequences.shape[1:]
    letters = letters_for(X, alphabet)
    if both_strands and n_letters != 4:
        msg = f"both_strands: only DNA and RNA have another strand, these are over {letters!r}"
        raise SeqexplainerError(msg)
    with Runner.of(model, sequences, running).held() as run:
        name, module = find_layer(run.model, layer)
        field = receptive_field(run.model, module, n_letters, length, run.rows_of(slice(0, 1)))
        first, last = field.inside(length)
        if first == last:
            raise LayerError(
                f"layer {name!r} sees windows of {field.width} bp, of which none lies wholly "
                f"inside the {length}-bp sequences; give longer sequences or an earlier layer"
            )
        keeper: _Keeper | None = None
        for rows, batch, args in run.batches():
            for reverse in (False, True) if both_strands else (False,):
                turned = batch.flip((1, 2)) if reverse else batch
                found = layer_output(run.model, module, turned, args=args)[:, :, first:last]
                keeper = keeper or _Keeper(
                    found.shape[1],
                    np.asarray(range(found.shape[1]) if filters is None else filters, np.int64),
                    n if method == "top_n" else None,
                    threshold,
                    min_activation,
                )
                keeper.add(found, rows.start, reverse)
    assert keeper is not None
    sites = keeper.sites()
    starts = field.start + field.stride * (first + sites["start"])
    sites["start"] = np.where(sites["reverse"], length - starts - field.width, starts)
    pfms, n_sites = _count(sequences, sites, keeper.n_filters, field.width)
    return FilterMotifs(pfms, n_sites, keeper.maximum, n_sites == 0, sites, name, letters)


class _Keeper:
    """The best windows of each filter seen so far."""

    def __init__(
        self,
        n_filters: int,
        chosen: NDArray[np.int64],
        n: int | None,
        threshold: float,
        min_activation: float,
    ) -> None:
        if len(chosen) and not (chosen.min() >= 0 and chosen.max() < n_filters):
            raise SeqexplainerError(f"filters must lie in [0, {n_filters}); got {chosen.tolist()}")
        self.n_filters = n_filters
        self.n = n
        self.threshold = threshold
        self.floor = np.full(n_filters, np.inf, dtype=np.float32)
        self.floor[chosen] = min_activation
        self.maximum = np.full(n_filters, -np.inf)
        self.kept = np.empty(0, dtype=SITE)
        self.bar = np.full(n_filters, -np.inf, dtype=np.float32)

    def add(self, activation: torch.Tensor, begin: int, reverse: bool) -> None:
        """Take in the activations (B, F, P) of a batch that starts at sequence ``begin``."""
        n_positions = activation.shape[2]
        flat = activation.detach().permute(1, 0, 2).reshape(self.n_filters, -1)
        self.maximum = np.maximum(self.maximum, flat.amax(dim=1).double().cpu().numpy())
        above = flat > torch.as_tensor(self.floor, device=flat.device)[:, None]
        above &= flat >= torch.as_tensor(self.bar, device=flat.device)[:, None]
        if self.n is None:
            least = torch.as_tensor(self.threshold * self.maximum, device=flat.device)
            above &= flat.double() >= least[:, None]
        elif flat.shape[1] > self.n and len(self.kept) < self.n * self.n_filters:
            above &= flat >= flat.topk(self.n, dim=1).values[:, -1:]
        filters, at = (index.cpu().numpy() for index in above.nonzero(as_tuple=True))
        found = np.empty(len(filters), dtype=SITE)
        found["filter"] = filters
        found["sequence"] = begin + at // n_positions
        found["start"] = at % n_positions
        found["reverse"] = reverse
        found["activation"] = flat[above].float().cpu().numpy()
        self.kept = np.concatenate([self.kept, found])
        self._prune()

    def _prune(self) -> None:
        """Drop what can no longer be among the windows asked for."""
        kept = self.kept
        if self.n is None:
            least = (self.threshold * self.maximum)[kept["filter"]]
            self.kept = kept[kept["activation"].astype(np.float64) >= least]
            return
        kept = kept[_best_first(kept)]
        starts = np.searchsorted(kept["filter"], np.arange(self.n_filters))
        rank = np.arange(len(kept)) - starts[kept["filter"]]
        self.kept = kept[rank < self.n]
        last = rank == self.n - 1
        self.bar[kept["filter"][last]] = kept["activation"][last]

    def sites(self) -> NDArray[np.void]:
        """Return the windows, filter by filter and best first; starts are output positions."""
        return self.kept[_best_first(self.kept)]


def _best_first(sites: NDArray[np.void]) -> NDArray[np.int64]:
    """Order by filter, falling activation, then sequence, strand and position."""
    return np.lexsort(
        (sites["start"], sites["reverse"], sites["sequence"], -sites["activation"], sites["filter"])
    )


def _count(
    sequences: torch.Tensor, sites: NDArray[np.void], n_filters: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum the one-hot windows of each filter."""
    letters = (sequences == 1).cpu().numpy()  # an unknown letter counts nothing
    pfms = np.zeros((n_filters, letters.shape[1], width))
    offsets = np.arange(width)
    bounds = np.searchsorted(sites["filter"], np.arange(n_filters + 1))
    for f in range(n_filters):
        for begin in range(bounds[f], bounds[f + 1], 65_536):
            part = sites[begin : min(begin + 65_536, bounds[f + 1])]
            at = part["start"][:, None] + offsets
            windows = letters[part["sequence"][:, None], :, at]
            forward = windows[~part["reverse"]].sum(axis=0, dtype=np.float64).T
            backward = windows[part["reverse"]].sum(axis=0, dtype=np.float64).T
            pfms[f] += forward + backward[::-1, ::-1]
    return pfms, np.diff(bounds).astype(np.int64)
