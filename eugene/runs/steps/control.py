"""The same network trained on shuffled labels, which must find nothing."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Annotated

from eugene._step import Part, step
from eugene.config.marks import Least
from eugene.report._blocks import Section, number
from eugene.runs.steps.filters import filters
from eugene.runs.steps.fit import fit
from eugene.runs.steps.test import test
from eugene.runs.steps.truth import show_planted

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.config import RunConfig
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_FILE = "interpretation/control.json"


def _show(section: Section, run: RunFolder) -> None:
    """Show what the same network finds when the labels are shuffled."""
    found = run.read(_FILE).get("shuffled_labels")
    if not found:
        return
    section.text(
        "The same network was trained once more on labels in random order. Whatever it still "
        "seemed to find would be an artefact of the method, so this list should say no."
    )
    show_planted(section, found.get("planted_found", {}))
    if found.get("auroc") is not None:
        section.text(f"Its test AUROC is {number(found['auroc'])}; a coin reaches 0.5.")


def _config(config: RunConfig, max_epochs: int | None) -> RunConfig:
    """Return the configuration of the control: the same network, nothing else to do."""
    from eugene.config import RunConfig

    tree = copy.deepcopy(config.tree)
    tree.pop("replicates", None)
    motifs = (tree.get("interpret") or {}).get("filters")
    tree |= {"name": f"{config.name}_shuffled_labels", "baselines": []}
    tree["interpret"] = {"filters": motifs} if motifs else None
    # the other processes of a distributed training are gone by now
    alone = {"devices": 1, "strategy": "auto"}
    tree["trainer"] = {**(tree.get("trainer") or {}), **alone}
    if max_epochs is not None:
        for part in (tree, *(tree.get("stages") or ())):
            part["trainer"] = {**(part.get("trainer") or {}), "max_epochs": max_epochs}
    return RunConfig(tree, config.document, config.allow_class_path)


@step(
    split="test",
    recorded=False,
    writes={
        "control": "run folder of the same network on shuffled labels",
        _FILE: "what the same network finds when labels are shuffled",
    },
    report=(Part("control", "Control: shuffled labels", _show),),
)
def control(
    run: Run, *, shuffled_labels: bool = True, max_epochs: Annotated[int | None, Least(1)] = None
) -> None:
    """Do trainings that must find nothing.

    Parameters
    ----------
    run : Run
        A trained run.
    shuffled_labels : bool
        Train the same network on permuted targets.
    max_epochs : int
        Passes over the rows for it; ``null`` takes the trainer's.
    """
    if not shuffled_labels:
        return
    from eugene._folder import RunFolder
    from eugene.runs._run import Run

    with run.folder.step("control"):
        logger.info("control: the same network on permuted targets")
        folder = RunFolder.create(run.folder / "control", overwrite=True)
        control = Run(
            _config(run.plan, max_epochs),
            folder,
            store=run.store,
            shuffle_labels=True,
            progress=run.progress,
            device=run.device,
        )
        for one in (fit, test, filters):
            one(control)
        metrics = folder.read_json("evaluation.json")["metrics"]
        result = {
            **{name: entry["value"] for name, entry in metrics.items()},
            "epochs": folder.state()["training"]["epochs"],
            "planted_found": folder.read("interpretation/truth.json").get("planted_found", {}),
        }
        run.folder.write_json(_FILE, {"shuffled_labels": result})
