"""Explanation of a trained run: attributions, filters, positions, evolution, truth."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene import interpret
from eugene.config import RunConfig
from eugene.config.schema import INTERPRET_SECTIONS
from eugene.interpret._motifs import find
from eugene.interpret._sequences import best_rows
from eugene.interpret._truth import planted_rows
from eugene.runs._folder import RunFolder
from eugene.runs._run import Run, logger
from eugene.runs._steps import fit_step, test_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOP_MATCHES = 10


def section(run: Run, name: str) -> dict[str, Any]:
    """Return a part of the interpretation with its defaults filled in."""
    from dataclasses import asdict

    defaults = asdict(INTERPRET_SECTIONS[name]())
    return {**defaults, **run.config.section(f"interpret.{name}")}


def _scores(run: Run, rows: NDArray[np.int64], target: Any) -> NDArray[np.float32]:
    column = target if isinstance(target, int) else 0
    return np.asarray(run.predictions[rows][:, column])


def attribute_step(run: Run) -> None:
    """Write ``attributions.zarr``: the best-scoring rows of a split, explained."""
    import seqdata as sd

    options = section(run, "attribute")
    with run.folder.step("attribute"):
        rows = run.rows(options["split"])
        scores = _scores(run, rows, options["target"])
        chosen = best_rows(rows, scores, options["top"])
        X = run.one_hot(chosen)
        logger.info("attribute: %d sequences by %s", len(X), ", ".join(options["methods"]))
        found = interpret.attribute_dataset(
            run.arch,
            X,
            methods=options["methods"],
            references=options["references"],
            n_references=options["n_references"],
            target=options["target"],
            batch_size=options["batch_size"],
            seed=run.config.seed,
            index=chosen,
            progress=run.progress,
        )
        found.attrs["model_sha256"] = run.weights_sha256
        for name in found.data_vars:
            if "method" in found[name].attrs:
                found[name].attrs["model_sha256"] = run.weights_sha256
        predicted = run.predictions[chosen]
        found["prediction"] = (("_sequence", "_target"), predicted)
        planted = planted_rows(run.data.ds, chosen, X.shape[2])
        if planted is not None:
            names = list(interpret.planted_motifs(run.data.ds).values())
            attrs = {"motifs": names}
            found["planted"] = (("_sequence", "_length"), planted, attrs)
        sd.to_zarr(found, run.folder.attributions, overwrite=True)


def filters_step(run: Run) -> None:
    """Write filters as motifs and as a page, beside the known motifs that they resemble."""
    import seqexplainer as se
    from seqpro.motifs import write_meme

    options = section(run, "filters")
    with run.folder.step("filters"):
        rows = run.rows(options["split"])
        database = interpret.read_motifs(options["motif_db"])
        limit = options["max_sequences"]
        if limit is not None:
            rows = best_rows(rows, _scores(run, rows, 0), limit)
        logger.info("filters: windows of %d sequences", len(rows))
        found = interpret.filter_motifs(
            run.arch,
            run.one_hot(np.sort(rows)),
            database,
            layer=options["layer"],
            method=options["method"],
            n=options["n"],
            threshold=options["threshold"],
        )
        folder = run.folder.interpretation
        folder.mkdir(parents=True, exist_ok=True)
        write_meme(found.motifs, folder / "filters.meme")
        run.folder.write_text("interpretation/filters.csv", found.table.to_csv(index=False))
        top = found.annotations[found.annotations["rank"] <= _TOP_MATCHES]
        run.folder.write_text("interpretation/annotations.csv", top.to_csv(index=False))
        if len(found.motifs):
            title = f"Filters of {run.config.name}"
            se.motif_table(found.motifs, folder / "motifs.html", database, title=title)
        planted = interpret.planted_motifs(run.data.ds)
        if planted:
            hits = interpret.planted_motifs_found(found.annotations, planted)
            _add_truth(run.folder, planted_found=hits)


def positional_step(run: Run) -> None:
    """Write ``positional.csv``: motifs slid over shuffled test sequences."""
    options = section(run, "positional")
    database = interpret.read_motifs(options["motif_db"])
    names = options["motifs"] or list(interpret.planted_motifs(run.data.ds))
    if not names:
        message = "needs at least one motif: an accession, a name, or a sequence"
        raise run.config.fail("$.interpret.positional.motifs", message)
    motifs = [find(str(name), database) for name in names]
    with run.folder.step("positional"):
        logger.info("positional: %d motifs", len(motifs))
        table = interpret.slide_motifs(
            run.arch,
            run.one_hot(run.rows("test")),
            motifs,
            n_backgrounds=options["n_backgrounds"],
            stride=options["stride"],
            pairs=options["pairs"],
            target=options["target"],
            seed=run.config.seed,
            progress=run.progress,
        )
        run.folder.write_text("interpretation/positional.csv", table.to_csv(index=False))


def evolve_step(run: Run) -> None:
    """Write ``evolution.csv``: the lowest-scoring test rows, raised round by round."""
    options = section(run, "evolve")
    with run.folder.step("evolve"):
        rows = run.rows("test")
        scores = _scores(run, rows, options["target"])
        chosen = best_rows(rows, scores, options["n"], highest=not options["maximize"])
        logger.info("evolve: %d sequences, %d rounds", len(chosen), options["rounds"])
        table = interpret.evolve_dataset(
            run.arch,
            run.one_hot(chosen),
            rounds=options["rounds"],
            beam=options["beam"],
            maximize=options["maximize"],
            target=options["target"],
            index=chosen,
            progress=run.progress,
        )
        run.folder.write_text("interpretation/evolution.csv", table.to_csv(index=False))


def _truth(folder: RunFolder) -> dict[str, Any]:
    """Return what ``truth.json`` holds so far."""
    exists = (folder.interpretation / "truth.json").is_file()
    return dict(folder.read_json("interpretation/truth.json")) if exists else {}


def _add_truth(folder: RunFolder, **values: Any) -> None:
    empty: dict[str, Any] = {"mean_auprc": {}, "planted_fraction": None, "n": 0}
    empty["planted_found"] = {}
    folder.write_json("interpretation/truth.json", {**empty, **_truth(folder), **values})


def truth_step(run: Run) -> None:
    """Write ``truth.json``: how well attributions point at what was planted.

    What filters found of it is added by `filters_step`.
    """
    import seqdata as sd

    with run.folder.step("truth"):
        if not run.folder.attributions.exists():
            return
        attributions = sd.open_zarr(run.folder.attributions)
        if "planted" in attributions.variables:
            _add_truth(run.folder, **interpret.attribution_truth(attributions))


def _control_config(config: RunConfig, max_epochs: int | None) -> RunConfig:
    """Return the configuration of the control: the same network, nothing else to do."""
    tree = copy.deepcopy(config.tree)
    tree.pop("replicates", None)
    filters = (tree.get("interpret") or {}).get("filters")
    tree |= {"name": f"{config.name}_shuffled_labels", "baselines": []}
    tree["interpret"] = {"filters": filters} if filters else None
    if max_epochs is not None:
        tree["trainer"] = {**(tree.get("trainer") or {}), "max_epochs": max_epochs}
    return RunConfig(tree, config.document, config.allow_class_path)


def control_step(run: Run) -> None:
    """Write ``control.json``: what the same network finds when labels are permuted."""
    options = section(run, "control")
    if not options["shuffled_labels"]:
        return
    with run.folder.step("control"):
        logger.info("control: the same network on permuted targets")
        folder = RunFolder.create(run.folder / "control", overwrite=True)
        config = _control_config(run.config, options["max_epochs"])
        control = Run(config, folder, store=run.store, shuffle_labels=True, progress=run.progress)
        facts = fit_step(control)
        evaluation = test_step(control)
        filters_step(control)
        found = _truth(folder).get("planted_found", {})
        metrics = {name: entry["value"] for name, entry in evaluation["metrics"].items()}
        result = {**metrics, "epochs": facts["epochs"], "planted_found": found}
        run.folder.write_json("interpretation/control.json", {"shuffled_labels": result})


def report_step(run: Run) -> None:
    """Write ``report.html``."""
    from eugene.report import build

    with run.folder.step("report"):
        build(run.folder.path)
