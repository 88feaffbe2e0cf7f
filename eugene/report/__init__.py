"""One self-contained HTML page of a run: data, training, performance, explanations, provenance."""

from eugene.report._build import build as build
