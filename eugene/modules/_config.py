"""EUGENe's own model files: a module and its architecture in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from eugene._calls import eugene_call
from eugene.config import parse_file
from eugene.errors import ConfigError, EugeneError, MissingFileError, did_you_mean
from eugene.models._build import build
from eugene.modules.sequence import SequenceModule
from eugene.settings import settings

_MODULES = ("SequenceModule",)
_MODULE_KEYS = (
    "task",
    "loss_fxn",
    "optimizer",
    "optimizer_lr",
    "optimizer_kwargs",
    "scheduler",
    "scheduler_monitor",
    "scheduler_kwargs",
    "metric",
    "loss_kwargs",
    "target_names",
    "alphabet",
    "seed",
)
_DROPPED = ("metric_kwargs", "save_hyperparams")


@eugene_call("eugene.models.load_config", same={"config_path": "path"})
def load_config(path: str | Path, *, seed: int | None = None) -> nn.Module:
    """Build what a model file of EUGENe describes.

    A file with ``module:`` gives a :class:`eugene.models.SequenceModule`, one without gives the
    bare architecture. Keys that EUGENe wrote one level too deep are found where they are.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; a bare name is looked for in ``settings.config_dir`` as well, with and without
        ``.yaml``.
    seed : int, optional
        Seed of the starting weights; by default ``settings.seed``.

    Returns
    -------
    torch.nn.Module
        The module or the architecture.

    Raises
    ------
    MissingFileError
        If there is no such file.
    EugeneError
        If the file does not describe a model.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = "model: {arch_name: CNN, arch: {input_len: 50, output_dim: 1}}"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "cnn.yaml")
    ...     _ = file.write_text(text)
    ...     type(load_config(file)).__name__
    'CNN'
    """
    file = _find(path)
    tree = _read(file)
    model = tree.get("model")
    if not isinstance(model, Mapping):
        raise EugeneError(f"{file}: expected a mapping under 'model', got {model!r}")
    name = model.get("arch_name", tree.get("arch_name"))
    arguments = model.get("arch")
    if not isinstance(name, str) or not isinstance(arguments, Mapping):
        raise EugeneError(
            f"{file}: 'model' needs 'arch_name' (such as CNN) and 'arch' (its arguments), it has "
            f"{', '.join(map(str, model))}"
        )
    arch = build(name, seed=seed, **arguments)
    module_name = tree.get("module")
    if module_name is None:
        return arch
    if module_name not in _MODULES:
        raise EugeneError(
            f"{file}: unknown module {module_name!r}{did_you_mean(module_name, _MODULES)}"
        )
    options = {k: v for source in (model, tree) for k, v in source.items() if k in _MODULE_KEYS}
    known = (*_MODULE_KEYS, *_DROPPED, "module", "model", "model_name", "arch_name", "arch")
    for key in (*tree, *model):
        if key not in known:
            raise EugeneError(f"{file}: unknown key {key!r}{did_you_mean(key, known)}")
    names = {
        key: model.get(key, tree.get(key))
        for key in ("arch_name", "model_name")
        if model.get(key, tree.get(key)) is not None
    }
    return SequenceModule(arch, **options, **names)


def _find(path: str | Path) -> Path:
    given = Path(path)
    folder = Path(settings.config_dir)
    tried = [given, folder / given, folder / f"{given}.yaml"]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise MissingFileError(f"no model file {given}; looked at {', '.join(map(str, tried))}")


def _read(file: Path) -> dict[str, Any]:
    document = parse_file(file)
    if document.problems:
        raise ConfigError(document.problems)
    return document.tree
