"""Everything that a recipe asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eugene._folder import RunFolder
from eugene.config import RunConfig, find_recipe, load_run_config
from eugene.config._config import Overrides
from eugene.runs._needs import require_files
from eugene.runs._pipeline import Options, default_folder, train, wanted_steps
from eugene.runs._public import with_public_data
from eugene.runs._replicates import run_replicates


def run(
    recipe: str | Path | Mapping[str, object] | RunConfig,
    *,
    overrides: Overrides = (),
    run_dir: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    plugins: Sequence[str | Path] = (),
    allow_class_path: bool = False,
    progress: bool = False,
    device: str | None = None,
) -> RunFolder:
    """Do everything that a recipe asks for: train, test, explain, report.

    Parameters
    ----------
    recipe : str, Path, mapping or RunConfig
        Name of a shipped recipe, a YAML file, or its content.
    overrides : sequence of (str, str) or mapping, optional
        Dotted keys and what to set them to.
    run_dir : path, optional
        The folder, instead of ``runs/<name>``.
    overwrite : bool, optional
        Replace a run that is already there.
    resume : bool, optional
        Continue it instead; finished steps are not done again.
    plugins : sequence of str or Path, optional
        Modules or Python files that register what the recipe names; they are imported first.
    allow_class_path : bool, optional
        Whether the file may name things by import path, and plugins.
    progress : bool, optional
        Draw bars.
    device : str, optional
        Where the trained network computes; the CPU by default. Training has ``trainer``.

    Returns
    -------
    RunFolder
        Where everything is.

    Raises
    ------
    ConfigError
        With every mistake of the recipe.
    RunExistsError
        If a run is there and neither ``overwrite`` nor ``resume`` is given.

    Examples
    --------
    >>> folder = run("quickstart", overrides={"trainer.max_epochs": 5})  # doctest: +SKIP
    >>> folder.read_json("evaluation.json")["metrics"]["auroc"]["value"] > 0.9  # doctest: +SKIP
    True
    """
    if isinstance(recipe, RunConfig):
        config = recipe
    else:
        source = recipe if isinstance(recipe, Mapping) else find_recipe(recipe)
        config = load_run_config(
            source, overrides=overrides, plugins=plugins, allow_class_path=allow_class_path
        )
    config = with_public_data(config)
    require_files(config)
    path = Path(run_dir) if run_dir is not None else default_folder(config)
    options: Options = {
        "overwrite": overwrite,
        "resume": resume,
        "progress": progress,
        "device": device,
    }
    if config.tree.get("replicates"):
        return run_replicates(config, path, **options)
    current = train(config, path, later=wanted_steps(config), **options)
    return current.folder
