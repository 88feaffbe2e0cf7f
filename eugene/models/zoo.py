"""The architectures, by name: ``eu.models.zoo.CNN(input_len=200, output_dim=1)``."""

from __future__ import annotations

from typing import Any

from eugene.errors import no_attribute
from eugene.models.cnn import CNN as CNN
from eugene.models.deepbind import DeepBind as DeepBind
from eugene.models.deepstarr import DeepSTARR as DeepSTARR
from eugene.models.hybrid import Hybrid as Hybrid
from eugene.models.jores21 import Jores21CNN as Jores21CNN
from eugene.models.kopp21 import Kopp21CNN as Kopp21CNN

_GENERAL = "build it with CNN(...) or eugene.nn"
_GONE = {
    **dict.fromkeys(("FCN", "dsFCN", "RNN", "dsRNN", "Inception", "TutorialCNN"), _GENERAL),
    **dict.fromkeys(("DeepSEA", "Basset", "FactorizedBasset", "ResidualBind"), _GENERAL),
    **dict.fromkeys(("DanQ", "DeepMEL"), "build it with Hybrid(...)"),
    **dict.fromkeys(("BPNet", "Satori", "scBasset"), "give SequenceModule a network of your own"),
    "dsCNN": 'use CNN(..., strands="both")',
    "dsHybrid": 'use Hybrid(..., strands="both")',
}


def __getattr__(name: str) -> Any:
    """Say what takes the place of EUGENe's other networks."""
    raise no_attribute(__name__, name, globals(), _GONE)
