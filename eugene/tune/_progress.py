"""What is seen of a search: one bar, or one line a trial that is over."""

from __future__ import annotations

import logging
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene.report._search import short_names
from eugene.tune._records import best_so_far, note, records, rows_of
from eugene.tune._space import shown
from eugene.tune._trial import Plan

if TYPE_CHECKING:
    from ray.tune import Callback

logger = logging.getLogger("eugene.tune")


def line_of(plan: Plan, trial: str, *, done: int, total: int) -> str:
    """Return what a trial gave in one line, and how far the search is.

    Parameters
    ----------
    plan : Plan
        What the trials share.
    trial : str
        Its name.
    done, total : int
        Trials that are over, and that there will be.
    """
    record = next(r for r in records(plan.path) if r["trial"] == trial)
    head = f"trial {trial} ({done} of {total}):"
    if record.get("status") == "failed":
        return f"{head} failed: {record.get('error')}"
    given = record.get("values") or {}
    rows = rows_of(plan.path, trial)
    best = best_so_far(rows, plan.metric, plan.mode)
    values = ", ".join(
        f"{name} {_short(value)}"
        for name, value in zip(short_names(list(given)).values(), given.values(), strict=True)
    )
    stopped = "stopped after " if record.get("status") == "stopped" else ""
    found = best[-1] if best else math.nan
    return f"{head} {plan.metric} {found:.4f}, {stopped}{len(rows)} epochs; {values}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(shown(value))


def watcher(plan: Plan, total: int, *, bar: bool) -> Callback:
    """Return what notes the end of each trial, and says it.

    Parameters
    ----------
    plan : Plan
        What the trials share.
    total : int
        How many there will be.
    bar : bool
        Draw a bar instead of writing lines.
    """
    from ray import tune

    class Watcher(tune.Callback):
        """Told by Ray of every trial."""

        def __init__(self) -> None:
            self.bar: Any = None

        def setup(
            self,
            stop: Any = None,
            num_samples: int | None = None,
            total_num_samples: int | None = None,
            **info: Any,
        ) -> None:
            """Begin."""
            if bar:
                from tqdm import tqdm

                self.bar = tqdm(total=total, desc="search", unit="trial", file=sys.stderr)

        def __getstate__(self) -> dict[str, Any]:
            return {}

        def __setstate__(self, state: dict[str, Any]) -> None:
            self.bar = None

        def on_trial_complete(
            self, iteration: int, trials: list[Any], trial: Any, **info: Any
        ) -> None:
            """Note that a trial is over; one that did not say so itself was stopped."""
            name = Path(str(trial.path)).name
            record = next(r for r in records(plan.path) if r["trial"] == name)
            if record.get("status") == "running":
                note(plan.path, name, status="stopped")
            self._say(trials, name)

        def on_trial_error(
            self, iteration: int, trials: list[Any], trial: Any, **info: Any
        ) -> None:
            """Note that a trial was lost, more often than it is taken up."""
            name = Path(str(trial.path)).name
            note(plan.path, name, status="failed", error="its process died, more than once")
            self._say(trials, name)

        def _say(self, trials: list[Any], name: str) -> None:
            # the one that is told of counts as over in a moment
            over = [one for one in trials if one.is_finished() and Path(one.path).name != name]
            done = len(over) + 1
            text = line_of(plan, name, done=done, total=total)
            if self.bar is not None:
                self.bar.n = done
                self.bar.set_postfix_str(text.partition(": ")[2][:60])
            else:
                logger.info("%s", text)

        def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
            """End the bar."""
            if self.bar is not None:
                self.bar.close()

    return Watcher()
