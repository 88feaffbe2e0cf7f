"""Pictures of explanations: axes in, axes out."""

from __future__ import annotations

from seqexplainer.plot._curves import edit_map, evolution_traces, positional_curve
from seqexplainer.plot._gallery import filter_gallery
from seqexplainer.plot._logo import logo
from seqexplainer.plot._pairs import cooperativity_curve, epistasis_map, spacing_map
from seqexplainer.plot._tracks import annotation_spans, attribution_track, ism_heatmap
from seqexplainer.plot.style import COLORS

__all__ = [
    "COLORS",
    "annotation_spans",
    "attribution_track",
    "cooperativity_curve",
    "edit_map",
    "epistasis_map",
    "evolution_traces",
    "filter_gallery",
    "ism_heatmap",
    "logo",
    "positional_curve",
    "spacing_map",
]
