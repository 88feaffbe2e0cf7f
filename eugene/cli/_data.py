"""Build a data set, and say what one holds."""

from __future__ import annotations

import tempfile
from pathlib import Path

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import load_config, printed, spoken
from eugene.errors import MissingFileError, UsageError


def _lines(value: object, indent: int = 0) -> list[str]:
    """Return a nested summary as indented lines."""
    pad = "  " * indent
    if not isinstance(value, dict):
        return [f"{pad}{value}"]
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines += [f"{pad}{key}:", *_lines(item, indent + 1)]
        elif not isinstance(item, dict):
            lines.append(f"{pad}{key}: {_plain(item)}")
    return lines


def _plain(value: object) -> str:
    """Return a value as a reader of YAML would write it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value) or "-"
    if isinstance(value, dict):
        return " ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return str(value)


# what is done with the data does not ask for a model
_DEFAULTS = {"model": {"name": "cnn"}}
_ACTIONS = ("build", "info")


def _store_summary(path: Path) -> dict[str, object]:
    import seqdata as sd
    from eugene.data import summarise

    ds = sd.open_zarr(path)
    rows = [str(v) for v in ds.variables if ds[v].dims[:1] == ("_sequence",)]
    letters = [v for v in rows if ds[v].dtype.kind == "S" and ds[v].ndim == 2]
    numbers = [
        v for v in rows if v in ds.data_vars and ds[v].ndim == 1 and ds[v].dtype.kind in "biuf"
    ]
    codes = sd.splits.codes_of(ds) if "split" in ds.variables else None
    if not letters:
        return {"variables": {str(v): str(ds[v].dims) for v in ds.variables}}
    return dict(summarise(ds, seq_var=letters[0], target_vars=numbers, codes=codes))


def _config_summary(call: Call, source: str | None) -> dict[str, object] | None:
    config = load_config(call, source, defaults=_DEFAULTS)
    if printed(call, config):
        return None
    from eugene.data import summarise
    from eugene.runs import Run, RunFolder, load_data

    with tempfile.TemporaryDirectory(prefix="eugene-data-") as folder:
        found = load_data(config, RunFolder(folder), dealt=False)
        if "split" in found.ds.variables:
            described = Run(config, RunFolder(folder)).describe()
        else:
            described = summarise(found.ds, seq_var=found.seq_var, target_vars=found.target_vars)
    source = str(described.get("source", ""))
    return {k: v for k, v in described.items() if k != "source" or not source.startswith(folder)}


def _build(call: Call, source: str | None) -> int:
    """Write the data of a run file, or of the command line, as a store."""
    config = load_config(call, source, defaults=_DEFAULTS)
    if printed(call, config):
        return 0
    out = call.get("out")
    if out is None:
        message = f"'eugene data build' needs --out STORE.zarr. Example: {call.verb.example}"
        raise UsageError(message)
    from eugene.runs import build_store

    with spoken(call):
        build_store(config, out, overwrite=call.has("overwrite"))
    say("\n".join(_lines(_store_summary(Path(out).expanduser()))))
    return 0


def data(call: Call) -> int:
    """Build a store, or describe a run file, a run folder or a store.

    Parameters
    ----------
    call : Call
        ``build`` and perhaps a run file, or ``info`` and perhaps a path.

    Returns
    -------
    int
        0.

    Raises
    ------
    UsageError
        For another word, or a build that is not told where to.
    MissingFileError
        If there is nothing at the path.
    """
    action, rest = call.action(_ACTIONS)
    if action == "build":
        return _build(call, rest[0] if rest else None)
    if given := [name for name in ("out", "overwrite") if call.has(name)]:
        raise UsageError(f"--{given[0]} belongs to 'eugene data build'; 'info' writes nothing")
    from eugene.runs import RunFolder

    path = Path(rest[0]) if rest else None
    if path is None or path.is_file() or (not path.suffix and not path.exists()):
        summary = _config_summary(call, None if path is None else str(path))
    elif not path.exists():
        message = f"{path} does not exist; expected a run file, a run folder or a Zarr store"
        raise MissingFileError(message)
    elif RunFolder(path).is_run():
        summary = RunFolder(path).read_json("data.json")
    else:
        summary = _store_summary(path)
    if summary is not None:
        say("\n".join(_lines(summary)))
    return 0
