"""A share of the training rows of another split, for curves of learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from seqdata.errors import SeqdataError, did_you_mean
from seqdata.splits._by_column import chromosome, column
from seqdata.splits._codes import NONE, TRAIN, Codes, codes_of
from seqdata.splits._folds import kfold
from seqdata.splits._random import DRAW, group, homology, random, stratified
from seqpro.random import counter_seed

_OTHERS: dict[str, Callable[..., Codes]] = {
    "random": random,
    "chromosome": chromosome,
    "column": column,
    "stratified": stratified,
    "kfold": kfold,
    "group": group,
    "homology": homology,
}
_WITHOUT_SEED = ("chromosome", "column")


def fewer(
    ds: xr.Dataset,
    *,
    rate: float,
    like: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Codes:
    """Keep a share of the training rows of a split; validation and test rows stay as they are.

    Of two rates with the same seed, the larger keeps all rows that the smaller keeps.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    rate : float
        Share of the training rows, above 0 and at most 1.
    like : mapping or None
        The split: ``name`` and arguments of a function of `seqdata.splits`, whose seed is 0 where
        it is not given; None for the one that the dataset carries.
    seed : int
        Seed of the choice among the training rows.

    Returns
    -------
    ndarray of int8, shape (n,)
        Split codes; -1 for training rows that are left out.

    Raises
    ------
    SeqdataError
        Where the rate is no such share or leaves no row, or there is no such split.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("_sequence", np.arange(100))})
    >>> few, more = (fewer(ds, rate=r, like={"name": "random"}) for r in (0.1, 0.5))
    >>> int((few == 0).sum()), int((more == 0).sum()), bool((more[few == 0] == 0).all())
    (8, 40, True)
    """
    if not 0 < rate <= 1:
        raise SeqdataError(f"rate is {rate}: expected a share above 0 and at most 1.")
    if like is None:
        codes = codes_of(ds).copy()
    else:
        rules = dict(like)
        name = str(rules.pop("name", None))
        if name not in _OTHERS:
            raise SeqdataError(
                f"like: {name!r} is no split whose rows can be fewer.{did_you_mean(name, _OTHERS)}"
            )
        if name not in _WITHOUT_SEED:
            rules.setdefault("seed", 0)
        codes = np.asarray(_OTHERS[name](ds, **rules), np.int8).copy()
    train = np.flatnonzero(codes == TRAIN)
    kept = round(rate * len(train))
    if not kept:
        raise SeqdataError(
            f"rate {rate} of {len(train)} training rows leaves none: expected 1 row or more."
        )
    order = np.argsort(counter_seed(seed, DRAW, train), kind="stable")
    codes[train[order[kept:]]] = NONE
    return codes
