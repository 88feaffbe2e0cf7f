"""From regions to windows, and from windows to rows: of a store, or cut out when asked for.

`as_regions` reads a table of regions, `plan_regions` lays windows over them, `read_shard` cuts rows
of the windows out of files. `open_regions` does all this lazily: its variables are cut out when a
batch asks for them, and `region_array` tells which ones those are.
"""

from seqdata.windows._lazy import region_array as region_array
from seqdata.windows._open import open_regions as open_regions
from seqdata.windows._plan import plan_regions as plan_regions
from seqdata.windows._read import read_shard as read_shard
from seqdata.windows._regions import as_regions as as_regions
