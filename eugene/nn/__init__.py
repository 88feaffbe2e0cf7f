"""Parts that networks are built from. Arrays are ``(batch, channels, length)``."""

from __future__ import annotations

from eugene.nn._activations import ACTIVATIONS as ACTIVATIONS
from eugene.nn._activations import Clip as Clip
from eugene.nn._activations import Exponential as Exponential
from eugene.nn._activations import SigmoidGELU as SigmoidGELU
from eugene.nn._activations import make_activation as make_activation
from eugene.nn._attention import AttentionPool1d as AttentionPool1d
from eugene.nn._attention import MultiHeadAttention as MultiHeadAttention
from eugene.nn._attention import RelativeAttention as RelativeAttention
from eugene.nn._attention import relative_features as relative_features
from eugene.nn._blocks import Conv1DBlock as Conv1DBlock
from eugene.nn._blocks import DenseBlock as DenseBlock
from eugene.nn._blocks import RecurrentBlock as RecurrentBlock
from eugene.nn._convolutions import InceptionConv1d as InceptionConv1d
from eugene.nn._convolutions import ResidualBlock as ResidualBlock
from eugene.nn._convolutions import SqueezeExcite as SqueezeExcite
from eugene.nn._encode import ohe_bytes as ohe_bytes
from eugene.nn._errors import InputShapeError as InputShapeError
from eugene.nn._errors import ModelError as ModelError
from eugene.nn._errors import TooShortError as TooShortError
from eugene.nn._errors import UnknownArgumentError as UnknownArgumentError
from eugene.nn._heads import GatedHead as GatedHead
from eugene.nn._heads import MLPHead as MLPHead
from eugene.nn._init import INITIALIZERS as INITIALIZERS
from eugene.nn._init import drawn_with as drawn_with
from eugene.nn._init import first_conv as first_conv
from eugene.nn._init import get_layer as get_layer
from eugene.nn._init import init_motif_weights as init_motif_weights
from eugene.nn._init import init_weights as init_weights
from eugene.nn._init import list_available_layers as list_available_layers
from eugene.nn._layers import BiConv1d as BiConv1d
from eugene.nn._layers import GlobalPool as GlobalPool
from eugene.nn._layers import MergeStrands as MergeStrands
from eugene.nn._layers import Residual as Residual
from eugene.nn._layers import ReverseComplement as ReverseComplement
from eugene.nn._layers import SameConv1d as SameConv1d
from eugene.nn._recompute import recomputing as recomputing
from eugene.nn._strands import BothStrands as BothStrands
from eugene.nn._strands import RCPSBatchNorm1d as RCPSBatchNorm1d
from eugene.nn._strands import RCPSConv1d as RCPSConv1d
from eugene.nn._strands import RCPSPool as RCPSPool
from eugene.nn._towers import BiConv1DTower as BiConv1DTower
from eugene.nn._towers import Conv1DTower as Conv1DTower
from eugene.nn._towers import Tower as Tower
