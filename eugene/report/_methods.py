"""A run in words that can be pasted into a methods section, and what its files were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._evaluation import baseline_labels, read_evaluation
from eugene._step import steps
from eugene.report._blocks import Section, interval, number
from eugene.report._citations import EUGENE, PYTORCH, Work, works_of
from eugene.report._verdict import CHIEF, baseline_name, verdicts
from eugene.report._words import METRIC_NAMES, jitter, method_name, metric_name, transformed
from seqexplainer.methods import METHODS

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_MOST_FILES = 40
_LOADING = frozenset({
    "name", "seq_var", "target_vars", "split", "targets", "batch_size", "num_workers",
    "drop_last", "pin_memory", "in_memory", "cache", "cache_dir", "negatives", "weight_var",
    "control_var", "mask_var", "head_var", "max_jitter",
})  # fmt: skip
"""Keys of the data section that have a sentence of their own, or change no row."""
_TITLES = frozenset(method.title for method in METHODS.values())
_SPLITS = {"train": "training", "val": "validation", "test": "test"}
_TASKS = {
    "regression": "regression",
    "poisson": "regression of counts (Poisson)",
    "binary_classification": "binary classification",
    "multilabel_classification": "classification with several labels",
    "multiclass_classification": "classification into several classes",
    "profile": "profiles of counts a base, and total counts",
    "tracks": "binned tracks",
}


def methods(section: Section, run: RunFolder) -> None:
    """Write the run as paragraphs for a methods section, and what it is to cite as BibTeX.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        A run; of replicates the folder above.
    """
    if not run.config.is_file():
        return
    works = works_of(run)
    cited = _Cited(works)
    paragraphs = [
        " ".join(line for line in part if line)
        for part in (
            _data(run),
            _network(run, cited),
            _training(run, cited),
            _results(run, cited),
            _explained(run, cited),
            _software(run, cited),
        )
    ]
    section.text(
        "Written from the files of this run; change the words as you like, the numbers are those "
        "of the run. Every setting is in its configuration below."
    )
    section.words("\n\n".join(p for p in paragraphs if p), name="Paragraphs for a methods section")
    section.table(
        ("work", "behind", "DOI"),
        [(one.short, one.use, one.doi) for one in works],
        caption="Works to cite",
    )
    section.code("\n\n".join(one.bibtex for one in works), summary=f"BibTeX of {len(works)} works")


class _Cited:
    """Gives citations in brackets by what they stand behind."""

    def __init__(self, works: list[Work]) -> None:
        self.works = works

    def of(self, *uses: str) -> str:
        """Return the works behind something, in brackets; empty where there are none."""
        found = [w.short for w in self.works if any(use in w.use for use in uses)]
        return f" ({'; '.join(dict.fromkeys(found))})" if found else ""

    def by(self, doi: str) -> str:
        """Return a work by its DOI, in brackets."""
        found = [w.short for w in self.works if w.doi == doi]
        return f" ({found[0]})" if found else ""


def _plain(value: object) -> str:
    """Write a setting: lists with commas, mappings as pairs, paths as names of files."""
    if isinstance(value, Mapping):
        said = (f"{k} {_plain(v)}".strip() for k, v in value.items() if v is not None)
        return ", ".join(said)
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    # "DeepLIFT/SHAP" is a name, and no path
    return Path(text).name if "/" in text and text not in _TITLES else text


def _given(section: Mapping[str, object], *left_out: str) -> str:
    """Write the settings of a section that say something."""
    said = [
        f"{key.replace('_', ' ')} {_plain(value)}"
        for key, value in section.items()
        if key not in left_out and value not in (None, False, [], {}, "", 0)
    ]
    return "; ".join(said)


def _data(run: RunFolder) -> Iterator[str]:
    """Yield what was trained on, and how rows were dealt."""
    source, described = run.settings("data"), run.read("data.json")
    if not described:
        described = run.store.read("data.json")
    letters = described.get("sequence", {})
    low, high = letters.get("shortest"), letters.get("longest")
    bp = "" if low is None else f" of {number(low)} bp"
    if low is not None and high != low:
        bp = f" of {number(low)} to {number(high)} bp"
    given = _given(source, *_LOADING)
    name = source.get("name") or source.get("class_path")
    n = described.get("n")
    yield (
        (f"{number(n)} sequences{bp}" if n else "Sequences")
        + f" were taken from the source '{name}'"
        + (f" ({given})." if given else ".")
    )
    if moved := jitter(run):
        yield moved
    negatives = source.get("negatives")
    if isinstance(negatives, dict):
        yield f"Negatives: {_given(negatives)}."
    named = described.get("target_names") or source.get("target_vars") or []
    task = str(described.get("task") or run.settings("module").get("task") or "")
    if named:
        what = f"target{'s' if len(named) > 1 else ''} {_few(named)}"
        yield f"The network was trained for {_TASKS.get(task, task or 'regression')} ({what})."
    for target, how in transformed(run).items():
        yield f"The target {target} was transformed by {how}, fitted on training sequences alone."
    yield from _split(source, described)


def _few(names: object) -> str:
    listed = [str(name) for name in names] if isinstance(names, list | tuple) else [str(names)]
    return ", ".join(listed[:6]) + (f" and {len(listed) - 6} more" if len(listed) > 6 else "")


def _split(source: Mapping[str, object], described: Mapping[str, object]) -> Iterator[str]:
    split = source.get("split")
    how = dict(split) if isinstance(split, dict) else {"name": split}
    counts = described.get("splits")
    dealt = ""
    if isinstance(counts, dict):
        parts = [f"{number(c)} {_SPLITS.get(k, k)}" for k, c in counts.items() if c]
        dealt = f" into {', '.join(parts)} sequences"
    if how.get("name"):
        given = _given(how, "name")
        yield f"They were split by '{how['name']}'" + (f" ({given})" if given else "") + f"{dealt}."
    elif dealt:
        yield f"They come split{dealt}."
    leakage = described.get("leakage")
    if isinstance(leakage, dict) and leakage.get("clean") is not None:
        identity = leakage.get("identity")
        looked = leakage.get("near_duplicates") is not None
        near = f" or similar to one (identity {identity} or more)" if looked else ""
        if leakage["clean"]:
            yield f"No test or validation sequence is equal to a training sequence{near}."
        else:
            yield "Some sequences are shared between the splits (see the section on data)."


def _network(run: RunFolder, cited: _Cited) -> Iterator[str]:
    """Yield which network it was, and how far it sees."""
    model, noted = run.settings("model"), run.state().get("training") or {}
    if not model:
        return
    name = str(model.get("name") or model.get("class_path"))
    parameters = noted.get("parameters")
    text = f"The network was '{name}'{cited.of(f'the network {name}')}"
    if parameters:
        text += f" with {number(parameters)} parameters"
    if noted.get("receptive_field"):
        text += (
            f"; a position of its last layer that sees a window sees "
            f"{number(noted['receptive_field'])} bp (receptive field)"
        )
    elif parameters:
        text += "; its receptive field was not measured"
    yield f"{text}."
    if model.get("weights"):
        yield f"It began from the weights {_plain(model['weights'])}."


def _training(run: RunFolder, cited: _Cited) -> Iterator[str]:
    """Yield how it was trained."""
    module, trainer = run.settings("module"), run.settings("trainer")
    noted, data = run.state().get("training") or {}, run.settings("data")
    if not module:
        return
    optimizer = str(module.get("optimizer") or "adam")
    text = f"It was trained with {optimizer}{cited.of(f'the optimizer {optimizer}')}"
    if module.get("optimizer_lr") is not None:
        text += f", learning rate {_plain(module['optimizer_lr'])}"
    if data.get("batch_size"):
        text += f", batches of {_plain(data['batch_size'])}"
    loss = module.get("loss_fxn")
    if loss is None and module.get("task"):
        from eugene._tasks import TASKS

        task = TASKS.get(str(module["task"]))
        loss = None if task is None else task.loss
    if loss is not None:
        text += f", loss {_plain(loss)}"
    if trainer.get("max_epochs"):
        text += f", for at most {trainer['max_epochs']} epochs"
    if trainer.get("patience"):
        text += (
            f", stopped after {trainer['patience']} epochs without a better "
            f"{str(trainer.get('monitor') or 'val_loss').replace('_', ' ')}"
        )
    yield f"{text}."
    stages = run.settings().get("stages") or []
    if stages:
        names = ", ".join(str(stage.get("name")) for stage in stages)
        yield f"Training had {len(stages)} stages: {names}."
    if noted.get("best_epoch") is not None and noted.get("epochs"):
        yield (
            f"It ran for {number(noted['epochs'])} epochs, and the weights of epoch "
            f"{number(noted['best_epoch'] + 1)} were kept."
        )
    if data.get("reverse_complement"):
        yield "Training sequences were reverse-complemented at random."
    augment = run.settings("augment")
    if augment:
        listed = [str(a.get("name")) for a in augment.get("augmentations") or []]
        which = f": {', '.join(listed)}" if listed else ""
        yield f"Training sequences were augmented{cited.of('augmentation')}{which}."
    replicates = run.settings("replicates")
    if replicates:
        yield f"This was repeated ({_given(replicates, 'interpret')})."
    yield f"All random draws follow from the seed {run.settings().get('seed')}."


def _results(run: RunFolder, cited: _Cited) -> Iterator[str]:
    """Yield what the test rows gave, and against what."""
    evaluation = read_evaluation(run.path)
    metrics = evaluation.get("metrics", {})
    shown = [m for m in CHIEF if m in metrics] or [m for m in metrics if m in METRIC_NAMES][:3]
    if shown:
        figures = ", ".join(f"{metric_name(m)} {interval(metrics[m])}" for m in shown[:3])
        yield (
            f"On {number(evaluation.get('n'))} {evaluation.get('split')} sequences it reached "
            f"{figures}; brackets hold 95 % bootstrap intervals over sequences"
            f"{cited.of('bootstrap intervals')}."
        )
    sections = run.settings().get("baselines") or []
    if sections:
        cite = cited.of(*(f"the baseline {one.get('name')}" for one in sections))
        names = "; ".join(
            baseline_name(label) + (f" (k = {one['k']})" if one.get("k") else "")
            for label, one in zip(baseline_labels(sections), sections, strict=True)
        )
        yield f"Baselines fitted on the same training sequences: {names}{cite}."
    for verdict in verdicts(run):
        yield f"{verdict.of.replace('_', ' ')}: {verdict.text}" if verdict.of else verdict.text
    calibration = evaluation.get("calibration", {})
    if calibration and "why" not in calibration:
        how = "a temperature" if "temperature" in calibration else "split conformal intervals"
        cite = cited.of("calibration")
        yield f"Predictions were calibrated on validation sequences by {how}{cite}."


def _explained(run: RunFolder, cited: _Cited) -> Iterator[str]:
    """Yield how the network was explained."""
    entries, known = run.state().get("steps", {}), steps()
    for name, section in (run.settings().get("interpret") or {}).items():
        if not isinstance(section, dict) or entries.get(name, {}).get("status") != "done":
            continue
        named = section.get("methods") or ([section["method"]] if section.get("method") else [])
        uses = [str(name), *(f"attribution by {str(m).replace('_', ' ')}" for m in named)]
        if "references" in section:
            uses.append(f"references by {str(section['references']).replace('_', ' ')}")
        said = {**section}
        if named and name not in ("filters", "evolve"):
            said.pop("method", None)
            said["methods"] = [method_name(str(m)) for m in named]
        given = _given(said, "batch_size", "hypothetical")
        parts = known[name].report if name in known else ()
        title = parts[0].title if parts else f"Step '{name}'"
        yield f"{title}{cited.of(*uses)}{': ' if given else ''}{given}."


def _software(run: RunFolder, cited: _Cited) -> Iterator[str]:
    """Yield versions."""
    versions = run.read("versions.json")
    packages = versions.get("packages") or {}
    if not packages:
        return
    git = versions.get("git")
    ours = f"EUGENe genomics {packages.get('eugene-genomics')}"
    listed = [f"{n} {packages[n]}" for n in ("numpy", "pytorch-lightning") if packages.get(n)]
    yield (
        f"{ours}{f' (commit {git[:10]})' if git else ''}{cited.by(EUGENE)}, Python "
        f"{versions.get('python')}, PyTorch {packages.get('torch')}{cited.by(PYTORCH)}"
        f"{', ' if listed else ''}{', '.join(listed)}."
    )


def provenance(section: Section, run: RunFolder) -> None:
    """List what the run was made from, with checksums.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        A run.
    """
    sources = run.store.state().get("sources") or {}
    rows = [(Path(path).name, "file that was read", str(sha)) for path, sha in sources.items()]
    described = run.read("data.json")
    if described.get("rows_sha256"):
        what = f"{number(described.get('n'))} rows: sequences, targets and split"
        rows.append(("data.zarr", what, str(described["rows_sha256"])))
    for path, what in ((run.weights, "trained weights"), (run.config, "configuration")):
        if path.is_file():
            with path.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
            rows.append((path.name, what, sha))
    plugins = run.read("versions.json").get("plugins") or {}
    rows += [(Path(n).name, "plug-in", str(sha)) for n, sha in plugins.items() if sha]
    if not rows:
        return
    if not sources:
        section.text("No file was read: the rows were made by the program, or lie in a store.")
    else:
        places = dict.fromkeys(str(Path(path).parent) for path in sources)
        section.text(
            f"Files were read from {', '.join(list(places)[:4])}. Checksums are SHA-256; that of a "
            "file above 64 MiB is of 256 pieces of it."
        )
    section.table(("name", "what", "SHA-256"), rows[:_MOST_FILES], letters=(2,))
    if len(rows) > _MOST_FILES:
        section.text(f"{len(rows) - _MOST_FILES} more files are in state.json.")
