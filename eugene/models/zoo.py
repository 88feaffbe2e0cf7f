"""The architectures, by name: ``eu.models.zoo.CNN(input_len=200, output_dim=1)``."""

from __future__ import annotations

from eugene.errors import no_attribute
from eugene.models.acme import AcmeCNN as AcmeCNN
from eugene.models.aparent import APARENT as APARENT
from eugene.models.basenji import Basenji as Basenji
from eugene.models.basenji import CREstedBasenji as CREstedBasenji
from eugene.models.basset import Basset as Basset
from eugene.models.basset import FactorizedBasset as FactorizedBasset
from eugene.models.basset import scBasset as scBasset
from eugene.models.bayes import BayesOptimal as BayesOptimal
from eugene.models.borzoi import Borzoi as Borzoi
from eugene.models.bpnet import BPNet as BPNet
from eugene.models.bpnet import ChromBPNet as ChromBPNet
from eugene.models.cherimoya import Cherimoya as Cherimoya
from eugene.models.chromdragonn import ChromDragoNN as ChromDragoNN
from eugene.models.cnn import CNN as CNN
from eugene.models.crested import DeepTopicCNN as DeepTopicCNN
from eugene.models.crested import DeepTopicLSTM as DeepTopicLSTM
from eugene.models.crested import DilatedCNN as DilatedCNN
from eugene.models.crested import SimpleConvNet as SimpleConvNet
from eugene.models.danq import DanQ as DanQ
from eugene.models.deepbind import DeepBind as DeepBind
from eugene.models.deepmel import DeepMEL as DeepMEL
from eugene.models.deepsea import DeepSEA as DeepSEA
from eugene.models.deepstarr import DeepSTARR as DeepSTARR
from eugene.models.double_stranded import dsCNN as dsCNN
from eugene.models.double_stranded import dsFCN as dsFCN
from eugene.models.double_stranded import dsHybrid as dsHybrid
from eugene.models.double_stranded import dsRNN as dsRNN
from eugene.models.enformer import Enformer as Enformer
from eugene.models.enformer import EnformerFinetune as EnformerFinetune
from eugene.models.explainn import ExplaiNN as ExplaiNN
from eugene.models.fcn import FCN as FCN
from eugene.models.fcn import RNN as RNN
from eugene.models.heartenn import HeartENN as HeartENN
from eugene.models.hybrid import Hybrid as Hybrid
from eugene.models.inception import Inception as Inception
from eugene.models.jores21 import Jores21CNN as Jores21CNN
from eugene.models.kopp21 import Kopp21CNN as Kopp21CNN
from eugene.models.legnet import LegNet as LegNet
from eugene.models.malinois import Malinois as Malinois
from eugene.models.operations import Operations as Operations
from eugene.models.optimus import Optimus5Prime as Optimus5Prime
from eugene.models.residualbind import ResidualBind as ResidualBind
from eugene.models.satori import Satori as Satori
from eugene.models.sei import Sei as Sei
from eugene.models.tutorial import TutorialCNN as TutorialCNN
from seqpro.family import old_names


def _missing(name: str) -> AttributeError:
    return no_attribute(__name__, name, globals())


__getattr__ = old_names(__name__, _missing)
__path__: list[str] = []  # EUGENe's private modules of it can be imported
