"""What EUGENe's `evolve_seqs_sdata` returned, on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import seqpro as sp

if TYPE_CHECKING:
    import xarray as xr


def evolved_alone(result: object, given: Mapping[str, object], asked: object) -> object:
    """Return what evolved as EUGENe's ``return_seqs`` did: a tensor (n, letters, length).

    Parameters
    ----------
    result : Dataset
        As `eugene.interpret.evolve_seqs_sdata` returns it.
    given : mapping
        Arguments of the call.
    asked : bool
        Value of ``return_seqs``.

    Returns
    -------
    Tensor of float32, or Dataset
    """
    import torch

    if not asked:
        return result
    held = cast("xr.Dataset", result)["evolved_seqs"]
    letters = sp.ohe(held.to_numpy(), sp.alphabet_of(held.attrs["alphabet"]), ohe_axis=-2)
    return torch.as_tensor(letters).float()


def without_evolved(result: object, given: Mapping[str, object], asked: object) -> object:
    """Leave the sequences out where EUGENe's ``add_seqs`` is false.

    Parameters
    ----------
    result : Dataset or Tensor
        What is returned.
    given : mapping
        Arguments of the call.
    asked : bool
        Value of ``add_seqs``.
    """
    held = cast("xr.Dataset", result if given.get("copy") else given["sdata"])
    if not asked and "evolved_seqs" in getattr(held, "variables", ()):
        del held["evolved_seqs"]
    return result
