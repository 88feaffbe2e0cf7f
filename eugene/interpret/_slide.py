"""Motifs slid over backgrounds, and sequences that evolve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.interpret._attribute import output_names
from eugene.modules._input import check_length
from eugene.settings import session_seed

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from seqpro.motifs import Motif


def _label(motif: Motif | str) -> str:
    return motif if isinstance(motif, str) else str(motif.name)


def slide_motifs(
    model: torch.nn.Module,
    X: NDArray[np.generic],
    motifs: Sequence[Motif | str],
    *,
    n_backgrounds: int = 100,
    stride: int = 1,
    pairs: bool = False,
    target: object = None,
    seed: int | None = None,
    batch_size: int = 128,
    progress: bool = False,
) -> pd.DataFrame:
    """Slide motifs over dinucleotide shuffles of sequences and measure what they do.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    X : ndarray, shape (n, 4, length)
        Sequences that are shuffled.
    motifs : sequence of Motif or str
        What is put in: the consensus of a motif, or letters.
    n_backgrounds : int, optional
        Shuffles.
    stride : int, optional
        Step in bp.
    pairs : bool, optional
        Also slide each motif over backgrounds that hold each other one in the middle.
    target : int, tuple, str or callable, optional
        Which output; by default the only one, and of several the first, with a warning.
    seed : int, optional
        Seed of the shuffles and of the intervals; by default that of the session.
    batch_size : int, optional
        Sequences at a time.
    progress : bool, optional
        Draw bars.

    Returns
    -------
    pandas.DataFrame
        One row a motif and position: motif, position (0-based start, bp), mean, low, high of the
        change of the output, with 95 % bootstrap intervals over backgrounds.
    """
    import pandas as pd

    import seqexplainer as se

    seed = session_seed(seed)
    shuffled = se.perturb.backgrounds(X, kind="dinuc_shuffle", n=n_backgrounds, seed=seed)
    length = shuffled.shape[2]
    check_length(getattr(model, "arch", model), np.shape(X)[2])
    target = se.OnlyOutput(output_names(model)) if target is None else target  # warns once
    options: dict[str, Any] = {"stride": stride, "target": target, "seed": seed}
    options |= {"batch_size": batch_size, "progress": progress}
    tables = []

    def slide(motif: Motif | str, grounds: Any, label: str) -> None:
        table = se.positional_importance(model, grounds, motif, **options).to_frame()
        table.insert(0, "motif", label)
        tables.append(table[["motif", "position", "mean", "low", "high"]])

    for motif in motifs:
        slide(motif, shuffled, _label(motif))
    if pairs:
        for motif in motifs:
            for other in motifs:
                if other is motif:
                    continue
                width = len(other) if isinstance(other, str) else int(other.width)
                held = se.perturb.substitute(shuffled, other, position=(length - width) // 2)
                slide(motif, held, f"{_label(motif)} beside {_label(other)}")
    return pd.concat(tables, ignore_index=True)


def evolve_sequences(
    model: torch.nn.Module,
    X: NDArray[np.generic],
    *,
    rounds: int | None = 10,
    method: str = "greedy",
    beam: int = 1,
    maximize: bool = True,
    target: object = None,
    constraints: Mapping[str, object] | None = None,
    seed: int | None = None,
    batch_size: int = 128,
    index: Sequence[int] | NDArray[np.int64] | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Evolve sequences by one substitution a round, or design them by another search.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    X : ndarray, shape (n, 4, length)
        Sequences to start from.
    rounds : int, optional
        Rounds: substitutions a sequence for greedy and beam; None takes what suits the method.
    method : {"greedy", "beam", "annealing", "genetic", "gradient"}, optional
        As in `seqexplainer.design`.
    beam : int, optional
        Candidates kept a round; more than 1 makes greedy a beam.
    maximize : bool, optional
        Raise or lower the output.
    target : int, tuple, str or callable, optional
        Which output; by default the only one, and of several the first, with a warning.
    constraints : mapping, optional
        Limits: the parameters of `seqexplainer.Constraints`.
    seed : int, optional
        Seed of the searches that draw; by default that of the session.
    batch_size : int, optional
        Sequences at a time.
    index : sequence of int, optional
        Number of each sequence in its dataset.
    progress : bool, optional
        Draw a bar.

    Returns
    -------
    pandas.DataFrame
        One row a sequence and round, round 0 being the start: sequence, round, position
        (-1: no change), ref, alt, score, kind. A search that finds several changes in one round
        has a row for each.
    """
    import seqexplainer as se

    check_length(getattr(model, "arch", model), np.shape(X)[2])
    target = se.OnlyOutput(output_names(model)) if target is None else target
    options: dict[str, Any] = {"maximize": maximize, "target": target, "constraints": constraints}
    options |= {"batch_size": batch_size, "progress": progress}
    options["alphabet"] = getattr(X, "alphabet", getattr(model, "alphabet", None))
    model = getattr(model, "arch", model)
    if method in {"greedy", "beam"}:
        kept = 8 if method == "beam" and beam == 1 else beam
        steps = 10 if rounds is None else rounds
        table = se.evolve(model, X, rounds=steps, beam=kept, **options).to_frame()
    else:
        seed = session_seed(seed)
        table = se.design(model, X, method=method, rounds=rounds, seed=seed, **options).to_frame()
    if index is not None:
        table["sequence"] = np.asarray(index)[table["sequence"].to_numpy()]
    return table
