"""What the JSON files of a run hold: declared once, and looked at by whoever reads one."""

from __future__ import annotations

from typing import Any

_NUMBER = (int, float, None)
_TEXT = (str, None)
_COUNTS = {"*": _NUMBER}
_METRICS = {"*": dict.fromkeys(("value", "low", "high", "mean"), _NUMBER)}
_MODELS = {"metrics": _METRICS, "baselines": {"*": _METRICS}}
_ARM = {"seeds": list, **_MODELS}

SHAPES: dict[str, object] = {
    "data.json": {
        "n": _NUMBER,
        "splits": _COUNTS,
        "sequence": dict,
        "targets": {"*": {"*": dict}},
        "chosen": _COUNTS,
        "dropped": _COUNTS,
        "transforms": ({"*": [dict]}, None),
        "leakage": {
            **dict.fromkeys(("rows", "duplicates", "overlaps", "near_duplicates"), (_COUNTS, None)),
            "identity": _NUMBER,
            "examples": list,
        },
        "input_len": int,
        "output_dim": int,
        "target_names": [str],
        **dict.fromkeys(("alphabet", "seq_var", "task"), str),
        "rows_sha256": _TEXT,
    },
    "evaluation.json": {
        "metrics!": _METRICS,
        "baselines": {"*": _METRICS},
        "subsets": {"*": {"n": _NUMBER, **_MODELS}},
        "curves": dict,
        "n": _NUMBER,
        "split": _TEXT,
        "task": _TEXT,
    },
    "summary.json": {
        "arms!": {"*": {**_ARM, "subsets": {"*": _ARM}}},
        "paired": {"*": {"metrics": _METRICS}},
    },
    "state.json": {
        "kind!": str,
        "status": str,
        "steps": {
            "*": {
                "status!": str,
                "seconds": _NUMBER,
                "settings": (dict, None),
                **dict.fromkeys(("started", "process", "error"), _TEXT),
            }
        },
        "sources": (dict, None),
        "training": {"epochs": _NUMBER, "best_score": _NUMBER, "monitor": _TEXT},
    },
    "truth.json": {
        "mean_auprc": (_COUNTS, None),
        "planted_found": (
            {"*": {"p_value": _NUMBER, "p_bonferroni": _NUMBER, "found": bool, "filter": _TEXT}},
            None,
        ),
        "planted_fraction": _NUMBER,
        "n": _NUMBER,
    },
    "control.json": {"shuffled_labels": (dict, None)},
    "consistency.json": {
        "metrics!": _METRICS,
        **{key: {"warnings": [str], "settings!": dict} for key in ("k_attr_mean!", "kmer!")},
        **dict.fromkeys(("method!", "split!", "rows!"), str),
        **dict.fromkeys(("n!", "seconds!"), _NUMBER),
        "kept!": bool,
    },
    "grammar.json": {
        "metrics!": _METRICS,
        "labels!": _COUNTS,
        **{key: [str] for key in ("methods!", "notes!")},
        **dict.fromkeys(("split!", "target!", "why!"), str),
        **dict.fromkeys(("n!", "seconds!", "threshold!", "predict_threshold!"), _NUMBER),
        "compat!": _TEXT,
    },
    "robustness.json": {
        "metrics!": _METRICS,
        **dict.fromkeys(("method!", "split!", "reference!"), str),
        **dict.fromkeys(("n!", "n_shifts!", "max_shift!", "exclude_flank!"), int),
        **dict.fromkeys(("seconds!", "maps!", "median!", "relative_median!"), _NUMBER),
    },
    "augmentation.json": {
        "stages!": [
            {
                "stage!": str,
                "epochs!": int,
                "settings!": dict,
                **{key: [int] for key in ("counted", "shown")},
                "drawn": [[int]],
                "why": str,
            }
        ],
        "sequence!": {"row!": int, "length!": int, "letters!": str},
    },
}
"""Name of a file -> its keys. ``*`` is any other key, ``!`` ends one that must be there."""


def misfit(value: object, shape: Any, where: str = "$") -> str:
    """Say where a value is not of a shape.

    Parameters
    ----------
    value : object
        What JSON held.
    shape : object
        A type, ``None``, a dict of shapes by key, a list with the shape of every item, or a tuple
        of shapes of which one has to fit.
    where : str, optional
        Path of the value.

    Returns
    -------
    str
        The first misfit, "" where there is none.

    Examples
    --------
    >>> misfit({"a": {"b": [1, "x"]}}, {"a": {"*": [int]}})
    '$.a.b[1] is a str'
    >>> misfit({}, {"a!": int})
    '$.a is missing'
    """
    if isinstance(shape, tuple):
        told = [misfit(value, one, where) for one in shape]
        # the longest path is that of the shape which was meant
        return "" if "" in told else max(told, key=len)
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, one in shape.items():
            name = key.removesuffix("!")
            if name in value and (fault := misfit(value[name], one, f"{where}.{name}")):
                return fault
            if name not in value and name != key:
                return f"{where}.{name} is missing"
        known = {key.removesuffix("!") for key in shape}
        rest = {key: item for key, item in value.items() if key not in known}
        every = shape.get("*", object)
        told = [misfit(item, every, f"{where}.{key}") for key, item in rest.items()]
        return next(filter(None, told), "")
    if isinstance(shape, list) and isinstance(value, list):
        told = [misfit(item, shape[0], f"{where}[{i}]") for i, item in enumerate(value)]
        return next(filter(None, told), "")
    kind = type(shape) if isinstance(shape, dict | list) else shape
    fits = value is None if kind is None else isinstance(value, kind)
    if kind in (int, float) and isinstance(value, bool):
        fits = False
    return "" if fits else f"{where} is a {type(value).__name__}"
