"""One run in the making: configuration, folder, and what is built from them."""

from __future__ import annotations

import hashlib
import logging
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from eugene._evaluation import OTHER
from eugene._folder import RunFolder
from eugene._judge import check_targets
from eugene.config import RunConfig, listed_plugins
from eugene.errors import DataError, EugeneError, MissingFileError
from eugene.runs._data import RunData, data_module, load_data
from eugene.runs._network import build_module
from eugene.runs._profiles import counts_written, write_profiles
from eugene.runs._versions import versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytorch_lightning as pl
    import torch
    import xarray as xr
    from numpy.typing import NDArray

    from eugene.data import SequenceDataModule
    from eugene.modules import SequenceModule

logger = logging.getLogger("eugene.runs")
Baselines: TypeAlias = "dict[str, dict[str, NDArray[np.float64]]]"
"""Settings -> baseline -> its predictions of every row, float64 (n, targets)."""
_PREDICTED = ("prediction", "score")


class Run:
    """A configuration and the folder that it fills.

    Data and network are built when first needed and kept.

    Parameters
    ----------
    config : RunConfig
        Resolved configuration; of one with stages ``plan`` is the whole, ``config`` that of the
        last stage, by which later steps go.
    folder : RunFolder
        Where everything is written.
    store : RunFolder, optional
        Another folder whose data store is shared, as replicates do.
    shuffle_labels : bool, optional
        Train on permuted targets.
    progress : bool, optional
        Whether bars are drawn.
    baselines : dict, optional
        Predictions of baselines that were fitted before on the same rows; it is added to.
    device : str, optional
        Where the trained network computes; the CPU by default.
    network : RunFolder, optional
        The run whose network and fitted transforms are used, where ``folder`` is not it: results
        on other data have a folder of their own.
    callbacks : sequence of pytorch_lightning.Callback, optional
        What else listens to its training, such as a search.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        *,
        store: RunFolder | None = None,
        shuffle_labels: bool = False,
        progress: bool = False,
        baselines: Baselines | None = None,
        device: str | None = None,
        network: RunFolder | None = None,
        callbacks: Sequence[pl.Callback] = (),
    ) -> None:
        self.device = device
        self.callbacks = tuple(callbacks)
        self.network = network or folder
        self.baselines: Baselines = {} if baselines is None else baselines
        self.plan = config
        self.stages: list[Run] | None = None  # see eugene.runs._stages.stage_runs
        self.config = config.last
        self.folder = folder
        self.store = store or folder.store
        self.shuffle_labels = shuffle_labels
        self.progress = progress

    @property
    def other_data(self) -> str | None:
        """Where the data come from, if they are not those that the network was trained on."""
        if self.store.path.parent.name != OTHER:
            return None
        section = self.config.section("data")
        return str(section.get("path") or section.get("fasta") or section.get("name"))

    @cached_property
    def data(self) -> RunData:
        """Dataset with split and transformed targets."""
        described = self.network.read_json("data.json") if self.network.data.is_file() else {}
        return load_data(
            self.config,
            self.store,
            shuffle_labels=self.shuffle_labels,
            fitted=described.get("transforms"),
        )

    @cached_property
    def datamodule(self) -> SequenceDataModule:
        """Lightning data module over `data`."""
        made = data_module(self.config, self.data)
        known = self.store.read("data.json") if self.store.path != self.folder.path else {}
        if known.get("leakage") and known.get("rows_sha256") == made.facts()["rows_sha256"]:
            made.take_leakage(known["leakage"])
        return made

    @property
    def input_len(self) -> int:
        """Length of the sequences that the network reads, in bp."""
        return int(self.datamodule.input_len)

    @property
    def task(self) -> str:
        """Task of the module; ``profile`` for one of profiles."""
        section = self.config.section("module")
        if section.get("name") == "profile":
            return "profile"
        return str(section.get("task") or "regression")

    @property
    def has_profiles(self) -> bool:
        """Whether the network gives profiles and counts."""
        return self.task == "profile"

    @cached_property
    def output_dim(self) -> int:
        """Outputs that the targets need: one each, or one a class; of profiles one a task."""
        if self.has_profiles:
            tasks = self.config.section("module").get("tasks")
            layout = self.datamodule.layout
            return len(tasks or ([] if layout is None else layout.tasks)) or 1
        heads = self.config.section("module").get("heads")
        if heads:
            return sum(int(head["tracks"]) for head in heads.values())
        if self.task != "multiclass_classification":
            return int(self.datamodule.output_dim)
        targets = self.datamodule.targets_of()
        try:
            check_targets(targets, self.task)
        except DataError as error:
            raise self.config.fail("$.module.task", str(error)) from error
        highest = np.nan_to_num(targets[self.data.target_vars[0]].astype(np.float64)).max(initial=0)
        return max(int(highest) + 1, 2)

    def new_module(self, *, initialise: bool = True) -> SequenceModule:
        """Return an untrained module that fits the data."""
        return build_module(
            self.config,
            input_len=self.input_len,
            output_dim=self.output_dim,
            alphabet=self.data.alphabet,
            initialise=initialise,
            described=self.datamodule.shapes(),
        )

    @cached_property
    def module(self) -> SequenceModule:
        """The trained module, in evaluation mode."""
        from eugene.runs._load import load

        trusted = self.config.allow_class_path
        module: SequenceModule = load(
            self.network.path, device=self.device, allow_class_path=trusted
        )
        return module

    @property
    def arch(self) -> torch.nn.Module:
        """The trained network that is explained."""
        network: torch.nn.Module = self.module.explained
        return network

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """What the numbers that the network gives a sequence are called; none of profiles."""
        from eugene.interpret._targets import tasks_of
        from eugene.report._words import target_names

        if tasks_of(self.module) is not None:
            return ()
        return tuple(target_names(self.network))

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights that an explanation belongs to."""
        if not self.network.weights.is_file():
            message = f"{self.network.weights} does not exist; train first with 'eugene fit'"
            raise MissingFileError(message)
        return hashlib.sha256(self.network.weights.read_bytes()).hexdigest()

    @property
    def averaged(self) -> dict[str, Any]:
        """What predictions are averaged over, as ``evaluate`` of the configuration has it."""
        section = self.config.section("evaluate")
        return {key: section[key] for key in ("reverse_complement", "shifts") if section.get(key)}

    @cached_property
    def predicted(self) -> dict[str, NDArray[np.float32]]:
        """Predictions of every row, and for classification their logits, as ``score``.

        Of profiles they are the counts alone, ln(1 + N) of each task: `write_predictions` writes
        the profiles.
        """
        from eugene.evaluate import predict_batches

        if self.has_profiles:
            written = counts_written(self)
            return {"prediction": write_profiles(self) if written is None else written}
        loader: Any = self.datamodule.loader("all")
        found = predict_batches(
            self.module,
            loader,
            device=self.device,
            progress=self.progress,
            scores=True,
            **self.averaged,
        )
        return {k: np.asarray(v, np.float32) for k, v in found.items() if k in _PREDICTED}

    @property
    def predictions(self) -> NDArray[np.float32]:
        """Prediction of every row, float32 (n, outputs), as the task understands outputs."""
        return self.predicted["prediction"]

    def rows(self, split: str | None) -> NDArray[np.int64]:
        """Return the rows of a split."""
        from eugene.interpret._sequences import split_rows

        return split_rows(self.data.ds, split)

    def one_hot(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return rows as one-hot sequences of the length that the network reads.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
            Which rows.

        Returns
        -------
        ndarray of uint8, shape (n, letters, input_len)
            One-hot.
        """
        from eugene.interpret import one_hot

        return one_hot(self.data.ds, self.data.seq_var, rows=rows, length=self.input_len)

    def best_rows(
        self,
        split: str | None,
        count: int | None,
        *,
        target: object = 0,
        highest: bool = True,
    ) -> NDArray[np.int64]:
        """Return the rows of a split with the highest, or lowest, predictions, the best first.

        Parameters
        ----------
        split : str or None
            The rows to choose from; all of them by default.
        count : int or None
            How many; all of them by default.
        target : object, optional
            Column of the predictions, by number or name; all else stands for the first.
        highest : bool, optional
            Whether high predictions are the best ones.

        Returns
        -------
        ndarray of int64, shape (n,)
            Numbers of rows.
        """
        from eugene.interpret._sequences import best_rows
        from eugene.interpret._targets import output_number

        rows = self.rows(split)
        column = output_number(target, self.output_names)
        column = column if isinstance(column, int) else 0
        return best_rows(rows, self.predictions[rows][:, column], count, highest=highest)

    def explain(
        self,
        rows: NDArray[np.int64],
        store: Path,
        *,
        beside: xr.Dataset | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Write attributions of rows as a store.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
            Which rows, in the order in which they are written.
        store : Path
            The Zarr store; it is replaced.
        beside : xarray.Dataset, optional
            Variables along the rows to be written with them.
        **options
            Arguments of the explainer: methods, references and so on; ``target`` as
            `eugene.interpret._targets.chosen_targets` takes it.

        Returns
        -------
        xarray.Dataset
            What was written, read lazily.
        """
        from eugene.interpret._attribute import Explainer
        from eugene.interpret._store import write_attributions
        from eugene.interpret._targets import chosen_targets, explain_targets, tasks_of

        store.parent.mkdir(parents=True, exist_ok=True)
        target, names = options.pop("target", None), self.output_names
        targets = chosen_targets(target, tasks_of(self.module), names)
        return write_attributions(
            explain_targets(
                Explainer(self.arch, names=names, seed=self.config.seed, **options), targets
            ),
            self.data.ds,
            store,
            seq_var=self.data.seq_var,
            rows=rows,
            length=self.input_len,
            beside=beside,
            model_sha256=self.weights_sha256,
            overwrite=True,
            progress=self.progress,
        )

    def write_predictions(self) -> None:
        """Write ``predictions.zarr``: predictions and targets of every row of the run's data.

        They are ``prediction`` and ``target`` float32 ``(_sequence, _target)`` on the scale that
        the network was trained on, for classification also ``score`` (logits, which rank as the
        predictions do and never round to the same number), ``index`` int64 ``(_sequence)``, and
        the coordinate ``split``. Profiles are written by `eugene.runs._profiles.write_profiles`.
        """
        if self.has_profiles:
            self.__dict__["predicted"] = {"prediction": write_profiles(self)}
            return
        import xarray as xr

        import seqdata as sd
        from eugene.modules import TrackModule

        if isinstance(self.module, TrackModule):
            from eugene.runs._track_results import write_track_predictions

            write_track_predictions(self)
            return
        actual, split = self.data.targets, self.data.ds["split"]
        axis = "_target" if self.predictions.shape[1] == actual.shape[1] else "_class"
        classes = self.data.ds[self.data.target_vars[0]].attrs.get("classes")
        variables = {name: (("_sequence", axis), found) for name, found in self.predicted.items()}
        ds = xr.Dataset(
            {
                **variables,
                "target": (("_sequence", "_target"), actual),
                "index": ("_sequence", np.arange(len(actual), dtype=np.int64)),
            },
            coords={"split": ("_sequence", split.to_numpy().astype(np.int8), dict(split.attrs))},
            attrs={
                "targets": list(self.data.target_vars),
                "task": self.task,
                "model_sha256": self.weights_sha256,
                **({} if axis == "_target" or classes is None else {"classes": list(classes)}),
            },
        )
        sd.to_zarr(ds, self.folder.predictions, overwrite=True)

    def forget_network(self) -> None:
        """Let go of the network and its predictions: what is trained now is another one."""
        for name in ("module", "predicted", "weights_sha256"):
            self.__dict__.pop(name, None)

    def describe(self) -> dict[str, Any]:
        """Return what is written to ``data.json``."""
        summary = dict(self.datamodule.dataset_summary())
        return {
            **summary,
            "input_len": self.input_len,
            "output_dim": self.output_dim,
            "alphabet": self.data.alphabet,
            "seq_var": self.data.seq_var,
            "target_names": self.data.target_vars,
            "task": self.task,
        }

    def check_rows(self) -> None:
        """Raise where the rows are not those that the network was trained on.

        Raises
        ------
        EugeneError
            If their source was changed under the run.
        """
        known = self.network.read_json("data.json") if self.network.data.is_file() else {}
        recorded = known.get("rows_sha256")
        if recorded is not None and self.datamodule.facts()["rows_sha256"] != recorded:
            named = self.data.ds.encoding.get("source") or self.config.section("data").get("name")
            message = (
                f"the rows of {named} are not those that the run in {self.network.path} was "
                "trained on: sequences, targets or split have changed. Put them back, or copy the "
                "new ones to another path and name that with --data.path"
            )
            raise EugeneError(message)

    def listeners(self) -> list[pl.Callback]:
        """Return new callbacks, as the configuration names them.

        Raises
        ------
        ConfigError
            If one cannot be made.
        """
        from eugene.train._listeners import make_callbacks

        made: list[pl.Callback] = []
        for index, section in enumerate(self.config.section("trainer").get("callbacks") or ()):
            try:
                made += make_callbacks([section])
            except EugeneError as error:
                raise self.config.fail(f"$.trainer.callbacks[{index}]", str(error)) from error
        return made

    def check(self, module: SequenceModule) -> None:
        """Raise where data, module and trainer do not fit together; nothing is trained yet.

        Parameters
        ----------
        module : eugene.models.SequenceModule
            The untrained module.

        Raises
        ------
        ConfigError
            What `eugene.train.fit` would refuse.
        """
        from eugene.train._checks import check_augmented, check_fit
        from eugene.train._listeners import all_say, check_watched, logged_by

        try:
            check_augmented(module, self.datamodule)
        except EugeneError as error:
            message = str(error).removeprefix("augment: ")
            raise self.config.fail("$.augment", message) from error
        monitor = str(self.config.section("trainer").get("monitor") or "val_loss")
        monitor, listeners = monitor.removesuffix("_epoch"), self.listeners()
        try:
            check_watched(listeners, module, monitor)
        except EugeneError as error:
            raise self.config.fail("$.trainer.callbacks", str(error)) from error
        try:
            check_fit(
                module,
                self.datamodule,
                monitor=monitor,
                closed=all_say(listeners),
                logged=logged_by(listeners),
            )
        except DataError as error:
            where = "$.module" if self.has_profiles else "$.module.task"
            raise self.config.fail(where, str(error)) from error

    def begin(self) -> None:
        """Write configuration, versions and the description of the data; say what splits share."""
        from seqdata.splits import describe_leakage

        described = self.describe()
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.folder.write_text("config.yaml", self.plan.to_yaml())
        self.folder.write_json("versions.json", versions(listed_plugins(self.config.document)))
        self.folder.write_json("data.json", described)
        if self.store.path != self.folder.path:
            # a replicate is tested on these rows later, too
            self.folder.note(store=os.path.relpath(self.store.path, self.folder.path))
        leaks = described.get("leakage", {})
        level = logging.INFO if leaks.get("clean", True) else logging.WARNING
        for line in describe_leakage(leaks):
            logger.log(level, "%s", line)
