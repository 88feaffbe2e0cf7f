"""Calls as EUGENe's notebooks make them, with the errors of this package."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from eugene.errors import EugeneError
from seqpro.family import Judge as Judge
from seqpro.family import anything as anything
from seqpro.family import check_call as _check_call
from seqpro.family import old_call
from seqpro.family import only as only

F = TypeVar("F", bound=Callable[..., Any])
check_call = functools.partial(_check_call, error=EugeneError)


def eugene_call(*of: str, **how: Any) -> Callable[[F], F]:
    """Return what `seqpro.family.old_call` does, with the errors of this package."""
    return old_call(*of, error=EugeneError, **how)


def only_turns(transforms: object) -> str | None:
    """Accept EUGENe's ``{"ohe_seq": lambda x: x.swapaxes(1, 2)}``: axes are read by their names.

    Examples
    --------
    >>> only_turns({"ohe_seq": lambda x: x.swapaxes(1, 2)})
    >>> only_turns({"target": lambda y: y * 2})
    "'target' does more than turn axes: change the variable of the dataset instead"
    """
    import torch

    if transforms is None:
        return None
    if not isinstance(transforms, Mapping):
        return f"a dict of functions was expected, got {type(transforms).__name__}"
    probe = torch.arange(40.0).reshape(2, 5, 4)
    for name, transform in transforms.items():
        try:
            found = torch.as_tensor(transform(probe.clone()))
        except Exception as error:
            return f"{name!r} fails on an array of (2, 5, 4): {error}"
        same = found.dtype == probe.dtype
        if not same or not (torch.equal(found, probe) or torch.equal(found, probe.swapaxes(1, 2))):
            return f"{name!r} does more than turn axes: change the variable of the dataset instead"
    return None
