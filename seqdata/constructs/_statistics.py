"""What payloads are like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from seqdata.constructs._place import read_sites
from seqdata.constructs._sample import require_constructs


def statistics(ds: xr.Dataset) -> pd.DataFrame:
    """Describe the payload of each construct.

    Parameters
    ----------
    ds : xarray.Dataset
        Constructs, as `seqdata.constructs.build` returns them.

    Returns
    -------
    DataFrame
        ``name``, ``group``, ``activity``, ``replicates`` as far as they are known; ``length`` of
        the payload, ``kept`` in the window and ``flank`` beside it (bp); ``gc``, share of G and C
        among its known letters; ``cpg``, observed over expected CG; ``unknown`` letters;
        ``sites`` and ``site_bp``, how many there are and the bases that they cover.

    Raises
    ------
    SchemaError
        If the dataset holds no constructs.

    Examples
    --------
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([list("AACGTA")], "S1")),
    ...     "payload_start": ("_sequence", [2]), "payload_end": ("_sequence", [4]),
    ...     "sites": ("_sequence", np.array(["x:2-3"], object))})
    >>> statistics(ds)[["kept", "gc", "cpg", "site_bp"]].values.tolist()
    [[2.0, 1.0, 2.0, 1.0]]
    """
    require_constructs(ds)
    letters = np.ascontiguousarray(ds["seq"].to_numpy()).view(np.uint8)
    starts, ends = ds["payload_start"].to_numpy(), ds["payload_end"].to_numpy()
    rows = []
    for line, start, end, text in zip(
        letters, starts.tolist(), ends.tolist(), ds["sites"].to_numpy(), strict=True
    ):
        own = line[start:end]
        c, g = own == ord("C"), own == ord("G")
        known = np.isin(own, np.frombuffer(b"ACGT", np.uint8))
        pairs = int((c[:-1] & g[1:]).sum())
        expected = c.sum() * g.sum() / max(len(own), 1)
        sites = read_sites(str(text))
        covered = np.zeros(len(line), np.bool_)
        for site in sites:
            covered[site.start : site.end] = True
        rows.append(
            (end - start, len(line) - (end - start),
             (c | g).sum() / known.sum() if known.any() else np.nan,
             pairs / expected if expected else np.nan,
             int((~known).sum()), len(sites), int(covered.sum()))
        )  # fmt: skip
    columns = ["kept", "flank", "gc", "cpg", "unknown", "sites", "site_bp"]
    table = pd.DataFrame(rows, columns=columns)
    told = {"name": "id", "group": "group", "activity": "activity", "replicates": "replicates",
            "length": "payload_length"}  # fmt: skip
    for place, (column, variable) in enumerate(
        (k, v) for k, v in told.items() if v in ds.variables
    ):
        table.insert(place, column, ds[variable].to_numpy())
    return table
