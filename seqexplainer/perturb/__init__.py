"""In-silico experiments: edit sequences, score them before and after, and test the difference."""

from __future__ import annotations

from seqexplainer.perturb._backgrounds import backgrounds as backgrounds
from seqexplainer.perturb._distance import distance_assay as distance_assay
from seqexplainer.perturb._edit import find_pattern as find_pattern
from seqexplainer.perturb._edit import insert as insert
from seqexplainer.perturb._edit import randomise as randomise
from seqexplainer.perturb._edit import substitute as substitute
from seqexplainer.perturb._effect import Effect as Effect
from seqexplainer.perturb._footprint import Footprint as Footprint
from seqexplainer.perturb._footprint import footprint as footprint
from seqexplainer.perturb._pairs import Cooperativity as Cooperativity
from seqexplainer.perturb._pairs import Epistasis as Epistasis
from seqexplainer.perturb._pairs import Spacing as Spacing
from seqexplainer.perturb._pairs import cooperativity as cooperativity
from seqexplainer.perturb._pairs import epistasis as epistasis
from seqexplainer.perturb._pairs import space as space
from seqexplainer.perturb._single import Positional as Positional
from seqexplainer.perturb._single import ablate as ablate
from seqexplainer.perturb._single import marginalize as marginalize
from seqexplainer.perturb._single import occlude as occlude
from seqexplainer.perturb._single import positional_importance as positional_importance
from seqexplainer.perturb._sites import ablate_sites as ablate_sites
