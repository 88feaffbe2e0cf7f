"""From datasets to batches of NumPy arrays, without torch.

Samplers say which rows an epoch shows and in what order: `WeightedSampler`, `RatioSampler`, or a
class of your own derived from `RowSampler`, whose draws are a `Selection`. Data of up to
`IN_MEMORY_LIMIT` bytes are held in memory if nothing else is asked for.
"""

from seqdata.loading._open_source import IN_MEMORY_LIMIT as IN_MEMORY_LIMIT
from seqdata.loading._samplers import RatioSampler as RatioSampler
from seqdata.loading._samplers import RowSampler as RowSampler
from seqdata.loading._samplers import Selection as Selection
from seqdata.loading._samplers import WeightedSampler as WeightedSampler
