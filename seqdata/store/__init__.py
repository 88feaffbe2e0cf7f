"""Zarr v3 stores: written by whole shards, committed last, resumed, grown and read.

Stores: `open_zarr` and `to_zarr` for datasets, `StoreWriter` for arrays that come in shards,
`check_complete`, `remove_store`, `row_blocks`. What else must not be half done or done twice uses
the same parts: locks (`FileLock`, `lock_of`, `owner_of`), names for what is being made
(`working_path`, `clear_leftovers`), and keys of what it was made from (`fingerprint` of settings
and arrays, `content_of` a file).
"""

from seqdata.store._content import content_of as content_of
from seqdata.store._leftovers import clear_leftovers as clear_leftovers
from seqdata.store._leftovers import working_path as working_path
from seqdata.store._lock import FileLock as FileLock
from seqdata.store._lock import owner_of as owner_of
from seqdata.store._resume import fingerprint as fingerprint
from seqdata.store._resume import lock_of as lock_of
from seqdata.store._v2 import read_legacy as read_legacy
from seqdata.store._writer import StoreWriter as StoreWriter
from seqdata.store._zarr import check_complete as check_complete
from seqdata.store._zarr import open_zarr as open_zarr
from seqdata.store._zarr import remove_store as remove_store
from seqdata.store._zarr import row_blocks as row_blocks
from seqdata.store._zarr import to_zarr as to_zarr
