"""Words of a report: what people call things, and what a run's files say of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplainer.methods import ALIASES, METHODS

if TYPE_CHECKING:
    from eugene._folder import RunFolder

METRIC_NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "f1": "F1",
    "r2": "R² (coefficient of determination)",
    "pearson": "Pearson r",
    "pearson_r2": "Pearson r²",
    "spearman": "Spearman ρ",
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "explained_variance": "explained variance",
    "ccc": "concordance (Lin's)",
    "poisson_deviance": "Poisson deviance",
    "mcc": "Matthews' correlation",
    "precision": "precision",
    "recall": "recall",
    "jsd": "Jensen-Shannon distance (nats, median of rows)",
    "mnll": "multinomial negative log-likelihood (nat, mean of rows)",
    "profile_pearson": "profile Pearson r (median of rows)",
    "profile_spearman": "profile Spearman ρ (median of rows)",
    "count_pearson": "Pearson r of log counts",
    "count_spearman": "Spearman ρ of log counts",
    "k_attr_mean_kld": "k-attr-mean KLD (nats)",
    "kmer_kld": "k-mer KLD (nats)",
    "attribution_snr": "signal-to-noise ratio of attributions",
    "attribution_auroc": "AUROC of attributions",
    "attribution_auprc": "AUPRC of attributions",
    "grammar_fraction": "share of positions that are grammar",
    **{
        f"{method.name}_{kind}_{measure}": f"{kind} {measure} of {method.title}"
        for method in METHODS.values()
        for kind in ("smooth", "thresholded")
        for measure in ("precision", "recall", "specificity", "f1")
    },
    "robustness_error": "error of moved attributions",
    "robustness_error_relative": "relative error of moved attributions",
}

_LISTED = 8  # outputs that are not explained and still named


def metric_name(metric: str) -> str:
    """Return the name that people use for a metric."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def method_name(method: str) -> str:
    """Return the name that people use for an attribution method."""
    name = ALIASES.get(method, method)
    return METHODS[name].title if name in METHODS else method.replace("_", " ")


def sentence(text: str) -> str:
    """Begin with a capital and leave the other letters as they are."""
    return text[:1].upper() + text[1:]


def target_names(run: RunFolder) -> list[str]:
    """Return the names of the outputs: targets, or classes where one target is their number."""
    described = run.read("data.json")
    outputs = described.get("output_dim")
    if described.get("task") == "multiclass_classification" and isinstance(outputs, int):
        return [f"class {i}" for i in range(outputs)]
    return [str(name) for name in described.get("target_names") or described.get("targets") or ()]


def explained_output(run: RunFolder, step: str) -> str:
    """Say which of several outputs a step explained, as the configuration has it."""
    names = target_names(run)
    target = run.settings(f"interpret.{step}").get("target")
    if target is None:
        # of a profile network everything is explained, and each output says what it is
        target = None if run.settings("module").get("name") == "profile" else 0
    listed = list(target) if isinstance(target, (list, tuple)) else [target]
    numbers = [names.index(one) if one in names else one for one in listed]
    chosen = [names[i] for i in numbers if isinstance(i, int) and -len(names) <= i < len(names)]
    if len(names) < 2 or len(chosen) != len(listed):
        return ""
    verb = "output that is explained is" if len(chosen) == 1 else "outputs that are explained are"
    rest = [name for name in names if name not in chosen]
    shown = ", ".join(rest[:_LISTED]) + (f" and {len(rest) - _LISTED} more" * (len(rest) > _LISTED))
    return f" The {verb} {', '.join(chosen)}{f' (not {shown})' if rest else ''}."


def score_unit(run: RunFolder) -> str:
    """Say what the score is that explanations change: a logit, the log of a rate, or a value.

    Empty where the task says nothing of it.
    """
    module = run.settings("module")
    task = str(module.get("task") or ("regression" if module.get("name") == "sequence" else ""))
    if task.endswith("classification"):
        return "logits, not probabilities"
    if task == "poisson":
        return "the log of the rate"
    if task != "regression":
        return ""
    return "the transformed target" if transformed(run) else "the units of the target"


def label_unit(run: RunFolder, label: str = "") -> str:
    """Say in what units contributions and changes of an explained output are.

    Parameters
    ----------
    run : RunFolder
        A run.
    label : str, optional
        Of the output, such as ``counts_Oct4``; empty where there is one.
    """
    head = label.partition("_")[0]
    if head == "counts":
        return "ln(1 + counts)"
    if head == "profile":
        return "profile score"
    return {"logits, not probabilities": "logits"}.get(score_unit(run), score_unit(run)) or (
        "units of the output"
    )


def jitter(run: RunFolder) -> str:
    """Say how far windows are moved in training, and what is stored for it; empty where not."""
    moved = run.settings("data").get("max_jitter")
    if not isinstance(moved, int) or not moved:
        return ""
    length = run.read("data.json").get("input_len")
    stored = (
        f", so that {length + 2 * moved} bp of each are stored and the network reads {length}"
        if isinstance(length, int)
        else f", so that {2 * moved} bp more of each are stored"
    )
    return (
        f"In training each window is moved by up to {moved} bp to either side, anew every epoch"
        f"{stored}; validation and test read the middle."
    )


def predicted_as(run: RunFolder) -> str:
    """Say what a prediction of a row is, in a word: a probability, or what is predicted."""
    task = str(run.settings("module").get("task") or "")
    return "probability" if task.endswith("classification") else "predicted"


def transformed(run: RunFolder) -> dict[str, str]:
    """Return how each transformed target was changed, in words; empty where none was."""
    said = {}
    for name, steps in (run.read("data.json").get("transforms") or {}).items():
        parts = []
        for step in steps:
            given = {k: v for k, v in step.items() if k not in ("name", "points") and v is not None}
            told = ", ".join(f"{k} {_plain(v)}" for k, v in given.items())
            parts.append(str(step.get("name")) + (f" ({told})" if told else ""))
        if parts:
            said[str(name)] = ", then ".join(parts)
    return said


def _plain(value: object) -> str:
    """Write a fitted number of a transform, alone where there is one."""
    listed = value if isinstance(value, list) else [value]
    return " / ".join(f"{v:,.6g}" if isinstance(v, int | float) else str(v) for v in listed)
