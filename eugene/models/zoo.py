"""The architectures, by name: ``eu.models.zoo.CNN(input_len=200, output_dim=1)``."""

from __future__ import annotations

from typing import Any

from eugene.errors import no_attribute
from eugene.models.aparent import APARENT as APARENT
from eugene.models.basenji import Basenji as Basenji
from eugene.models.basenji import CREstedBasenji as CREstedBasenji
from eugene.models.bpnet import BPNet as BPNet
from eugene.models.bpnet import ChromBPNet as ChromBPNet
from eugene.models.cherimoya import Cherimoya as Cherimoya
from eugene.models.cnn import CNN as CNN
from eugene.models.crested import DeepTopicCNN as DeepTopicCNN
from eugene.models.crested import DeepTopicLSTM as DeepTopicLSTM
from eugene.models.crested import DilatedCNN as DilatedCNN
from eugene.models.crested import SimpleConvNet as SimpleConvNet
from eugene.models.deepbind import DeepBind as DeepBind
from eugene.models.deepstarr import DeepSTARR as DeepSTARR
from eugene.models.explainn import ExplaiNN as ExplaiNN
from eugene.models.hybrid import Hybrid as Hybrid
from eugene.models.jores21 import Jores21CNN as Jores21CNN
from eugene.models.kopp21 import Kopp21CNN as Kopp21CNN
from eugene.models.legnet import LegNet as LegNet
from eugene.models.malinois import Malinois as Malinois
from eugene.models.optimus import Optimus5Prime as Optimus5Prime
from eugene.models.sei import Sei as Sei

_GENERAL = "build it with CNN(...) or eugene.nn"
_GONE = {
    **dict.fromkeys(("FCN", "dsFCN", "RNN", "dsRNN", "Inception", "TutorialCNN"), _GENERAL),
    **dict.fromkeys(("DeepSEA", "Basset", "FactorizedBasset", "ResidualBind"), _GENERAL),
    **dict.fromkeys(("DanQ", "DeepMEL"), "build it with Hybrid(...)"),
    **dict.fromkeys(("Satori", "scBasset"), "give SequenceModule a network of your own"),
    "dsCNN": 'use CNN(..., strands="both")',
    "dsHybrid": 'use Hybrid(..., strands="both")',
}


def __getattr__(name: str) -> Any:
    """Say what takes the place of EUGENe's other networks."""
    raise no_attribute(__name__, name, globals(), _GONE)
