"""Zarr v3 stores: written by whole shards, committed last, resumed, grown and read."""

from seqdata.store._lock import FileLock as FileLock
from seqdata.store._zarr import check_complete as check_complete
from seqdata.store._zarr import open_zarr as open_zarr
from seqdata.store._zarr import remove_store as remove_store
from seqdata.store._zarr import row_blocks as row_blocks
from seqdata.store._zarr import to_zarr as to_zarr
