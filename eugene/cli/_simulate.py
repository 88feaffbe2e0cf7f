"""Data sets of grammars, and grammars in another form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eugene._files import write_atomic
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.errors import EugeneError, UsageError

if TYPE_CHECKING:
    from eugene.models import ModelDefinition
    from eugene.simulate import Grammar

_FORMS = {".xml": "to_xml", ".yaml": "to_yaml", ".yml": "to_yaml"}


def simulate(call: Call) -> int:
    """Draw the data set of a definition, or write a definition, also of a model, in another form.

    Parameters
    ----------
    call : Call
        One word, the file; ``--out`` names what is written.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    EugeneError
        If something is at ``--out`` already.
    UsageError
        If options do not go together.
    """
    from eugene.config._definition import holds_model
    from eugene.models import from_definition as from_model_definition
    from eugene.simulate import from_definition
    from eugene.simulate.grammar import remarks

    if holds_model(call.words[0]):
        if not call.has("convert"):
            raise UsageError(
                f"{call.words[0]} is the definition of a model, from which no data can be drawn: "
                "--convert writes it in another form"
            )
        return _convert(call, from_model_definition(call.words[0]))
    grammar = from_definition(call.words[0])
    for remark in remarks(grammar):
        say(f"note: {remark}")
    out, again = Path(call.get("out") or ""), call.has("overwrite")
    seed = call.whole("seed", None)
    compat = call.get("compat")
    if compat not in (None, "seqgra"):
        raise UsageError(f"--compat is {compat!r}, expected seqgra")
    if call.has("convert"):
        return _convert(call, grammar)
    if not out.name:
        raise UsageError("--out is needed: a .zarr store, or a folder for the text files of seqgra")
    if call.has("text"):
        if out.is_file():
            raise UsageError(f"--text writes into a folder, and {out} is a file")
        if out.exists() and any(out.iterdir()) and not again:
            raise EugeneError(f"{out} is not empty; --overwrite writes into it")
        grammar.write_text(out, seed=seed, compat=compat)  # type: ignore[arg-type]
        say(f"{grammar.id}: six text files in {out}")
        return 0
    ds = grammar.generate(out, seed=seed, compat=compat, overwrite=again)  # type: ignore[arg-type]
    counts = np.bincount(ds["split"].values, minlength=3)
    share = float((ds["annotation"].values > 0).mean())
    say(
        f"{grammar.id}: {ds.sizes['_sequence']:,} sequences of {grammar.space} "
        f"({counts[0]:,} training, {counts[1]:,} validation, {counts[2]:,} test), "
        f"{len(grammar.conditions)} conditions, {share:.2%} of the positions planted"
    )
    say(f"data: {out}")
    return 0


def _convert(call: Call, definition: Grammar | ModelDefinition) -> int:
    """Write a definition in the form that ``--out`` has."""
    out = Path(call.get("out") or "")
    if out.suffix not in _FORMS:
        raise UsageError(f"--convert writes .xml or .yaml, --out is {str(out) or 'not given'!r}")
    if out.exists() and not call.has("overwrite"):
        raise EugeneError(f"{out} exists already; --overwrite replaces it")
    write_atomic(out, getattr(definition, _FORMS[out.suffix])())
    say(f"{definition.id}: written as {out}")
    return 0
