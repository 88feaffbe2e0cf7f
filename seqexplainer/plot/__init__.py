"""Pictures of explanations: axes in, axes out."""

from __future__ import annotations

from seqexplainer.plot._consistency import angular_density as angular_density
from seqexplainer.plot._consistency import kmer_spectrum as kmer_spectrum
from seqexplainer.plot._curves import edit_map as edit_map
from seqexplainer.plot._curves import evolution_traces as evolution_traces
from seqexplainer.plot._curves import positional_curve as positional_curve
from seqexplainer.plot._gallery import filter_gallery as filter_gallery
from seqexplainer.plot._logo import logo as logo
from seqexplainer.plot._pairs import cooperativity_curve as cooperativity_curve
from seqexplainer.plot._pairs import epistasis_map as epistasis_map
from seqexplainer.plot._pairs import spacing_map as spacing_map
from seqexplainer.plot._sensitivity import sensitivity_map as sensitivity_map
from seqexplainer.plot._svg import logo_svg as logo_svg
from seqexplainer.plot._tracks import annotation_spans as annotation_spans
from seqexplainer.plot._tracks import attribution_track as attribution_track
from seqexplainer.plot._tracks import ism_heatmap as ism_heatmap
from seqexplainer.plot.style import COLORS as COLORS
