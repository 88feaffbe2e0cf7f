"""Transforms of targets that are fitted on training rows and can be undone."""

from seqdata.targets._base import TargetTransform as TargetTransform
from seqdata.targets._transforms import ATTRIBUTE as ATTRIBUTE
from seqdata.targets._transforms import Binarise as Binarise
from seqdata.targets._transforms import Clamp as Clamp
from seqdata.targets._transforms import Log as Log
from seqdata.targets._transforms import Quantile as Quantile
from seqdata.targets._transforms import ZScore as ZScore
from seqdata.targets._transforms import apply as apply
from seqdata.targets._transforms import from_dict as from_dict
from seqdata.targets._transforms import invert as invert
from seqdata.targets._transforms import stored as stored
