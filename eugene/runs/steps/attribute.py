"""Attributions of the best-scoring rows of a split."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Part, step
from eugene._verb import GENOME, INPUT, LATER, OVERLAP, Option, Verb, out
from eugene.config.marks import Least, Names
from eugene.report._blocks import Section, number
from eugene.report._rows import data_of, row_names
from eugene.report._words import explained_output, method_name, predicted_as, score_unit, sentence

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run

logger = logging.getLogger("eugene.runs")
_DRAWN = 2


def _show(section: Section, run: RunFolder) -> None:
    """Show logos of the top sequences, the planted positions and the score against them."""
    if not run.attributions.is_dir():
        return
    import seqdata as sd
    from eugene.report import _logos

    ds = sd.open_zarr(run.attributions)
    methods = _logos.projected(ds)
    names = {method: _logos.attribution_name(ds, method) for method in methods}
    truth = run.read("interpretation/truth.json")
    section.text(
        f"What the model looks at, in the {ds.sizes['_sequence']} sequences with the highest "
        f"scores: {' and '.join(names.values())}. Letters above the line raise the score, letters "
        "below lower it; their height is the size of the contribution "
        f"(in {score_unit(run) or 'units of the output'}).{explained_output(run, 'attribute')}"
    )
    for method in methods:
        section.text(_logos.how(ds, method))
    if truth.get("mean_auprc"):
        section.text(
            "Because the data set is simulated, the answer is known. Below is the mean area under "
            "the precision-recall curve of each sequence's attributions against the positions that "
            "were planted; scores drawn at random would reach the planted fraction."
        )
        chance = truth.get("planted_fraction")
        section.table(
            ("method", "mean AUPRC", "planted fraction", "sequences"),
            [
                (names.get(m, method_name(m)), number(v), number(chance), number(truth.get("n")))
                for m, v in truth["mean_auprc"].items()
            ],
            numbers=(1, 2, 3),
        )
    with data_of(run) as data:
        rows = ds["index"].values[: _logos.SEQUENCES] if "index" in ds else None
        called = None if rows is None or not len(rows) else row_names(data, rows)
    # one of each output, where several are explained
    labelled = {ds[m].attrs["label"]: m for m in reversed(methods) if "label" in ds[m].attrs}
    for method in list(labelled.values())[::-1] or methods[:_DRAWN]:
        section.heading(sentence(names[method]))
        section.figures(
            [_logos.logos(ds, method, run.figures, names=called, predicted=predicted_as(run))]
        )
    heat = next((f"{m}_effects" for m in methods if f"{m}_effects" in ds), None)
    if heat is not None:
        section.figures(
            [
                _logos.heatmap(
                    ds,
                    heat,
                    run.figures,
                    name=called[0] if called else "the first sequence",
                    unit=score_unit(run),
                )
            ]
        )


@step(
    split="test",
    writes={"attributions.zarr": "attributions, one variable a method"},
    report=(Part("attributions", "Attributions", _show),),
    verb=Verb(
        "attribute",
        "attribute a run's test sequences, or the sequences of any file",
        "eugene attribute runs/first --input enhancers.fa --out enhancers.zarr",
        "eugene.cli._attribute:attribute",
        options=(
            INPUT,
            Option("--seq_col", "column or variable with the sequences", "NAME"),
            Option("--methods", "attribution methods", "NAMES"),
            GENOME,
            Option("--target", "output: its number, or counts or profile", "WHICH"),
            Option("--hypothetical", "keep the hypothetical form too (for TF-MoDISco)"),
            out("of --input: .zarr, .tsv, .png, or .bw of regions", "PATH", old=True),
            OVERLAP,
            *LATER,
        ),
        show=lambda run: [f"attributions: {run.attributions}"],
    ),
)
def attribute(
    run: Run,
    *,
    methods: Annotated[Sequence[str], Names("attributions")] = (
        "deep_lift_shap",
        "saturation_mutagenesis",
    ),
    split: Literal["train", "val", "test"] = "test",
    top: Annotated[int | None, Least(1)] = 100,
    references: Annotated[str, Names("references")] = "dinuc_shuffle",
    n_references: Annotated[int, Least(1)] = 20,
    target: int | str | Sequence[int | str] | None = None,
    batch_size: Annotated[int, Least(1)] = 128,
    hypothetical: bool = False,
) -> None:
    """Explain the rows with the highest predictions.

    Parameters
    ----------
    run : Run
        A trained run.
    methods : list of str
        Attribution methods.
    split : str
        The rows to choose from.
    top : int
        So many rows with the highest prediction; ``null`` for all.
    references : str
        What sequences are compared with, for the methods that need it.
    n_references : int
        References a sequence.
    target : int, str or list of them
        Outputs that are explained; ``null`` for the first, and for counts and profile of every
        task of a profile network.
    batch_size : int
        Sequences at a time.
    hypothetical : bool
        Whether the hypothetical form, which TF-MoDISco reads, is kept as well.
    """
    import xarray as xr

    from eugene import interpret
    from eugene.interpret._truth import planted_rows

    chosen = run.best_rows(split, top, target=target)
    logger.info("attribute: %d sequences by %s", len(chosen), ", ".join(methods))
    beside = xr.Dataset({"prediction": (("_sequence", "_target"), run.predictions[chosen])})
    planted = planted_rows(run.data.ds, chosen, run.input_len)
    if planted is not None:
        names = list(interpret.planted_motifs(run.data.ds).values())
        beside["planted"] = (("_sequence", "_length"), planted, {"motifs": names})
    run.explain(
        chosen,
        run.folder.attributions,
        methods=tuple(methods),
        references=references,
        n_references=n_references,
        target=target,
        batch_size=batch_size,
        hypothetical=hypothetical,
        beside=beside,
    )
    run.folder.forget("seqlets")
