"""What augmentations did in the training of a run, noted in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from eugene.report._augmentation import FILE, Augmented, Counted, FirstSequence, Settings

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from eugene.augment import Augmenter
    from eugene.runs._run import Run

_COUNTED = 4_000_000
"""Rows times epochs whose draws are made again; of longer trainings, those of some epochs."""
_LONGEST = 5_000
"""Letters (bp) that are kept of the first sequence."""


def note_augmentation(
    run: Run, trained: Sequence[tuple[str, Run, int]], module: torch.nn.Module
) -> None:
    """Write what was drawn in each stage, computed again: nothing is counted in training.

    Parameters
    ----------
    run : Run
        The whole; nothing is written where nothing is augmented.
    trained : sequence of (str, Run, int)
        Name of each stage, empty for a training without stages, its run, and how many epochs.
    module : torch.nn.Module
        What was trained; says whether a last batch of one row was left out.
    """
    from eugene.runs._network import build_augmenter

    alphabet = run.data.alphabet
    stages: list[Augmented] = []
    for name, one, epochs in trained:
        augmenter = build_augmenter(one.config, alphabet)
        if augmenter is not None:
            given = {**augmenter.settings, "scope": augmenter.scope, "length": augmenter.length}
            settings = cast(Settings, {"added": augmenter.added, **given})
            counted = Counted()
            if augmenter.active:
                counted = _counted(augmenter, one, epochs, module)
            stages.append({"stage": name, "epochs": epochs, "settings": settings, **counted})
    if not stages:
        run.folder.clear(FILE)
        return
    run.folder.write_json(FILE, {"stages": stages, "sequence": _first(run)})


def _counted(augmenter: Augmenter, one: Run, epochs: int, module: torch.nn.Module) -> Counted:
    """Return how many rows each augmentation changed in which epochs."""
    from eugene.augment._account import drawn_counts

    if augmenter.compat in ("evoaug", "evoaug2"):
        return {"why": f"compat={augmenter.compat} draws row after row from one stream"}
    rows = len(one.rows("train"))
    count = int(min(epochs, max(1, _COUNTED // max(rows, 1))))
    # spread evenly, the first and the last among them
    chosen = np.unique(np.linspace(0, epochs - 1, count).round().astype(int))
    loader = one.datamodule.train_dataloader()
    shown, drawn = [], []
    for epoch in map(int, chosen):
        plan = loader.core.plan(epoch)
        order = np.concatenate([segment.rows for segment in plan.segments])
        batches: list[NDArray[np.int64]] = np.split(order[: plan.bounds[-1]], plan.bounds[1:-1])
        if len(batches) > 1 and len(batches[-1]) == 1 and _drops_single(one, module):
            batches = batches[:-1]
        shown.append(sum(map(len, batches)))
        drawn.append(drawn_counts(augmenter, batches, epoch))
    return {"counted": [int(epoch) for epoch in chosen], "shown": shown, "drawn": drawn}


def _drops_single(one: Run, module: torch.nn.Module) -> bool:
    """Tell whether a last batch of one row was left out, as `eugene.train.fit` does."""
    import pytorch_lightning as pl

    from eugene.train._checks import needs_two_rows

    return isinstance(module, pl.LightningModule) and needs_two_rows(module, one.datamodule)


def _first(run: Run) -> FirstSequence:
    """Return the first sequence of the training rows, or the beginning of a long one."""
    import seqpro as sp

    row = int(run.rows("train")[0])
    one_hot = run.one_hot(np.array([row]))
    letters = sp.decode_ohe(one_hot.swapaxes(1, 2), ohe_axis=-1, alphabet=run.data.alphabet)
    text = np.asarray(letters).tobytes().decode("ascii")
    return {"row": row, "length": len(text), "letters": text[:_LONGEST]}
