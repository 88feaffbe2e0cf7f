"""Transforms of single variables, as loaders of SeqData 0.1 took them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from seqdata.errors import SeqdataError

Each = Mapping["str | tuple[str, ...]", Callable[..., object]]


class OfVariables:
    """Change variables of a batch, each by a function of its own.

    Parameters
    ----------
    transforms : mapping of str or tuple of str to callable
        Functions by the name of the variable; that of several gets and returns a tuple.

    Raises
    ------
    SeqdataError
        When a batch lacks a variable that has a function.

    Examples
    --------
    >>> OfVariables({"x": lambda x: x + 1})({"x": np.zeros(2), "y": np.zeros(1)})["x"].tolist()
    [1.0, 1.0]
    """

    def __init__(self, transforms: Each) -> None:
        self.transforms = dict(transforms)

    def __call__(self, arrays: Mapping[str, NDArray[np.generic]]) -> Mapping[str, object]:
        """Return the batch with changed variables."""
        out: dict[str, object] = dict(arrays)
        for key, function in self.transforms.items():
            names = (key,) if isinstance(key, str) else tuple(key)
            missing = [name for name in names if name not in out]
            if missing:
                raise SeqdataError(
                    f"transforms: {missing[0]!r} is not in the batch, which has {', '.join(out)}"
                )
            if isinstance(key, str):
                out[key] = function(out[key])
            else:
                found = function(tuple(out[name] for name in names))
                out.update(zip(names, found, strict=True))  # type: ignore[call-overload]
        return out


def in_one_transform(kwargs: dict[str, object], known: list[str]) -> dict[str, object]:
    """Return arguments of a loader in which functions of variables are one function of a batch."""
    each = kwargs.pop("transforms", None)
    if each is not None:
        if kwargs.get("transform") is not None:
            raise SeqdataError("transform and transforms say the same: give one")
        kwargs["transform"] = each
    given = kwargs.get("transform")
    if isinstance(given, Mapping):
        kwargs["transform"] = OfVariables(given)
    return kwargs
