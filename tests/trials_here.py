"""What takes the place of Ray where a search is to be quick: trials one after the other, here."""

from __future__ import annotations

from eugene._folder import RunFolder
from eugene.config import RunConfig
from eugene.runs._pipeline import train
from eugene.tune._records import TRIALS, allot, note
from eugene.tune._space import Space


def search(config: RunConfig, folder: RunFolder, mode: str, *, progress: bool) -> None:
    """Train with what the space begins with, then with what it ends with, and so on.

    All but the draws, the stopping of trials and their processes is as in a real search.
    """
    space = Space(config)
    for number in range(int(config.section("tune").get("num_samples") or 2)):
        values = {
            place: domain.probes()[number % len(domain.probes())]
            for place, domain in space.domains.items()
        }
        trial = allot(folder.path)
        lineage = [{"epochs": 0, "values": values}]
        note(folder.path, trial, status="running", values=values, error=None, lineage=lineage)
        train(config.candidate(values), folder / TRIALS / trial, store=folder)
        note(folder.path, trial, status="done")
