"""What is done to a part of a network before the next stage trains the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from eugene.errors import EugeneError, did_you_mean
from eugene.modules._groups import Groups
from seqdata.schema import SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eugene.data import SequenceDataModule
    from eugene.modules.profile import ProfileModule


def scale_counts(
    module: ProfileModule,
    datamodule: SequenceDataModule,
    *,
    part: str | None = "bias",
    rows: str | None = None,
    outside: str | None = None,
) -> dict[str, object]:
    """Shift the logarithmic counts of a part so that they fit training rows on average.

    ChromBPNet's scaling of the bias: its network was trained on the quietest windows, and is to
    fit what lies outside the peaks now, before the main network is trained beside it.

    Parameters
    ----------
    module : ProfileModule
        The module; the part's weights are changed.
    datamodule : SequenceDataModule
        Whose training rows are looked at, neither jittered nor turned.
    part : str, optional
        Name of the part, which has to have a method ``shift_counts``; None for what the module
        trains, all of the network or a part: so that it need not learn the level of the counts
        step by step.
    rows : str, optional
        Variable of truth values: only rows where it is true.
    outside : str, optional
        Variable of truth values, such as ``is_peak``: only rows where it is false.

    Returns
    -------
    dict
        Under the name of the part (``network`` for all of it): ``rows`` (how many were looked
        at), ``shift`` (of ln(1 + N), of each count) and ``before``, the mean absolute difference
        of single rows before it.

    Raises
    ------
    EugeneError
        If there is no such part or variable, or no such row.

    References
    ----------
    Pampari et al. 2024, https://doi.org/10.1101/2024.12.25.630221
    """
    network = module.network(part)
    shift_counts = getattr(network, "shift_counts", None)
    if shift_counts is None:
        raise EugeneError(
            f"scale_counts: {part or module.part or 'the network'} is a "
            f"{type(network).__name__}, which has no method shift_counts(by): it cannot be "
            "scaled. bpnet has one."
        )
    chosen = _chosen(datamodule, rows, outside)
    expected, observed = [], []
    with module._elsewhere(None) as device, torch.no_grad():
        loader: Any = datamodule.loader("train")
        for batch in loader:
            keep = torch.as_tensor(chosen[batch["index"].numpy()])
            if not keep.any():
                continue
            seen = {
                key: value[keep].to(device)
                for key, value in batch.items()
                if isinstance(value, torch.Tensor)
            }
            output = module(module.encode(seen), part=part)
            expected.append(output.counts.double().cpu())
            observed.append(_totals(module, batch["target"][keep], output.counts.shape[1]))
        difference = torch.cat(observed) - torch.cat(expected)
        shift = difference.nanmean(dim=0)
        if not bool(torch.isfinite(shift).all()):
            raise EugeneError("scale_counts: none of the rows has a target that is there")
        shift_counts(shift.to(output.counts))
    found = {
        "rows": len(difference),
        "shift": [round(float(value), 6) for value in shift],
        "before": round(float(difference.abs().nanmean()), 6),
    }
    # by part: a stage may scale several
    return {part or module.part or "network": found}


def _chosen(
    datamodule: SequenceDataModule, rows: str | None, outside: str | None
) -> NDArray[np.bool_]:
    """Return which rows of the dataset count, as far as variables say."""
    ds = datamodule.ds
    chosen = np.ones(ds.sizes["_sequence"], dtype=np.bool_)
    for key, name, sign in (("rows", rows, True), ("outside", outside, False)):
        if name is None:
            continue
        if name not in ds.variables:
            known = [str(v) for v in ds.variables]
            raise EugeneError(
                f"scale_counts: {key}: the dataset has no variable {name!r}"
                f"{did_you_mean(name, known)}"
            )
        chosen &= ds[name].to_numpy().astype(np.bool_) == sign
    train = datamodule.codes == SPLITS["train"]
    if not (chosen & train).any():
        raise EugeneError(
            f"scale_counts: no training row is left by rows={rows!r} and outside={outside!r}"
        )
    return chosen


def _totals(module: ProfileModule, target: torch.Tensor, outputs: int) -> torch.Tensor:
    """Return ln(1 + N) of the targets (n, outputs); NaN where a position is missing."""
    tracks = target.double().sum(dim=-1)
    groups = Groups.of(module.layout, tracks.shape[1], outputs)
    if groups.per_track:
        return torch.log1p(tracks)
    return torch.log1p(groups.by_task(lambda values: values.sum(dim=2), tracks))
