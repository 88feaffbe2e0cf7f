"""One function for every attribution method."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar, Unpack

import torch

from seqexplainer import references as references_
from seqexplainer._correction import gradient_correction as corrected
from seqexplainer._inputs import (
    ArrayLike,
    as_seed,
    as_sequences,
    check_choice,
    check_whole,
    letters_there,
    wide,
)
from seqexplainer._targets import Target, is_profile, resolve
from seqexplainer.attribute._deeplift import blame, multipliers
from seqexplainer.attribute._explained import Explained, Multipliers, measured
from seqexplainer.errors import (
    CompletenessError,
    CompletenessWarning,
    InputError,
    ReferenceWarning,
)
from seqexplainer.methods import DEFAULT, METHODS, Method, find
from seqexplainer.running import RUNNING, Runner, Running, split
from seqpro.family import old_places
from seqpro.keywords import keywords

if TYPE_CHECKING:
    from seqexplainer.methods import Compute

# Differences of outputs are not known better than to so many units in the last place.
_ROUNDING = 32
_BLAMED = 0.5  # share of a delta from which on one operation explains it
_FALLBACK = METHODS["integrated_gradients"]
Given = TypeVar("Given")


class Options(Running, total=False):
    """Keywords of `attribute` that belong to single methods, and those of `Running`.

    Attributes
    ----------
    n_steps : int
        Points of integrated gradients.
    n_samples : int
        Noisy copies of SmoothGrad.
    noise : float
        Standard deviation of SmoothGrad's noise.
    width : int
        Positions taken away together by ``"deletion"`` and ``"occlusion"``.
    threshold : float or sequence of float
        Lowest output that counts as high for ``"sis"``.
    inputs, reference_type
        EUGENe's names of X and references.
    """

    n_steps: int
    n_samples: int
    noise: float
    width: int
    threshold: float | Sequence[float] | None
    inputs: ArrayLike | None
    reference_type: references_.Reference | None


OF_METHODS: dict[str, object] = {
    "n_steps": 50,
    "n_samples": 50,
    "noise": 0.15,
    "width": 1,
    "threshold": None,
}
"""What the options of single methods are by default."""

_NAMES: dict[str, object] = {"inputs": None, "reference_type": None}
# of tangermeme, captum and shap
_CALLED = {
    "n_shuffles": "n_references",
    "random_state": "seed",
    "baselines": "references",
    "background": "references",
    "print_convergence_deltas": "return_delta",
    "return_convergence_delta": "return_delta",
    "warning_threshold": "delta_tolerance",
}


class Result(NamedTuple):
    """Attributions with their completeness delta.

    Attributes
    ----------
    attributions : Tensor, shape (n_seqs, n_letters, length)
        Attributions.
    delta : Tensor, shape (n_seqs,)
        Sum of the multipliers times the difference from the reference, minus the difference of
        the outputs; mean over the references. 0 is exact.
    """

    attributions: torch.Tensor
    delta: torch.Tensor


@old_places("seqexplainer.attribute", same={"inputs": "X"}, error=InputError)
@keywords({**OF_METHODS, **RUNNING, **_NAMES})
def attribute(
    model: torch.nn.Module,
    X: ArrayLike | None = None,
    method: str | Compute | Method = DEFAULT,
    *,
    target: Target | None = None,
    references: references_.Reference | None = None,
    n_references: int = 20,
    hypothetical: bool = False,
    seed: int | None = None,
    return_delta: bool = False,
    on_delta: str = "warn",
    delta_tolerance: float | None = None,
    gradient_correction: bool = True,
    **options: Unpack[Options],
) -> torch.Tensor | Result:
    """Return how much each letter of each sequence contributes to a model's output.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`. Its mode, device, gradient flags and hooks
        are as before afterwards, also after an error.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    method : str, callable or Method
        ``"deep_lift_shap"``, ``"deep_lift"``, ``"integrated_gradients"``, ``"gradient_shap"``,
        ``"gradient"``, ``"saliency"``, ``"input_x_gradient"``, ``"smoothgrad"``,
        ``"guided_backprop"``, ``"deconvolution"``, ``"grad_cam"``,
        ``"saturation_mutagenesis"`` (``"ism"``), ``"deletion"``, ``"occlusion"`` or ``"sis"`` (1
        at positions of a sufficient input subset); EUGENe's names (``"DeepLiftShap"``, ...) work
        too. ``"NaiveISM"`` gives the effect of every substitution, as `saturation_mutagenesis`
        does. ``"captum.<Name>"`` is a class of `captum.attr`. A
        function is a method of your own; `seqexplainer.methods` says how it is called.
    target : int, tuple, str or callable, optional
        What to explain; None for the only output (of several the first, with a warning). An int
        is a column of a 2-D output; a tuple the full index after the
        batch axis; ``"counts"`` and ``"profile"`` fit (profile, counts) outputs, the latter as
        softmax-weighted logits with constant weights (of several tasks ``"counts:1"`` is column 1
        and ``"profile:2,3"`` the tracks 2 and 3); a callable maps the output to (n_seqs,).
    references : str, callable or array, optional
        ``"dinuc_shuffle"``, ``"shuffle"``, ``"zero"``, ``"uniform"``, ``"gc"``, a function, or an
        array (n_seqs, n, n_letters, length). By default zeros for ``"deep_lift"`` and
        ``"integrated_gradients"``, dinucleotide shuffles otherwise.
    n_references : int
        References per sequence, where they are drawn.
    hypothetical : bool
        False gives the contribution of the letters that are there (the hypothetical times X), 0
        where the letter is not known (with references of your own: the hypothetical times X);
        True what each letter would contribute. For references this is the mean over them of
        ``sum_b (1[b = c] - reference_b) * multiplier_b``; for gradients the corrected gradient;
        for mutagenesis the effect minus its mean over the letters.
    seed : int, optional
        Seed of references and noise; None means 0.
    return_delta : bool
        Whether to return a `Result` with the completeness delta of every sequence
        (``"deep_lift"``, ``"deep_lift_shap"``, ``"integrated_gradients"``).
    on_delta : {"warn", "raise", "fallback"}
        What to do if attributions do not add up: warn, raise, or replace those of the sequences
        concerned by integrated gradients with the same references (dinucleotide shuffles where
        the references are not sequences).
    delta_tolerance : float, optional
        Largest acceptable delta of one pair, as a share of the mean absolute difference of
        outputs over all pairs; by default 0.001, and 0.01 for integrated gradients, which
        approach the difference with more steps. Rounding of the outputs comes on top. The target
        ``"profile"`` has no tolerance unless you set one: its weights are held constant at values
        that differ between sequence and reference, so it never adds up.
    gradient_correction : bool
        Whether gradient methods have the mean over the letters removed before anything else
        (doi:10.1186/s13059-023-02956-3). Never applied to the other methods.
    n_steps : int
        Points of integrated gradients.
    n_samples : int
        Noisy copies of SmoothGrad.
    noise : float
        Standard deviation of SmoothGrad's noise.
    width : int
        Positions taken away together by ``"deletion"`` and ``"occlusion"``.
    threshold : float or sequence of float, optional
        Lowest output that counts as high for ``"sis"``, one for all or one a sequence; by default
        nine tenths of the way from the sequence with everything masked to the sequence itself.
    batch_size, device, dtype, args, progress
        As in `predict`; pairs of sequence and reference, or mutated sequences, count for the
        batch, and a sequence and its references share extra inputs.
    inputs, reference_type
        Other names of X and references.

    Returns
    -------
    Tensor of float, shape (n_seqs, n_letters, length), or Result
        Attributions, on the CPU; float32 from models in half precision.

    Raises
    ------
    InputError
        If an argument has the wrong form.
    TargetError
        If the target does not fit the output.
    GraphError
        If an operation that DeepLIFT follows mixes the sequences of a batch, or the model cuts the
        gradient. Other methods do not see that sequences are mixed.
    CompletenessError
        If attributions do not add up and ``on_delta="raise"``.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 3), torch.nn.ReLU(),
    ...                             torch.nn.Flatten(), torch.nn.Linear(30, 1))
    >>> X = torch.eye(4)[[0, 1, 2, 3, 2, 1, 0, 3, 1, 2, 0, 1]].T[None]
    >>> attributions, delta = attribute(model, X, n_references=5, return_delta=True)
    >>> attributions.shape, bool(delta.abs().max() < 1e-5)
    (torch.Size([1, 4, 12]), True)
    """
    found = find(method)
    known = {**dict.fromkeys(found.options()), **OF_METHODS, **_NAMES}
    taken = inspect.signature(attribute).parameters
    own, running = split(options, known, beside=taken, same=_CALLED)
    X = _one_of("X", X, "inputs", own["inputs"])
    if X is None:
        raise InputError("X is missing")
    references = _one_of("references", references, "reference_type", own["reference_type"])
    check_choice(on_delta, ("warn", "raise", "fallback"), "on_delta")
    if return_delta and not found.delta:
        able = ", ".join(method.name for method in METHODS.values() if method.delta)
        raise InputError(f"return_delta needs one of {able}, not {found.name!r}")
    if hypothetical and not found.hypothetical:
        raise InputError(f"method={found.name!r} has no hypothetical form: it puts in no letters")
    whole = {name: own[name] for name in ("n_steps", "n_samples", "width")}
    check_whole(n_references=n_references, **whole)
    run = Runner.of(model, as_sequences(X), running)
    delta = torch.empty(0)
    with run.held(gradients=True) as held:
        explained = Explained(held, resolve(target), as_seed(seed))
        if found.references:
            reference = found.default_reference if references is None else references
            allowed = _tolerance(found, target) if delta_tolerance is None else delta_tolerance
            pairs = _Pairs(explained, found, options, reference, n_references, on_delta, allowed)
            values, delta = pairs.result()
        elif found.whole:
            values = found.bound(options)(explained, run.X)
        else:
            values = _batched(explained, found, options, correct=gradient_correction)
    if found.effects and not (method == "NaiveISM" and not hypothetical):
        values = values - values.mean(dim=1, keepdim=True)
    elif found.effects or not found.hypothetical:
        return values
    if not hypothetical:
        # other references may differ where no letter is known: that is part of the difference
        named = not found.references or references is None or isinstance(references, str)
        values = values * (letters_there(run.X) if named else run.X).cpu().to(values)
    return Result(values, delta) if return_delta else values


def _one_of(name: str, value: Given | None, other_name: str, other: Given | None) -> Given | None:
    if value is not None and other is not None:
        raise InputError(f"{name} and {other_name} are two names of one argument; give one")
    return other if value is None else value


def _tolerance(method: Method, target: Target | None) -> float:
    return float("inf") if is_profile(target) else method.tolerance


def _batched(
    explained: Explained, method: Method, options: Mapping[str, object], *, correct: bool
) -> torch.Tensor:
    """Return what a method that needs no reference gives, some sequences at a time."""
    compute, found = method.bound(options), []
    for rows, batch, _ in explained.runner.batches():
        values = wide(_like(batch, compute(explained.of(rows), batch), method).detach())
        found.append((corrected(values) if correct and method.gradient else values).cpu())
    return torch.cat(found)


def _like(wanted: torch.Tensor, found: torch.Tensor, method: Method) -> torch.Tensor:
    """Refuse what a method of somebody's own returns in a shape that would be broadcast."""
    if found.shape != wanted.shape:
        raise InputError(
            f"the method {method.name!r} returned shape {tuple(found.shape)} for "
            f"{tuple(wanted.shape)}; expected a value for each letter of each position"
        )
    return found


def hypothetical_scores(multiplier: torch.Tensor, references: torch.Tensor) -> torch.Tensor:
    """Return what each letter would contribute, per reference.

    Parameters
    ----------
    multiplier, references : Tensor, shape (n, k, n_letters, length)
        Multipliers and references of each pair.

    Returns
    -------
    Tensor, shape (n, k, n_letters, length)
        ``multiplier_c - sum_b reference_b * multiplier_b``.
    """
    return multiplier - (references * multiplier).sum(dim=2, keepdim=True)


def _spans(n_seqs: int, n_references: int, size: int) -> list[tuple[slice, slice]]:
    """Return spans of sequences and of references that hold at most `size` pairs."""
    if n_references <= size:
        step = max(1, size // n_references)
        return [(slice(i, i + step), slice(0, n_references)) for i in range(0, n_seqs, step)]
    return [
        (slice(i, i + 1), slice(j, j + size))
        for i in range(n_seqs)
        for j in range(0, n_references, size)
    ]


@dataclass(frozen=True)
class _Pairs:
    """Sequences that are compared with references by a method."""

    explained: Explained
    method: Method
    options: Mapping[str, object]
    reference: references_.Reference | None
    n_references: int
    on_delta: str
    tolerance: float

    @property
    def run(self) -> Runner:
        """The model and the sequences."""
        return self.explained.runner

    def references(self, rows: slice, n: int | None = None) -> torch.Tensor:
        """Return the references of some sequences, (n_rows, k, n_letters, length)."""
        chosen = self.reference
        if not isinstance(chosen, str) and not callable(chosen):
            chosen = torch.as_tensor(chosen)[rows]
        n = self.n_references if n is None else n
        return references_.make(self.run.X[rows], chosen, n=n, seed=self.explained.seed)

    def result(self) -> Result:
        """Return hypothetical scores and deltas."""
        run, method = self.run, self.method
        n_seqs, compute = len(run.X), method.bound(self.options)
        named = isinstance(self.reference, str)
        fixed = None if named else self.references(slice(None))
        drawn = named and self.reference in references_.DRAWN
        count = fixed.shape[1] if fixed is not None else self.n_references if drawn else 1
        scores = wide(torch.zeros(run.X.shape, dtype=run.dtype))
        delta, worst = scores.new_zeros(n_seqs), scores.new_zeros(n_seqs)
        same = torch.ones(n_seqs, dtype=torch.bool)
        change = largest = 0.0
        for rows, columns in run.bar(_spans(n_seqs, count, run.batch_size)):
            whole = self.references(rows) if fixed is None else fixed[rows]
            batch = run.X[rows].to(run.device, run.dtype)
            refs = whole[:, columns].to(run.device, run.dtype)
            alike = (refs[:, 0] == batch).flatten(1).all(dim=1)
            if bool(alike.any()):
                alike = (refs == batch.unsqueeze(1)).flatten(1).all(dim=1)
            same[rows] &= alike.cpu()
            explained = self.explained.of(rows, columns.start)
            found: torch.Tensor | Multipliers = compute(explained, batch, refs)
            if method.delta and not isinstance(found, Multipliers):
                found = measured(explained, batch, refs, found)
            values = _like(refs, found.values if isinstance(found, Multipliers) else found, method)
            scores[rows] += (hypothetical_scores(wide(values), refs).sum(dim=1) / count).cpu()
            if isinstance(found, Multipliers):
                delta[rows] -= (found.residual.sum(dim=1) / count).cpu()
                worst[rows] = torch.maximum(worst[rows], found.residual.abs().amax(dim=1).cpu())
                change += float((found.at_sequences.unsqueeze(1) - found.at_references).abs().sum())
                ends = (found.at_sequences, found.at_references)
                largest = max(largest, *(float(t.abs().max()) for t in ends))
        if bool(same.any()):
            warnings.warn(
                f"{int(same.sum())} of {n_seqs} sequences equal all their references, so that "
                f"their attributions are 0 (the first is sequence {int(same.int().argmax())}). A "
                "sequence of one repeated word has no other shuffle: take references='zero' or "
                "'uniform', or method='saturation_mutagenesis'.",
                ReferenceWarning,
                stacklevel=3,
            )
        if method.delta:
            size = max(change / (n_seqs * count), 1e-12)
            rounding = _ROUNDING * torch.finfo(run.dtype).eps * largest
            # a NaN is not known to be small either
            bad = (~(worst <= self.tolerance * size + rounding)).nonzero()[:, 0]
            if len(bad):
                self._act(bad, worst, size, scores, delta)
        return Result(scores, delta)

    def _act(
        self,
        bad: torch.Tensor,
        worst: torch.Tensor,
        size: float,
        scores: torch.Tensor,
        delta: torch.Tensor,
    ) -> None:
        """Act on sequences whose attributions do not add up."""
        message = (
            f"{self.method.name} does not add up for {len(bad)} of {len(self.run.X)} sequences: "
            f"the largest delta is {float(worst[bad].max()) / size:.2g} of the mean difference of "
            f"outputs (tolerance {self.tolerance:g})"
        )
        other = self.method.name != _FALLBACK.name
        if self.on_delta != "fallback" and self.method.compute == METHODS["deep_lift"].compute:
            message += self._offender(int(worst.argmax()))
        if self.on_delta == "raise":
            raise CompletenessError(message + "; on_delta='fallback' takes integrated gradients")
        if self.on_delta == "warn" or not other:
            warnings.warn(message, CompletenessWarning, stacklevel=4)
            return
        chosen = self.reference
        if isinstance(chosen, str):
            chosen = chosen if chosen in references_.DRAWN else "dinuc_shuffle"
        elif not callable(chosen):
            chosen = torch.as_tensor(chosen)[bad]
        own = tuple(a[bad] for a in self.run.args)
        run = replace(self.run, X=self.run.X[bad], args=own, progress=False)
        again = replace(
            self,
            explained=replace(self.explained, runner=run),
            method=_FALLBACK,
            reference=chosen,
            on_delta="warn",
            tolerance=max(self.tolerance, _FALLBACK.tolerance),
        )
        scores[bad], delta[bad] = again.result()

    def _offender(self, row: int) -> str:
        """Name the operation in which most of a sequence's delta arises."""
        own, run, explained = slice(row, row + 1), self.run, self.explained.of(slice(row, row + 1))
        refs = self.references(own, 8)[:, :8].to(run.device, run.dtype)
        batch = run.X[own].to(run.device, run.dtype)
        found = blame(run.model, batch, refs, explained.pick, explained.args)
        pairs = multipliers(run.model, batch, refs, explained.pick, explained.args)
        # one that does not explain the delta is not to blame
        if not found or not found[0].residual > _BLAMED * float(pairs.residual.abs().mean()):
            return "; no single operation that is seen explains it (a TorchScript function?)"
        where = f" in module {found[0].module!r}" if found[0].module else ""
        return f"; most of it arises in operation {found[0].operation!r}{where}"
