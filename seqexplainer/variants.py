"""Scores of variants from windows with one allele and with the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np
import torch

import seqpro as sp
from seqexplainer._incremental import ENGINES, Engine
from seqexplainer._inputs import ArrayLike, as_sequences, check_choice
from seqexplainer._targets import Target, describe, resolve
from seqexplainer.calls import explained
from seqexplainer.errors import InputError, TargetError
from seqexplainer.running import RUNNING, Runner, Running, split
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "SCORES",
    "Scoring",
    "allele_outputs",
    "effect_table",
    "variant_effects",
    "window_outputs",
]

SCORES = ("difference", "log_fold")
"""Names of the scores."""
_LETTERS_TOGETHER = 65_536


class Scoring(Running, total=False):
    """Keywords of how alleles are scored, and those of `Running`.

    Attributes
    ----------
    target : int, tuple, str or callable, optional
        Which output; by default every column.
    strands : {"both", "forward"}
        Whether outputs are averaged over a window and its reverse complement.
    shifts : sequence of int
        Windows moved by so many bp are averaged over.
    engine : {"auto", "window", "plain"}
        How alternate alleles are predicted.
    """

    target: Target | None
    strands: Literal["both", "forward"]
    shifts: Sequence[int]
    engine: str


SCORING: Scoring = {"target": None, "strands": "both", "shifts": (), "engine": "auto"}
"""What `Scoring` is by default, apart from `Running`."""


@keywords({**SCORING, **RUNNING})
def variant_effects(
    model: torch.nn.Module,
    ref_windows: ArrayLike,
    alt_windows: ArrayLike,
    *,
    scores: str | Sequence[str] = SCORES,
    names: Sequence[str] | None = None,
    **options: Unpack[Scoring],
) -> pd.DataFrame:
    """Score variants: the model's output with the alternate allele against the reference.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`.
    ref_windows, alt_windows : ndarray or Tensor
        One row a variant in both: one-hot (n, n_letters, width), or DNA letters S1 (n, width) as
        `seqdata.variant_windows` cuts them. With a second axis more, ``alt_windows`` holds several
        windows a variant (``align="mean"``), whose outputs are averaged.
    target : int, tuple, str or callable, optional
        Which output, as in `attribute`; by default every column of a 1-D or 2-D output.
    scores : str or sequence of str
        ``"difference"``: alternate minus reference. ``"log_fold"``: log2 of alternate over
        reference; NaN where one of them is not positive.
    strands : {"both", "forward"}
        Whether outputs are averaged over a window and its reverse complement.
    shifts : sequence of int, optional
        Average outputs over windows moved by so many bp to the right (negative: left). Windows
        must be wider than the model's by the longest shift on either side.
    names : sequence of str, optional
        What to call the outputs, where there are several; by default their numbers.
    engine : {"auto", "window", "plain"}
        How alternate alleles are predicted: from what the difference to the reference can reach,
        or whole; as in `saturation_mutagenesis`. Variants with one reference window, in
        succession, share its values.
    batch_size, device, dtype, args, progress
        As in `predict`; both alleles share extra inputs.

    Returns
    -------
    pandas.DataFrame
        One row a variant: ``reference`` and ``alternate``, float64, the averaged outputs in the
        model's units, then the scores. With several outputs ``<column>_<name>`` for each.

    Raises
    ------
    InputError
        If the windows do not fit each other, or an argument has the wrong form.
    TargetError
        If the target does not fit the output.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1, bias=False))
    >>> _ = torch.nn.init.constant_(model[1].weight, 0.5)
    >>> ref, alt = np.array([list("ACG"), list("ACN")], dtype="S1")[:, None]
    >>> variant_effects(model, ref, alt, scores="difference").to_dict("list")
    {'reference': [1.5], 'alternate': [1.0], 'difference': [-0.5]}
    """
    chosen = _scores(scores)
    shapes = [tuple(np.shape(windows)) for windows in (ref_windows, alt_windows)]
    several = len(shapes[1]) == len(shapes[0]) + 1 and shapes[1][1] > 0
    if shapes[0] != (shapes[1][:1] + shapes[1][2:] if several else shapes[1]):
        raise InputError(
            f"ref_windows and alt_windows must have one shape, got {shapes[0]} and {shapes[1]}"
        )
    ways = [alt_windows[:, way] for way in range(shapes[1][1])] if several else [alt_windows]
    found = [allele_outputs(model, ref_windows, way, **options) for way in ways]
    reference, alternate = found[0][0], np.mean([values for _, values in found], axis=0)
    return effect_table(reference, alternate, scores=chosen, names=names)


@keywords({**SCORING, **RUNNING})
def allele_outputs(
    model: torch.nn.Module,
    ref_windows: ArrayLike,
    alt_windows: ArrayLike,
    **options: Unpack[Scoring],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the model's outputs for both alleles, averaged over strands and shifts.

    Reference windows that equal the one before them (several alleles at one place) are computed
    once, unless there are extra inputs; alternate ones from what differs, where that is faster.

    Parameters
    ----------
    model, ref_windows, alt_windows, **options
        As in `variant_effects`.

    Returns
    -------
    tuple of ndarray of float64, shape (n, n_outputs)
        Of the reference and of the alternate, in the model's units.

    Raises
    ------
    InputError
        If the windows do not fit each other, or an argument has the wrong form.
    TargetError
        If the target does not fit the output.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.AvgPool1d(2), torch.nn.Flatten())
    >>> ref, alt = np.array([list("ACGG"), list("ATGG")], dtype="S1")[:, None]
    >>> allele_outputs(model, ref, alt, target=(0,), strands="forward")
    (array([[0.5]]), array([[0.5]]))
    """
    shapes = [tuple(np.shape(windows)) for windows in (ref_windows, alt_windows)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"ref_windows and alt_windows must have one shape, got {shapes[0]} and {shapes[1]}"
        )
    reference, alternate = _Windows(ref_windows), _Windows(alt_windows)
    plan = _Plan(model, reference, options)
    before: list[torch.Tensor] = []
    after: list[torch.Tensor] = []
    with plan.run.held() as run:
        compute = Engine(
            run.model,
            plan.pick,
            engine=plan.engine,
            batch_size=run.batch_size,
            purpose="variant effects",
        )
        for begin, at in plan.steps():
            own = np.flatnonzero((plan.owner >= begin) & (plan.owner < begin + len(at)))
            place = torch.from_numpy(plan.owner[own] - begin).to(run.device)
            args = run.rows_of(torch.from_numpy(at))
            views = (plan.views(reference, at), plan.views(alternate, own))
            pairs = [compute.edited(ref, place, alt, args) for ref, alt in zip(*views, strict=True)]
            for seen, outputs in zip((before, after), zip(*pairs, strict=True), strict=True):
                seen.append(_mean(outputs))
    return torch.cat(before).numpy()[plan.owner], torch.cat(after).numpy()


@keywords({**SCORING, **RUNNING})
def window_outputs(
    model: torch.nn.Module, windows: ArrayLike, **options: Unpack[Scoring]
) -> NDArray[np.float64]:
    """Return the model's outputs for windows, averaged over strands and shifts.

    A window that equals the one before it (several alleles at one place) is computed once, unless
    there are extra inputs.

    Parameters
    ----------
    model, **options
        As in `variant_effects`.
    windows : ndarray or Tensor
        One-hot (n, n_letters, width), or DNA letters S1 (n, width).

    Returns
    -------
    ndarray of float64, shape (n, n_outputs)
        In the model's units.

    Raises
    ------
    InputError
        If an argument has the wrong form.
    TargetError
        If the target does not fit the output.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.AvgPool1d(2), torch.nn.Flatten())
    >>> window_outputs(model, np.array([list("ACGG")], dtype="S1"), shifts=[-1, 1])
    array([[0.125, 0.375, 0.375, 0.125]])
    """
    found = _Windows(windows)
    plan, outputs = _Plan(model, found, options), []
    with plan.run.held() as run:
        for _, at in plan.steps():
            args = run.rows_of(torch.from_numpy(at))
            seen = [explained(run.model, plan.pick, view, args) for view in plan.views(found, at)]
            outputs.append(_mean(seen))
    values: NDArray[np.float64] = torch.cat(outputs).numpy()
    return values[plan.owner]


def _mean(outputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the mean over views, shape (n, n_outputs), in double precision."""
    flat = [output.cpu().double().reshape(len(output), -1) for output in outputs]
    return torch.stack(flat).mean(dim=0)


class _Plan:
    """Which windows go through a model, on which strands and how far moved."""

    def __init__(self, model: torch.nn.Module, windows: _Windows, options: Scoring) -> None:
        own, running = split(options, SCORING)
        self.engine = check_choice(own["engine"], ENGINES, "engine")
        self.strands = check_choice(own["strands"], ("both", "forward"), "strands")
        self.run = Runner.of(model, torch.empty(0), running, n=windows.n)
        self.moves = [int(shift) for shift in own["shifts"]] or [0]
        self.margin = max(abs(shift) for shift in self.moves)
        if windows.width <= 2 * self.margin:
            raise InputError(
                f"windows are {windows.width} bp wide and shifts reach {self.margin} bp to either "
                f"side: cut windows that are {2 * self.margin} bp wider than what the model reads"
            )
        if self.strands == "both" and windows.n_letters != 4:
            raise InputError(
                "strands='both' needs the four letters of DNA, windows have "
                f"{windows.n_letters}; take strands='forward'"
            )
        target = own["target"]
        self.pick = _every_output if target is None else resolve(target)
        self.rows = np.arange(windows.n) if self.run.args else windows.first_of_its_run()
        # which of the distinct windows each row belongs to
        self.owner = np.searchsorted(self.rows, np.arange(windows.n), side="right") - 1

    def steps(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield where a batch of distinct windows begins, and their rows."""
        size = self.run.batch_size
        for begin in self.run.bar(range(0, len(self.rows), size)):
            yield begin, self.rows[begin : begin + size]

    def views(self, windows: _Windows, rows: NDArray[np.int64]) -> Iterator[torch.Tensor]:
        """Yield what the model reads of windows at every shift, on one strand or on both."""
        batch = windows.one_hot(rows).to(self.run.device, self.run.dtype)
        for shift in self.moves:
            begin = self.margin + shift
            view = batch[:, :, begin : batch.shape[2] - self.margin + shift]
            yield view.contiguous()
            if self.strands == "both":
                yield view.flip((1, 2)).contiguous()


def effect_table(
    reference: NDArray[np.float64],
    alternate: NDArray[np.float64],
    *,
    scores: str | Sequence[str] = SCORES,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Put outputs of both alleles and their scores into a table.

    Parameters
    ----------
    reference, alternate : ndarray of float64, shape (n, n_outputs)
        Outputs, as `window_outputs` returns them.
    scores, names
        As in `variant_effects`.

    Returns
    -------
    pandas.DataFrame
        As `variant_effects` returns it.

    Raises
    ------
    InputError
        If the number of names differs from the number of outputs.

    Examples
    --------
    >>> effect_table(np.array([[2.0]]), np.array([[8.0]])).to_dict("list")
    {'reference': [2.0], 'alternate': [8.0], 'difference': [6.0], 'log_fold': [2.0]}
    """
    import pandas as pd

    chosen = _scores(scores)
    n_outputs = reference.shape[1]
    if names is not None and len(names) != n_outputs:
        raise InputError(f"names has {len(names)} entries, the model gives {n_outputs} output(s)")
    labels = [str(i) for i in range(n_outputs)] if names is None else [str(name) for name in names]
    columns: dict[str, NDArray[np.float64]] = {}
    for i, label in enumerate(labels):
        tail = "" if n_outputs == 1 else f"_{label}"
        ref, alt = reference[:, i], alternate[:, i]
        columns[f"reference{tail}"], columns[f"alternate{tail}"] = ref, alt
        for score in chosen:
            columns[score + tail] = alt - ref if score == "difference" else _log_fold(ref, alt)
    if len(columns) != n_outputs * (2 + len(chosen)):
        raise InputError(f"names must differ from each other, got {labels}")
    return pd.DataFrame(columns)


def _log_fold(ref: NDArray[np.float64], alt: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(len(ref), np.nan)
    positive = (ref > 0) & (alt > 0)
    out[positive] = np.log2(alt[positive]) - np.log2(ref[positive])
    return out


def _scores(scores: str | Sequence[str]) -> tuple[str, ...]:
    chosen = (scores,) if isinstance(scores, str) else tuple(scores)
    for score in chosen:
        check_choice(score, SCORES, "score")
    return tuple(dict.fromkeys(chosen))


class _Windows:
    """Windows as letters or one-hot, turned into one-hot some rows at a time."""

    def __init__(self, windows: ArrayLike) -> None:
        self.letters: NDArray[np.uint8] | None = None
        self.encoded: torch.Tensor | None = None
        dtype = getattr(windows, "dtype", None)
        if isinstance(dtype, np.dtype) and dtype.kind == "S":
            array = np.ascontiguousarray(windows)
            if array.ndim != 2 or dtype.itemsize != 1 or not array.size:
                raise InputError(
                    f"letters must be S1 with shape (n, width), got {dtype} {array.shape}"
                )
            self.letters = array.view(np.uint8)
            self.n, self.width = self.letters.shape
            self.n_letters = 4
            return
        self.encoded = as_sequences(windows, "windows")
        self.n, self.n_letters, self.width = self.encoded.shape

    def first_of_its_run(self) -> NDArray[np.int64]:
        """Return the rows that differ from the row before them."""
        new = np.ones(self.n, dtype=np.bool_)
        step = max(1, _LETTERS_TOGETHER // self.width)
        for i in range(1, self.n, step):
            j = min(i + step, self.n)
            if self.letters is not None:
                new[i:j] = (self.letters[i:j] != self.letters[i - 1 : j - 1]).any(axis=1)
            elif self.encoded is not None:
                differs = self.encoded[i:j] != self.encoded[i - 1 : j - 1]
                new[i:j] = differs.flatten(1).any(dim=1).cpu().numpy()
        return np.flatnonzero(new)

    def one_hot(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Return rows as one-hot, shape (n_rows, n_letters, width)."""
        if self.encoded is not None:
            return self.encoded[torch.from_numpy(rows).to(self.encoded.device)]
        if self.letters is None:
            raise InputError("there are no windows")
        letters = self.letters[rows].view("S1")
        # the U of RNA and the T of DNA are one column
        alphabet = sp.RNA if (letters == b"U").any() else sp.DNA
        return torch.from_numpy(np.ascontiguousarray(sp.ohe(letters, alphabet).swapaxes(1, 2)))


def _every_output(output: object) -> torch.Tensor:
    if not isinstance(output, torch.Tensor) or output.ndim not in (1, 2):
        raise TargetError(
            f"the model returns {describe(output)}; give target= to pick what to score"
        )
    return output
