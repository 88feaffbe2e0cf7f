"""Attribution maps of rows, each explained as its own class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from eugene._tasks import Task
from eugene.errors import EugeneError
from eugene.evaluate._grammar_rows import Aim
from eugene.interpret._attribute import method_of
from seqexplainer.attribute import attribute
from seqexplainer.methods import METHODS, Method
from seqexplainer.sis import SufficientSubset, sufficient_input_subsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Explained = Callable[[torch.Tensor], torch.Tensor]

_SEQGRA_STEPS = 100
_SIS = "sis"


@dataclass(frozen=True)
class Explaining:
    """How rows are explained.

    Attributes
    ----------
    net : torch.nn.Module
        From one-hot sequences to raw outputs.
    task : Task
        What the outputs are.
    n_outputs : int
        How many there are.
    seed : int
        Of references and noise.
    n_steps, n_references : int
        Points of integrated gradients, and references a sequence where they are drawn.
    sis_threshold : float
        Lowest probability for sufficient input subsets.
    batch_size : int
        Sequences at a time.
    device : str or None
        Where to compute.
    compat : str or None
        ``"seqgra"`` for the faults of the original.
    progress : bool
        Whether bars are drawn.
    """

    net: torch.nn.Module
    task: Task
    n_outputs: int
    seed: int = 0
    n_steps: int = 100
    n_references: int = 20
    sis_threshold: float = 0.5
    batch_size: int = 128
    device: str | None = None
    compat: str | None = None
    progress: bool = False


class Maps(NamedTuple):
    """What a method says of rows.

    Attributes
    ----------
    values : ndarray of float32, shape (n, letters, length)
        Attributions, as their method counts them.
    subsets : tuple of tuple of SufficientSubset
        Of sufficient input subsets those of each row; else empty.
    """

    values: NDArray[np.float32]
    subsets: tuple[tuple[SufficientSubset, ...], ...] = ()


def methods_of(names: Sequence[str], compat: str | None) -> dict[str, Method]:
    """Return attribution methods by our names; of seqgra's faults those that had them.

    Raises
    ------
    EugeneError
        If there is no such method, or seqgra had none.
    """
    if isinstance(names, str) or not names:
        raise EugeneError(f"methods must be a list of names, got {names!r}")
    found = {method.name: method for method in map(method_of, names)}
    if compat is None:
        return found
    for name, method in found.items():
        if name not in _COMPAT:
            known = ", ".join(_COMPAT)
            raise EugeneError(f"compat='seqgra' knows {known}, not {name!r}, which failed there")
        found[name] = replace(method, compute=_COMPAT[name], references=False, delta=False)
    return found


def maps_of(how: Explaining, method: Method, X: NDArray[np.generic], aims: Sequence[Aim]) -> Maps:
    """Explain rows by a method, each what it aims at.

    Parameters
    ----------
    how : Explaining
        Network and options.
    method : Method
        Of `methods_of`.
    X : ndarray, shape (n, letters, length)
        One-hot sequences.
    aims : sequence of Aim, length n
        What is explained of each.

    Returns
    -------
    Maps
        Of gradients those of all letters, with nothing taken away; of saliency their absolute
        values; of other methods what the letters that are there contribute.
    """
    values = np.zeros(X.shape, np.float32)
    subsets: list[tuple[SufficientSubset, ...]] = [()] * len(X)
    at = np.arange(len(X))
    keys = [_explained_as(how, method, aim) for aim in aims]
    for aim in sorted(set(keys)):
        rows = at[[key == aim for key in keys]]
        if method.name == _SIS:
            values[rows], found = _sufficient(how, X[rows], aim)
            for row, own in zip(rows, found, strict=True):
                subsets[row] = own
            continue
        own_map = attribute(
            how.net,
            X[rows],
            method,
            target=partial(_logit, aim),
            seed=how.seed,
            hypothetical=method.counted != "there",
            gradient_correction=False,
            n_steps=how.n_steps,
            n_references=how.n_references,
            batch_size=how.batch_size,
            device=how.device,
            progress=how.progress,
        )
        assert isinstance(own_map, torch.Tensor)
        values[rows] = own_map.abs() if method.counted == "absolute" else own_map
    return Maps(values, tuple(subsets) if method.name == _SIS else ())


def _logit(aim: Aim, output: torch.Tensor) -> torch.Tensor:
    """Return the logits of what is explained, added, shape (n,)."""
    both = output if output.ndim == 2 else output[:, None]
    total = both[:, list(aim.columns)].sum(dim=1)
    return -total if aim.against else total


def _probability(task: Task, aim: Aim, output: torch.Tensor) -> torch.Tensor:
    """Return the probability of what is explained, of several the smallest, shape (n,)."""
    both = task.predict(output if output.ndim == 2 else output[:, None])
    lowest = both[:, list(aim.columns)].amin(dim=1)
    return 1 - lowest if aim.against else lowest


def _sufficient(
    how: Explaining, X: NDArray[np.generic], aim: Aim
) -> tuple[NDArray[np.float32], tuple[tuple[SufficientSubset, ...], ...]]:
    """Return 1 at the letters of sufficient input subsets, and the subsets of each row."""
    if not how.task.classification:
        raise EugeneError(
            f"sufficient input subsets keep a probability above a threshold; {how.task} has none"
        )
    found = sufficient_input_subsets(
        how.net,
        X,
        threshold=how.sis_threshold,
        target=partial(_probability, how.task, aim),
        batch_size=max(how.batch_size, 512),
        device=how.device,
        progress=how.progress,
    )
    inside = found.labels() > 0
    if how.compat is not None:
        # a probability that stays high with everything masked: an empty subset masks nothing
        high = (found.outputs >= how.sis_threshold) & (found.masked >= how.sis_threshold)
        inside |= high[:, None]
    values: NDArray[np.float32] = np.where(inside[:, None], np.asarray(X, np.float32), 0)
    return values.astype(np.float32), found.subsets


# -- what seqgra did otherwise


def _seqgra_integrated(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return the sequence times the sum of the gradients at 99 steps, divided by 100."""
    gradient, total = METHODS["gradient"].load(), torch.zeros_like(X)
    for step in range(1, _SEQGRA_STEPS):
        total += gradient(explained, X * (step / _SEQGRA_STEPS))
    return total * X / _SEQGRA_STEPS


_COMPAT: dict[str, str | Callable[..., torch.Tensor]] = {
    **{name: METHODS[name].compute for name in ("gradient", "saliency", "input_x_gradient")},
    "integrated_gradients": _seqgra_integrated,
    "deep_lift": METHODS["input_x_gradient"].compute,
    **{name: METHODS[name].compute for name in ("guided_backprop", "deconvolution", _SIS)},
}
"""Methods that seqgra had, and what it computed: its DeepLIFT is the gradient times the input."""


def _explained_as(how: Explaining, method: Method, aim: Aim) -> Aim:
    """Return what is explained; of seqgra the outputs whose numbers are entries of a 0/1 label."""
    if how.compat is None or method.name == _SIS:
        return aim
    return Aim(tuple(sorted({int(c in aim.columns) for c in range(how.n_outputs)})))
