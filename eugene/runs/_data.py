"""From the data section of a configuration to a dataset with split and targets."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._evaluation import OTHER
from eugene._folder import RunFolder
from eugene.config import RunConfig, build, registries, schema
from eugene.errors import (
    ConfigError,
    DataError,
    EugeneWarning,
    MissingFileError,
    RunExistsError,
    did_you_mean,
)
from eugene.runs._load import resolved_config
from eugene.runs._sources import require_sources, source_files

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from eugene.data import SequenceDataModule

logger = logging.getLogger(__name__)

_COMMON = frozenset({"name", *(p.name for p in schema.parameters("data"))})
_LOADING = _COMMON - {"name", "seq_var", "target_vars", "split", "targets"}
# sources whose datasets are read where they are, not copied into the run's folder
_OPENED = ("zarr", "genome", "constructs")


@dataclass(frozen=True)
class RunData:
    """A dataset that is ready to train on.

    Attributes
    ----------
    ds : xarray.Dataset
        With a ``split`` coordinate and transformed targets.
    seq_var : str
        Variable of the sequences.
    target_vars : list of str
        Variables of the targets.
    """

    ds: xr.Dataset
    seq_var: str
    target_vars: list[str]

    @property
    def length(self) -> int:
        """Length of the sequences in bp."""
        return int(self.ds[self.seq_var].shape[1])

    @property
    def targets(self) -> NDArray[np.float32]:
        """Targets of every row, float32 (n, targets).

        Raises
        ------
        DataError
            If they are tracks, which no table holds.
        """
        import numpy as np

        if any(self.ds[name].ndim > 1 for name in self.target_vars):
            message = f"{', '.join(self.target_vars)}: tracks have no one value a row"
            raise DataError(message)
        columns = [self.ds[name].to_numpy().astype(np.float32) for name in self.target_vars]
        return np.stack(columns, axis=1)

    @property
    def alphabet(self) -> str:
        """Letters of the sequences in the order of the one-hot axis."""
        from seqdata.schema import letters_of

        return letters_of(self.ds[self.seq_var])


def _source_arguments(config: RunConfig) -> dict[str, Any]:
    """Return what of the data section belongs to the source itself."""
    section = config.section("data")
    if "class_path" in section:
        return section
    signature = registries.DATA_SOURCES.signature(str(section["name"]))
    return {
        key: value
        for key, value in section.items()
        if key == "name" or key in signature or (signature.accepts_any and key not in _COMMON)
    }


def fingerprint(config: RunConfig) -> str:
    """Return a short hash of what the data are made from.

    Parameters
    ----------
    config : RunConfig
        Its data section is what counts, and the run's seed where the source draws with it.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    text = json.dumps(_made_from(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def contents(config: RunConfig) -> dict[str, str]:
    """Return a checksum of each file that the data are read from."""
    from seqdata.store import content_of

    return {str(path.absolute()): content_of(path) for path in source_files(config)}


def _changed(recorded: Mapping[str, str]) -> list[str]:
    """Return the files that are there and hold something else than was recorded."""
    from seqdata.store import content_of

    return [
        path
        for path, sha in recorded.items()
        if Path(path).is_file() and content_of(Path(path)) != sha
    ]


def same_source(folder: RunFolder, config: RunConfig) -> bool:
    """Tell whether a configuration reads the data of a run, perhaps from where they were moved."""
    sources = folder.state().get("sources") or {}
    before = _source_arguments(resolved_config(folder).last)
    return same_values(before, _source_arguments(config.last), sources)


def same_values(old: object, new: object, sources: Mapping[str, str]) -> bool:
    """Tell whether settings are equal; another path of a file that holds the same is.

    Parameters
    ----------
    old, new : object
        Plain values.
    sources : mapping
        Checksum of each file that was read.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = old.keys() | new.keys()
        return all(same_values(old.get(key), new.get(key), sources) for key in keys)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return all(same_values(*pair, sources) for pair in zip(old, new, strict=True))
    if old == new or not (isinstance(old, str) and isinstance(new, str) and old in sources):
        return bool(old == new)
    from seqdata.store import content_of

    return Path(new).is_file() and content_of(Path(new)) == sources[old]


def other_folder(folder: RunFolder, config: RunConfig) -> RunFolder:
    """Return the folder inside a run for what is computed on data it was not trained on.

    Parameters
    ----------
    folder : RunFolder
        The run.
    config : RunConfig
        Names the other data.

    Returns
    -------
    RunFolder
        One for each data source and content of its files; it may not exist yet.
    """
    files = source_files(config)
    first = str(config.section("data").get("path") or (files[0] if files else "data"))
    text = json.dumps([fingerprint(config), contents(config)], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9]+", "_", Path(first).name.split(".")[0])
    return RunFolder(folder / OTHER / f"on_{stem}_{key}")


def draws_with_run_seed(config: RunConfig) -> bool:
    """Tell whether the data source takes the run's seed because it is given none."""
    section = config.section("data")
    if "class_path" in section or section.get("seed") is not None:
        return False
    return "seed" in registries.DATA_SOURCES.signature(str(section["name"]))


def is_stored(config: RunConfig, folder: RunFolder) -> bool:
    """Tell whether the store of a folder was made from the same settings, and the same files.

    Parameters
    ----------
    config : RunConfig
        The run.
    folder : RunFolder
        Its own, or the one that it shares; files may have been moved with it.
    """
    state = folder.state()
    sources = state.get("sources") or {}
    if not folder.data_store.exists() or _changed(sources):
        return False
    if state.get("data_key") == fingerprint(config):
        return True
    before = state.get("made_from")
    return before is not None and same_values(before, _made_from(config), sources)


def _made_from(config: RunConfig) -> dict[str, object]:
    """Return what the rows follow from."""
    seed = {"seed": config.seed} if draws_with_run_seed(config) else {}
    return {**_source_arguments(config), **seed}


def source_dataset(config: RunConfig, folder: RunFolder) -> xr.Dataset:
    """Return the dataset of the source, from the folder's store where it is already there.

    Parameters
    ----------
    config : RunConfig
        The run.
    folder : RunFolder
        Its ``data.zarr`` is written, or read back if it was made from the same settings.

    Returns
    -------
    xarray.Dataset
        Lazy where it comes from a store.
    """
    import seqdata as sd

    arguments = _source_arguments(config)
    if arguments.get("name") in _OPENED:
        require_sources(config)
        opened: xr.Dataset = build(registries.DATA_SOURCES, arguments, config=config, path="$.data")
        return opened
    store, state = folder.data_store, folder.state()
    kept = folder.config.is_file() and same_source(folder, config)
    changed = _changed(state.get("sources") or {})
    if (store.exists() and kept) or is_stored(config, folder):
        if changed:
            warnings.warn(
                f"{', '.join(changed)}: not what it was when the run in {folder.path} was begun; "
                "the run keeps the rows that it was begun with, in data.zarr",
                EugeneWarning,
                stacklevel=2,
            )
        return sd.open_zarr(store)
    if kept and changed:
        message = (
            f"{store} is gone, and {', '.join(changed)} is not what it was when the run was begun: "
            "its rows cannot be made again. Put the file back, or train anew with --overwrite"
        )
        raise MissingFileError(message)
    require_sources(config)
    folder.path.mkdir(parents=True, exist_ok=True)
    read = contents(config)
    moved = {p: sha for p, sha in (state.get("sources") or {}).items() if sha in read.values()}
    folder.note(sources={**moved, **read})
    if _written(config, arguments, store, carried=("split", "train_val")):
        folder.note(split_key=_split_key(config))
    folder.note(data_key=fingerprint(config), made_from=_made_from(config))
    return sd.open_zarr(store)


def _written(
    config: RunConfig, arguments: Mapping[str, object], store: Path, *, carried: Sequence[str] = ()
) -> bool:
    """Write the dataset of a source, and say whether it got the split of the configuration.

    With its split the store can be trained on by others, on the same rows. A dataset that has one
    of the variables ``carried`` keeps it.
    """
    import seqdata as sd

    logger.info("data: %s", arguments.get("name", arguments.get("class_path")))
    opened = "class_path" in arguments or arguments.get("name") in _OPENED
    ds: xr.Dataset = build(
        registries.DATA_SOURCES,
        arguments,
        config=config,
        path="$.data",
        seed=config.seed,
        **({} if opened else {"out": str(store), "overwrite": True}),
    )
    split = config.section("data").get("split")
    stored = ds.encoding.get("source") == str(store)
    if split and not set(carried) & set(ds.variables):
        new = "split" not in ds.variables
        ds = _with_split(config, ds, split)
        if stored and new:
            # all else is in its place already
            codes = ds.drop_vars([name for name in ds.variables if name != "split"])
            sd.to_zarr(codes, store, mode="a")
        else:
            sd.to_zarr(ds, store, overwrite=True)
        return True
    if not stored:
        sd.to_zarr(ds, store, overwrite=True)
    return False


def build_store(config: RunConfig, store: str | Path, *, overwrite: bool = False) -> xr.Dataset:
    """Write the dataset of the source, with the split of the configuration, as a store.

    Targets stay as they are: their transforms are fitted when a network is.

    Parameters
    ----------
    config : RunConfig
        Its data section is what counts.
    store : str or Path
        Zarr store to write.
    overwrite : bool, optional
        Whether it may replace one that is there.

    Returns
    -------
    xarray.Dataset
        Opened lazily.

    Raises
    ------
    ConfigError
        If the split does not fit the data; the store is not written then.
    RunExistsError
        If something is at ``store`` that is not to be replaced.
    StoreError
        If it cannot be written.
    """
    import seqdata as sd
    from seqdata.store import lock_of, working_path

    require_sources(config)
    goal = Path(store).expanduser().absolute()
    with lock_of(goal):
        if goal.exists() and not overwrite:
            message = f"{store} exists. Give --overwrite to replace it, or another path."
            raise RunExistsError(message)
        if goal.exists() and not (goal / "zarr.json").exists():
            message = f"{store} is no Zarr store: it is not replaced. Name another path."
            raise RunExistsError(message)
        # always the same name, so that a build that was killed is taken up
        draft = goal.with_name(f".{goal.name}.draft")
        old = working_path(goal, "replaced")
        try:
            _written(config, _source_arguments(config), draft)
            if goal.exists():
                goal.rename(old)
            try:
                draft.rename(goal)
            except OSError:
                if old.exists():
                    old.rename(goal)
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    return sd.open_zarr(goal)


def variables_of(config: RunConfig, ds: xr.Dataset) -> tuple[str, list[str]]:
    """Return the names of sequence and targets after looking them up in the dataset."""
    section = config.section("data")
    rows = [str(v) for v in ds.variables if ds[v].dims[:1] == ("_sequence",)]
    seq_var = str(section.get("seq_var", "seq"))
    if seq_var not in ds.variables:
        sequences = [v for v in rows if ds[v].attrs.get("kind") == "sequence"] or rows
        hint = did_you_mean(seq_var, sequences)
        raise config.fail("$.data.seq_var", f"the data have no variable {seq_var!r}{hint}")
    targets = section.get("target_vars") or section.get("target_cols") or []
    targets = [targets] if isinstance(targets, str) else list(targets)
    numbers = [v for v in rows if ds[v].ndim == 1 and ds[v].dtype.kind in "biuf"]
    if not targets and config.section("module").get("name", "sequence") != "sequence":
        # a module of tracks learns the tracks, where there is one variable of them
        beside = (seq_var, _control(config))
        tracks = [
            v for v in rows if ds[v].ndim == 3 and v not in beside and "_ohe" not in ds[v].dims
        ]
        targets = tracks if len(tracks) == 1 else []
        numbers = tracks or numbers
    if not targets:
        listed = ", ".join(numbers) or "none"
        message = f"needs at least one variable to predict; the data have: {listed}"
        raise config.fail("$.data.target_vars", message)
    asked = [
        (f"data.target_vars[{i}]", name, "variable ", numbers) for i, name in enumerate(targets)
    ]
    asked += [
        (f"data.{key}", section[key], "", numbers)
        for key in ("weight_var", "control_var", "mask_var", "head_var")
        if section.get(key) is not None
    ]
    subsets = config.section("evaluate").get("subsets") or {}
    strata = config.section("evaluate").get("strata") or ()
    strata = [strata] if isinstance(strata, str) else list(strata)
    asked += [(f"evaluate.subsets.{key}", name, "", rows) for key, name in subsets.items()]
    asked += [("evaluate.strata", str(name), "", rows) for name in strata]
    truths = [v for v in rows if ds[v].ndim == 1 and ds[v].dtype.kind in "biu"]
    if section.get("rows") is not None and section["rows"] not in truths:
        hint = did_you_mean(str(section["rows"]), truths)
        message = f"the data have no truth values {section['rows']!r}, one a row{hint}"
        raise config.fail("$.data.rows", message)
    problems = [
        config.document.problem(
            f"$.{path}", f"the data have no {what}{name!r}{did_you_mean(name, choices)}"
        )
        for path, name, what, choices in asked
        if name not in ds.variables
    ]
    if problems:
        raise ConfigError(problems)
    return seq_var, targets


def _control(config: RunConfig) -> str | None:
    """Return the variable of the control tracks: as named, or what a source of controls makes."""
    section = config.section("data")
    named = section.get("control_var")
    return str(named) if named is not None else "control" if section.get("controls") else None


def _split_key(config: RunConfig) -> str:
    """Return a short hash of what the split of a run follows from."""
    settings = [fingerprint(config), config.section("data").get("split"), config.seed]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _with_split(config: RunConfig, ds: xr.Dataset, split: Mapping[str, object]) -> xr.Dataset:
    """Deal the rows into splits; a split that does not fit the data is a mistake of the file."""
    import seqdata as sd

    path = "$.data.split"
    try:

        def dealt(rows: xr.Dataset) -> ArrayLike:
            given = (registries.SPLITS, split, rows)
            codes: ArrayLike = build(*given, config=config, path=path, seed=config.seed)
            return codes

        return sd.splits.assign(ds, sd.splits.deal(ds, dealt))
    except sd.SeqdataError as error:
        raise config.fail(path, str(error)) from error


def load_data(
    config: RunConfig,
    folder: RunFolder,
    *,
    shuffle_labels: bool = False,
    dealt: bool = True,
    fitted: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
) -> RunData:
    """Return the data of a run: source, split, target transforms.

    Parameters
    ----------
    config : RunConfig
        The run.
    folder : RunFolder
        Where the store is, or is to be written.
    shuffle_labels : bool, optional
        Permute the targets among the training rows, and among the validation rows: a control
        in which there is nothing to learn.
    dealt : bool, optional
        Insist on a split. Without one, targets are not transformed.
    fitted : mapping, optional
        Transforms of each target that were fitted in training. They are read back, not made
        again, whatever the rows are.

    Returns
    -------
    RunData
        Ready for a data module.

    Raises
    ------
    ConfigError
        If a variable is not in the data, or they carry no split and none is asked for.
    """
    import seqdata as sd

    ds = source_dataset(config, folder)
    seq_var, targets = variables_of(config, ds)
    split = config.section("data").get("split")
    if split:
        kept = "split" in ds.variables and folder.state().get("split_key") == _split_key(config)
        ds = ds if kept else _with_split(config, ds, split)
    elif "split" not in ds.variables:
        if not dealt:
            return RunData(ds, seq_var, targets)
        own = "" if sd.splits.TEST_FILE not in ds.variables else ", fractions: [0.9, 0.1, 0]"
        message = f"the data carry no split; give one, for example split: {{name: random{own}}}"
        raise config.fail("$.data.split", message)
    transforms = config.section("data").get("targets") or []
    if transforms and ds[targets[0]].ndim > 1:
        message = (
            f"{targets[0]!r} is a variable of tracks, which are learned as they are: leave the "
            "transforms out"
        )
        raise config.fail("$.data.targets", message)
    if transforms and fitted is None:
        from eugene.data._named import make_transforms

        ds = sd.targets.apply(ds, targets, make_transforms(transforms))
    for name in targets if fitted else ():
        if fitted and fitted.get(name):
            ds = sd.targets.apply(ds, name, fitted[name], fit=False)
    if shuffle_labels:
        ds = _shuffled(ds, targets, config.seed)
    return RunData(ds, seq_var, targets)


def _shuffled(ds: xr.Dataset, targets: list[str], seed: int) -> xr.Dataset:
    import numpy as np

    import seqdata as sd

    rng = np.random.default_rng([seed, 0x5AFF1E])
    order = np.arange(ds.sizes["_sequence"])
    for split in ("train", "val"):
        rows = np.flatnonzero(sd.splits.mask(ds, split))
        order[rows] = rng.permutation(rows)
    return ds.assign({name: ds[name].copy(data=ds[name].to_numpy()[order]) for name in targets})


def data_module(config: RunConfig, data: RunData) -> SequenceDataModule:
    """Return the Lightning data module of a run.

    Parameters
    ----------
    config : RunConfig
        Batch size, augmentation, workers, seed.
    data : RunData
        What `load_data` returned.

    Returns
    -------
    eugene.data.SequenceDataModule
        Not set up yet.
    """
    from eugene.data import SequenceDataModule

    section = config.section("data")
    options = {key: section[key] for key in _LOADING if section.get(key) is not None}
    if (control := _control(config)) is not None:
        options["control_var"] = control
    if "length" in _source_arguments(config):
        # the source made sequences that long, and jitter takes its part of them
        options.pop("length", None)
    return SequenceDataModule(
        data.ds, seq_var=data.seq_var, target_vars=data.target_vars, seed=config.seed, **options
    )
