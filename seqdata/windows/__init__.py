"""From regions to windows, and from windows to rows: of a store, or cut out when asked for."""

from seqdata.windows._open import open_regions as open_regions
