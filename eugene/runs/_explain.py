"""Explanation of a trained run: attributions, filters, positions, evolution, truth."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene import interpret
from eugene._folder import RunFolder
from eugene.config import RunConfig, registries, schema
from eugene.interpret._motifs import find
from eugene.interpret._sequences import best_rows
from eugene.interpret._truth import planted_rows
from eugene.runs._run import Run, logger
from eugene.runs._steps import fit_step, test_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOP_MATCHES = 10


def section(run: Run, name: str) -> dict[str, Any]:
    """Return a part of the interpretation with its defaults filled in."""
    defaults = schema.section(f"interpret.{name}").defaults_of()
    return {**defaults, **run.config.section(f"interpret.{name}")}


def _scores(run: Run, rows: NDArray[np.int64], target: Any) -> NDArray[np.float32]:
    column = target if isinstance(target, int) else 0
    return np.asarray(run.predictions[rows][:, column])


def attribute_step(run: Run) -> None:
    """Write ``attributions.zarr``: the best-scoring rows of a split, explained."""
    import xarray as xr

    from eugene.interpret._attribute import Explainer
    from eugene.interpret._store import write_attributions

    options = section(run, "attribute")
    with run.folder.step("attribute"):
        rows = run.rows(options["split"])
        scores = _scores(run, rows, options["target"])
        chosen = best_rows(rows, scores, options["top"])
        length = int(run.datamodule.input_len)
        logger.info("attribute: %d sequences by %s", len(chosen), ", ".join(options["methods"]))
        explainer = Explainer(run.arch, seed=run.config.seed, **_explainer_options(options))
        beside = xr.Dataset({"prediction": (("_sequence", "_target"), run.predictions[chosen])})
        planted = planted_rows(run.data.ds, chosen, length)
        if planted is not None:
            names = list(interpret.planted_motifs(run.data.ds).values())
            beside["planted"] = (("_sequence", "_length"), planted, {"motifs": names})
        write_attributions(
            explainer,
            run.data.ds,
            run.folder.attributions,
            seq_var=run.data.seq_var,
            rows=chosen,
            length=length,
            beside=beside,
            model_sha256=run.weights_sha256,
            overwrite=True,
            progress=run.progress,
        )
    run.folder.forget("seqlets")


def _explainer_options(options: dict[str, Any]) -> dict[str, Any]:
    names = ("references", "n_references", "target", "batch_size", "hypothetical")
    return {"methods": tuple(options["methods"]), **{name: options[name] for name in names}}


def seqlets_step(run: Run) -> None:
    """Add seqlets to ``attributions.zarr`` and write them as ``annotated_seqlets.csv``."""
    import seqdata as sd

    options = section(run, "seqlets")
    if not run.folder.attributions.exists():
        message = "needs attributions: add 'attribute:' beside it, or do 'eugene attribute' first"
        raise run.config.fail("$.interpret.seqlets", message)
    with run.folder.step("seqlets"):
        database = interpret.read_motifs(options["motif_db"])
        ds = sd.open_zarr(run.folder.attributions)
        old = [name for name in ds.variables if str(name).split("_")[0] == "seqlets"]
        ds = ds.drop_vars(old)
        before = set(ds.variables)
        caller = options["caller"]
        tuned = {"threshold" if caller == "recursive" else "target_fdr": options["threshold"]}
        method = options["method"]
        interpret.seqlets_sdata(
            ds,
            None if method is None else registries.ATTRIBUTIONS.resolve(method),
            caller=caller,
            motif_db=database,
            max_q_value=options["max_q_value"],
            **tuned,
        )
        table = interpret.hits_table(ds, "seqlets")
        logger.info("seqlets: %d, %d of them named", len(table), (table["motif"] != "seqlet").sum())
        table.insert(0, "index", ds["index"].to_numpy()[table["sequence"].to_numpy()])
        # a variable of a store is not replaced: where there were seqlets, the store is written anew
        new = ds if old else ds[[name for name in ds.variables if name not in before]]
        sd.to_zarr(new, run.folder.attributions, mode="w" if old else "a")
        run.folder.interpretation.mkdir(parents=True, exist_ok=True)
        run.folder.write_text("interpretation/annotated_seqlets.csv", table.to_csv(index=False))


def modisco_step(run: Run) -> None:
    """Write the motifs of attributions: ``modisco.meme``, ``seqlets.csv``, ``modisco.html``."""
    from eugene._optional import require
    from eugene.interpret._attribute import Explainer
    from eugene.interpret._store import write_attributions

    options = section(run, "modisco")
    with run.folder.step("modisco"):
        require("modiscolite", extra="modisco")
        database = interpret.read_motifs(options["motif_db"])
        rows = run.rows(options["split"])
        scores = _scores(run, rows, options["target"])
        chosen = np.sort(best_rows(rows, scores, options["max_sequences"]))
        logger.info("modisco: %d sequences by %s", len(chosen), options["method"])
        wanted = {**options, "methods": [options["method"]], "hypothetical": True}
        explainer = Explainer(run.arch, seed=run.config.seed, **_explainer_options(wanted))
        run.folder.interpretation.mkdir(parents=True, exist_ok=True)
        found = write_attributions(
            explainer,
            run.data.ds,
            run.folder.interpretation / "modisco.zarr",
            seq_var=run.data.seq_var,
            rows=chosen,
            length=int(run.datamodule.input_len),
            model_sha256=run.weights_sha256,
            overwrite=True,
            progress=run.progress,
        )
        names = ("window", "max_seqlets", "min_seqlets", "n_leiden_runs", "target_fdr")
        ds = interpret.modisco_sdata(
            found,
            out=run.folder.interpretation,
            motif_db=database,
            title=f"TF-MoDISco patterns of {run.config.name}",
            verbose=run.progress,
            **{name: options[name] for name in names},
        )
        counts = interpret.hits_table(ds, "modisco")["motif"].value_counts()
        logger.info("modisco: %d patterns of %d seqlets", len(counts), int(counts.sum()))


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
            both_strands=options["both_strands"],
        )
        folder = run.folder.interpretation
        folder.mkdir(parents=True, exist_ok=True)
        write_meme(found.motifs, folder / "filters.meme")
        run.folder.write_text("interpretation/filters.csv", found.table.to_csv(index=False))
        top = found.annotations[found.annotations["rank"] <= _TOP_MATCHES]
        run.folder.write_text("interpretation/annotations.csv", top.to_csv(index=False))
        if len(found.motifs):
            title = f"Filters of {run.config.name}"
            known = database if len(found.annotations) else None
            se.motif_table(found.motifs, folder / "motifs.html", known, title=title)
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
    motifs = [find(str(name), database, run.data.alphabet) for name in names]
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
        logger.info("evolve: %d sequences, %s", len(chosen), options["method"])
        table = interpret.evolve_dataset(
            run.arch,
            run.one_hot(chosen),
            rounds=options["rounds"],
            method=options["method"],
            constraints=options["constraints"],
            seed=run.config.seed,
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
    # the other processes of a distributed training are gone by now
    alone = {"devices": 1, "strategy": "auto"}
    tree["trainer"] = {**(tree.get("trainer") or {}), **alone}
    if max_epochs is not None:
        tree["trainer"]["max_epochs"] = max_epochs
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
        options = {"progress": run.progress, "device": run.device}
        control = Run(config, folder, store=run.store, shuffle_labels=True, **options)
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
