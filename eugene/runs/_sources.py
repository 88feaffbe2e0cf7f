"""The files that the data of a run are read from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from eugene.config import RunConfig
from eugene.config._places import is_path
from eugene.config.registries import DATA_SOURCES
from eugene.errors import MissingSourceError, did_you_mean

_WRITTEN = {"data.out", "data.cache_dir"}


def _named(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield the paths that the data section names, each with its key."""
    section = config.section("data")
    if "class_path" in section:
        return
    values = [
        (f"data.{parameter.name}", section[parameter.name])
        for parameter in DATA_SOURCES.signature(str(section["name"])).parameters
        if parameter.name in section
        and is_path(parameter.name, parameter.annotation, section[parameter.name])
    ]
    while values:
        key, value = values.pop(0)
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            values += [(key, item) for item in value]
        elif isinstance(value, str):
            yield key, value


def source_files(config: RunConfig) -> list[Path]:
    """Return the files that the data are read from, as far as the section names them."""
    return [Path(path) for _, path in _named(config) if Path(path).is_file()]


def missing_files(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield files that the data of a run are read from and that are not here.

    Parameters
    ----------
    config : RunConfig
        The run.

    Yields
    ------
    key : str
        Such as ``"data.path"``.
    path : str
        As it was written.
    """
    for key, path in _named(config):
        if "://" not in path and not Path(path).expanduser().exists():
            yield key, path


def require_sources(config: RunConfig) -> None:
    """Raise where files that the data are read from are not here.

    Parameters
    ----------
    config : RunConfig
        The run, whose data are about to be read. Names without a folder or an ending may be those
        of something that comes with the package; their source looks at them.

    Raises
    ------
    MissingSourceError
        With each of them, its line, where it was looked for, and the name that is nearest there.
    """
    found = []
    for key, path in missing_files(config):
        place = Path(path).expanduser().absolute()
        if key in _WRITTEN or not (place.suffix or os.sep in path):
            continue
        if place.parent.is_dir():
            near = did_you_mean(
                place.name, sorted(p.name for p in place.parent.iterdir()), listed=0
            )
            message = f"{path} does not exist in {place.parent}{near}"
        else:
            message = f"{path} does not exist, nor does its folder {place.parent}"
        found.append(config.document.problem(f"$.{key}", message))
    if found:
        raise MissingSourceError(found)
