"""A run in a few lines: what was trained, on what, how well beside its baseline, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eugene._folder import RunFolder
from eugene.config._config import value_at
from eugene.errors import EugeneError

_FILES = ("report.html", "model.safetensors", "predictions.zarr", "attributions.zarr", "figures")


def run_card(folder: RunFolder) -> list[tuple[str, str]]:
    """Return what a run is and what came of it, as far as its files say.

    Parameters
    ----------
    folder : RunFolder
        The run.

    Returns
    -------
    list of (str, str)
        What, and its value; a folder of which files are missing has fewer.
    """
    return [*_trained(folder), *_measured(folder), *_files(folder)]


def _read(folder: RunFolder, name: str) -> Mapping[str, object]:
    """Return a file of a run, empty where it is not there or damaged: a card raises nothing."""
    try:
        return folder.read(name)
    except (EugeneError, OSError):
        return {}


def _config(folder: RunFolder) -> Mapping[str, object]:
    try:
        return folder.settings()
    except (EugeneError, OSError):
        return {}


def _trained(folder: RunFolder) -> Iterator[tuple[str, str]]:
    tree, data = _config(folder), _read(folder, "data.json")
    network = value_at(tree, "model.name")
    if network is not None:
        task = value_at(tree, "module.task") or value_at(tree, "module.name")
        yield "network", f"{network}, {str(task).replace('_', ' ')}"
    if data:
        parts = data.get("splits")
        parts = parts if isinstance(parts, dict) else {}
        splits = ", ".join(f"{name} {n:,}" for name, n in parts.items())
        rows = f"{n:,} rows" if isinstance(n := data.get("n"), int) else "rows"
        yield "data", f"{rows}{f' ({splits})' if splits else ''}"
        yield "reads", f"{data.get('input_len')} bp of {data.get('alphabet')}"
        names = data.get("target_names")
        yield "predicts", ", ".join(map(str, names)) if isinstance(names, list) else "-"
    source = value_at(tree, "data.path") or value_at(tree, "data.bed")
    if source:
        yield "from", str(source)
    trained = _read(folder, "state.json").get("training")
    if isinstance(trained, dict) and trained.get("epochs") is not None:
        yield "trained", f"{trained['epochs']} epochs"


def _measured(folder: RunFolder) -> Iterator[tuple[str, str]]:
    from eugene.report import verdicts

    try:
        found = verdicts(folder)
    except (EugeneError, OSError, KeyError, TypeError):
        found = []
    for verdict in found:
        yield verdict.of or "test", f"{verdict.headline}: {verdict.text}"


def _files(folder: RunFolder) -> Iterator[tuple[str, str]]:
    yield "folder", str(folder.path)
    there = [name for name in _FILES if (folder / name).exists()]
    if there:
        yield "files", ", ".join(there)
