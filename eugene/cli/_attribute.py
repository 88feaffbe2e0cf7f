"""Attributions of a run's test sequences, or of the sequences of a file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from eugene.cli._bigwig import SUFFIXES as BIGWIG
from eugene.cli._bigwig import attributions_bigwig, genome_of, overlap_of, wants_bigwig
from eugene.cli._call import Call
from eugene.cli._explain import Explained, explained, require_place
from eugene.cli._main import say
from eugene.cli._run import check_out, do_step, network_of, printed, spoken
from eugene.errors import UsageError

if TYPE_CHECKING:
    from eugene.config import RunConfig
    from eugene.runs import RunFolder

_ONLY_FILES = ("out", "fasta", "seq_col", "target", "methods", "hypothetical", "overlap")
_TABLES = {".tsv": "\t", ".csv": ","}
_KINDS = (".zarr", *_TABLES, ".png", *BIGWIG)


def attribute(call: Call) -> int:
    """Attribute test sequences, or those of ``--input``."""
    if call.get("input") is not None:
        folder, config = network_of(call)
        return 0 if printed(call, config) else _attribute_file(call, folder, config)
    given = [name for name in _ONLY_FILES if call.has(name)]
    if given:
        raise UsageError(
            f"--{given[0]} goes with --input FILE; for the run's own test sequences use "
            f"--interpret.attribute.KEY. Example: {call.verb.example}"
        )
    return do_step(call)


def _attribute_file(call: Call, folder: RunFolder, config: RunConfig) -> int:
    """Attribute the sequences of ``--input`` into ``--out``: store, table, picture or BigWig."""
    given = (call.get("out") or "").rstrip("/")
    suffix = Path(given).suffix.lower()
    if suffix not in _KINDS:
        wrong = f", got {given}" if given else ""
        raise UsageError(
            f"--input needs --out NAME.zarr{wrong}, NAME.tsv, NAME.png, or of regions NAME.bw. "
            f"Example: {call.verb.example}"
        )
    if call.has("overlap") and not wants_bigwig(call):
        raise UsageError("--overlap goes with --out NAME.bw")
    overlap_of(call)
    out = require_place(call)
    if suffix != ".zarr":
        check_out(call, *_KINDS)
    methods = [word.strip() for word in (call.get("methods") or "").split(",") if word.strip()]
    with spoken(call):
        found = explained(
            call, folder, config, methods=methods, hypothetical=call.has("hypothetical")
        )
        if wants_bigwig(call):
            genome_of(call, found.ds)  # before anything is computed
            files = attributions_bigwig(call, found.ds, found.write)
        elif suffix == ".zarr":
            found.write(str(call.get("out")))
            files = [out]
        elif suffix == ".png":
            files = _pictures(found, out, overwrite=call.has("overwrite"))
        else:
            _write_table(found, out, _TABLES[suffix])
            files = [out]
    say(f"{len(found.names)} sequences by {', '.join(found.methods)}")
    for file in files:
        say(f"attributions: {file}")
    return 0


def _write_table(found: Explained, out: Path, separator: str) -> None:
    """Write one row a letter, some sequences at a time."""
    from eugene.interpret import attribution_table

    partial = out.with_name(f".{out.name}.part")
    try:
        with found.attributed() as ds, partial.open("w", encoding="utf-8", newline="") as file:
            for i, table in enumerate(attribution_table(ds)):
                table.to_csv(file, sep=separator, index=False, header=i == 0, lineterminator="\n")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _pictures(found: Explained, out: Path, *, overwrite: bool) -> list[Path]:
    """Draw the logos of the first sequences, a picture for each method and output."""
    from eugene.report._logos import SEQUENCES, logos, projected

    with found.attributed() as ds, tempfile.TemporaryDirectory() as folder:
        names = projected(ds)
        if len(names) == 1:
            files = [out]
        else:
            files = [out.with_name(f"{out.stem}_{name}{out.suffix}") for name in names]
        there = [file for file in files if file.exists()]
        if there and not overwrite:
            raise UsageError(f"{there[0]} exists; give --overwrite to replace it")
        for name, goal in zip(names, files, strict=True):
            drawn = Path(folder) / f"{logos(ds, name, Path(folder)).name}.png"
            shutil.move(drawn, goal)
    if len(found.names) > SEQUENCES:
        say(
            f"drawn: the first {SEQUENCES} of {len(found.names)} sequences; --out NAME.tsv or "
            ".zarr has all of them"
        )
    return files
