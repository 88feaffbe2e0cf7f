"""Experiments with spans that differ from sequence to sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
import torch

from seqexplainer._inputs import check_one_hot, check_whole
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._edit import randomise
from seqexplainer.perturb._effect import EXPERIMENT, Effect, Experiment, Trial
from seqpro.keywords import keywords

if TYPE_CHECKING:
    from numpy.typing import NDArray


@keywords(EXPERIMENT)
def ablate_sites(
    model: torch.nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    sites: Sequence[tuple[int, int, int]] | NDArray[np.integer],
    *,
    method: Literal["shuffle", "dinuc_shuffle", "random", "zero", "uniform"] = "shuffle",
    n: int = 20,
    **options: Unpack[Experiment],
) -> Effect:
    """Destroy all the sites of each sequence at once, and measure what is lost.

    Where `ablate` takes the same spans for every sequence, this takes those that a motif has in
    each of them.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L).
    X : ndarray or Tensor, shape (N, 4, L)
        Sequences.
    sites : sequence of (int, int, int), or ndarray of int, shape (n_sites, 3)
        Row of X, first base and end (bp, 0-based half-open). Sites of a row that overlap are one.
    method : {"shuffle", "dinuc_shuffle", "random", "zero", "uniform"}, optional
        How a site is destroyed; see `randomise`.
    n : int, optional
        Draws per sequence, over which scores are averaged; 1 for ``zero`` and ``uniform``.
    **options
        As in `marginalize`.

    Returns
    -------
    Effect
        Of each sequence, and its mean with an interval over sequences.

    Raises
    ------
    SeqexplainerError
        If a site is empty or outside the sequences, or a sequence has none.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1, bias=False))
    >>> _ = model[1].weight.data.fill_(1.0)
    >>> X = np.eye(4)[np.zeros((2, 10), int)].swapaxes(1, 2)
    >>> ablate_sites(model, X, [(0, 0, 3), (1, 5, 9), (1, 8, 10)], method="zero").effect.tolist()
    [-3.0, -5.0]
    """
    sequences = check_one_hot(X)
    check_whole(n=n)
    places = _merged(np.asarray(sites, dtype=np.int64).reshape(-1, 3), len(sequences))
    draws = 1 if method in {"zero", "uniform"} else n
    if method == "uniform":
        sequences = sequences.float()
    trial = Trial(model, sequences, options)
    # sites of one width are destroyed together; each is a row of its own to `randomise`
    new: dict[tuple[int, int, int], torch.Tensor] = {}
    for width, same in groupby(sorted(places, key=_width), key=_width):
        alike = list(same)
        length = sequences.shape[2]
        wrong = [place for place in alike if not 0 <= place[1] < place[2] <= length]
        if wrong:
            raise SeqexplainerError(
                f"the site {wrong[0]} (row, start, end) is empty or outside the {length}-bp "
                "sequences"
            )
        spans = torch.stack([sequences[row, :, start:end] for row, start, end in alike])
        made = randomise(spans, 0, width, method=method, n=draws, seed=trial.seed)
        new |= dict(zip(alike, made, strict=True))

    def parts() -> Iterator[torch.Tensor]:
        for draw in range(draws):
            edited = sequences.clone()
            for (row, start, end), made in new.items():
                edited[row, :, start:end] = made[draw]
            yield edited[None]

    return trial.effect(trial.copies(parts()).mean(axis=1))


def _width(place: tuple[int, int, int]) -> int:
    return place[2] - place[1]


def _merged(sites: NDArray[np.int64], rows: int) -> list[tuple[int, int, int]]:
    """Return sites in order, those of a row that overlap as one."""
    found: list[tuple[int, int, int]] = []
    for row, start, end in sorted(sites.tolist()):
        if found and found[-1][0] == row and start < found[-1][2]:
            found[-1] = (row, found[-1][1], max(end, found[-1][2]))
        else:
            found.append((row, start, end))
    there = {row for row, _, _ in found}
    if there != set(range(rows)):
        lacking = sorted(set(range(rows)) - there)
        said = f"row {lacking[0]} of X has no site" if lacking else f"X has {rows} rows"
        raise SeqexplainerError(
            f"every sequence needs a site, and every site a sequence: {said}; give X[rows] and "
            "sites by the place in that"
        )
    return found
