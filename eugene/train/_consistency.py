"""The consistency of attributions during training, as a value to watch."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback

from eugene.config.marks import Least, Names
from eugene.errors import EugeneError
from eugene.train._progress import say
from seqpro import random

VALUE = "val_consistency"


class Consistency(Callback):
    """Log how well attribution maps of validation rows agree with each other, as an epoch ends.

    The value is ``val_consistency``, a column of ``metrics.csv``; ``monitor: val_consistency``
    keeps and stops by it. Rows are chosen once and are the same in every epoch.

    Parameters
    ----------
    every_n_epochs : int
        Epochs from one value to the next, the first among them; between them there is none (NaN).
        1 where the value is watched: an epoch without a value can be neither kept nor judged.
    n : int
        Validation rows; more make a value that is less biased, and take longer.
    rows : {"measured", "random"}
        Those with the highest target, equal ones drawn by lot, or any.
    method : str
        Attribution method with a hypothetical form.
    measure : {"k_attr_mean_kld", "kmer_kld"}
        Agreement of the directions of the maps, or of the k-mers that stand out of them.
    k : int, optional
        Positions that are averaged, 3 by default; for ``kmer_kld`` the length of the k-mers (bp),
        6 by default.
    target : int or str, optional
        Output that is explained; the first by default, of a profile network the counts.
    batch_size : int
        Sequences at a time.
    seed : int
        Of the lots and of references.

    Raises
    ------
    EugeneError
        If there are no validation rows, several processes train, or the value is watched and
        missing in some epochs.

    Notes
    -----
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html. What it took is
    said after the first value and at the end.

    Examples
    --------
    >>> Consistency(n=100).logs
    ('val_consistency',)
    """

    logs = (VALUE,)
    """Names of the values that it logs."""

    def __init__(
        self,
        *,
        every_n_epochs: Annotated[int, Least(1)] = 1,
        n: Annotated[int, Least(2)] = 500,
        rows: Literal["measured", "random"] = "measured",
        method: Annotated[str, Names("attributions")] = "saliency",
        measure: Literal["k_attr_mean_kld", "kmer_kld"] = "k_attr_mean_kld",
        k: Annotated[int | None, Least(1)] = None,
        target: int | str | None = None,
        batch_size: Annotated[int, Least(1)] = 128,
        seed: Annotated[int, Least(0)] = 0,
    ) -> None:
        from eugene.interpret._attribute import method_of

        super().__init__()
        if every_n_epochs < 1 or n < 2:
            raise EugeneError(
                f"every_n_epochs={every_n_epochs} must be 1 or more, n={n} must be 2 or more"
            )
        if rows not in ("measured", "random") or measure not in ("k_attr_mean_kld", "kmer_kld"):
            raise EugeneError(
                f"rows={rows!r} must be measured or random, measure={measure!r} k_attr_mean_kld "
                "or kmer_kld"
            )
        self.every_n_epochs, self.n, self.rows = every_n_epochs, n, rows
        self.method, self.measure, self.k = method_of(method), measure, k
        if not self.method.hypothetical:
            raise EugeneError(
                f"method={method!r} says nothing of letters that are not there, and maps of all "
                "are compared: choose saliency or another with a hypothetical form"
            )
        self.target, self.batch_size, self.seed = target, batch_size, seed
        self._told_output = False
        self.seconds = 0.0
        self._times = 0
        self._kept = _Kept(n)
        self._X: torch.Tensor | None = None
        self._notes: tuple[str, ...] = ()

    def check_watched(self, watched: Mapping[str, str]) -> None:
        """Raise where the value is watched, and some epochs would have none.

        Parameters
        ----------
        watched : mapping
            What watches -> what it watches, such as ``{"monitor": "val_loss"}``.

        Raises
        ------
        EugeneError
            If ``every_n_epochs`` is more than 1.
        """
        for what, name in watched.items():
            if name in self.logs and self.every_n_epochs > 1:
                raise EugeneError(
                    f"{what}={name!r}: every_n_epochs={self.every_n_epochs} of the callback "
                    "consistency leaves epochs without a value, which can be neither kept nor "
                    "judged: say every_n_epochs: 1, or watch another value"
                )

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look whether there is anything to explain, and begin anew."""
        if trainer.world_size > 1:
            raise EugeneError(
                f"{VALUE} is of rows that one process has: train with devices: 1, or measure the "
                "consistency of the trained network (interpret: {consistency: {}})"
            )
        if not trainer.limit_val_batches:
            raise EugeneError(
                f"there are no validation rows, of which {VALUE} would be: change the split, or "
                "leave the callback out"
            )
        self._kept, self._X = _Kept(self.n), None
        self.seconds, self._times = 0.0, 0

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Choose rows, in the first epoch."""
        if self._X is not None or trainer.sanity_checking:
            return
        if not isinstance(batch, Mapping):
            raise EugeneError(
                f"{VALUE}: a batch is a {type(batch).__name__}, expected a mapping with 'seq' or "
                "'ohe_seq', and 'target'"
            )
        sequences = pl_module.encode(batch).to(torch.float32).cpu().numpy()  # type: ignore[operator]
        index = batch.get("index")
        ids = None if index is None else torch.as_tensor(index).cpu().numpy()
        activity = np.zeros(len(sequences))
        if self.rows == "measured" and "target" in batch:
            activity = _activity(torch.as_tensor(batch["target"]).cpu().numpy(), self.target)
        self._kept.add(sequences, activity, ids, self.seed)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Explain the rows, and log how well their maps agree."""
        if trainer.sanity_checking:
            return
        if self._X is None:
            self._X = torch.from_numpy(self._kept.sequences)
            self._kept = _Kept(self.n)
        value = float("nan")
        if trainer.current_epoch % self.every_n_epochs == 0:
            begun = time.perf_counter()
            value = self.measured(pl_module)
            took = time.perf_counter() - begun
            self.seconds, self._times = self.seconds + took, self._times + 1
            if self._times == 1:
                often = "" if self.every_n_epochs == 1 else f", 1 epoch in {self.every_n_epochs}"
                say(
                    f"{VALUE}: {self.measure} of {self.method.title} of {len(self._X)} validation "
                    f"rows takes {took:.1f} s{often}"
                )
                for note in self._notes:
                    say(f"{VALUE}: {note}")
        pl_module.log(VALUE, torch.tensor(value, dtype=torch.float64))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what it took."""
        if self._times:
            say(f"{VALUE}: {self._times} values took {self.seconds:.1f} s in all")

    def measured(self, module: pl.LightningModule) -> float:
        """Return the value for a module as it is.

        Parameters
        ----------
        module : pytorch_lightning.LightningModule
            What is trained; its ``explained`` network, which pads what it reads where it was
            trained on longer sequences, or else ``arch``.

        Returns
        -------
        float
            In nats; NaN where no position stands out.
        """
        import seqexplainer as se
        from eugene.interpret._attribute import output_names
        from eugene.interpret._targets import chosen_targets, output_number, tasks_of

        assert self._X is not None
        network = getattr(module, "explained", getattr(module, "arch", module))
        tasks = tasks_of(module)
        names = output_names(module) if tasks is None else ()
        asked = output_number(self.target, names)
        said = () if self._told_output else names  # once, not every epoch
        self._told_output = True
        target = next(iter(chosen_targets(asked, tasks, said).values()))
        with torch.inference_mode(False), torch.enable_grad():
            maps = se.attribute(
                network,
                self._X,
                self.method,
                target=target,
                hypothetical=True,
                seed=self.seed,
                batch_size=self.batch_size,
                device=module.device,
            )
        with _quiet():  # what is said of a number is told once, not every epoch
            found = (
                se.metrics.kmer_kld(maps, self._X, k=self.k or 6)
                if self.measure == "kmer_kld"
                else se.metrics.k_attr_mean_kld(maps, self._X, k=self.k or 3, points=False)
            )
        self._notes = found.warnings
        return float(found.kld)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what seqexplainer logs off the screen."""
    logger = logging.getLogger("seqexplainer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _activity(target: NDArray[np.generic], output: int | str | None) -> NDArray[np.float64]:
    """Return how active rows are: their target, of tracks its mean; -inf where it is missing."""
    values = np.asarray(target, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    column = min(output if isinstance(output, int) else 0, values.shape[1] - 1)
    values = values[:, column]
    values = values.mean(axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values
    return np.where(np.isnan(values), -np.inf, values)


class _Kept:
    """The most active of the rows that came by; of equal ones those whose lots are lowest."""

    def __init__(self, n: int) -> None:
        self.n, self._seen = n, 0
        self._parts: list[NDArray[np.float32]] = []
        self._keys: NDArray[np.float64] = np.zeros((3, 0))

    def add(
        self,
        sequences: NDArray[np.float32],
        activity: NDArray[np.float64],
        ids: NDArray[np.int64] | None,
        seed: int,
    ) -> None:
        """Take rows in, and let go of those that are not among the best any more."""
        count = len(sequences)
        own = np.arange(self._seen, self._seen + count) if ids is None else ids.reshape(-1)
        self._seen += count
        lots = random.uniform(seed, own.astype(np.uint64), np.uint64(0))
        keys = np.concatenate((self._keys, np.stack((own, -activity, lots))), axis=1)
        both = [*self._parts, sequences]
        order = np.lexsort((keys[2], keys[1]))[: self.n]
        order = order[np.argsort(keys[0, order], kind="stable")]
        self._keys = np.asarray(keys[:, order], np.float64)
        self._parts = [np.concatenate(both)[order]]

    @property
    def sequences(self) -> NDArray[np.float32]:
        """One-hot sequences of the rows, float32 (n, letters, length)."""
        return self._parts[0]
