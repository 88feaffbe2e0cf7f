"""Outputs of edited sequences from what the edits can reach.

`Engine` is the way in: `saturation_mutagenesis`, variant effects, experiments, evolution and
sufficient input subsets all call it with their edits.
"""

from __future__ import annotations

from seqexplainer._incremental._edits import Replacements as Replacements
from seqexplainer._incremental._edits import Substitutions as Substitutions
from seqexplainer._incremental._engine import ENGINES as ENGINES
from seqexplainer._incremental._engine import Engine as Engine
