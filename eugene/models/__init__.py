"""Networks, and the module that trains them. Names are loaded when first used.

Examples
--------
>>> import eugene as eu
>>> eu.models.list_models("deept*")
['deeptopic_cnn', 'deeptopic_lstm']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene._facade import facade
from eugene.models._build import list_models as list_models

if TYPE_CHECKING:
    from eugene.models import outline as outline
    from eugene.models import zoo as zoo
    from eugene.models._build import build as build
    from eugene.models._convert import load_deepstarr_weights as load_deepstarr_weights
    from eugene.models._convert import load_eugene_checkpoint as load_eugene_checkpoint
    from eugene.models._enformer_weights import load_enformer_weights as load_enformer_weights
    from eugene.models._pretrained import ModelCard as ModelCard
    from eugene.models._pretrained import check_weights_named as check_weights_named
    from eugene.models._pretrained import list_weights as list_weights
    from eugene.models._pretrained import model_card as model_card
    from eugene.models._pretrained import pretrained as pretrained
    from eugene.models._pretrained import start_from as start_from
    from eugene.models._profile import ProfileOutput as ProfileOutput
    from eugene.models._weights import save_weights as save_weights
    from eugene.models.definition import ModelDefinition as ModelDefinition
    from eugene.models.definition import from_definition as from_definition

    # shown here, where EUGENe's users look for them; the networks know nothing of them
    from eugene.modules import ProfileModule as ProfileModule
    from eugene.modules import SequenceModule as SequenceModule
    from eugene.modules import TrackModule as TrackModule
    from eugene.modules import load_config as load_config
    from eugene.nn import Conv1DBlock as Conv1DBlock
    from eugene.nn import Conv1DTower as Conv1DTower
    from eugene.nn import DenseBlock as DenseBlock
    from eugene.nn import RecurrentBlock as RecurrentBlock
    from eugene.nn import Tower as Tower
    from eugene.nn import get_layer as get_layer
    from eugene.nn import init_motif_weights as init_motif_weights
    from eugene.nn import init_weights as init_weights
    from eugene.nn import list_available_layers as list_available_layers

__getattr__, __dir__ = facade(__name__)
