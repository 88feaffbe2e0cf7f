"""One function for every attribution method."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from seqexplainer import references as references_
from seqexplainer._call import explained
from seqexplainer._inputs import (
    ArrayLike,
    as_seed,
    as_sequences,
    check_args,
    check_choice,
    check_whole,
    frozen,
    letters_there,
    model_device,
    model_dtype,
    wide,
)
from seqexplainer._targets import Target, resolve
from seqexplainer.attribute import _gradient, _ism
from seqexplainer.attribute._deeplift import blame, multipliers
from seqexplainer.errors import (
    CompletenessError,
    CompletenessWarning,
    InputError,
    ReferenceWarning,
)
from seqexplainer.metrics.correction import gradient_correction as corrected
from seqexplainer.sis import sufficient_input_subsets

METHODS = (
    "deep_lift_shap",
    "deep_lift",
    "integrated_gradients",
    "gradient_shap",
    "saliency",
    "input_x_gradient",
    "smoothgrad",
    "guided_backprop",
    "deconvolution",
    "saturation_mutagenesis",
    "deletion",
    "occlusion",
    "sis",
)
ALIASES = {
    "DeepLiftShap": "deep_lift_shap",
    "DeepLift": "deep_lift",
    "GradientShap": "gradient_shap",
    "InputXGradient": "input_x_gradient",
    "NaiveISM": "saturation_mutagenesis",
    "IntegratedGradients": "integrated_gradients",
    "Saliency": "saliency",
    "SmoothGrad": "smoothgrad",
    "GuidedBackprop": "guided_backprop",
    "Deconvolution": "deconvolution",
    "ism": "saturation_mutagenesis",
    "in_silico_mutagenesis": "saturation_mutagenesis",
    "sufficient_input_subsets": "sis",
    "deeplift": "deep_lift",
    "deepliftshap": "deep_lift_shap",
}
# Differences of outputs are not known better than to so many units in the last place.
_ROUNDING = 32
_SIS_SHARE = 0.9
_BLAMED = 0.5  # share of a delta from which on one operation explains it
_COMPLETE = ("deep_lift_shap", "deep_lift", "integrated_gradients")
_DEFAULT_REFERENCES = {"deep_lift": "zero", "integrated_gradients": "zero"}


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


class _Job(NamedTuple):
    model: torch.nn.Module
    target: Callable[[Any], torch.Tensor]
    method: str
    device: torch.device
    dtype: torch.dtype
    batch_size: int
    seed: int
    n_steps: int
    n_samples: int
    noise: float
    correct: bool
    on_delta: str
    tolerance: float

    def function(self, batch: torch.Tensor, *args: torch.Tensor) -> torch.Tensor:
        """Return the explained number of each row."""
        return explained(self.model, self.target, batch, args)


def attribute(
    model: torch.nn.Module,
    X: ArrayLike | None = None,
    method: str = "deep_lift_shap",
    *,
    target: Target = 0,
    references: references_.Reference | None = None,
    n_references: int = 20,
    hypothetical: bool = False,
    seed: int | None = None,
    return_delta: bool = False,
    on_delta: str = "warn",
    delta_tolerance: float | None = None,
    gradient_correction: bool = True,
    n_steps: int = 50,
    n_samples: int = 50,
    noise: float = 0.15,
    width: int = 1,
    threshold: float | Sequence[float] | None = None,
    batch_size: int = 128,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    args: Sequence[ArrayLike] | None = None,
    verbose: bool = False,
    inputs: ArrayLike | None = None,
    reference_type: references_.Reference | None = None,
) -> torch.Tensor | Result:
    """Return how much each letter of each sequence contributes to a model's output.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`. Its mode, device, gradient flags and hooks
        are as before afterwards, also after an error.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    method : str
        ``"deep_lift_shap"``, ``"deep_lift"``, ``"integrated_gradients"``, ``"gradient_shap"``,
        ``"saliency"``, ``"input_x_gradient"``, ``"smoothgrad"``, ``"guided_backprop"``,
        ``"deconvolution"``, ``"saturation_mutagenesis"`` (``"ism"``), ``"deletion"``,
        ``"occlusion"`` or ``"sis"`` (1 at positions of a sufficient input subset); EUGENe's names
        (``"DeepLiftShap"``, ...) work too. ``"NaiveISM"`` gives the effect of every substitution,
        as `saturation_mutagenesis` does.
    target : int, tuple, str or callable
        What to explain. An int is a column of a 2-D output; a tuple the full index after the
        batch axis; ``"counts"`` and ``"profile"`` fit (profile, counts) outputs, the latter as
        softmax-weighted logits with constant weights; a callable maps the output to (n_seqs,).
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
    batch_size : int
        Sequences, pairs of sequence and reference, or mutated sequences per pass.
    device : str or device, optional
        Where to compute; by default where the model is.
    dtype : dtype, optional
        Number type of the input; by default that of the model's parameters.
    args : sequence of arrays, optional
        Extra inputs, each with one row per sequence; a sequence and its references share them.
    verbose : bool
        Whether to show a progress bar.
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
    naive = method == "NaiveISM" and not hypothetical
    X = _one_of("X", X, "inputs", inputs)
    references = _one_of("references", references, "reference_type", reference_type, needed=False)
    method = check_choice(ALIASES.get(method, method), METHODS, "method")
    check_choice(on_delta, ("warn", "raise", "fallback"), "on_delta")
    if return_delta and method not in _COMPLETE:
        raise InputError(f"return_delta needs one of {', '.join(_COMPLETE)}, not {method!r}")
    check_whole(
        batch_size=batch_size,
        n_references=n_references,
        n_steps=n_steps,
        n_samples=n_samples,
        width=width,
    )
    sequences = as_sequences(X)
    extra = check_args(args, len(sequences), model_dtype(model, dtype))
    there, kind = model_device(model, device), model_dtype(model, dtype)
    if method == "sis":
        return _subsets(
            model,
            sequences,
            threshold,
            hypothetical=hypothetical,
            target=target,
            batch_size=batch_size,
            device=there,
            dtype=kind,
            args=extra,
            verbose=verbose,
        )
    if method == "saturation_mutagenesis":
        effects = _ism.saturation_mutagenesis(
            model,
            sequences,
            target=target,
            batch_size=batch_size,
            device=there,
            dtype=kind,
            args=extra,
            verbose=verbose,
        )
        if naive:
            return effects
        found = effects - effects.mean(dim=1, keepdim=True)
        return found if hypothetical else found * letters_there(sequences).cpu().to(found)
    with frozen(model, there) as held:
        job = _Job(
            model=held,
            target=resolve(target),
            method=method,
            device=there,
            dtype=kind,
            batch_size=batch_size,
            seed=as_seed(seed),
            n_steps=n_steps,
            n_samples=n_samples,
            noise=noise,
            correct=gradient_correction,
            on_delta=on_delta,
            tolerance=_tolerance(method, target) if delta_tolerance is None else delta_tolerance,
        )
        if method in ("deletion", "occlusion"):
            return _spans(job, sequences, extra, width, hypothetical=hypothetical, verbose=verbose)
        if method in (*_COMPLETE, "gradient_shap"):
            chosen = references
            if chosen is None:
                chosen = _DEFAULT_REFERENCES.get(method, "dinuc_shuffle")
            result = _with_references(job, sequences, extra, chosen, n_references, verbose=verbose)
        else:
            result = Result(_gradients(job, sequences, extra, verbose=verbose), torch.empty(0))
    if not hypothetical:
        # other references may differ where no letter is known: that is part of the difference
        named = references is None or isinstance(references, str)
        own = (letters_there(sequences) if named else sequences).cpu().to(result.attributions)
        result = result._replace(attributions=result.attributions * own)
    return result if return_delta else result.attributions


def _one_of(name: str, value: Any, other_name: str, other: Any, *, needed: bool = True) -> Any:
    if value is not None and other is not None:
        raise InputError(f"{name} and {other_name} are two names of one argument; give one")
    if value is None and other is None and needed:
        raise InputError(f"{name} is missing")
    return other if value is None else value


def _tolerance(method: str, target: Target = 0) -> float:
    if isinstance(target, str) and target == "profile":
        return float("inf")
    return 1e-2 if method == "integrated_gradients" else 1e-3


def _subsets(
    model: torch.nn.Module,
    sequences: torch.Tensor,
    threshold: float | Sequence[float] | None,
    *,
    hypothetical: bool,
    **options: Any,
) -> torch.Tensor:
    """Return 1 at the letters of sufficient input subsets, 0 elsewhere."""
    if hypothetical:
        raise InputError("method='sis' has no hypothetical form: it puts in no letters")
    if threshold is None:
        # above every output, so only the outputs of whole and of masked sequences are computed
        ends = sufficient_input_subsets(model, sequences, threshold=float("inf"), **options)
        threshold = list(ends.masked + _SIS_SHARE * (ends.outputs - ends.masked))
    found = sufficient_input_subsets(model, sequences, threshold=threshold, **options)
    without = sum(not subsets for subsets in found.subsets)
    if without:
        warnings.warn(
            f"{without} of {len(sequences)} sequences have no sufficient input subset, their "
            "attributions are 0: the output is below the threshold, or reaches it with every "
            "position masked. Set another threshold=, or mask= in sufficient_input_subsets.",
            UserWarning,
            stacklevel=4,
        )
    inside = wide(torch.from_numpy(found.labels() > 0).to(options["dtype"]))
    return inside.unsqueeze(1) * letters_there(sequences).cpu().to(inside)


def _spans(
    job: _Job,
    sequences: torch.Tensor,
    extra: Sequence[torch.Tensor],
    width: int,
    *,
    hypothetical: bool,
    verbose: bool,
) -> torch.Tensor:
    if hypothetical:
        raise InputError(f"method={job.method!r} has no hypothetical form: it puts in no letters")
    if width > sequences.shape[2]:
        raise InputError(f"width={width} is longer than the sequences ({sequences.shape[2]})")
    effects = _ism.spans(
        job.model,
        sequences,
        job.target,
        width=width,
        delete=job.method == "deletion",
        batch_size=job.batch_size,
        args=extra,
        device=job.device,
        dtype=job.dtype,
        verbose=verbose,
    )
    return effects.unsqueeze(1) * letters_there(sequences).cpu().to(effects)


def _gradients(
    job: _Job, sequences: torch.Tensor, extra: Sequence[torch.Tensor], *, verbose: bool
) -> torch.Tensor:
    """Return gradients of the methods that need no reference."""
    found = []
    for begin in tqdm(range(0, len(sequences), job.batch_size), disable=not verbose):
        rows = slice(begin, begin + job.batch_size)
        batch = sequences[rows].to(job.device, job.dtype)
        args = [a[rows].to(job.device) for a in extra]
        if job.method == "smoothgrad":
            values = _gradient.smooth_gradient(
                job.function,
                batch,
                args,
                seed=job.seed,
                n_samples=job.n_samples,
                noise=job.noise,
                batch_size=job.batch_size,
            )
        elif job.method in ("guided_backprop", "deconvolution"):
            guided = job.method == "guided_backprop"
            values = _gradient.rectified_gradient(job.function, batch, args, guided=guided)
        else:
            values = _gradient.gradient(job.function, batch, args)
        values = wide(values)
        found.append((corrected(values) if job.correct else values).detach().cpu())
    return torch.cat(found)


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


def _batches(n_seqs: int, n_references: int, size: int) -> list[tuple[slice, slice]]:
    """Return spans of sequences and of references that hold at most `size` pairs."""
    if n_references <= size:
        step = max(1, size // n_references)
        return [(slice(i, i + step), slice(0, n_references)) for i in range(0, n_seqs, step)]
    return [
        (slice(i, i + 1), slice(j, j + size))
        for i in range(n_seqs)
        for j in range(0, n_references, size)
    ]


def _with_references(
    job: _Job,
    sequences: torch.Tensor,
    extra: Sequence[torch.Tensor],
    reference: references_.Reference,
    n_references: int,
    *,
    verbose: bool,
) -> Result:
    """Return hypothetical scores of the methods that compare with references."""
    n_seqs = len(sequences)
    fixed = (
        None
        if isinstance(reference, str)
        else references_.make(sequences, reference, n=n_references, seed=job.seed)
    )
    named = isinstance(reference, str) and reference in ("dinuc_shuffle", "shuffle")
    count = n_references if named else 1
    if fixed is not None:
        count = fixed.shape[1]
    scores = wide(torch.zeros(sequences.shape, dtype=job.dtype))
    delta, worst = scores.new_zeros(n_seqs), scores.new_zeros(n_seqs)
    same = torch.ones(n_seqs, dtype=torch.bool)
    change = largest = 0.0
    for rows, columns in tqdm(_batches(n_seqs, count, job.batch_size), disable=not verbose):
        if fixed is None:
            drawn = references_.make(sequences[rows], reference, n=count, seed=job.seed)
        else:
            drawn = fixed[rows]
        batch = sequences[rows].to(job.device, job.dtype)
        refs = drawn[:, columns].to(job.device, job.dtype)
        args = [a[rows].to(job.device) for a in extra]
        same[rows] &= (refs == batch.unsqueeze(1)).flatten(1).all(dim=1).cpu()
        values, residual, difference, outputs = _explain(job, batch, refs, args, columns.start)
        scores[rows] += (hypothetical_scores(wide(values), refs).sum(dim=1) / count).cpu()
        delta[rows] -= (residual.sum(dim=1) / count).cpu()
        worst[rows] = torch.maximum(worst[rows], residual.abs().amax(dim=1).cpu())
        change += float(difference.abs().sum())
        largest = max(largest, outputs)
    if bool(same.any()):
        warnings.warn(
            f"{int(same.sum())} of {n_seqs} sequences equal all their references, so that their "
            f"attributions are 0 (the first is sequence {int(same.int().argmax())}). A sequence of "
            "one repeated word has no other shuffle: take references='zero' or 'uniform', or "
            "method='saturation_mutagenesis'.",
            ReferenceWarning,
            stacklevel=3,
        )
    if job.method in _COMPLETE:
        size = change / (n_seqs * count)
        rounding = _ROUNDING * torch.finfo(job.dtype).eps * largest
        # a NaN is not known to be small either
        bad = (~(worst <= job.tolerance * max(size, 1e-12) + rounding)).nonzero()[:, 0]
        if len(bad):
            _incomplete(
                job, sequences, extra, reference, bad, worst, size, scores, delta, n_references
            )
    return Result(scores, delta)


def _explain(
    job: _Job,
    batch: torch.Tensor,
    refs: torch.Tensor,
    args: Sequence[torch.Tensor],
    first: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Return multipliers, residuals and output differences of each pair, and the largest output."""
    if job.method == "gradient_shap":
        values = _gradient.gradient_shap(
            job.function, batch, refs, args, seed=job.seed, first=first
        )
        none = values.new_zeros(refs.shape[:2])
        return values, none, none, 0.0
    if job.method == "integrated_gradients":
        found: Any = _gradient.integrated_gradients(
            job.function, batch, refs, args, n_steps=job.n_steps, batch_size=job.batch_size
        )
    else:
        found = multipliers(job.model, batch, refs, job.target, args)
    difference = found.at_sequences.unsqueeze(1) - found.at_references
    largest = max(float(t.abs().max()) for t in (found.at_sequences, found.at_references))
    return found.values, found.residual, difference, largest


def _incomplete(
    job: _Job,
    sequences: torch.Tensor,
    extra: Sequence[torch.Tensor],
    reference: references_.Reference,
    bad: torch.Tensor,
    worst: torch.Tensor,
    size: float,
    scores: torch.Tensor,
    delta: torch.Tensor,
    n_references: int,
) -> None:
    """Act on sequences whose attributions do not add up."""
    share = float(worst[bad].max()) / max(size, 1e-12)
    message = (
        f"{job.method} does not add up for {len(bad)} of {len(sequences)} sequences: the largest "
        f"delta is {share:.2g} of the mean difference of outputs (tolerance {job.tolerance:g})"
    )
    if job.on_delta != "fallback" and job.method != "integrated_gradients":
        message += _offender(job, sequences, extra, reference, int(worst.argmax()))
    if job.on_delta == "raise":
        raise CompletenessError(message + "; on_delta='fallback' takes integrated gradients")
    if job.on_delta == "warn" or job.method == "integrated_gradients":
        warnings.warn(message, CompletenessWarning, stacklevel=4)
        return
    if isinstance(reference, str) and reference not in ("dinuc_shuffle", "shuffle"):
        reference = "dinuc_shuffle"
    chosen = reference
    if not isinstance(reference, str) and not callable(reference):
        chosen = torch.as_tensor(reference)[bad]
    again = job._replace(
        method="integrated_gradients",
        on_delta="warn",
        tolerance=max(job.tolerance, _tolerance("integrated_gradients")),
    )
    rows = [a[bad] for a in extra]
    found = _with_references(again, sequences[bad], rows, chosen, n_references, verbose=False)
    scores[bad], delta[bad] = found.attributions, found.delta


def _offender(
    job: _Job,
    sequences: torch.Tensor,
    extra: Sequence[torch.Tensor],
    reference: references_.Reference,
    row: int,
) -> str:
    """Name the operation in which most of a sequence's delta arises."""
    own = slice(row, row + 1)
    if not isinstance(reference, str) and not callable(reference):
        reference = torch.as_tensor(reference)[own]
    refs = references_.make(sequences[own], reference, n=8, seed=job.seed)[:, :8]
    pairs = (
        sequences[own].to(job.device, job.dtype),
        refs.to(job.device, job.dtype),
        [a[own].to(job.device) for a in extra],
    )
    found = blame(job.model, *pairs[:2], job.target, pairs[2])
    arisen = multipliers(job.model, *pairs[:2], job.target, pairs[2]).residual.abs().mean()
    # one that does not explain the delta is not to blame
    if not found or not found[0].residual > _BLAMED * float(arisen):
        return "; no single operation that is seen explains it (a TorchScript function?)"
    where = f" in module {found[0].module!r}" if found[0].module else ""
    return f"; most of it arises in operation {found[0].operation!r}{where}"
