"""Where the figures of each epoch are written, by name."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import Logger, TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only

from eugene._files import write_atomic
from eugene._optional import require
from eugene.config import build, registries
from eugene.errors import EugeneError

Named = str | Mapping[str, object] | Logger

FOLDERS = ("tensorboard", "wandb", "mlflow")
"""What loggers leave in a run folder, beside ``metrics.csv``."""


def make_loggers(loggers: Named | Sequence[Named], folder: Path) -> list[Logger]:
    """Return loggers by their names.

    Parameters
    ----------
    loggers : str, mapping, Logger, or list of them
        Names of the registry ``loggers``, mappings with ``name`` and arguments, or Lightning's
        own.
    folder : pathlib.Path
        The run folder.

    Returns
    -------
    list of Logger
        ``csv`` needs none: ``metrics.csv`` is always written.

    Raises
    ------
    MissingExtraError
        If the package of one is not installed; says what to install.
    EugeneError
        If a name is unknown, or one is there twice.
    """
    given = [loggers] if isinstance(loggers, str | Mapping | Logger) else list(loggers)
    names = [n if isinstance(n, str) else n.get("name") for n in given if not isinstance(n, Logger)]
    for name in names:
        if names.count(name) > 1:
            raise EugeneError(f"loggers: {name!r} is there twice, one of each writes everything")
    made: list[Logger] = []
    for one in given:
        if isinstance(one, Logger):
            made.append(one)
            continue
        section = {"name": one} if isinstance(one, str) else dict(one)
        logger = build(registries.LOGGERS, section, folder)
        if logger is not None:
            made.append(logger)
    return made


def csv(folder: Path) -> None:
    """Write a row an epoch to ``metrics.csv``, which every training does.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    """


def tensorboard(folder: Path) -> Logger:
    """Write events for TensorBoard to ``tensorboard/`` of the run folder.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    """
    return TensorBoardLogger(str(folder), name="tensorboard", version="")


def wandb(
    folder: Path,
    *,
    project: str = "eugene",
    entity: str | None = None,
    run_name: str | None = None,
    group: str | None = None,
    tags: Sequence[str] = (),
    mode: Literal["offline", "online", "disabled"] = "offline",
) -> Logger:
    """Log to Weights & Biases; offline, to ``wandb/`` of the run folder, unless told otherwise.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    project, entity, run_name, group, tags
        As of ``wandb.init``; the run is called as its folder by default.
    mode : {"offline", "online", "disabled"}
        Whether anything leaves this machine. ``wandb sync`` sends what was logged offline.
    """
    return _Wandb(
        folder,
        require("wandb", extra="wandb"),
        {
            "project": project,
            "entity": entity,
            "name": run_name or folder.resolve().name,
            "group": group,
            "tags": list(tags),
            "mode": mode,
        },
    )


def mlflow(
    folder: Path,
    *,
    experiment: str = "eugene",
    run_name: str | None = None,
    tracking_uri: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Logger:
    """Log to MLflow; to ``mlflow/`` of the run folder unless a server is named.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    experiment, run_name, tags
        As of ``mlflow.start_run``; the run is called as its folder by default.
    tracking_uri : str, optional
        Address of the server, or folder.
    """
    address = tracking_uri or (folder / "mlflow").resolve().as_uri()
    options = {"run_name": run_name or folder.resolve().name, "tags": dict(tags or {})}
    return _Mlflow(folder, require("mlflow", extra="mlflow"), experiment, address, options)


class _Remote(Logger):
    """A logger of another program: begun with the first figures, and taken up again.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder; the other program's number of the run is kept in it.
    program : module
        The other program.
    """

    kind = ""

    def __init__(self, folder: Path, program: Any) -> None:
        super().__init__()
        self.folder, self.program = folder, program
        self._run: Any = None

    @property
    def name(self) -> str:
        """Name of the logger."""
        return self.kind

    @property
    def version(self) -> str | None:
        """The other program's number of the run, once it was begun."""
        path = self.folder / self.kind / "run_id"
        return path.read_text().strip() if path.is_file() else None

    def keep(self, number: str) -> None:
        """Write down the other program's number of the run."""
        path = self.folder / self.kind / "run_id"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, f"{number}\n")

    @abstractmethod
    def begin(self) -> Any:
        """Begin the run, or take it up."""

    @property
    def run(self) -> Any:
        """The run of the other program."""
        if self._run is None:
            self._run = self.begin()
        return self._run


class _Wandb(_Remote):
    kind = "wandb"

    def __init__(self, folder: Path, program: Any, options: Mapping[str, object]) -> None:
        super().__init__(folder, program)
        self.options = dict(options)

    def begin(self) -> Any:
        known = self.version
        if known is None:
            known = uuid.uuid4().hex[:12]
            self.keep(known)
        return self.program.init(id=known, dir=str(self.folder), resume="allow", **self.options)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: object, **kwargs: object) -> None:
        """Keep the settings of the module."""
        self.run.config.update(_plain(params), allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write figures of an epoch."""
        self.run.log(dict(metrics), step=step)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run."""
        if self._run is not None:
            self._run.finish(exit_code=0 if status == "success" else 1)
            self._run = None


class _Mlflow(_Remote):
    kind = "mlflow"

    def __init__(
        self,
        folder: Path,
        program: Any,
        experiment: str,
        address: str,
        options: Mapping[str, object],
    ) -> None:
        super().__init__(folder, program)
        self.experiment, self.address, self.options = experiment, address, dict(options)

    def begin(self) -> Any:
        self.program.set_tracking_uri(self.address)
        self.program.set_experiment(self.experiment)
        known = self.version
        if known is not None:
            return self.program.start_run(run_id=known)
        begun = self.program.start_run(**self.options)
        self.keep(str(begun.info.run_id))
        return begun

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: object, **kwargs: object) -> None:
        """Keep the settings of the module, where they were not kept before."""
        if self.version is None and self.run is not None:
            self.program.log_params(_plain(params))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write figures of an epoch."""
        if self.run is not None:
            self.program.log_metrics(dict(metrics), step=step)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run."""
        if self._run is not None:
            self.program.end_run("FINISHED" if status == "success" else "FAILED")
            self._run = None


def _plain(params: Any) -> dict[str, object]:
    """Return settings as numbers and texts."""
    given = params if isinstance(params, Mapping) else vars(params)
    simple = (bool, int, float, str)
    return {str(k): v if isinstance(v, simple) else repr(v)[:500] for k, v in given.items()}
