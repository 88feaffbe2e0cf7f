"""What a motif does to a predicted profile, averaged over backgrounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import torch

from seqexplainer._inputs import check_one_hot, letters_for
from seqexplainer._targets import describe
from seqexplainer.errors import SeqexplainerError, TargetError
from seqexplainer.perturb._edit import pattern
from seqexplainer.perturb._effect import EXPERIMENT, Experiment
from seqexplainer.perturb._single import marginalize
from seqexplainer.predict import picked
from seqexplainer.running import Running
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from torch import nn

    from seqpro.motifs import Motif


class Footprint(NamedTuple):
    """Mean predicted profile with a motif, and without it.

    Attributes
    ----------
    positions : ndarray of int64, shape (L_out,)
        Position (bp) counted from the middle of the motif.
    before, after : ndarray of float64, shape (L_out,)
        Mean share of the counts at each position, of the backgrounds and with the motif; each
        adds up to 1.
    mean, low, high : ndarray of float64, shape (L_out,)
        ``after - before`` and its bootstrap interval over backgrounds.
    counts : float
        Mean change of the logarithmic counts; NaN where the model gives none.
    counts_low, counts_high : float
        Its interval.
    """

    positions: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    counts: float
    counts_low: float
    counts_high: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per position: position, before, after, mean, low, high."""
        import pandas as pd

        columns = ("before", "after", "mean", "low", "high")
        made = {name: getattr(self, name) for name in columns}
        return pd.DataFrame({"position": self.positions, **made})

    def height(self, reach: int = 100) -> float:
        """Return the highest rise of the profile near the motif.

        Parameters
        ----------
        reach : int
            Distance (bp) from the middle of the motif, on either side.

        Returns
        -------
        float
            Largest ``mean``, a share of the counts.

        Raises
        ------
        SeqexplainerError
            If the profile does not come so near.

        Examples
        --------
        >>> zeros = np.zeros(3)
        >>> Footprint(np.arange(-1, 2), zeros, zeros, np.array([0, 0.2, -0.4]), zeros, zeros,
        ...           0.0, 0.0, 0.0).height(1)
        0.2
        """
        near = np.abs(self.positions) <= reach
        if not near.any():
            msg = f"no position of the profile lies within {reach} bp of the motif"
            raise SeqexplainerError(msg)
        return float(self.mean[near].max())


def _shares(output: object) -> torch.Tensor:
    """Return the share of every position (N, L_out), and last the mean of the counts."""
    if isinstance(output, torch.Tensor):
        profile, counts = output, None
    elif isinstance(output, Mapping) and "profile" in output:
        profile, counts = output["profile"], output.get("counts")
    elif isinstance(output, (tuple, list)) and len(output) == 2:
        profile, counts = output
    else:
        profile, counts = None, None
    if not isinstance(profile, torch.Tensor) or profile.ndim not in (2, 3) or not profile.shape[-1]:
        raise TargetError(
            "a footprint needs the logits of a profile, shape (n_seqs, strands, positions), alone "
            f"or in a (profile, counts) output; got {describe(output)}"
        )
    tracks = profile if profile.ndim == 3 else profile[:, None]
    shares = tracks.double().flatten(1).softmax(dim=1).view(tracks.shape).sum(dim=1)
    nothing = shares.new_full((len(shares), 1), torch.nan)
    level = nothing if counts is None else counts.double().view(len(shares), -1).mean(1, True)
    return torch.cat((shares, level), dim=1)


@keywords(EXPERIMENT)
def footprint(
    model: nn.Module,
    X: NDArray[np.generic] | torch.Tensor,
    motif: str | Motif | NDArray[np.generic],
    *,
    position: int | None = None,
    both_strands: bool = True,
    **options: Unpack[Experiment],
) -> Footprint:
    """Write a motif into backgrounds and measure what it does to the predicted profile.

    A network of chromatin accessibility shows the taste of its enzyme this way: without bias,
    the footprint of a motif that Tn5 or DNase prefers is flat.

    Parameters
    ----------
    model : torch.nn.Module
        A model of one-hot sequences (N, 4, L) that returns the logits of a profile (N, strands,
        L_out), alone or with the logarithmic counts, as a pair or a dict of ``profile`` and
        ``counts``. The profile is of the middle of the input, base by base.
    X : ndarray or Tensor, shape (N, 4, L)
        Backgrounds, for example from `seqexplainer.backgrounds`.
    motif : str, Motif or one-hot array (4, w)
        What to write; N leaves the base.
    position : int, optional
        First base (bp); by default the motif is in the middle.
    both_strands : bool, optional
        Average over both strands of the edited sequences, the other one turned back.
    confidence, n_resamples, seed : float, int, int, optional
        Of the bootstrap interval.
    batch_size, device, dtype, progress
        As in `seqexplainer.predict`.

    Returns
    -------
    Footprint
        Mean shares of the counts at each position, before and after, and their difference.

    Raises
    ------
    SeqexplainerError
        If the motif does not fit or the output is no profile of the input's middle.

    References
    ----------
    Pampari et al. 2024 (marginal footprints), doi:10.1101/2024.12.25.630221

    Examples
    --------
    >>> model = torch.nn.Conv1d(4, 1, 1, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[[0.0], [0.0], [2.0], [0.0]]]))
    >>> X = np.eye(4)[np.zeros((5, 11), int)].swapaxes(1, 2)
    >>> found = footprint(model, X, "G", both_strands=False)
    >>> int(found.positions[found.mean.argmax()]), round(found.height(), 3)
    (0, 0.334)
    """
    for name in ("target", "func"):
        if name in options:
            raise SeqexplainerError(f"{name} has no meaning here: a footprint is of the profile")
    rows = check_one_hot(X)
    length = rows.shape[2]
    if both_strands and rows.shape[1] != 4:
        msg = "only DNA and RNA have another strand: give both_strands=False"
        raise SeqexplainerError(msg)
    written = pattern(motif, "+", letters_for(rows))
    width = written.shape[1]
    first = (length - width) // 2 if position is None else position

    def shares(
        network: nn.Module, sequences: torch.Tensor, **running: Unpack[Running]
    ) -> NDArray[np.float64]:
        found = picked(network, sequences, _shares, **running)
        if both_strands:
            other = picked(network, sequences.flip(1, 2), _shares, **running)
            other[:, :-1] = other[:, :-1].flip(1)
            found = (found + other) / 2
        values: NDArray[np.float64] = found.numpy()
        return values

    given: Experiment = {**options, "func": shares}
    result = marginalize(model, rows, written.numpy(), position=first, **given)
    margin, odd = divmod(length - (result.before.shape[1] - 1), 2)
    if odd or margin < 0:
        raise SeqexplainerError(
            f"the profile has {result.before.shape[1] - 1} positions, the input {length}: expected "
            "one position a base of the middle of the input"
        )
    positions = np.arange(margin, length - margin) - (first + width // 2)
    profile = np.s_[:-1]
    return Footprint(
        positions,
        result.before.mean(axis=0)[profile],
        result.after.mean(axis=0)[profile],
        result.mean[profile],
        result.low[profile],
        result.high[profile],
        float(result.mean[-1]),
        float(result.low[-1]),
        float(result.high[-1]),
    )
