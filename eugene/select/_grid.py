"""A grid of runs: written down, done, gone on with."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eugene._files import read_object, write_atomic
from eugene._folder import RunFolder
from eugene._holding import holding
from eugene.config import Selection, dump_yaml, load_selection
from eugene.errors import ConfigError, EugeneError, MissingFileError, RunExistsError
from eugene.runs import _pipeline as pipeline
from eugene.runs._needs import require_files
from eugene.runs._replicates import later_steps
from eugene.select import _work
from eugene.select._names import DEFINITIONS, FAILED, FILE, RUNS
from eugene.select._plan import Planned, planned, read_grammars

if TYPE_CHECKING:
    from eugene.select._compare import Comparison
    from eugene.simulate.grammar import Grammar

logger = logging.getLogger("eugene.select")
LOCAL = "local"
"""Address of a Ray that is started on this machine."""
Definition: TypeAlias = "str | Path | Grammar"


class Grid:
    """Runs of a selection in their folder; made by `grid` and `open_grid`.

    Attributes
    ----------
    selection : Selection
        What it was made of.
    folder : Path
        Where everything is: ``selection.yaml``, ``runs.json``, and a folder for each data set, with
        ``data.zarr``, and for each run its YAML file and its own folder.
    runs : tuple of Planned
        In the order in which they are done.
    """

    def __init__(self, selection: Selection, folder: Path, runs: Sequence[Planned]) -> None:
        self.selection = selection
        self.folder = folder
        self.runs = tuple(runs)

    def __repr__(self) -> str:
        return f"Grid({str(self.folder)!r}, {len(self.runs)} runs)"

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def failed(self) -> dict[str, str]:
        """Runs that failed when they were last tried, and why."""
        path = self.folder / FAILED
        return {k: str(v) for k, v in read_object(path).items()} if path.is_file() else {}

    def path(self, run: Planned) -> Path:
        """Return the folder of a run."""
        return self.folder / run.path

    def finished(self, run: Planned) -> bool:
        """Tell whether a run is there with all its steps, as it is asked for."""
        return pipeline.is_finished(run.config, self.path(run), self._later(run))

    def status(self) -> list[tuple[Planned, str]]:
        """Return every run with ``done``, ``failed``, ``begun`` or ``waiting``."""
        failed = self.failed
        found = []
        for run in self.runs:
            word = "failed" if run.path in failed else "waiting"
            if self.finished(run):
                word = "done"
            elif word == "waiting" and RunFolder(self.path(run)).is_run():
                word = "begun"
            found.append((run, word))
        return found

    def run(
        self,
        *,
        at_once: int = 1,
        address: str | None = None,
        cpus: int = 1,
        gpus: float = 0,
        device: str | None = None,
    ) -> Grid:
        """Do the runs that are not finished; what fails is recorded, and the rest goes on.

        A run that was begun goes on from its last checkpoint. The rows of a data set are made once
        for all runs on it.

        Parameters
        ----------
        at_once : int, optional
            So many processes on this machine.
        address : str, optional
            Do them on a Ray cluster, such as ``10.0.0.1:6379``, whose machines see the folder;
            ``"local"`` starts Ray here.
        cpus : int, optional
            Processors that a run takes on Ray, and threads of a run in a process of its own.
        gpus : float, optional
            Of a GPU on Ray.
        device : str, optional
            Where trained networks compute; the CPU by default. Training has ``trainer``.

        Returns
        -------
        Grid
            Itself.

        Raises
        ------
        RunExistsError
            If another process is at work in the folder.
        EugeneError
            If there is no cluster at the address, or rows cannot be made.
        """
        if at_once < 1 or cpus < 1 or gpus < 0:
            raise EugeneError(f"at_once {at_once}, cpus {cpus}, gpus {gpus}: expected 1 or more")
        with holding(self.folder):
            waiting = [run for run in self.runs if not self.finished(run)]
            failed = self.failed
            self._keep({p: w for p, w in failed.items() if p in {r.path for r in waiting}})
            logger.info(
                "selection: %d runs, %d of them finished, in %s",
                *(len(self), len(self) - len(waiting), self.folder),
            )
            if address is None and at_once == 1:
                for run in waiting:
                    self._prepare([run])
                    job = replace(self._job(run), device=device)
                    self._told(_work.here([job]), [run])
                return self
            self._prepare(waiting)
            jobs = [replace(self._job(run), device=device, threads=cpus) for run in waiting]
            if address is None:
                self._told(_work.at_once(jobs, at_once), waiting)
            else:
                place = None if address == LOCAL else address
                self._told(_work.on_cluster(jobs, place, cpus, gpus, 0), waiting)
        return self

    def compare(self, **options: object) -> Comparison:
        """Return the comparison of the runs that are there; see `compare`."""
        from eugene.select._compare import compare

        return compare(self.folder, **options)  # type: ignore[arg-type]

    def _later(self, run: Planned) -> list[str]:
        chosen = self.selection.tree["explain"]
        first = next(other for other in self.runs if other.model == run.model) == run
        return later_steps(run.config, explained=chosen == "all" or (chosen == "first" and first))

    def _job(self, run: Planned) -> _work.Job:
        return _work.job_of(
            run.config, yaml_of(self.folder, run), self.folder / run.data_id, self._later(run)
        )

    def _prepare(self, runs: Sequence[Planned]) -> None:
        for run in {run.data_id: run for run in runs}.values():
            _work.prepare_data(run.config, RunFolder(self.folder / run.data_id))

    def _told(self, told: _work.Told, runs: Sequence[Planned]) -> None:
        """Say and record what comes of runs."""
        known = {str(self.path(run).absolute()): run for run in runs}
        for job, error in told:
            run = known[job.folder]
            number = self.runs.index(run) + 1
            if error is None:
                logger.info("run %d of %d: %s is done", number, len(self), run.path)
                self._keep({p: w for p, w in self.failed.items() if p != run.path})
            else:
                logger.warning("run %d of %d: %s failed: %s", number, len(self), run.path, error)
                self._keep({**self.failed, run.path: error})

    def _keep(self, failed: Mapping[str, str]) -> None:
        path = self.folder / FAILED
        if failed:
            RunFolder(self.folder).write_json(FAILED, dict(failed))
        else:
            path.unlink(missing_ok=True)


def yaml_of(folder: Path, run: Planned) -> Path:
    """Return the YAML file of a run."""
    return folder / run.data_id / f"{run.run_id}.yaml"


def grid(
    definition: Definition | Sequence[Definition] | None = None,
    models: Mapping[str, object] | Sequence[str] = (),
    *,
    folder: str | Path,
    sizes: Sequence[int] = (),
    rates: Sequence[float] = (),
    data_seeds: Sequence[int] = (1, 2, 3),
    model_seeds: Sequence[int] = (1, 2, 3),
    seed_grid: bool = False,
    sections: Mapping[str, object] | None = None,
    execute: bool = True,
    at_once: int = 1,
    address: str | None = None,
    overwrite: bool = False,
) -> Grid:
    """Train several networks on several amounts of data, with several seeds.

    Each run is a plain run: a YAML file, and a folder that every other verb works with. A run that
    is finished is not done again, so that the same call goes on with a grid that was killed.

    Parameters
    ----------
    definition : str, Path, Grammar, or list of them, optional
        Data definitions of seqgra. Without one, ``sections`` has data with a name.
    models : mapping, or list of str
        Name -> a name of the zoo, the file of a model definition, or sections of a run with
        ``model`` among them.
    folder : str or Path
        Where everything is written.
    sizes : list of int
        With a definition: rows of all sets together; 70 % train, 10 % validate, 20 % test.
    rates : list of float
        With other data: shares of the training rows; the larger has all rows of the smaller.
    data_seeds, model_seeds : list of int
        Seeds of the rows, or of the choice among them, and of the networks: the first meets the
        first, and so on.
    seed_grid : bool
        Whether every data seed meets every model seed.
    sections : mapping, optional
        Sections of a run that all have: ``trainer``, ``evaluate``, ``interpret`` and so on, and
        ``explain``: whether runs also do steps that measure nothing (``none``, ``first``,
        ``all``).
    execute : bool
        Whether runs are done, or only written.
    at_once, address
        As `Grid.run` has them.
    overwrite : bool
        Replace runs that were begun with other settings.

    Returns
    -------
    Grid
        With the runs; `Grid.failed` says which failed.

    Raises
    ------
    ConfigError
        With every mistake.
    RunExistsError
        If there are runs with other settings.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> import eugene as eu
    >>> small = {"model": {"name": "cnn", "pool": "max"}}
    >>> found = eu.select.grid(
    ...     "grammar.xml", {"small": small, "basset": "basset"}, folder="runs/which",
    ...     sizes=[1000, 10_000],
    ... )  # doctest: +SKIP
    >>> found.compare().table  # doctest: +SKIP
    """
    folder = Path(folder)
    if definition is None:
        given: list[Definition] = []
    elif isinstance(definition, Sequence) and not isinstance(definition, str):
        given = list(definition)
    else:
        given = [definition]
    tree: dict[str, object] = {
        "name": folder.name,
        **(sections or {}),
        "run_dir": str(folder),
        "definition": [str(one) if isinstance(one, str | Path) else one.id for one in given],
        "models": dict(models) if isinstance(models, Mapping) else list(models),
        "sizes": list(sizes),
        "rates": list(rates),
        "data_seeds": list(data_seeds),
        "model_seeds": list(model_seeds),
        "seed_grid": seed_grid,
    }
    selection = load_selection(tree)
    made = write_grid(selection, read_grammars(selection, given), overwrite=overwrite)
    return made.run(at_once=at_once, address=address) if execute else made


def write_grid(
    selection: Selection,
    grammars: Mapping[str, Grammar] | None = None,
    *,
    overwrite: bool = False,
) -> Grid:
    """Write the runs of a selection.

    Parameters
    ----------
    selection : Selection
        The file.
    grammars : mapping, optional
        Its data definitions by their ids without size and seed; by default they are read.
    overwrite : bool, optional
        Replace runs that were begun with other settings.

    Returns
    -------
    Grid
        Nothing is trained yet.

    Raises
    ------
    ConfigError
        With every mistake; nothing is written then.
    RunExistsError
        If there are runs with other settings and ``overwrite`` is not given.
    """
    folder = selection.folder
    if grammars is None:
        grammars = read_grammars(selection)
    files = {folder / DEFINITIONS / f"{base}.yaml": g for base, g in grammars.items()}
    runs = planned(selection, files)
    for run in {run.model: run for run in runs}.values():
        require_files(run.config)
    other_rules = _of_other_rules(folder, files, runs)
    others = {**other_rules, **_others(folder, runs)}
    if others and not overwrite:
        listed = "; ".join(f"{path}: {what}" for path, what in list(others.items())[:3])
        raise RunExistsError(
            f"{folder} holds {len(others)} run(s) with other settings ({listed}); nothing was "
            "touched. Choose another --out, or --overwrite to train them anew"
        )
    with holding(folder):
        for other in others:
            shutil.rmtree(folder / other)
        for place in {run.data_id for run in runs if run.path in other_rules}:
            RunFolder(folder / place).clear("data.zarr", "data.json")
        for path, grammar in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, grammar.to_yaml())
        for run in runs:
            RunFolder.create(folder / run.data_id, resume=True)
            write_atomic(yaml_of(folder, run), _HEAD + run.config.to_yaml())
        RunFolder(folder).write_json(RUNS, {"runs": [run.facts for run in runs]})
        tree = {**selection.tree, "definition": [str(p.relative_to(folder)) for p in files]}
        write_atomic(folder / FILE, dump_yaml({k: v for k, v in tree.items() if k != "run_dir"}))
    return Grid(selection, folder, runs)


_HEAD = (
    "# one run of a selection: eugene run FILE trains it alone, eugene select run with its rows\n"
)


def _others(folder: Path, runs: Sequence[Planned]) -> dict[str, str]:
    """Return the runs that were begun with other settings, and what differs first."""
    found: dict[str, str] = {}
    for run in runs:
        begun = RunFolder(folder / run.path)
        if begun.is_run() and begun.config.is_file():
            try:
                pipeline.require_resumable(begun, run.config)
            except ConfigError as error:
                found[run.path] = str(error.problems[0])
    return found


def _of_other_rules(
    folder: Path, files: Mapping[Path, Grammar], runs: Sequence[Planned]
) -> dict[str, str]:
    """Return the runs that follow another definition of the same id."""
    changed = {
        path.stem
        for path, grammar in files.items()
        if path.is_file() and path.read_text(encoding="utf-8") != grammar.to_yaml()
    }
    return {
        run.path: f"it follows another definition with the id {run.grammar}"
        for run in runs
        if run.grammar in changed and RunFolder(folder / run.path).is_run()
    }


def open_grid(
    folder: str | Path, *, plugins: Sequence[str | Path] = (), allow_class_path: bool = False
) -> Grid:
    """Open a grid that was written.

    Parameters
    ----------
    folder : str or Path
        Its folder.
    plugins : sequence of str or Path, optional
        Modules or files that register what its file names.
    allow_class_path : bool, optional
        Whether its file may name things by import path.

    Returns
    -------
    Grid
        `Grid.run` goes on with it.

    Raises
    ------
    MissingFileError
        If there is none.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise MissingFileError(
            f"{folder} is no folder of a selection: it has no {FILE}; 'eugene select grid' "
            "makes one"
        )
    selection = load_selection(
        path,
        overrides={"run_dir": str(folder)},
        plugins=plugins,
        allow_class_path=allow_class_path,
    )
    return write_grid(selection)
