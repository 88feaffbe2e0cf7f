"""The data of a run: rows, split, transforms of the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from eugene._step import Part, step
from eugene._verb import TRUST, Option, Verb, out
from eugene.report._blocks import Section, number
from eugene.report._words import jitter, transformed

if TYPE_CHECKING:
    from eugene._folder import RunFolder
    from eugene.runs._run import Run


def _show(section: Section, run: RunFolder) -> None:
    """Summarise what the model was given."""
    summary = run.read("data.json")
    if not summary:
        return
    sequence, splits = summary.get("sequence", {}), summary.get("splits", {})
    text = f"{number(summary.get('n'))} sequences"
    if sequence.get("shortest") is not None:
        low, high = sequence["shortest"], sequence["longest"]
        text += (
            f" of {number(low)} bp" if low == high else f" of {number(low)} to {number(high)} bp"
        )
    if sequence.get("gc_mean") is not None:
        text += f", GC {sequence['gc_mean']:.1%} (standard deviation {sequence['gc_std']:.1%})"
    section.text(text + "." + (f" {said}" if (said := jitter(run)) else ""))
    if summary.get("layout") and any("train" in t for t in summary.get("targets", {}).values()):
        section.text(
            "The targets are tracks; the numbers are counts of a row over the "
            f"{number(summary.get('target_length'))} positions that are predicted, the strands of "
            "a task together."
        )
    changed = transformed(run)
    for name, values in summary.get("targets", {}).items():
        section.heading(f"Target: {name}")
        if name in changed:
            section.text(
                f"The numbers are those of the transformed target, after {changed[name]}, as the "
                "network learns it; they are not in the units of the file."
            )
        rows = [
            _target_row(part, values[part]) for part in ("train", "val", "test") if part in values
        ]
        has_classes = any("classes" in values[part] for part in values)
        head = ("split", "rows", "missing", "classes" if has_classes else "range", "mean", "sd")
        section.table(head, rows, numbers=(1, 2, 4, 5))
    if not summary.get("targets"):
        section.table(("split", "rows"), [(k, number(v)) for k, v in splits.items()], numbers=(1,))
    _made(section, summary)
    for name, count in summary.get("dropped", {}).items():
        section.text(f"{str(name).replace('_', ' ').capitalize()}: {count}.")
    if chosen := summary.get("chosen"):
        section.heading("Rows chosen by their counts")
        rows = [(name.replace("_", " "), number(value, 1)) for name, value in chosen.items()]
        section.table(("what", "number"), rows, numbers=(1,))
    _leakage(section, summary.get("leakage", {}))


def _made(section: Section, summary: Mapping[str, Any]) -> None:
    """Say which rows are shuffled copies, and which are of a file of their own."""
    made = summary.get("made") or {}
    if n := made.get("shuffled_negatives"):
        k = made.get("shuffled_k", 2)
        kept = {1: "letters", 2: "dinucleotides"}.get(k, f"runs of {k} letters")
        section.text(
            f"{number(n)} rows are shuffled copies of positives, which keep the number of their "
            f"{kept}; they have the label 0, and each is in the split of its positive."
        )
    if n := summary.get("test_file"):
        section.text(f"The test rows are those of a file of its own ({number(n)} records).")


def _target_row(part: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a table row of one target in one split."""
    if classes := values.get("classes"):
        spread = ", ".join(f"{label}: {number(count)}" for label, count in classes.items())
    else:
        spread = f"{number(values.get('min'), 2)} to {number(values.get('max'), 2)}"
    n, missing, mean, std = (number(values.get(key)) for key in ("n", "missing", "mean", "std"))
    return part, n, missing, spread, mean, std


def _leakage(section: Section, leakage: Mapping[str, Any]) -> None:
    """Say how many rows one split shares with another."""
    nearly = f"sequence at an identity of {leakage.get('identity')} or more"
    kinds = {
        "duplicates": ("the same sequence", "sequence"),
        "overlaps": ("overlapping windows", "base of the genome"),
        "near_duplicates": (
            f"nearly the same sequence (identity {leakage.get('identity')} or more)",
            nearly,
        ),
    }
    looked = [kind for kind in kinds if leakage.get(kind) is not None]
    found = [
        f"{number(count)} rows of {pair.replace('-', ' and ')} with {kinds[kind][0]}"
        for kind in looked
        for pair, count in leakage[kind].items()
        if count
    ]
    if found:
        section.text(f"Shared between splits: {'; '.join(found)}.")
    elif looked:
        section.text(f"No {' and no '.join(kinds[kind][1] for kind in looked)} is in two splits.")


@step(
    when="train",
    done_with=("seed", "data"),
    writes={
        "data.json": "counts, lengths, targets, transforms, leakage",
        "data.zarr": "the data set as a Zarr store",
    },
    report=(Part("data", "Data", _show),),
    verb=Verb(
        "data",
        "build a Zarr store from files, or describe a store, a run file or a run folder",
        "eugene data build --data.name table --data.path x.tsv --data.seq_col seq --out x.zarr",
        "eugene.cli._data:data",
        words="build [FILE.yaml] | info [PATH]",
        options=(
            out("Zarr store to build", "PATH", old=True),
            Option("--overwrite", "replace what is at --out"),
            TRUST,
        ),
        sections=("data",),
        minimum=1,
        maximum=2,
    ),
)
def data(run: Run, *, later: Iterable[str] = ()) -> None:
    """Read or make the data set, and see that the network and later steps fit it.

    Parameters
    ----------
    run : Run
        The run.
    later : iterable of str, optional
        Steps that are to follow.
    """
    from eugene.runs._needs import require_fitting
    from eugene.runs._stages import check_stages

    module = run.new_module()
    run.check(module)
    check_stages(run)
    require_fitting(run, module.arch, later)
