"""Design of sequences by several searches behind one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Unpack

from seqexplainer._inputs import as_seed, check_choice
from seqexplainer.design._annealing import anneal
from seqexplainer.design._edits import from_codes
from seqexplainer.design._evolve import climb
from seqexplainer.design._genetic import breed
from seqexplainer.design._gradient import follow_gradient
from seqexplainer.design._objective import AIMS, Aims, prepare
from seqexplainer.design._task import Design, Found, Task
from seqexplainer.errors import SeqexplainerError
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn


class Search(NamedTuple):
    """A method of `design`.

    Attributes
    ----------
    run : callable
        From a task to what was found.
    rounds : int
        Rounds by default.
    shifts : bool
        Whether it can insert and delete bases.
    """

    run: Callable[[Task], Found]
    rounds: int
    shifts: bool


SEARCHES: dict[str, Search] = {
    "greedy": Search(lambda task: climb(task, 1), 10, True),
    "beam": Search(lambda task: climb(task, task.beam), 10, True),
    "annealing": Search(anneal, 500, True),
    "genetic": Search(breed, 30, True),
    "gradient": Search(follow_gradient, 200, False),
}
"""Methods of `design` by name."""


@keywords(AIMS)
def design(
    model: nn.Module | Sequence[nn.Module],
    X: NDArray[np.generic] | torch.Tensor,
    *,
    method: str = "greedy",
    rounds: int | None = None,
    beam: int = 8,
    population: int = 64,
    mutations: float = 1.5,
    pareto: bool = False,
    cooling: float = 0.01,
    samples: int = 16,
    learning_rate: float = 0.5,
    temperature: float = 1.0,
    edit_cost: float = 0.0,
    seed: int | None = 0,
    **aims: Unpack[Aims],
) -> Design:
    """Design sequences with a better score.

    All methods take the same models, objectives and constraints and return the same `Design`:

    ============ ======== ================================================= ==============
    method       rounds   a round                                           indels, front
    ============ ======== ================================================= ==============
    greedy       10       all single edits scored, the best made (`evolve`) indels
    beam         10       the same for the ``beam`` best of each start      indels
    annealing    500      one random edit, taken if better or by chance     indels
                          while it is hot
    genetic      30       parents crossed at one point and mutated, the     indels, front
                          best of all live on
    gradient     200      ``samples`` sequences drawn from logits that the
                          model's gradient moves; in the end edits are
                          exchanged while that helps, and needless ones
                          taken back
    ============ ======== ================================================= ==============

    Annealing is [1]_, genetic [2]_, gradient [3]_ and [4]_.

    Parameters
    ----------
    model : torch.nn.Module or sequence of such
        A model of one-hot sequences (N, A, L), or several that are judged together.
    X : ndarray or Tensor, shape (N, A, L)
        Sequences to start from; unknown bases (columns of zeros or of 1/A) are never edited and
        stay as they are.
    method : {"greedy", "beam", "annealing", "genetic", "gradient"}, optional
        See above.
    rounds : int, optional
        Rounds; the default is in the table.
    target, maximize, goal, objectives, caution
        What to make better, as in `evolve`.
    constraints : Constraints or mapping, optional
        Limits that every proposed sequence respects.
    insertions, deletions, flank
        Edits beside substitutions, as in `evolve`.
    beam : int, optional
        Sequences kept by ``beam``.
    population : int, optional
        Sequences per start of ``genetic``.
    mutations : float, optional
        Mean number of substitutions per child of ``genetic``; a quarter of the children has an
        insertion, a quarter a deletion, where those are asked for.
    pareto : bool, optional
        With ``genetic`` and several objectives: keep what no other sequence beats in every
        objective [5]_, and return that front beside the best by weight.
    cooling : float, optional
        Last temperature of ``annealing`` as a fraction of the first, which is the mean change
        by a random edit.
    samples : int, optional
        Sequences that ``gradient`` draws in a round.
    learning_rate, temperature : float, optional
        Of ``gradient``: step of the logits (Adam), and softness of the draws.
    edit_cost : float, optional
        Of ``gradient``: what an edit must gain (units of the score).
    seed : int, optional
        Draws depend on the seed and the letters of a start only, not on its neighbours.
    alphabet : BaseAlphabet or str, optional
        Letters of the columns, as in `evolve`.
    batch_size, device, dtype, args, progress
        As in `evolve`.

    Returns
    -------
    Design
        The best sequence from each start, the best score after each round and the edits between.

    Raises
    ------
    SeqexplainerError
        If an argument is out of range, the method is not known or cannot do what is asked for.

    References
    ----------
    .. [1] Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671
    .. [2] Vaishnav et al. 2022, doi:10.1038/s41586-022-04506-6
    .. [3] Schreiber et al. 2020 (Ledidi), doi:10.1101/2020.05.21.109686
    .. [4] Jang et al. 2017 (Gumbel-softmax), doi:10.48550/arXiv.1611.01144
    .. [5] Deb et al. 2002 (NSGA-II), doi:10.1109/4235.996017

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 1))
    >>> _ = model[1].weight.data.copy_(torch.arange(16.0)[None])
    >>> X = torch.eye(4)[torch.zeros(1, 4, dtype=int)].swapaxes(1, 2)
    >>> design(model, X, method="gradient", rounds=40).sequences.argmax(1).tolist()
    [[3, 3, 3, 3]]
    """
    check_choice(method, list(SEARCHES), "method")
    search = SEARCHES[method]
    steps = search.rounds if rounds is None else rounds
    _check_numbers({"rounds": steps, "beam": beam, "samples": samples}, least=1, what="at least 1")
    _check_numbers({"population": population}, least=2, what="at least 2")
    _check_numbers({"edit_cost": edit_cost}, least=0, what="at least 0")
    positive = {"mutations": mutations, "learning_rate": learning_rate, "temperature": temperature}
    _check_numbers(positive, least=1e-300, what="positive")
    if not 0 < cooling <= 1:
        raise SeqexplainerError(f"cooling is {cooling}; expected a fraction in (0, 1]")
    if (aims.get("insertions") or aims.get("deletions")) and not search.shifts:
        able = ", ".join(name for name, other in SEARCHES.items() if other.shifts)
        raise SeqexplainerError(f"{method} cannot insert or delete bases; choose one of {able}")
    if pareto and (method != "genetic" or len(aims.get("objectives") or ()) < 2):
        raise SeqexplainerError("pareto=True needs method='genetic' and at least two objectives")
    task = prepare(
        model,
        X,
        aims,
        rounds=steps,
        seed=as_seed(seed),
        beam=beam,
        population=population,
        mutations=mutations,
        cooling=cooling,
        pareto=pareto,
        samples=samples,
        learning_rate=learning_rate,
        temperature=temperature,
        edit_cost=edit_cost,
    )
    found = search.run(task)
    best, starts = (
        from_codes(tapes[:, : task.length], task.n_letters) for tapes in (found.tapes, task.tapes)
    )
    return Design(best, starts, found.scores, found.path(), found.front, task.alphabet)


def _check_numbers(numbers: Mapping[str, float], *, least: float, what: str) -> None:
    """Raise unless all numbers are at least ``least``."""
    for name, value in numbers.items():
        if not value >= least:
            raise SeqexplainerError(f"{name} is {value}; expected a number that is {what}")


__all__ = ["SEARCHES", "Search", "design"]
