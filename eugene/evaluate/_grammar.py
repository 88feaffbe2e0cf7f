"""Whether a network looks at what a grammar placed: evaluators of feature importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import numpy as np

from eugene._tasks import get_task
from eugene.errors import EugeneError
from eugene.evaluate import _intervals
from eugene.evaluate._curves import class_names
from eugene.evaluate._grammar_maps import Explaining, Maps, maps_of, methods_of
from eugene.evaluate._grammar_rows import (
    GRAMMAR,
    Chosen,
    Positions,
    choose_examples,
    grammar_shares,
    positions_of,
    require_annotation,
)
from eugene.interpret._sequences import one_hot, require_variable, split_rows
from eugene.settings import session_seed
from seqexplainer import metrics, predict
from seqexplainer.errors import GraphError
from seqpro.keywords import check_keywords, keywords

if TYPE_CHECKING:
    import pandas as pd
    import torch
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from eugene._evaluation import Metrics

_MEASURES = ("precision", "recall", "specificity", "f1")
_KINDS = ("smooth", "thresholded")


class GrammarOptions(TypedDict, total=False):
    """Keywords of `grammar_agreement` that are seldom changed.

    Attributes
    ----------
    seq_var : str
        Variable of the sequences.
    length : int, optional
        Positions that the network reads.
    task : str, optional
        Task of a plain network.
    predictions : ndarray of float, shape (rows of the dataset, outputs), optional
        Probabilities that are known already.
    predict_threshold : float, optional
        Lowest probability of an example's label; None takes wrong predictions, too.
    threshold : float
        Lowest attribution of a position that is called important.
    sis_threshold : float
        Lowest probability for sufficient input subsets.
    n_steps, n_references : int
        Of integrated gradients, and of methods that compare with drawn references.
    batch_size : int
        Sequences at a time.
    device : str, optional
        Where to compute.
    skip : bool
        Whether methods that do not fit the network are left out.
    progress : bool
        Whether bars are drawn.
    """

    seq_var: str
    length: int | None
    task: str | None
    predictions: NDArray[np.floating] | None
    predict_threshold: float | None
    threshold: float
    sis_threshold: float
    n_steps: int
    n_references: int
    batch_size: int
    device: str | None
    skip: bool
    progress: bool


_OPTIONS: GrammarOptions = {
    "seq_var": "seq",
    "length": None,
    "task": None,
    "predictions": None,
    "predict_threshold": 0.5,
    "threshold": 0.01,
    "sis_threshold": 0.5,
    "n_steps": 100,
    "n_references": 20,
    "batch_size": 128,
    "device": None,
    "skip": False,
    "progress": False,
}


@dataclass(frozen=True)
class GrammarAgreement:
    """Whether a network looks at what a grammar placed.

    Attributes
    ----------
    examples : pandas.DataFrame
        A line a method and example: ``method``, ``row``, ``label``, ``probability``,
        ``grammar_fraction``, then ``smooth_precision``, ``smooth_recall``,
        ``smooth_specificity``, ``smooth_f1`` and the same of ``thresholded_``; for sufficient
        input subsets ``sis_collapsed``, the letters in any of them and N elsewhere, and
        ``sis_separated``, the same of each, with ``;`` between them.
    labels : pandas.DataFrame
        A line a method, kind (``smooth``, ``thresholded``) and label: ``precision``, ``recall``,
        ``specificity``, ``f1``, the means over its examples, and their number ``n``.
    elements : pandas.DataFrame
        A line a method, label and element: ``n`` that were placed, their mean ``importance``,
        that of the ``background`` of their sequences, and ``found``, the share of them whose
        importance is above that.
    maps : dict of str to ndarray of float32, shape (n, letters, length)
        Attributions by each method: gradients of all letters (of saliency their absolute values),
        and what the letters that are there contribute by other methods.
    vectors : dict of str to ndarray of float32, shape (n, length)
        Importance of each position by each method, from 0 to 1.
    called : dict of str to ndarray of bool, shape (n, length)
        Positions that reach the threshold.
    chosen : Chosen
        Rows, their labels, and what of the network is explained.
    positions : Positions
        What is known of their positions.
    left_out : dict of str to str
        Methods that do not fit the network, and why.
    why : str
        Why there are no examples, empty where there are.
    """

    examples: pd.DataFrame
    labels: pd.DataFrame
    elements: pd.DataFrame
    maps: dict[str, NDArray[np.float32]]
    vectors: dict[str, NDArray[np.float32]]
    called: dict[str, NDArray[np.bool_]]
    chosen: Chosen
    positions: Positions
    left_out: dict[str, str]
    why: str = ""

    def metrics(self, *, n_bootstrap: int = 1000, seed: int = 0) -> Metrics:
        """Return the means over all examples with 95 % bootstrap intervals.

        Parameters
        ----------
        n_bootstrap : int
            Resamples of the examples.
        seed : int
            Of these.

        Returns
        -------
        dict
            ``{method}_smooth_precision`` and so on, and ``grammar_fraction``, the share of the
            positions that are grammar, which the precision of noise comes to.
        """
        if not len(self.examples):
            named = [f"{m}_{kind}_{name}" for m in self.vectors for kind, name in _columns()]
            return {name: {"value": None, "why": self.why} for name in named}
        columns: dict[str, NDArray[np.float64]] = {}
        for method, table in self.examples.groupby("method", sort=False):
            for kind, name in _columns():
                columns[f"{method}_{kind}_{name}"] = table[f"{kind}_{name}"].to_numpy(np.float64)
        # the same for every method
        columns["grammar_fraction"] = table["grammar_fraction"].to_numpy(np.float64)
        values = np.stack(list(columns.values()), axis=1)
        blocks = _intervals.resamples(len(values), n_bootstrap, seed)
        draws = [block @ values / len(values) for block in blocks]
        drawn = np.concatenate(draws) if draws else np.empty((0, len(columns)))
        found: Metrics = {}
        for i, name in enumerate(columns):
            low, high = _intervals.percentiles(drawn[:, i], 0.95)
            found[name] = {"value": float(values[:, i].mean()), "low": low, "high": high}
        return found

    def shares(self) -> pd.DataFrame:
        """Return where the examples of each label have grammar, as `grammar_shares` does."""
        own = self.positions
        return grammar_shares(own.annotation, self.chosen.labels, own.lengths)


@keywords(dict(_OPTIONS))
def grammar_agreement(
    module: torch.nn.Module,
    ds: xr.Dataset,
    methods: Sequence[str] = ("integrated_gradients",),
    *,
    target_vars: str | Sequence[str] = "label",
    rows: ArrayLike | str | None = "test",
    n: int | None = None,
    n_per_label: int | None = None,
    target: Literal["y", "y-hat"] = "y",
    compat: Literal["seqgra"] | None = None,
    seed: int | None = None,
    **options: Unpack[GrammarOptions],
) -> GrammarAgreement:
    """Compare what a network looks at with what the grammar of its data placed.

    Examples are rows whose label is known, and predicted correctly and surely. Each is explained
    as its own class, by the sum of the logits of its labels if it has several.

    Parameters
    ----------
    module : eugene.models.SequenceModule or torch.nn.Module
        A trained module, or a network on (n, letters, length) that gives raw outputs, with
        ``task``.
    ds : xarray.Dataset
        With ``seq``, targets and ``annotation`` (_sequence, _length), uint8 with 1 for grammar and
        2 for confounders (which are no grammar), or the letters G, C and _; with ``element`` and
        ``rule`` as `eugene.simulate.Grammar.generate` gives them, single elements are looked at,
        too.
    methods : sequence of str
        Attribution methods; those of seqgra go by its names, too: ``gradient``, ``saliency``,
        ``gradient-x-input``, ``integrated-gradients``, ``guided-backprop``, ``deconv``,
        ``deep-lift``, ``sis``, ``smooth-grad``, ``grad-cam``.
    target_vars : str or sequence of str
        Variables of the targets.
    rows : array of int, str or None
        Numbers of the rows to choose from, or a split; None for all.
    n : int, optional
        Most examples; by default all there are.
    n_per_label : int, optional
        Most examples of each label; overrules ``n``.
    target : {"y", "y-hat"}
        Explain what a row is, or what the network says it is.
    compat : {"seqgra"}, optional
        The original's faults: whatever the label, the sum of the first two outputs is explained
        by all methods of gradients; DeepLIFT is the gradient times the sequence, integrated
        gradients have 99 steps of 100; precision without grammar, specificity without background
        and empty sufficient input subsets are what they were.
    seed : int, optional
        Of the choice of examples, and of references and noise; by default that of the session.
    seq_var : str
        Variable of the sequences.
    length : int, optional
        Positions that the network reads, cut from the middle; by default what it says of itself.
    task : str, optional
        Task of a plain network; by default that of the module.
    predictions : ndarray of float, shape (rows of the dataset, outputs), optional
        Probabilities that are known already.
    predict_threshold : float, optional
        An example's label is more probable than this (of several labels each one that it has at
        least as probable, each other at most as 1 - this). None takes any row with a label.
    threshold : float
        Lowest attribution of a position that is called important.
    sis_threshold : float
        Lowest probability for sufficient input subsets.
    n_steps, n_references : int
        Points of integrated gradients, and references where they are drawn.
    batch_size : int
        Sequences at a time.
    device : str, optional
        Where to compute; by default where the network is.
    skip : bool
        Leave out, instead of raising, methods that the network lacks something for: a ReLU, a
        convolution or a gradient.
    progress : bool
        Whether bars are drawn.

    Returns
    -------
    GrammarAgreement
        Tables, position vectors and rows; empty ones, and why, where no row qualifies.

    Raises
    ------
    DataError
        If the data have no annotation, or it does not fit.
    EugeneError
        If a method or an option is unknown, or does not fit the task.
    GraphError
        If the network lacks what a method needs.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> import torch, xarray as xr
    >>> letters = np.frombuffer(b"AACGTACCGTAA", "S1").reshape(2, 6)
    >>> placed = np.array([[0, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0]], np.uint8)
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters),
    ...                  "annotation": (("_sequence", "_length"), placed),
    ...                  "label": ("_sequence", np.array([1, 1]))})
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 2))
    >>> found = grammar_agreement(net, ds, ["saliency", "ism"], rows=None, seed=0,
    ...                           task="multiclass_classification", predict_threshold=None)
    >>> found.vectors["saliency"].shape, len(found.labels)
    ((2, 6), 4)
    """
    check_keywords(options, _OPTIONS)
    given: GrammarOptions = {**_OPTIONS, **options}
    if target not in ("y", "y-hat"):
        raise EugeneError(f"target must be 'y' or 'y-hat', got {target!r}")
    if compat not in (None, "seqgra"):
        raise EugeneError(f"compat must be 'seqgra' or None, got {compat!r}")
    chosen_methods = methods_of(methods, compat)
    require_annotation(ds)
    named = given["task"] or getattr(module, "task", None)
    if named is None:
        raise EugeneError("a plain network does not say its task: give task=")
    kind, seed = get_task(str(named)), session_seed(seed)
    net = getattr(module, "explained", module)
    taken = split_rows(ds, rows) if rows is None or isinstance(rows, str) else np.asarray(rows)
    seq_var = given["seq_var"]
    variables = [target_vars] if isinstance(target_vars, str) else [*target_vars]
    said_length = given["length"] or getattr(net, "input_len", None)
    length = int(said_length or require_variable(ds, seq_var).shape[1])
    truth = np.stack([require_variable(ds, v).to_numpy()[taken] for v in variables], axis=1)
    known = given["predictions"]
    if known is None:
        X = one_hot(ds, seq_var, rows=taken, length=length)
        raw = predict(
            net,
            X,
            batch_size=given["batch_size"],
            device=given["device"],
            progress=given["progress"],
        )
        said = kind.predict(raw if raw.ndim == 2 else raw[:, None]).numpy()
    else:
        said = np.asarray(known)[taken]
    if compat is not None and said.shape[1] < 2:
        raise EugeneError("compat='seqgra' explains the first two outputs; this network has one")
    names = class_names(ds, variables, said.shape[1], classes=kind.classes)
    chosen = choose_examples(
        taken,
        truth,
        said,
        kind,
        names,
        threshold=given["predict_threshold"],
        n=n,
        n_per_label=n_per_label,
        predicted=target == "y-hat",
        seed=seed,
    )
    how = Explaining(
        net,
        kind,
        said.shape[1],
        seed,
        given["n_steps"],
        given["n_references"],
        given["sis_threshold"],
        given["batch_size"],
        given["device"],
        compat,
        given["progress"],
    )
    X = one_hot(ds, seq_var, rows=chosen.rows, length=length)
    positions = positions_of(ds, chosen.rows, length, seq_var=seq_var)
    maps, left_out = {}, {}
    for name, method in chosen_methods.items():
        try:
            maps[name] = maps_of(how, method, X, chosen.aims)
        except GraphError as error:
            if not given["skip"]:
                raise
            left_out[name] = str(error)
    found = _measured(maps, chosen, positions, X, given["threshold"], compat)
    why = "" if len(chosen.rows) else _why(taken, given["predict_threshold"])
    return replace(found, left_out=left_out, why=why)


def _why(rows: NDArray[np.int64], threshold: float | None) -> str:
    """Say why there are no examples."""
    if not len(rows):
        return "there are no rows to choose examples from"
    if threshold is None:
        return f"none of {len(rows)} rows has a label"
    return (
        f"of {len(rows)} rows none has a label that is predicted correctly with a probability "
        f"above {threshold:g}: train longer, or lower predict_threshold"
    )


def _columns() -> list[tuple[str, str]]:
    """Return kinds and names of the measures."""
    return [(kind, name) for kind in _KINDS for name in _MEASURES]


def _measured(
    maps: dict[str, Maps],
    chosen: Chosen,
    positions: Positions,
    X: NDArray[np.generic],
    threshold: float,
    compat: Literal["seqgra"] | None,
) -> GrammarAgreement:
    """Put maps together with what is known of their positions."""
    import pandas as pd

    grammar, lengths = positions.annotation == GRAMMAR, positions.lengths
    beside: dict[str, object] = {
        "row": chosen.rows,
        "label": list(chosen.labels),
        "probability": chosen.probability,
        "grammar_fraction": grammar.sum(axis=1) / np.maximum(lengths, 1),
    }
    vectors, called, examples, elements = {}, {}, [], []
    for method, found in maps.items():
        vector = metrics.position_vectors(found.values, lengths=lengths)
        smooth = metrics.smooth_agreement(vector, grammar, lengths=lengths, compat=compat)
        cut = metrics.thresholded_agreement(
            found.values, grammar, threshold=threshold, lengths=lengths
        )
        table = pd.DataFrame({"method": method, **beside})
        for kind, one in zip(_KINDS, (smooth, cut), strict=True):
            for name in _MEASURES:
                table[f"{kind}_{name}"] = getattr(one, name)
        if found.subsets:
            table = table.assign(**_subsets(found, X, lengths))
        examples.append(table)
        vectors[method] = vector.astype(np.float32)
        called[method] = metrics.strongest(found.values) >= threshold
        each = metrics.element_recovery(
            vector, positions.element, groups=positions.rule, lengths=lengths
        )
        elements.append(
            pd.DataFrame(
                {
                    "method": method,
                    "label": [chosen.labels[i] for i in each.sequence],
                    "element": [positions.names.get(int(c), str(c)) for c in each.element],
                    "importance": each.importance,
                    "background": each.background,
                    "found": each.found,
                }
            )
        )
    if not maps:
        empty = pd.DataFrame({"method": [], **{key: [] for key in beside}})
        return GrammarAgreement(empty, empty, empty, {}, {}, {}, chosen, positions, {})
    whole = pd.concat(examples, ignore_index=True)
    return GrammarAgreement(
        whole,
        _by_label(whole),
        _by_element(pd.concat(elements, ignore_index=True)),
        {method: found.values for method, found in maps.items()},
        vectors,
        called,
        chosen,
        positions,
        {},
    )


def _by_label(examples: pd.DataFrame) -> pd.DataFrame:
    """Return the means of each method, kind and label."""
    import pandas as pd

    parts = []
    for kind in _KINDS:
        own = {f"{kind}_{name}": name for name in _MEASURES}
        grouped = examples.groupby(["method", "label"], sort=False)
        means = grouped[list(own)].mean().rename(columns=own)
        parts.append(means.assign(n=grouped.size(), kind=kind).reset_index())
    table = pd.concat(parts, ignore_index=True)
    return table[["method", "kind", "label", *_MEASURES, "n"]]


def _by_element(elements: pd.DataFrame) -> pd.DataFrame:
    """Return how important the elements of each method and label are."""
    grouped = elements.groupby(["method", "label", "element"], sort=False)
    means = grouped[["importance", "background", "found"]].mean()
    return means.assign(n=grouped.size()).reset_index()[
        ["method", "label", "element", "n", "importance", "background", "found"]
    ]


def _subsets(
    found: Maps, X: NDArray[np.generic], lengths: NDArray[np.int64]
) -> dict[str, list[str]]:
    """Return sufficient input subsets as letters, together and each by itself."""
    import seqpro as sp

    alphabet = sp.alphabet_of(getattr(X, "alphabet", None) or sp.DNA)
    letters = sp.decode_ohe(np.asarray(X).swapaxes(1, 2), ohe_axis=-1, alphabet=alphabet)

    def spelt(row: int, inside: NDArray[np.bool_]) -> str:
        return bytes(np.where(inside, letters[row], b"N")[: lengths[row]]).decode()

    together, separate = [], []
    for row, subsets in enumerate(found.subsets):
        together.append(spelt(row, found.values[row].any(axis=0)))
        each = []
        for subset in subsets:
            inside = np.zeros(letters.shape[1], np.bool_)
            inside[subset.positions] = True
            each.append(spelt(row, inside))
        separate.append(";".join(each))
    return {"sis_collapsed": together, "sis_separated": separate}
