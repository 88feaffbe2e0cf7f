"""How much attributions change when a sequence is moved a little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack, cast

import numpy as np
import torch

from seqexplainer import references as references_
from seqexplainer._correction import gradient_correction as corrected
from seqexplainer._inputs import ArrayLike, as_seed, as_sequences, check_choice, check_whole
from seqexplainer._targets import OnlyOutput, Target
from seqexplainer.attribute import attribute
from seqexplainer.attribute._api import OF_METHODS, Options
from seqexplainer.attribute._gradient import identities
from seqexplainer.errors import InputError
from seqexplainer.methods import Method, find
from seqexplainer.running import RUNNING, Runner, split
from seqexplainer.statistics import summarise
from seqpro.keywords import keywords
from seqpro.random import integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqexplainer.methods import Compute

REFERENCES = ("wt", "mean")
"""What aligned maps are compared with: the map of the sequence itself, or their mean."""


@dataclass(frozen=True)
class Robustness:
    """How much the attributions of each sequence vary when it is moved.

    Attributes
    ----------
    score : ndarray of float64, shape (n_seqs,)
        Root-mean-square difference of the aligned maps from the reference map, in units of the
        attributions. 0 is perfectly robust.
    relative : ndarray of float64, shape (n_seqs,)
        `score` over the root mean square of the map of the sequence itself, at the same
        positions: free of the scale of the model. NaN where that map is 0.
    shifts : ndarray of int64, shape (n_seqs, n_shifts)
        How far (bp) each sequence was moved, to the right where positive.
    mean, low, high, median : float
        Of `score` over the sequences: mean with its 95 % bootstrap interval, and median.
    relative_mean, relative_low, relative_high, relative_median : float
        The same of `relative`, over the sequences that have one.
    settings : dict
        What was asked for: method, n_shifts, max_shift, reference, exclude_flank, seed.
    """

    score: NDArray[np.float64]
    relative: NDArray[np.float64]
    shifts: NDArray[np.int64]
    mean: float
    low: float
    high: float
    median: float
    relative_mean: float
    relative_low: float
    relative_high: float
    relative_median: float
    settings: Mapping[str, str | int]


class _Function(torch.nn.Module):
    """A function of sequences as a module."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> object:
        return self.function(*inputs)


@keywords({**OF_METHODS, **RUNNING})
def translational_robustness(
    model: torch.nn.Module | Callable[..., object],
    X: ArrayLike,
    method: str | Compute | Method = "saliency",
    *,
    n_shifts: int = 20,
    max_shift: int = 30,
    reference: str = "wt",
    exclude_flank: int | None = None,
    target: Target | None = None,
    references: references_.Reference | None = None,
    n_references: int = 20,
    gradient_correction: bool = True,
    seed: int | None = None,
    **options: Unpack[Options],
) -> Robustness:
    """Measure how much attributions change when sequences are moved by a few bases.

    Each sequence is rolled by ``n_shifts`` random shifts of up to ``max_shift`` bp to either side
    (what leaves at one end comes in at the other), attributed, and the maps are rolled back. The
    score of a sequence is the root-mean-square difference of these aligned maps from the map of
    the sequence as it is. A network that sees the same motif wherever it lies scores near 0.

    Parameters
    ----------
    model : Module, or callable
        Any model on `(n_seqs, n_letters, length)`, as in `seqexplainer.attribute`; a function is
        taken for one. A model must not pad or change its input at random, or that counts as
        variation: a network trained with insertions in eugene pads by ``module.explained``, at
        the end and with the same letters (``pad_seed``) whatever the shift.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    method : str, callable or Method
        As in `seqexplainer.attribute`. Maps are hypothetical ones: what each letter would
        contribute; those of methods that know no such thing (``"deletion"``, ``"occlusion"``,
        ``"sis"``) are as they are.
    n_shifts : int
        Shifts per sequence.
    max_shift : int
        Furthest shift (bp); shifts are uniform over ``-max_shift .. max_shift``.
    reference : {"wt", "mean"}
        Whether maps are compared with the map of the sequence itself or with their own mean.
    exclude_flank : int, optional
        Positions at either end that are left out (bp), because rolling changes what they lie next
        to; by default ``max_shift``.
    target : int, tuple, str or callable, optional
        What to explain, as in `seqexplainer.attribute`.
    references : str, callable or array, optional
        As in `seqexplainer.attribute`. They are made once of each sequence and move with it, so
        that no other draw of references counts as variation.
    n_references : int
        References per sequence, where they are drawn.
    gradient_correction : bool
        Whether the mean over the letters is taken from each hypothetical map, of any method
        (doi:10.1186/s13059-023-02956-3).
    seed : int, optional
        Seed of shifts, references and noise; None means 0. The shifts of a sequence depend on the
        seed and the sequence alone.
    n_steps, n_samples, noise, width, threshold
        Of single methods, as in `seqexplainer.attribute`. SmoothGrad draws other noise for every
        copy, which counts as variation; more samples make less of it.
    batch_size, device, dtype, args, progress
        As in `seqexplainer.predict`; moved copies count for the batch, and a sequence and its
        copies share extra inputs, which do not move.

    Returns
    -------
    Robustness
        Scores per sequence, also relative to the size of the maps, and their summary.

    Raises
    ------
    InputError
        If an argument has the wrong form, or nothing is left between the flanks.

    Notes
    -----
    The test of EvoAug-TF (Yu et al., doi:10.1093/bioinformatics/btae092), of which no code was
    published. Its text leaves open what maps are compared with (here ``reference``).

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> X = torch.eye(4)[torch.randint(4, (2, 50))].swapaxes(1, 2)
    >>> circular = torch.nn.Conv1d(4, 3, 5, padding=2, padding_mode="circular")
    >>> anywhere = torch.nn.Sequential(circular, torch.nn.ReLU(), torch.nn.AdaptiveMaxPool1d(1),
    ...                                torch.nn.Flatten(), torch.nn.Linear(3, 1))
    >>> bool(translational_robustness(anywhere, X, max_shift=10).mean < 1e-5)
    True
    >>> placed = torch.nn.Sequential(circular, torch.nn.ReLU(), torch.nn.Flatten(),
    ...                              torch.nn.Linear(150, 1))
    >>> bool(translational_robustness(placed, X, max_shift=10).relative_mean > 0.1)
    True
    """
    found, seed = find(method), as_seed(seed)
    of_methods = {**dict.fromkeys(found.options()), **OF_METHODS}
    _, running = split(options, of_methods)
    known = isinstance(model, torch.nn.Module | type) or not callable(model)
    network = cast("torch.nn.Module", model) if known else _Function(model)
    run = Runner.of(network, as_sequences(X), running)
    check_choice(reference, REFERENCES, "reference")
    check_whole(n_shifts=n_shifts)
    flank = _checked_flank(run.X.shape[2], max_shift, exclude_flank)
    draws = integers(seed, 2 * max_shift + 1, identities(run.X)[:, None], np.arange(n_shifts))
    shifts = draws - max_shift
    given = None
    if found.references:
        chosen = found.default_reference if references is None else references
        named = isinstance(chosen, str) or callable(chosen)
        given = chosen if named else references_.make(run.X, chosen)
    keep = slice(flank, run.X.shape[2] - flank)
    target = OnlyOutput() if target is None else target  # one for all batches: it warns once
    more = cast("Options", {name: v for name, v in options.items() if name in of_methods})
    more |= {"batch_size": run.batch_size, "device": run.device, "dtype": run.dtype}
    squares, sizes = np.empty(len(run.X)), np.empty(len(run.X))
    step = max(1, run.batch_size // (n_shifts + 1))
    for start in run.bar(range(0, len(run.X), step), desc="moved sequences"):
        rows = slice(start, start + step)
        own = run.X[rows]
        by = torch.from_numpy(np.pad(shifts[rows], ((0, 0), (1, 0)))).to(own.device)
        refs = given[rows] if isinstance(given, torch.Tensor) else None
        if refs is None and given is not None:
            refs = references_.make(own, given, n=n_references, seed=seed)
        more["args"] = [a[rows].repeat_interleave(n_shifts + 1, dim=0) for a in run.args]
        found_maps = attribute(
            run.model,
            rolled(own[:, None], by)[:, 0],
            found,
            target=target,
            references=None if refs is None else rolled(refs, by),
            hypothetical=found.hypothetical,
            seed=seed,
            gradient_correction=gradient_correction,
            **more,
        )
        maps = cast("torch.Tensor", found_maps)
        maps = corrected(maps) if gradient_correction and found.hypothetical else maps
        back = rolled(maps[:, None], -by.flatten()[:, None].to(maps.device))[:, 0]
        aligned = back.double().reshape(*by.shape, *back.shape[1:])[..., keep]
        wild, moved = aligned[:, :1], aligned[:, 1:]
        centre = wild if reference == "wt" else moved.mean(dim=1, keepdim=True)
        squares[rows] = (moved - centre).square().mean(dim=(1, 2, 3)).numpy()
        sizes[rows] = wild.square().mean(dim=(1, 2, 3)).numpy()
    score = np.sqrt(squares)
    relative = np.full_like(score, np.nan)
    np.divide(score, np.sqrt(sizes), out=relative, where=sizes > 0)
    asked: dict[str, str | int] = {
        "method": found.name,
        "n_shifts": n_shifts,
        "max_shift": max_shift,
        "reference": reference,
        "exclude_flank": flank,
        "seed": seed,
    }
    return Robustness(score, relative, shifts, *_summary(score), *_summary(relative), asked)


def _checked_flank(length: int, max_shift: int, exclude_flank: int | None) -> int:
    """Return how many positions are left out at either end."""
    flank = max_shift if exclude_flank is None else exclude_flank
    for name, value in (("max_shift", max_shift), ("exclude_flank", flank)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise InputError(f"{name} is {value!r}; expected a whole number of positions from 0")
    if max_shift >= length:
        raise InputError(f"max_shift is {max_shift} bp, the sequences are {length} bp long")
    if 2 * flank >= length:
        raise InputError(
            f"nothing is left of {length} bp without {flank} at either end; give a smaller "
            "max_shift or exclude_flank"
        )
    return int(flank)


def rolled(X: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Return copies of each entry, each copy rolled along the last axis.

    Parameters
    ----------
    X : Tensor, shape (n, k, n_letters, length)
        Entries; the k parts of one move together.
    shifts : Tensor of int64, shape (n, copies)
        To the right where positive.

    Returns
    -------
    Tensor, shape (n * copies, k, n_letters, length)
        The copies of an entry next to each other.

    Examples
    --------
    >>> rolled(torch.arange(4.0).reshape(1, 1, 1, 4), torch.tensor([[0, 1]]))[:, 0, 0].tolist()
    [[0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0]]
    """
    copies, length = shifts.shape[1], X.shape[3]
    places = (torch.arange(length, device=X.device) - shifts.to(X.device)[..., None]) % length
    flat = X.flatten(1, 2)[:, None].expand(-1, copies, -1, -1)
    moved = flat.gather(3, places[:, :, None].expand(flat.shape))
    return moved.reshape(-1, *X.shape[1:])


def _summary(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return mean, interval and median of the values that are numbers."""
    there = values[~np.isnan(values)]
    if not len(there):
        return (float("nan"),) * 4
    found = summarise(there)
    return float(found.mean), float(found.low), float(found.high), float(np.median(there))
