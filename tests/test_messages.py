"""Messages read as sentences, and versions are one."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eugene as eu

REPO = Path(__file__).resolve().parents[1]
SOURCES = [
    p
    for name in ("seqpro", "seqdata", "seqexplainer", "eugene")
    for p in (REPO / name).rglob("*.py")
]
# eugene's hints end with "?" or a list: a stop behind them makes "?.", a word runs on
RUNS_ON = re.compile(r"""did_you_mean\([^{}"']*\)\}(?:\.| [A-Z])""")


def test_nothing_runs_on_behind_a_hint() -> None:
    found = [
        f"{path.relative_to(REPO)}: {match.group()}"
        for path in SOURCES
        if "seqdata" not in path.parts  # its hints are sentences of their own
        for match in RUNS_ON.finditer(path.read_text(encoding="utf8"))
    ]
    assert found == []


@pytest.mark.parametrize("asked", ["enrichmnt", "zzzzzz"])
@pytest.mark.parametrize("names", [["enrichment", "y"], []])
def test_a_missing_variable_reads_well(asked: str, names: list[str]) -> None:
    ds = xr.Dataset({name: ("_sequence", np.arange(3.0)) for name in names})
    with pytest.raises(eu.errors.EugeneError) as caught:
        eu.plot.histplot(ds, asked)
    text = str(caught.value)
    assert not re.search(r"[a-z'] [A-Z]|\?\.|\.\.", text), text


@pytest.mark.parametrize("name", ["seqpro", "seqdata", "seqexplainer"])
def test_one_version(name: str) -> None:
    assert importlib.import_module(name).__version__ == eu.__version__


def test_a_hint_is_given_where_it_helps() -> None:
    hint = eu.errors.did_you_mean
    assert hint("show", ["show", "list"]) == ""  # the name itself is not what was wrong
    assert hint("zzz", ["a.meme"], listed=0) == ""
    assert hint("a.mem", ["a.meme"], listed=0) == "; did you mean 'a.meme'?"
