"""Augmentation of batches on their device: EvoAug's changes, noise, and homologues.

`Augmenter` draws and applies `Deletion`, `Insertion`, `Translocation`, `Inversion`, `Mutation`,
`ReverseComplement` and `Noise`; derive your own from `ValueAugmentation`. `regularizers` holds
mixup, noise, adversarial training and spectral norms. Names of EvoAug, for
people who switch, are in `eugene.augment.evoaug`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqpro.lazy import lazy_names

if TYPE_CHECKING:
    from eugene.augment import evoaug as evoaug
    from eugene.augment import regularizers as regularizers
    from eugene.augment._augmenter import Augmenter as Augmenter
    from eugene.augment._hidden import hidden_layers as hidden_layers
    from eugene.augment._homologs import Homologs as Homologs
    from eugene.augment._padded import padded_network as padded_network
    from eugene.augment._values import Draws as Draws
    from eugene.augment._values import Noise as Noise
    from eugene.augment._values import ValueAugmentation as ValueAugmentation
    from eugene.augment.evoaug import RobustLoader as RobustLoader
    from eugene.augment.evoaug import RobustModel as RobustModel
    from eugene.augment.regularizers import Regularizer as Regularizer
    from eugene.augment.regularizers import make_regularizers as make_regularizers
    from eugene.augment.regularizers import regularized_loss as regularized_loss
    from seqpro.transforms.evolution import Augmentation as Augmentation
    from seqpro.transforms.evolution import Deletion as Deletion
    from seqpro.transforms.evolution import Insertion as Insertion
    from seqpro.transforms.evolution import Inversion as Inversion
    from seqpro.transforms.evolution import Mutation as Mutation
    from seqpro.transforms.evolution import ReverseComplement as ReverseComplement
    from seqpro.transforms.evolution import Translocation as Translocation
else:
    __getattr__, __dir__ = lazy_names(__name__)
