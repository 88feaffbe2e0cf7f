"""Where the shipped YAML files are."""

from __future__ import annotations

from pathlib import Path

import eugene
from eugene.errors import MissingFileError, did_you_mean


def config_root() -> Path:
    """Return the folder of shipped configurations.

    In a source tree it is the ``configs`` folder beside the package, because an editable
    install leaves an old copy inside the package; in an installed wheel it is that copy.

    Returns
    -------
    Path
        An existing folder.

    Raises
    ------
    MissingFileError
        If neither is there.
    """
    package = Path(eugene.__file__).parent
    beside = package.parent / "configs"
    if beside.is_dir() and (package.parent / "pyproject.toml").is_file():
        return beside
    inside = package / "_configs"
    if inside.is_dir():
        return inside
    message = f"no shipped configurations at {inside} or {beside}; install eugene-genomics again"
    raise MissingFileError(message)


def list_configs(room: str = "recipes") -> list[str]:
    """Return the names of the shipped files in one folder of the configurations.

    Examples
    --------
    >>> "quickstart" in list_configs("recipes")
    True
    """
    return sorted(path.stem for path in (config_root() / room).glob("*.yaml"))


_BY_NAME = ("recipes", "searches")


def find_recipe(recipe: str | Path) -> Path:
    """Return the file of a recipe given as a path or as the name of a shipped one.

    Parameters
    ----------
    recipe : str or Path
        ``"quickstart"`` or ``"my/run.yaml"``; the name of a search is that of a file for
        ``eugene tune``.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    MissingFileError
        If it is neither; lists the shipped recipes.

    Examples
    --------
    >>> find_recipe("quickstart").name
    'quickstart.yaml'
    """
    path = Path(recipe)
    if path.is_file():
        return path
    name = str(recipe)
    plain = "/" not in name and not name.endswith((".yaml", ".yml"))
    for room in _BY_NAME if plain else ():
        shipped = config_root() / room / f"{name}.yaml"
        if shipped.is_file():
            return shipped
    if plain:
        hint = did_you_mean(name, [known for room in _BY_NAME for known in list_configs(room)])
        message = f"{name!r} is neither a file nor a shipped recipe{hint}"
    else:
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        message = f"the configuration file {name} does not exist{did_you_mean(path.name, beside)}"
    raise MissingFileError(message)
