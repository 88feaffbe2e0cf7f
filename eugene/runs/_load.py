"""A trained module from its run folder, with nothing else given."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._folder import RunFolder
from eugene.config import (
    RunConfig,
    listed_plugins,
    load_plugin,
    load_run_config,
    parse_file,
    search_entries,
)
from eugene.errors import ConfigError, EugeneWarning, MissingFileError, NotARunError
from eugene.runs._card import run_card
from eugene.runs._network import build_module
from seqpro import cards

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from eugene.modules import SequenceModule
    from seqdata.targets import TargetTransform


@dataclass(frozen=True)
class RunInfo:
    """What a loaded module knows about its run.

    Attributes
    ----------
    path : Path
        The run folder.
    alphabet : str
        Letters in the order of the one-hot axis.
    input_len : int
        Length of the sequences in bp.
    target_names : tuple of str
        One an output.
    transforms : dict of str to list of dict
        Fitted transforms of each target in the order in which they were applied.
    """

    path: Path
    alphabet: str
    input_len: int
    target_names: tuple[str, ...]
    transforms: dict[str, list[dict[str, object]]]

    def inverse(self, predictions: ArrayLike) -> NDArray[np.float64]:
        """Turn predictions of transformed targets into the units of the data.

        Parameters
        ----------
        predictions : array_like of float, shape (n, targets)
            What ``module.predict`` returned.

        Returns
        -------
        ndarray of float64, shape (n, targets)
            In the units of each target; transforms that cannot be undone are left as they are.
        """
        import numpy as np

        import seqdata as sd

        values = np.asarray(predictions, dtype=np.float64).copy()
        for column, name in enumerate(self.target_names[: values.shape[1]]):
            values[:, column] = sd.targets.invert(values[:, column], self.steps(name))
        return values

    def __str__(self) -> str:
        return cards.lines(self.path.name, run_card(RunFolder(self.path)))

    def _repr_html_(self) -> str:
        return cards.card(self.path.name, run_card(RunFolder(self.path)))

    def steps(self, name: str) -> list[TargetTransform]:
        """Return the fitted transforms of a target, of `seqdata.targets`."""
        import seqdata as sd

        return [sd.targets.from_dict(step) for step in self.transforms.get(name, [])]


def _find(path: str | Path) -> tuple[RunFolder, Path | None]:
    """Return the run folder, and the checkpoint if one was named."""
    path = Path(path)
    if path.suffix not in {".ckpt", ".safetensors"}:
        return RunFolder.open(path), None
    if not path.is_file():
        message = f"the checkpoint {path} does not exist"
        raise MissingFileError(message)
    for parent in path.resolve().parents[:2]:
        folder = RunFolder(parent)
        if folder.is_run():
            return folder, path
    message = (
        f"{path} does not lie in a run folder of eugene, so its network is unknown. Expected "
        "<run>/model.safetensors or <run>/checkpoints/best.ckpt; for a checkpoint from elsewhere "
        "use eugene.train.load_checkpoint(path, arch=...)"
    )
    raise NotARunError(message)


def _weights(folder: RunFolder, chosen: Path | None) -> Path:
    if chosen is None:
        require_single(folder)
    candidates = [chosen] if chosen else [folder.weights, folder.best, folder.last]
    for path in candidates:
        if path is not None and path.is_file():
            return path
    message = (
        f"{folder.path} has no trained weights; train it with "
        f"'eugene fit --resume --run_dir {folder.path}'"
    )
    raise MissingFileError(message)


def replicates_of(path: str | Path) -> list[Path]:
    """Return the runs over seeds or folds in a folder, that of the run or of one of its arms.

    Parameters
    ----------
    path : path
        A folder.

    Returns
    -------
    list of Path
        In the order of their numbers; empty where the folder is of one run alone, or is none.

    Raises
    ------
    NotARunError
        If there are several arms, or runs that were not begun.
    """
    folder, place = RunFolder(path), Path(path)
    found = folder.replicates if folder.is_run() else []
    parent = folder
    if not found and place.is_dir() and not folder.is_run():
        parent = RunFolder(place.absolute().parent)
        every = parent.replicates if parent.is_run() else []
        found = [run for run in every if run.parent == place.absolute()]
    arms = sorted({run.parent.name for run in found})
    if len(arms) > 1:
        message = f"{path} holds runs of the arms {', '.join(arms)}: name one, {place / arms[0]}"
        raise NotARunError(message)
    asked = parent.settings("replicates") if found else {}
    seeds = asked.get("seeds")
    wanted = asked.get("folds") or len(seeds if seeds is not None else found)
    # how many groups are left out only the data tell: the last of them is followed by the summary
    undone = asked.get("leave_out") is not None and not parent.summary.is_file()
    if len(found) < wanted or undone:
        of = "more" if undone else wanted
        message = (
            f"{path} holds {len(found)} of {of} runs; 'eugene run {parent.path} --resume' does "
            "the others"
        )
        raise NotARunError(message)
    return found


def require_single(folder: RunFolder) -> None:
    """Raise where a folder holds a run over several seeds, of which one has to be named.

    Raises
    ------
    NotARunError
        With the folders of its runs.
    """
    if folder.read("tune.json"):
        best = folder / "trials" / str(folder.read("tune.json")["best"])
        message = (
            f"{folder.path} holds a search, and no network of its own: name one of its trials, the "
            f"best of which is {best}"
        )
        raise NotARunError(message)
    if found := folder.replicates:
        shown = ", ".join(str(path) for path in found[:4]) + (", ..." if len(found) > 4 else "")
        over = found[0].name.partition("_")[0]
        message = (
            f"{folder.path} holds {len(found)} runs over {over}s and arms, and no network of its "
            f"own: name one of them ({shown}). 'eugene run --resume' goes on with all, "
            "'eugene report' and 'eugene compare' show them together"
        )
        raise NotARunError(message)


def require_trained(folder: RunFolder) -> None:
    """Raise where a folder holds no trained network, before anything in it is changed.

    Raises
    ------
    MissingFileError
        If it has no weights.
    NotARunError
        If it holds several runs.
    """
    _weights(folder, None)


def load(run_dir: str | Path, *, device: str | None = None, allow_class_path: bool = False) -> Any:
    """Load the trained module of a run, ready to predict.

    Parameters
    ----------
    run_dir : path
        A run folder, or a checkpoint inside one; or the ``run_dir`` of `eugene.train.fit`. Of a
        run over seeds or folds, its folder, or that of one of its arms, gives all of them
        together.
    device : str, optional
        Where to put it; the CPU by default.
    allow_class_path : bool, optional
        Whether a network named by its import path may be imported. Only for folders you trust.

    Returns
    -------
    eugene.models.SequenceModule or eugene.evaluate.Ensemble
        In evaluation mode. ``module.predict(letters)`` needs nothing else; ``module.run`` is a
        `RunInfo`, whose facts are also ``module.alphabet``, ``module.input_len``,
        ``module.target_names`` and ``module.inverse_targets``.

    Raises
    ------
    MissingFileError
        If the folder, or trained weights in it, are missing.
    NotARunError
        If the folder or the checkpoint was not written by eugene, or does not fit its
        configuration.

    Examples
    --------
    >>> module = load("runs/quickstart")  # doctest: +SKIP
    >>> module.predict(letters).shape  # doctest: +SKIP
    torch.Size([10, 1])
    """
    if RunFolder(run_dir).trained_in_python:
        return _load_trained(Path(run_dir), device)
    if several := replicates_of(run_dir):
        from eugene.evaluate import Ensemble

        options: dict[str, Any] = {"device": device, "allow_class_path": allow_class_path}
        return Ensemble([load(path, **options) for path in several])
    from seqdata.errors import SeqdataError

    folder, chosen = _find(run_dir)
    weights = _weights(folder, chosen)
    config = read_config(folder, allow_class_path=allow_class_path).last
    described = folder.read_json("data.json")
    try:
        info = _info(folder.path, described)
        output_dim = int(described["output_dim"])
        for name in info.transforms:
            info.steps(name)
    except (KeyError, TypeError, ValueError, SeqdataError) as error:
        message = f"{folder.data} lacks or garbles {error}; the run folder is damaged"
        raise NotARunError(message) from error
    module = build_module(
        config,
        input_len=info.input_len,
        output_dim=output_dim,
        alphabet=info.alphabet,
        initialise=False,
        described=described,
    )
    _fill(module, weights)
    return _ready(module, info, described, device)


def info_of(folder: RunFolder) -> RunInfo:
    """Return what a run knows of its data, from its ``data.json``."""
    return _info(folder.path, folder.read_json("data.json"))


def _info(path: Path, described: Mapping[str, Any]) -> RunInfo:
    return RunInfo(
        path=path,
        alphabet=str(described["alphabet"]),
        input_len=int(described["input_len"]),
        target_names=tuple(described["target_names"]),
        transforms=dict(described.get("transforms") or {}),
    )


def _ready(module: Any, info: RunInfo, described: Mapping[str, Any], device: str | None) -> Any:
    take_facts = getattr(module, "take_facts", None)
    if callable(take_facts):
        take_facts(described)
    module.run = info
    if not isinstance(getattr(type(module), "input_len", None), property):
        module.input_len = info.input_len
    module.target_names = list(info.target_names)
    module.inverse_targets = info.inverse
    module.eval()
    return module if device is None else module.to(device)


def _load_trained(path: Path, device: str | None) -> Any:
    """Load what `eugene.train.fit` left in a folder: its best checkpoint describes itself."""
    from eugene.train import load_checkpoint, read_checkpoint

    best = path / "checkpoints" / "best.ckpt"
    described = (read_checkpoint(best).get("eugene") or {}).get("data")
    module = load_checkpoint(best)
    if not described and module.input_len is not None and module.output_dim is not None:
        # plain loaders say nothing of their data: the network knows what it reads
        names = module.target_names or [str(i) for i in range(module.output_dim)]
        described = {
            "alphabet": module.alphabet,
            "input_len": module.input_len,
            "target_names": names,
        }
    if not described:
        message = (
            f"{best} does not say what its network reads; load it with "
            "eugene.train.load_checkpoint(path, arch=...)"
        )
        raise NotARunError(message)
    return _ready(module, _info(path, described), described, device)


def read_config(folder: RunFolder, *, allow_class_path: bool = False) -> RunConfig:
    """Return the configuration that a run was made with, as it was written.

    Parameters
    ----------
    folder : RunFolder
        The run.
    allow_class_path : bool, optional
        Whether it may name things by import path, and the plugins that it lists are imported.

    Returns
    -------
    RunConfig
        Resolved when it was written.

    Raises
    ------
    NotARunError
        If the folder has none.
    """
    if not folder.config.is_file():
        message = f"{folder.path} has no config.yaml; the run folder is damaged or never began"
        raise NotARunError(message)
    document = parse_file(folder.config)
    for plugin in listed_plugins(document) if allow_class_path else ():
        load_plugin(plugin)
    return RunConfig(document.tree, document, allow_class_path)


def resolved_config(folder: RunFolder) -> RunConfig:
    """Return the configuration of a run with the defaults of today where it names none.

    A run of an older version lacks keys that have come since; what it names and nothing knows is
    said.

    Parameters
    ----------
    folder : RunFolder
        The run.

    Returns
    -------
    RunConfig
        As `read_config` returns it where it cannot be resolved.
    """
    plain = read_config(folder)
    try:
        searched = bool(search_entries({k: v for k, v in plain.tree.items() if k != "tune"}))
        return load_run_config(
            folder.config, plugins=None, allow_class_path=True, searched=searched
        )
    except ConfigError as error:
        warnings.warn(f"{folder.config}: {error}", EugeneWarning, stacklevel=2)
        return plain


def _fill(module: SequenceModule, weights: Path) -> None:
    """Put weights into a module after checking that they are its own."""
    from eugene.nn._lora import merged_state
    from eugene.train import load_weights, read_checkpoint

    if weights.suffix == ".safetensors":
        load_weights(weights, module.arch)
        return
    state = merged_state(read_checkpoint(weights)["state_dict"])
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        message = f"the weights in {weights} do not fit the network of the run: {first}"
        raise NotARunError(message) from error
