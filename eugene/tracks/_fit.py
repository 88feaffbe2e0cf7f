"""A head on a trunk, trained on a store of tracks by the recipe of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eugene.config import RunConfig, load_run_config, schema
from eugene.tracks._build import VARIABLE

if TYPE_CHECKING:
    from eugene._folder import RunFolder

RECIPE = "enformer_tracks"


def with_store(config: RunConfig, store: str | Path) -> RunConfig:
    """Return a configuration whose data are a store, with all else as it was.

    Parameters
    ----------
    config : RunConfig
        What is to be trained, and how.
    store : path
        Zarr store of `build`, with its split.

    Returns
    -------
    RunConfig
        Batch size, jitter and the like stay; the source, its files and the split do not.
    """
    kept = {p.name for p in schema.parameters("data")} - {"split", "length", "rows"}
    old = config.section("data")
    data: dict[str, object] = {k: v for k, v in old.items() if k in kept and v is not None}
    return config.replaced({"data": data | _of_store(store)})


def _of_store(store: str | Path) -> dict[str, object]:
    """Return the section of the data that reads a store of `build`."""
    return {"name": "zarr", "path": str(Path(store).absolute()), "target_vars": [VARIABLE]}


def fit(
    store: str | Path,
    folder: str | Path,
    *,
    recipe: str | Path | Mapping[str, object] = RECIPE,
    overrides: Mapping[str, object] | None = None,
    overwrite: bool = False,
    resume: bool = False,
) -> RunFolder:
    """Train a head on the tracks of a store.

    Parameters
    ----------
    store : path
        As `build` writes it.
    folder : path
        Folder of the run.
    recipe : path, name or mapping
        File of a run, or its sections, of which everything but the source of the data is taken,
        such as ``{"data": {"batch_size": 8}, "model": ...}``; by default a shipped one, with a
        tiny trunk that is frozen.
    overrides : mapping, optional
        Dotted keys and their values, ``{"model.weights": "trunk.safetensors"}``.
    overwrite, resume : bool
        As of `eugene.runs.run`.

    Returns
    -------
    RunFolder
        The run, with its report and figures on the held-out contigs.
    """
    from eugene.config._paths import find_recipe
    from eugene.runs import run

    source: Path | dict[str, object]
    if isinstance(recipe, Mapping):
        data = recipe.get("data") or {}
        source = dict(recipe)
        if isinstance(data, Mapping) and "name" not in data:
            source["data"] = {**_of_store(store), **data}
    else:
        source = find_recipe(recipe)
    config = load_run_config(source, overrides=dict(overrides or {}))
    config = with_store(config, store).replaced({"run_dir": str(folder)})
    return run(config, overwrite=overwrite, resume=resume)
