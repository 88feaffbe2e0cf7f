"""The architectures, by name: ``eu.models.zoo.CNN(input_len=200, output_dim=1)``."""

from __future__ import annotations

from eugene.models.cnn import CNN as CNN
from eugene.models.deepbind import DeepBind as DeepBind
from eugene.models.deepstarr import DeepSTARR as DeepSTARR
from eugene.models.hybrid import Hybrid as Hybrid
from eugene.models.jores21 import Jores21CNN as Jores21CNN
from eugene.models.kopp21 import Kopp21CNN as Kopp21CNN
