"""The Lightning data module of sequence models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from eugene import _judge
from eugene.config.marks import Least
from eugene.data._named import (
    Named,
    OfDataset,
    Split,
    Transform,
    make_codes,
    make_sampler,
    make_transforms,
)
from eugene.data._rows import hash_rows
from eugene.data._summary import summarise
from eugene.data._totals import TracksServed, TrackTotals
from eugene.errors import DataError as DataError
from eugene.errors import did_you_mean
from eugene.settings import session_seed
from seqdata import schema, splits
from seqdata.loading import IN_MEMORY_LIMIT, RowSampler
from seqdata.targets import apply as apply_transforms
from seqdata.targets import invert, stored
from seqdata.torch import SequenceLoader, get_torch_dataloader
from seqdata.windows import region_array

_DESCRIBED = (
    *("input_len", "output_dim", "transforms", "rows_sha256"),
    *("layout", "control_pairs", "target_length", "bins"),
)


def _alphabet_of(variable: xr.DataArray) -> str:
    """Return the alphabet of sequences; letters in memory have to be of the one they say."""
    try:
        alphabet = sp.alphabet_of(variable, sp.DNA)
        if "_ohe" in variable.dims:
            if variable.sizes["_ohe"] != len(alphabet):
                raise DataError(
                    f"seq_var: {variable.name!r} has {variable.sizes['_ohe']} one-hot rows, but "
                    f"says the alphabet {alphabet.alphabet!r} of {len(alphabet)} letters."
                )
        elif schema.is_sequence(variable) and isinstance(variable.variable._data, np.ndarray):
            sp.check_letters(variable, alphabet, f"the sequences {variable.name!r}")
    except sp.errors.AlphabetError as error:
        raise DataError(f"seq_var: {error}.") from error
    return alphabet.alphabet.upper()


class SequenceDataModule(TracksServed):
    """Serve a dataset to a Lightning trainer in batches of one form.

    A batch is a dictionary: ``seq`` uint8 ASCII (batch, length), or ``ohe_seq`` float32 (batch,
    alphabet, length) where the variable is one-hot; ``target`` float32 (batch, targets), missing
    ones NaN, or (batch, samples, length) for tracks; ``index`` int64 (batch,), the row; and where
    they are asked for ``weight``, ``control`` and ``mask``.

    The order of the training rows, their jitter and their strand are functions of the seed, the
    epoch and the row, so a resumed run goes on with the batches it would have seen.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset, in memory or lazy.
    seq_var : str
        Variable that holds the sequences.
    target_vars : str or sequence of str
        Variables to be predicted; several of one value a row are put side by side.
    weight_var : str or None
        Variable with a weight a row.
    control_var, mask_var : str or None
        Tracks given to the model, and which positions of the target count.
    head_var : str or None
        Variable with the number of the head that a row belongs to, where a network of tracks has
        several: rows of several species in one dataset.
    split : mapping, str, array_like, callable or None
        ``"random"``, or ``{"name": "random", ...}`` with the arguments of a function of
        `seqdata.splits`; one code, name or boolean (True is train) a row, as
        `seqdata.splits.as_codes` reads them, or a function of the dataset that returns them; or
        None for the split that the dataset carries.
    rows : str or None
        Variable of truth values: of the training and validation rows, only those where it is true
        are used, such as ``is_peak``. Test rows stay, and so does what transforms are fitted on.
    targets : sequence of mapping, str or TargetTransform, or mapping
        Transforms of the targets in order, such as ``["zscore"]``, fitted on the training rows. A
        mapping of each target to its fitted transforms, such as ``eu.load(run).run.transforms``,
        is applied as it is: so the rows of other data come to the scale of a trained network.
    batch_size : int
        Rows in a batch.
    num_workers : int
        Loader processes; 0 is fast because batches are gathered by index.
    seed : int
        Seed of the split, the order, the jitter and the strands.
    reverse_complement : bool or float
        Whether training rows are shown as their other strand, with chance one half or as given.
    max_jitter : int
        Largest shift (bp) of a training window; other windows are cut from the middle.
    length : int or None
        Positions (bp) of a window; default all stored, less the jitter on both sides.
    target_length : int or None
        Positions (bp) of a target track, cut around the middle of the window.
    drop_last : bool
        Whether the last, smaller training batch is left out.
    pin_memory : bool or None
        Whether batches are put in page-locked memory; None where there is a GPU.
    in_memory : bool or None
        Whether the dataset is read whole; None up to 512 MiB.
    sampler : mapping, str, RatioSampler, WeightedSampler or None
        Which training rows an epoch shows, such as ``{"name": "ratio", "label": "is_peak",
        "ratio": 1}`` for all peaks and as many fresh negatives, or ``{"name": "weighted",
        "weights": "w"}``.
    cache : {"memmap"} or None
        ``"memmap"`` decodes a lazy dataset once into files that are mapped into memory.
    cache_dir : path or None
        Where those files are kept; default the cache directory.

    Raises
    ------
    DataError
        Where a variable is missing or of no use.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> letters = rng.choice(np.frombuffer(b"ACGT", "S1"), (20, 8))
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> ds["y"] = ("_sequence", rng.random(20))
    >>> data = SequenceDataModule(ds, target_vars="y", split={"name": "random"}, batch_size=4)
    >>> batch = next(iter(data.train_dataloader()))
    >>> batch["seq"].shape, batch["target"].shape
    (torch.Size([4, 8]), torch.Size([4, 1]))
    """

    def __init__(
        self,
        ds: xr.Dataset,
        *,
        seq_var: str = "seq",
        target_vars: str | Sequence[str] = (),
        weight_var: str | None = None,
        control_var: str | None = None,
        mask_var: str | None = None,
        head_var: str | None = None,
        split: Split | None = None,
        rows: str | None = None,
        targets: Sequence[Transform] | str | Mapping[str, object] = (),
        batch_size: Annotated[int, Least(1)] = 128,
        num_workers: Annotated[int, Least(0)] = 0,
        seed: int = 0,
        reverse_complement: bool | float = False,
        max_jitter: Annotated[int, Least(0)] = 0,
        length: Annotated[int | None, Least(1)] = None,
        target_length: Annotated[int | None, Least(1)] = None,
        drop_last: bool = False,
        pin_memory: bool | None = None,
        in_memory: bool | None = None,
        sampler: Named | RowSampler | None = None,
        cache: Literal["memmap"] | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        super().__init__()
        _judge.check_counts(batch_size=batch_size)
        session_seed(seed)
        self.seq_var = seq_var
        self.target_vars = [target_vars] if isinstance(target_vars, str) else list(target_vars)
        self.weight_var = weight_var
        self.control_var = control_var
        self.mask_var = mask_var
        self.rows = rows
        self.head_var = head_var
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.rc_prob = (
            0.5 * reverse_complement
            if isinstance(reverse_complement, bool)
            else (float(reverse_complement))
        )
        self.max_jitter = max_jitter
        self.target_length = target_length
        self.drop_last = drop_last
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self.in_memory = in_memory
        self.sampler = make_sampler(sampler)
        self.cache = cache
        self.cache_dir = cache_dir
        self._check_variables(ds)
        self._alphabet = _alphabet_of(ds[seq_var])
        carried = "split" in ds.variables or "train_val" in ds.variables
        self.codes = splits.codes_of(ds) if split is None and carried else None
        if split is not None:
            self.codes = make_codes(ds, split, seed=self.seed, seq_var=seq_var)
        if self.codes is not None:
            ds = splits.assign(ds, self.codes)
        if isinstance(targets, Mapping):
            ds = self._as_fitted(ds, targets)
        elif targets:
            known = None if self.codes is None else self.codes == schema.SPLITS["train"]
            ds = apply_transforms(ds, self.target_vars, make_transforms(targets), mask=known)
        if rows is not None:
            ds = self._limited(ds, rows)
        self.ds = ds
        self._judge_values()
        self._length = length
        self._view: xr.Dataset | None = None
        self._leakage: dict[str, object] | None = None
        self._totals: dict[str, TrackTotals] = {}

    def _limited(self, ds: xr.Dataset, rows: str) -> xr.Dataset:
        """Leave training and validation rows out where a variable is not true."""
        if self.codes is None:
            raise DataError(f"rows: {rows!r} limits training and validation rows: give a split too")
        values = ds[rows].to_numpy()
        if values.ndim != 1 or not np.isin(values, (0, 1)).all():
            raise DataError(f"rows: {rows!r} has to be one truth value a row (or 0 and 1)")
        learned = np.isin(self.codes, (schema.SPLITS["train"], schema.SPLITS["val"]))
        self.codes = np.where(learned & (values == 0), -1, self.codes).astype(self.codes.dtype)
        if not (self.codes == schema.SPLITS["train"]).any():
            raise DataError(f"rows: no training row has a true {rows!r}")
        return splits.assign(ds, self.codes)

    def _as_fitted(self, ds: xr.Dataset, transforms: Mapping[str, Any]) -> xr.Dataset:
        """Apply the transforms of a trained network to the targets of the same names."""
        missing = [name for name in self.target_vars if name not in transforms]
        if missing:
            raise DataError(
                f"targets: there are no fitted transforms of {missing}, only of {list(transforms)}"
            )
        for name in self.target_vars:
            if transforms[name]:
                ds = apply_transforms(ds, name, transforms[name], fit=False)
        return ds

    def _check_variables(self, ds: xr.Dataset) -> None:
        if "_sequence" not in ds.sizes:
            raise DataError(
                f"the dataset has no dimension '_sequence', only {list(ds.sizes)}: rename the one "
                "that counts sequences."
            )
        wanted = {
            "seq_var": [self.seq_var],
            "target_vars": self.target_vars,
            "weight_var": [self.weight_var] if self.weight_var else [],
            "control_var": [self.control_var] if self.control_var else [],
            "mask_var": [self.mask_var] if self.mask_var else [],
            "rows": [self.rows] if self.rows else [],
            "head_var": [self.head_var] if self.head_var else [],
        }
        known = [str(v) for v in ds.variables]
        problems = [
            f"{key}: the dataset has no variable {name!r}{did_you_mean(name, known)}"
            for key, names in wanted.items()
            for name in names
            if name not in ds.variables
        ]
        problems += [
            f"{key}: {name!r} is of type {ds[name].dtype}, not a number."
            for key, names in wanted.items()
            for name in names
            if key != "seq_var" and name in ds.variables and ds[name].dtype.kind not in "biuf"
        ]
        if not self.target_vars:
            problems.append("target_vars: name at least one variable to predict.")
        if problems:
            raise DataError(" ".join(problems))
        several = [n for n in self.target_vars if ds[n].ndim != 1]
        if several and len(self.target_vars) > 1:
            raise DataError(
                f"target_vars: {several} have more than one value a row, so they cannot be put "
                "side by side with others: give one variable alone."
            )

    @property
    def n_train(self) -> int | None:
        """Training rows of an epoch; None where a sampler or several processes settle it."""
        alone = self.trainer is None or self.trainer.world_size == 1
        if self.codes is None or self.sampler is not None or not alone:
            return None
        return int((self.codes == schema.SPLITS["train"]).sum())

    def targets_of(self, split: str | None = None) -> dict[str, NDArray[Any]]:
        """Return the targets of a split as the network is to learn them, by name.

        Parameters
        ----------
        split : str or None
            ``"train"``, ``"val"`` or ``"test"``; None for the rows of all three, or for all rows
            where there is no split.

        Returns
        -------
        dict of ndarray, each of shape (n,)
            Transformed; NaN where missing. Tracks, which have more than one value a row, are
            left out unless they are in memory.
        """
        rows: Any = slice(None)
        if self.codes is not None:
            rows = self.codes >= 0 if split is None else self.codes == schema.SPLITS[split]
        kept = {name: self.ds[name].variable for name in self.target_vars}
        return {n: v.to_numpy()[rows] for n, v in kept.items() if v.ndim == 1 or v._in_memory}

    def _judge_values(self) -> None:
        """Raise where targets or weights hold what no network can learn from."""
        targets = self.targets_of()
        _judge.check_targets(targets, rows=None if self.codes is None else self._assigned)
        for remark in _judge.check_single_precision(targets):
            _judge.say(remark, stacklevel=4)
        if self.weight_var is not None:
            n, layout = self.ds.sizes["_sequence"], self.layout
            shape = (n, len(self.target_vars))
            if layout is not None:
                # one a task, or one a track
                each = (n, len(layout.names)), (n, len(layout.tasks))
                shape = each[0] if self.ds[self.weight_var].shape == each[0] else each[1]
            train = None if self.codes is None else self.codes == schema.SPLITS["train"]
            values = self.ds[self.weight_var].to_numpy()
            _judge.check_weights(self.weight_var, values, shape, train)

    @property
    def _assigned(self) -> NDArray[np.int64]:
        """Rows that belong to a split."""
        n = self.ds.sizes["_sequence"]
        return np.flatnonzero(np.ones(n, bool) if self.codes is None else self.codes >= 0)

    @property
    def is_one_hot(self) -> bool:
        """Whether sequences are given as one-hot instead of letters."""
        return "_ohe" in self.ds[self.seq_var].dims

    @property
    def stored_length(self) -> int:
        """Positions (bp) stored for every sequence."""
        variable = self.ds[self.seq_var]
        places = [s for d, s in variable.sizes.items() if d not in ("_sequence", "_ohe")]
        return int(places[0])

    @property
    def input_len(self) -> int:
        """Positions (bp) of the windows a model sees."""
        if self._length is not None:
            return self._length
        if region_array(self.ds[self.seq_var]) is not None:
            # files hold what lies beyond a window, too
            return self.stored_length
        stored = int(self.ds.attrs.get("max_jitter", 0) or 0)
        return self.stored_length - 2 * max(stored, self.max_jitter)

    @property
    def output_dim(self) -> int:
        """Number of targets; of samples, where the target is a track."""
        first = self.ds[self.target_vars[0]]
        return len(self.target_vars) if first.ndim == 1 else int(first.shape[1])

    @property
    def alphabet(self) -> str:
        """Letters of the sequences in the order of one-hot rows."""
        return self._alphabet

    @property
    def view(self) -> xr.Dataset:
        """The dataset under the names of a batch, read into memory where it is small enough."""
        if self._view is None:
            self._view = self._make_view()
        return self._view

    def _make_view(self) -> xr.Dataset:
        ds = self.ds
        seq = ds[self.seq_var]
        data: dict[str, xr.DataArray | xr.Variable] = {}
        if self.is_one_hot:
            along = next(d for d in seq.dims if d not in ("_sequence", "_ohe"))
            data["ohe_seq"] = seq.transpose("_sequence", "_ohe", along).astype(np.float32)
        elif seq.dtype == np.uint8 and "kind" not in seq.attrs:
            data["seq"] = seq.assign_attrs(kind="sequence")
        elif seq.dtype.kind not in "Su":
            raise DataError(
                f"seq_var: {self.seq_var!r} is of type {seq.dtype}: expected letters (S1), ASCII "
                "codes (uint8) or one-hot with a dimension '_ohe'. sp.cast_seqs makes letters."
            )
        else:
            data["seq"] = seq
        first = ds[self.target_vars[0]]
        if first.ndim == 1:
            columns = [ds[name].to_numpy().astype(np.float32) for name in self.target_vars]
            data["target"] = xr.Variable(("_sequence", "_target"), np.stack(columns, axis=1))
        else:
            data["target"] = first.astype(np.float32) if first.dtype.kind != "f" else first
        for key, name in (
            ("weight", self.weight_var),
            ("control", self.control_var),
            ("mask", self.mask_var),
        ):
            if name is not None:
                data[key] = ds[name].astype(np.float32)
        if self.head_var is not None:
            data["head"] = ds[self.head_var].astype(np.int64)
        if f"{self.seq_var}_length" in ds.variables:
            data["seq_length"] = ds[f"{self.seq_var}_length"]
        view = xr.Dataset(data, attrs=ds.attrs)
        small = view.nbytes <= IN_MEMORY_LIMIT
        if self.cache is not None:
            return view
        return view.compute() if self.in_memory or (self.in_memory is None and small) else view

    def loader(
        self,
        split: str = "all",
        *,
        shuffle: bool = False,
        augment: bool = False,
        sample: bool = False,
        batch_size: int | None = None,
        variables: Sequence[str] | None = None,
    ) -> SequenceLoader:
        """Return a loader over a split.

        Parameters
        ----------
        split : str
            ``"train"``, ``"val"``, ``"test"``, ``"unassigned"`` or ``"all"``.
        shuffle : bool
            Whether rows come in a new order every epoch.
        augment : bool
            Whether windows are jittered and strands drawn.
        sample : bool
            Whether the sampler, where there is one, chooses rows of the split.
        batch_size : int or None
            Rows in a batch; default the module's.
        variables : sequence of str or None
            Entries of a batch beside ``index``, of those that there are; default all.

        Returns
        -------
        SequenceLoader
            Batches as the class describes them.

        Raises
        ------
        DataError
            Where the split has no rows, or the dataset has no split.
        """
        rows = self._rows(split)
        trainer = self.trainer
        names = ["ohe_seq" if self.is_one_hot else "seq", "target"]
        given = ("weight", "control", "mask", "head")
        names += [key for key in given if getattr(self, f"{key}_var")]
        names = [n for n in names if variables is None or n in variables]
        view = self.view
        lengths: dict[str, int] = {}
        if self.target_length is not None:
            lengths = {key: self.target_length for key in ("target", "mask") if key in names}
        loader = get_torch_dataloader(
            view,
            "_sequence",
            names,
            batch_size=self.batch_size if batch_size is None else batch_size,
            shuffle=shuffle,
            seed=self.seed,
            indices=rows,
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            drop_last=self.drop_last and shuffle,
            length=self.input_len,
            lengths=lengths or None,
            max_jitter=self.max_jitter if augment else 0,
            rc_prob=self.rc_prob if augment else 0.0,
            index="index",
            rank=0 if trainer is None else trainer.global_rank,
            world_size=1 if trainer is None else trainer.world_size,
            in_memory=self._in_memory(view, names),
            sampler=OfDataset(self.sampler, self.ds) if sample and self.sampler else None,
            cache=self.cache,
            cache_dir=self.cache_dir,
        )
        if trainer is not None:
            loader.set_epoch(trainer.current_epoch)
        return loader

    def _in_memory(self, view: xr.Dataset, names: Sequence[str]) -> bool | None:
        """Return whether a loader reads everything, None where its size decides."""
        if self.cache is not None:
            return None
        if any(region_array(view[name]) is not None for name in names):
            return self.in_memory
        return all(view[name].chunks is None for name in names)

    def _rows(self, split: str) -> NDArray[np.int64]:
        n = self.ds.sizes["_sequence"]
        if split == "all":
            return np.arange(n, dtype=np.int64)
        if split not in schema.SPLITS:
            raise DataError(f"there is no split {split!r}{did_you_mean(split, schema.SPLITS)}")
        if self.codes is None:
            raise DataError(
                f"the dataset has no split, so no {split} rows: give `split`, for example "
                "{'name': 'random', 'fractions': [0.8, 0.1, 0.1]}."
            )
        rows = np.flatnonzero(self.codes == schema.SPLITS[split])
        if not len(rows):
            counts = {k: int((self.codes == v).sum()) for k, v in schema.SPLITS.items()}
            raise DataError(f"the split leaves no {split} rows: {counts}. Change the split.")
        return rows.astype(np.int64)

    def train_dataloader(self) -> SequenceLoader:
        """Return shuffled and augmented training rows."""
        return self.loader("train", shuffle=True, augment=True, sample=True)

    def val_dataloader(self) -> SequenceLoader:
        """Return validation rows in order."""
        return self.loader("val")

    def test_dataloader(self) -> SequenceLoader:
        """Return test rows in order."""
        return self.loader("test")

    def predict_dataloader(self) -> SequenceLoader:
        """Return all rows in order."""
        return self.loader("all")

    def inverse_targets(self, values: ArrayLike) -> NDArray[np.float64]:
        """Turn predictions back into the units of the targets.

        Parameters
        ----------
        values : array_like of float, shape (n, targets)
            Predictions of transformed targets.

        Returns
        -------
        ndarray of float64, shape (n, targets)
            The same in the units of the dataset before its transforms.
        """
        array = np.asarray(values, dtype=np.float64).copy()
        for i, name in enumerate(self.target_vars):
            array[:, i] = invert(array[:, i], stored(self.ds[name]))
        return array

    def leakage_report(self) -> dict[str, Any]:
        """Return what the splits share, as `seqdata.splits.leakage` describes it."""
        if self._leakage is None:
            seq_var = None if self.is_one_hot else self.seq_var
            self._leakage = splits.leakage(self.ds, self.codes, seq_var=seq_var)
        return self._leakage

    def take_leakage(self, found: Mapping[str, object]) -> None:
        """Take what the splits share from a run on the same rows, which looked for it before."""
        self._leakage = dict(found)

    def facts(self) -> dict[str, Any]:
        """Return what a trained network has to know of its data, as plain values.

        Returns
        -------
        dict
            ``alphabet``, ``input_len`` (bp), ``output_dim``, ``target_names`` and the fitted
            ``transforms`` of each target, and ``rows_sha256``, a hash of what the rows hold.
        """
        steps = {name: stored(self.ds[name]) for name in self.target_vars}
        return {
            **self.shapes(),
            "alphabet": self.alphabet,
            "input_len": self.input_len,
            "output_dim": self.output_dim,
            "target_names": list(self.target_vars),
            "transforms": {k: [t.to_dict() for t in v] for k, v in steps.items()},
            "rows_sha256": hash_rows(self.ds, [self.seq_var, *self.target_vars], self.codes),
        }

    def dataset_summary(self) -> dict[str, Any]:
        """Return what the dataset holds, as plain numbers and names.

        Returns
        -------
        dict
            What `eugene.data.summarise` returns, with ``input_len`` (bp), ``output_dim``,
            ``transforms`` of the targets and, where there is a split, ``leakage``.
        """
        summary = summarise(
            self.ds, seq_var=self.seq_var, target_vars=self.target_vars, codes=self.codes
        )
        facts = self.facts()
        summary |= {key: facts[key] for key in _DESCRIBED if key in facts}
        if self.layout is not None:
            summary["targets"] = self.count_statistics() or summary["targets"]
        if self.codes is not None:
            summary["leakage"] = self.leakage_report()
        return summary
