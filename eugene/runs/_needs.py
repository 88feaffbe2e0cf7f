"""What the steps of a run need, asked before anything is built or trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.config import RunConfig, schema
from eugene.config.registries import BASELINES, STEPS
from eugene.errors import ConfigError, EugeneError, Problem

if TYPE_CHECKING:
    from eugene.runs._run import Run

_SPLIT_OF = {"positional": "test", "evolve": "test", "control": "test"}


def _parts(config: RunConfig, steps: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sections of the interpretation that are asked for, with their defaults."""
    asked = config.tree.get("interpret") or {}
    for name in steps:
        if name in STEPS and asked.get(name) is not None:
            dotted = f"interpret.{name}"
            yield name, {**schema.section(dotted).defaults_of(), **config.section(dotted)}


def require_files(config: RunConfig) -> None:
    """Raise where a motif file is missing, or a package, or a step that another builds on.

    Parameters
    ----------
    config : RunConfig
        The run; no data are needed.

    Raises
    ------
    ConfigError
        With every one of them, its line, and how to mend it.
    """
    from eugene._optional import present

    found: list[Problem] = []

    def problem(path: str, message: str) -> None:
        found.append(config.document.problem(path, message))

    def motifs(path: str, source: Any) -> Any:
        from eugene.interpret._motifs import read_motifs

        try:
            return read_motifs(source)
        except (EugeneError, OSError, ValueError) as error:
            problem(path, str(error))
            return None

    asked = config.tree.get("interpret") or {}
    for name, part in _parts(config, STEPS):
        named = part["motifs"] if name == "positional" else []
        # the set that comes with the package is there, and reading it loads NumPy and numba
        looked_at = "motif_db" in part and (named or part["motif_db"] != "embedded")
        known = motifs(f"$.interpret.{name}.motif_db", part["motif_db"]) if looked_at else None
        if known is not None:
            from eugene.interpret._motifs import find

            for i, motif in enumerate(named):
                try:
                    find(str(motif), known)
                except EugeneError as error:
                    problem(f"$.interpret.positional.motifs[{i}]", str(error))
        if name == "modisco" and not present("modiscolite"):
            problem(
                "$.interpret.modisco",
                "needs the package 'modiscolite', which is not installed; leave the section out, "
                "or install it with: pip install 'eugene-genomics[modisco]'",
            )
        if name == "seqlets" and asked.get("attribute") is not None:
            methods = asked["attribute"].get("methods") or ()
            if part["method"] is not None and methods and part["method"] not in methods:
                problem(
                    "$.interpret.seqlets.method",
                    f"{part['method']} is none of those that attribute computes: "
                    f"{', '.join(methods)}",
                )
    init = config.section("model").get("init") or {}
    for i, source in enumerate(init.get("motif_files") or ()):
        motifs(f"$.model.init.motif_files[{i}]", source)
    if found:
        raise ConfigError(found)


def require_steps(run: Run, module: Any, steps: Iterable[str]) -> None:
    """Raise where the data or the network lack what a later step needs.

    Parameters
    ----------
    run : Run
        With its data; nothing is trained yet.
    module : eugene.models.SequenceModule
        The untrained module.
    steps : iterable of str
        Steps that will follow, as `wanted_steps` lists them.

    Raises
    ------
    ConfigError
        With every one of them.
    """
    config, listed = run.config, list(steps)
    found: list[Problem] = []
    wanted: list[tuple[str, str, str | None]] = []
    if "test" in listed:
        wanted.append(("test", "$.data.split", "test"))
    for name, part in _parts(config, listed):
        split = part.get("split", _SPLIT_OF.get(name))
        wanted.append((name, f"$.interpret.{name}", split))
        if name == "filters" and part["layer"] is not None:
            layers = [k for k, _ in module.arch.named_modules() if k]
            if part["layer"] not in layers:
                from eugene.errors import did_you_mean

                hint = did_you_mean(part["layer"], layers)
                message = f"the network has no layer {part['layer']!r}{hint}"
                found.append(config.document.problem("$.interpret.filters.layer", message))
        if name == "seqlets" and "attribute" not in listed:
            message = "needs attributions: add 'attribute:' beside it"
            found.append(config.document.problem("$.interpret.seqlets", message))
    targets = run.datamodule.targets_of("test")
    for name, path, split in wanted:
        if split is None or name == "seqlets":
            continue
        if not len(run.rows(split)):
            message = f"the split leaves no {split} rows, which the step {name!r} needs"
            found.append(config.document.problem(path, f"{message}; change data.split"))
        elif name == "test" and all(np.isnan(v.astype(float)).all() for v in targets.values()):
            message = "no test row has a target, so nothing can be tested; change data.split"
            found.append(config.document.problem(path, message))
    if "test" in listed:
        found += _baselines(run)
    if found:
        raise ConfigError(list(dict.fromkeys(found)))


def _baselines(run: Run) -> Iterator[Problem]:
    """Yield baselines whose training targets have one class, or too few rows."""
    train = run.datamodule.targets_of("train")
    for i, section in enumerate(run.config.tree.get("baselines") or []):
        if section.get("name") not in BASELINES:
            continue
        least = 2
        for name, values in train.items():
            there = values[~np.isnan(values.astype(float))]
            labels = len(np.unique(there)) if section["name"] == "kmer_logistic" else len(there)
            if labels < least:
                what = "one class" if section["name"] == "kmer_logistic" else f"{len(there)} row(s)"
                message = f"{name!r} has {what} among the training rows; two are needed"
                yield run.config.document.problem(f"$.baselines[{i}]", message)
