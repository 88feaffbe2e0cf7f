"""One self-contained HTML page of a run: data, training, performance, explanations, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade

if TYPE_CHECKING:
    from eugene.report._build import build as build
    from eugene.report._several import compare_runs as compare_runs
    from eugene.report._verdict import Verdict as Verdict
    from eugene.report._verdict import verdicts as verdicts

__getattr__, __dir__ = facade(__name__)
