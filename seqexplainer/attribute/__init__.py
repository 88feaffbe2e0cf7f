"""Attributions: what each letter of a sequence contributes to a model's output."""

from __future__ import annotations

from seqexplainer.attribute._api import Result as Result
from seqexplainer.attribute._api import attribute as attribute
from seqexplainer.attribute._captum import layer_attribution as layer_attribution
from seqexplainer.attribute._ism import saturation_mutagenesis as saturation_mutagenesis
from seqexplainer.methods import ALIASES as ALIASES
from seqexplainer.methods import METHODS as METHODS
