"""Whether a network predicts better than its baselines, in one sentence for a page or a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from eugene._evaluation import Measured, Metric, Metrics, read_evaluation
from eugene.report._blocks import number
from eugene.report._words import metric_name, sentence

if TYPE_CHECKING:
    from eugene._folder import RunFolder

CHIEF = ("auroc", "auprc", "accuracy", "pearson_r2", "pearson", "r2", "jsd", "count_pearson")
"""Metrics that stand at the head of a page, the first that a run has."""
_LOWER = frozenset({"jsd"})
"""Those of them that are better the lower they are."""
_MEAN = "knows no sequence"
_ADD = ": add one under 'baselines' of the run file"
_BASELINES = {
    "kmer_logistic": "k-mer logistic regression",
    "kmer_ridge": "k-mer ridge regression",
    "mean_profile": f"the mean profile of the training rows, which {_MEAN}",
    "mean_of_training_windows": f"the mean of the training windows, which {_MEAN}",
}
Side = Literal["above", "below", "even", "unpaired", "alone"]
_HEADLINES = {
    "above": "better than its baseline",
    "below": "WORSE than its baseline",
    "even": "no better than its baseline",
    "unpaired": "difference from its baseline not measured",
    "alone": "no baseline to compare with",
}


@dataclass(frozen=True)
class Verdict:
    """How a network stands against the strongest of its baselines.

    Attributes
    ----------
    side : {"above", "below", "even", "unpaired", "alone"}
        Better or worse, where the 95 % interval of the paired difference leaves out 0; ``even``
        where it does not; ``unpaired`` where there is no interval, as of one seed or of a run that
        an older version tested; ``alone`` where no baseline was fitted.
    headline : str
        A few words, for a card.
    text : str
        A sentence with the figures of both, the difference and its interval.
    of : str
        Arm of replicates that it is of, else empty.
    metric, baseline : str
        What was compared, and with what; empty where there is none.
    value, low, high : float or None
        Network minus baseline, and its interval.
    """

    side: Side
    headline: str
    text: str
    of: str = ""
    metric: str = ""
    baseline: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None


def baseline_name(name: str) -> str:
    """Return what people call a baseline.

    Examples
    --------
    >>> baseline_name("kmer_logistic_both_strands")
    'k-mer logistic regression, both strands'
    """
    for known, words in _BASELINES.items():
        if name == known:
            return words
        if name.startswith(f"{known}_"):
            return f"{words}, {name.removeprefix(f'{known}_').replace('_', ' ')}"
    return name.replace("_", " ")


def verdicts(run: RunFolder) -> list[Verdict]:
    """Return how the networks of a run stand against their baselines.

    Parameters
    ----------
    run : RunFolder
        A run, or the folder above replicates.

    Returns
    -------
    list of Verdict
        One; of replicates one an arm, over seeds or folds. Empty where nothing was tested.

    Examples
    --------
    >>> import tempfile
    >>> from eugene.runs import RunFolder
    >>> run = RunFolder.create(tempfile.mkdtemp() + "/run")
    >>> entry = lambda value: {"auroc": {"value": value, "low": None, "high": None}}
    >>> run.write_json("evaluation.json", {"n": 90, "metrics": entry(0.7), "baselines": {
    ...     "kmer_logistic": entry(0.8)}, "against": {"kmer_logistic": {"auroc": {
    ...     "value": -0.1, "low": -0.15, "high": -0.06}}}})
    >>> verdicts(run)[0].headline
    'WORSE than its baseline'
    """
    found = list(_of_arms(run.read("summary.json")))
    evaluation = read_evaluation(run.path)
    if evaluation.get("metrics"):
        rows = f"{number(evaluation.get('n'))} test rows"
        if evaluation.get("other_data"):
            rows = f"{number(evaluation.get('n'))} rows of other data"
        gaps = evaluation.get("against")
        how = "an older version tested this run; 'eugene test' gives it"
        if gaps is not None:
            how = f"paired bootstrap over {rows}"
        found.append(_verdict(evaluation, gaps or {}, how))
    return found


def _of_arms(summary: Mapping[str, object]) -> Iterator[Verdict]:
    over = str(summary.get("over") or "seed")
    arms = cast("dict[str, dict[str, dict[str, Metrics]]]", summary.get("arms") or {})
    for arm, entry in arms.items():
        count = len(entry[f"{over}s"])
        how = f"Student's interval of the paired differences over {count} {over}s"
        if over == "fold":
            how += ", which share training rows"
        made: dict[str, Metrics] = {
            name: {
                metric: {"value": v["mean"], "low": v.get("t_low"), "high": v.get("t_high")}
                for metric, v in metrics.items()
            }
            for name, metrics in entry.get("above_baseline", {}).items()
        }
        yield _verdict(cast(Measured, entry), made, how, of=arm)


def _verdict(measured: Measured, gaps: Mapping[str, Metrics], how: str, of: str = "") -> Verdict:
    """Hold a network against the strongest of its baselines by the chief metric that both have."""
    metrics, baselines = measured["metrics"], measured.get("baselines", {})
    known = [m for m in CHIEF if m in metrics]
    metric = next((m for m in known if any(value_of(b.get(m)) is not None for b in
                                           baselines.values())), None)  # fmt: skip
    if metric is None or value_of(metrics[metric]) is None:
        return _alone(metrics, known, of, fitted=bool(baselines))
    sign = -1.0 if metric in _LOWER else 1.0
    theirs = {n: v for n, b in baselines.items() if (v := value_of(b.get(metric))) is not None}
    name = max(theirs, key=lambda n: sign * theirs[n])
    own = value_of(metrics[metric])
    assert own is not None
    gap: Metric = gaps.get(name, {}).get(metric, {})
    value, low, high = own - theirs[name], gap.get("low"), gap.get("high")
    side = _side(sign, low, high)
    said = f"{metric_name(metric)} {number(own)} against {number(theirs[name])} of "
    said += baseline_name(name)
    if low is None or high is None:
        text = f"{said}; difference {value:+.3f}, without an interval ({how})."
    else:
        text = f"{said}; difference {value:+.3f} (95 % {low:+.3f} to {high:+.3f}, {how})."
    begin = {
        "above": "The network predicts better than its strongest baseline: ",
        "below": "The network predicts WORSE than its strongest baseline, which is simpler and "
        "should be preferred to it: ",
        "unpaired": "How sure the difference from the strongest baseline is was not measured: ",
        "even": "It is not shown that the network predicts better than its strongest baseline: ",
    }[side]
    return Verdict(side, _HEADLINES[side], begin + text, of, metric, name, value, low, high)


def _side(
    sign: float, low: float | None, high: float | None
) -> Literal["above", "below", "even", "unpaired"]:
    if low is None or high is None:
        return "unpaired"
    if low <= 0 <= high:
        return "even"
    return "above" if sign * low > 0 else "below"


def _alone(metrics: Metrics, known: list[str], of: str, *, fitted: bool) -> Verdict:
    """Say that nothing tells what a number is worth."""
    own = (
        f"{sentence(metric_name(known[0]))} {number(value_of(metrics[known[0]]))}. "
        if known
        else ""
    )
    why = "No baseline was fitted in this run"
    if fitted:
        why = "Network and baselines have no figure in common on these rows"
    text = (
        f"{own}{why}, so nothing says whether the network learned "
        "more than the k-mers of the sequences"
        f"{'' if fitted else _ADD}."
    )
    return Verdict("alone", _HEADLINES["alone"], text, of)


def value_of(entry: Metric | None) -> float | None:
    """Return a figure of the test rows, or the mean over runs."""
    return None if entry is None else entry.get("value", entry.get("mean"))
