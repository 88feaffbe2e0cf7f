"""Algorithms and schedulers of Ray Tune, by the names of the section ``tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene.tune._records import best_so_far, records, rows_of
from eugene.tune._space import Space
from eugene.tune._trial import Plan

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler
    from ray.tune.search import SearchAlgorithm, Searcher

_TIME = "epochs"


NEVER: Any = float("inf")
"""Ray compares it with epochs only."""


class Former:
    """A trial of before a resume, as far as a scheduler asks for one."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def searcher(section: dict[str, Any], seed: int) -> SearchAlgorithm | Searcher:
    """Return what draws the values of trials.

    Parameters
    ----------
    section : dict
        Section ``tune``.
    seed : int
        Seed of its draws.
    """
    if section["algorithm"] == "optuna":
        import optuna
        from ray.tune.search.optuna import OptunaSearch

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        return OptunaSearch(seed=seed)
    from ray.tune.search.basic_variant import BasicVariantGenerator

    return BasicVariantGenerator(
        random_state=seed, max_concurrent=int(section.get("max_concurrent") or 0)
    )


def scheduler(
    section: dict[str, Any], plan: Plan, space: Space, *, max_epochs: int
) -> TrialScheduler:
    """Return what decides which trainings go on.

    Ray forgets what a scheduler knew when a search is resumed, so ours is told again by the
    tables of the trials that are over.

    Parameters
    ----------
    section : dict
        Section ``tune``.
    plan : Plan
        What the trials share.
    space : Space
        For what population based training may change.
    max_epochs : int
        Most epochs of a trial.
    """
    from ray import tune
    from ray.tune import schedulers

    kind = section["scheduler"]
    if kind == "none":
        return schedulers.FIFOScheduler()  # type: ignore[no-untyped-call]
    if kind == "pbt":
        return schedulers.PopulationBasedTraining(
            time_attr=_TIME,
            perturbation_interval=int(section["perturbation_interval"]),
            hyperparam_mutations=space.mutations(tune),
            # all are compared at the same epoch, whoever is the faster
            synch=True,
            custom_explore_fn=space.clipped,
            log_config=False,
        )
    grace = int(section["grace_period"])

    if kind == "median":

        class Median(schedulers.MedianStoppingRule):
            """Ray's, told of the trials of before."""

            told = False

            def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
                """Hear of a trial."""
                if not self.told:
                    self.told = True
                    for former, results in histories(plan):
                        self._results[former].extend(results)
                super().on_trial_add(tune_controller, trial)

        # no time slice: a trial goes on to its end or is stopped, and is never put aside
        return Median(time_attr=_TIME, grace_period=grace, min_time_slice=NEVER)

    class Asha(schedulers.ASHAScheduler):
        """Ray's, told of the trials of before."""

        told = False

        def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
            """Hear of a trial."""
            super().on_trial_add(tune_controller, trial)
            if self.told:
                return
            self.told = True
            for former, results in histories(plan):
                known: Any = former
                super().on_trial_add(tune_controller, known)
                for result in results:
                    self.on_trial_result(tune_controller, known, result)

    return Asha(
        time_attr=_TIME,
        grace_period=min(grace, max_epochs),
        max_t=max(max_epochs, 1),
        reduction_factor=int(section["reduction_factor"]),
        stop_last_trials=False,
    )


def histories(plan: Plan) -> list[tuple[Former, list[dict[str, float]]]]:
    """Return what the trials that are over told, epoch by epoch.

    Parameters
    ----------
    plan : Plan
        What the trials share.
    """
    found = []
    for record in records(Path(plan.folder)):
        if record.get("status") not in ("done", "stopped"):
            continue
        rows = rows_of(plan.path, record["trial"])
        best = best_so_far(rows, plan.metric, plan.mode)
        results = [
            {_TIME: i + 1.0, "best": value, "current": value} for i, value in enumerate(best)
        ]
        if results:
            found.append((Former(record["trial"]), results))
    return found
