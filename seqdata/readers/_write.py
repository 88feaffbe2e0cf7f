"""A store of one reader alone, under SeqData's name for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


class WritesRows:
    """Gives a flat reader the method ``_write`` of SeqData's readers."""

    def _write(
        self: Any,
        out: str | Path,
        fixed_length: bool | int,
        overwrite: bool = False,
        sequence_dim: str | None = None,
        length_dim: str | None = None,
    ) -> None:
        """Write the sequences to a store, as `seqdata.from_flat_files` does."""
        from seqdata.build import from_flat_files

        from_flat_files(
            self, path=out, fixed_length=fixed_length, overwrite=overwrite,
            sequence_dim=sequence_dim, length_dim=length_dim,
        )  # fmt: skip


class WritesWindows:
    """Gives a region reader the method ``_write`` of SeqData's readers."""

    def _write(
        self: Any,
        out: str | Path,
        bed: str | Path | pd.DataFrame,
        fixed_length: bool | int,
        sequence_dim: str | None = None,
        length_dim: str | None = None,
        overwrite: bool = False,
        splice: bool = False,
    ) -> None:
        """Write windows to a store, as `seqdata.from_region_files` does."""
        from seqdata.build import from_region_files

        from_region_files(
            self, path=out, bed=bed, fixed_length=fixed_length, overwrite=overwrite,
            sequence_dim=sequence_dim, length_dim=length_dim, splice=splice,
        )  # fmt: skip
