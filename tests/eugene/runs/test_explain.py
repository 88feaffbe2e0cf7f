"""Seqlets in a run, their place in the report, and what is said before anything is trained."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import xarray as xr

import eugene as eu
import seqdata as sd
from eugene.config import load_run_config
from eugene.errors import ConfigError
from eugene.report._logos import _place, _spans
from eugene.runs import Run, RunFolder, run
from eugene.runs._pipeline import later_step
from seqdata.schema import STRANDS, code_attrs


def test_seqlets_join_the_attributions_and_may_be_called_again(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "tiny")
    folder = RunFolder.open(tmp_path / "tiny")
    for threshold in (0.01, 0.05):
        wanted = {"interpret.seqlets.threshold": threshold, "run_dir": str(folder.path)}
        config = load_run_config(folder.config, overrides=wanted)
        later_step(Run(config, folder), "seqlets", overwrite=True)
        ds = sd.open_zarr(folder.attributions)
        table = eu.interpret.hits_table(ds, "seqlets")
        assert (table["p_value"] < threshold).all()
        assert ds["seqlets"].dims == ("_sequence", "_length")
        assert {"deep_lift_shap", "saturation_mutagenesis", "planted"} <= set(ds.data_vars)
        written = (folder.interpretation / "annotated_seqlets.csv").read_text().splitlines()
        assert len(written) == len(table) + 1
        assert written[0].startswith("index,sequence,start,end,strand,motif,accession")


def test_without_modisco_lite_nothing_is_trained(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("eugene._optional.present", lambda _: False)
    tiny["interpret"] = {"modisco": {}}
    with pytest.raises(ConfigError, match=r"\$.interpret.modisco: .*genomics\[modisco\]"):
        run(tiny, run_dir=tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_tracks_know_their_place_and_their_motifs():
    table = {"sequence": [0, 1], "start": [3, 5], "end": [9, 9], "motif": ["TBP", "seqlet"]}
    import pandas as pd

    from eugene.interpret._hits import add_hits

    ds = xr.Dataset()
    add_hits(ds, pd.DataFrame(table), "seqlets", shape=(2, 12))
    assert _spans(ds, 2) == [[(3, 9, "TBP")], []]
    assert _place(ds, 0) == (None, 0, False)
    placed = ds.assign_coords(
        chrom=("_sequence", np.zeros(2, np.int8), code_attrs({"chr1": 0})),
        start=("_sequence", np.array([100, 200])),
        strand=("_sequence", np.array([1, -1], np.int8), code_attrs(STRANDS)),
    )
    assert _place(placed, 0) == ("chr1", 100, False)
    assert _place(placed, 1) == ("chr1", 200, True)
    assert _spans(xr.Dataset(), 1) == [[]]
