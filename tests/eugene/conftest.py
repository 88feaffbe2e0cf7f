"""Fixtures of several rooms of eugene."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest


def _seqlet(row: int, start: int, *, reverse: bool) -> types.SimpleNamespace:
    return types.SimpleNamespace(example_idx=row, start=start, is_revcomp=reverse)


@pytest.fixture
def modisco_stand_in(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, object]]:
    """Put a TF-MoDISco in place that finds one pattern at two places; gives the shapes it saw."""
    seen: list[tuple[object, object]] = []
    matrix = np.eye(4)[[2, 0, 3, 3, 0, 1, 0]]

    def find(X: Any, scores: Any, **options: Any) -> tuple[Any, None]:
        seen.append((X.shape, scores.shape))
        seqlets = [_seqlet(0, 3, reverse=False), _seqlet(5, 20, reverse=True)]
        pattern = types.SimpleNamespace(
            seqlets=seqlets, sequence=matrix, contrib_scores=matrix, hypothetical_contribs=matrix
        )
        return ([pattern] if options["final_min_cluster_size"] == 2 else None), None

    package = types.ModuleType("modiscolite")
    package.__path__ = []
    inner = types.ModuleType("modiscolite.tfmodisco")
    inner.TFMoDISco = find
    monkeypatch.setitem(sys.modules, "modiscolite", package)
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", inner)
    return seen
