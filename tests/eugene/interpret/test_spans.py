"""Seqlets, motif hits and patterns in datasets."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import eugene as eu
import seqdata as sd
import seqexplainer as se
import seqpro as sp
from eugene.errors import EugeneError, MissingExtraError
from eugene.interpret._hits import add_hits, annotate_positions
from eugene.simulate import embedded_motifs


@pytest.fixture(scope="module")
def planted() -> xr.Dataset:
    """Return random letters with a motif at known places, and attributions that stand out."""
    rng = np.random.default_rng(3)
    motif = embedded_motifs()["MA0466.3"]
    box = motif.ppm().argmax(axis=0)
    codes = rng.integers(0, 4, (12, 100))
    starts = rng.integers(5, 80, 12)
    values = rng.normal(0, 0.01, (12, 4, 100)).astype(np.float32)
    for row, start in enumerate(starts):
        codes[row, start : start + len(box)] = box
        values[row, 0, start : start + len(box)] += 1
    letters = np.frombuffer(b"ACGT", "S1")[codes]
    dims = ("_sequence", "_ohe", "_length")
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters, {"kind": "sequence", "alphabet": "ACGT"}),
            "a": (dims, values, {"form": "projected"}),
            "h": (dims, values, {"form": "hypothetical"}),
        }
    )
    return ds.assign_attrs(starts=starts.tolist(), width=len(box))


@pytest.mark.parametrize("caller", ["recursive", "tfmodisco"])
def test_seqlets_are_named_after_their_motif(planted, caller):
    options = {"threshold": 1e-4} if caller == "recursive" else {"flank": 0, "window": 9}
    ds = eu.interpret.seqlets_sdata(
        planted, caller=caller, motif_db=embedded_motifs(), copy=True, **options
    )
    assert "seqlets" not in planted
    table = eu.interpret.hits_table(ds, "seqlets")
    named = table[table["motif"] == "CEBPB"].drop_duplicates("sequence")
    assert len(named) >= 9
    starts = np.array(planted.attrs["starts"])[named["sequence"]]
    assert (np.abs(named["start"] - starts) <= planted.attrs["width"]).all()
    assert set(named["accession"]) == {"MA0466.3"}
    code = ds["seqlets"].attrs["motifs"].index("CEBPB") + 1
    for row in named.itertuples():
        assert (ds["seqlets"].values[row.sequence, row.start : row.end] == code).all()
    assert ds["seqlets"].attrs["attributions"] == "a"


def test_seqlets_without_names_and_what_is_missing(planted):
    ds = eu.interpret.seqlets_sdata(planted, "a", copy=True, threshold=1e-4, name="found")
    assert set(eu.interpret.hits_table(ds, "found")["motif"]) == {"seqlet"}
    with pytest.raises(EugeneError, match="no table of spans 'fond'; did you mean 'found'"):
        eu.interpret.hits_table(ds, "fond")
    with pytest.raises(EugeneError, match="caller is 'recursiv'; did you mean 'recursive'"):
        eu.interpret.seqlets_sdata(planted, caller="recursiv")
    with pytest.raises(EugeneError, match=r"no projected attributions; make them with attribute_"):
        eu.interpret.seqlets_sdata(planted[["seq"]])


def test_hits_do_not_depend_on_how_many_rows_are_looked_at_together(planted, monkeypatch):
    from eugene.interpret import _spans

    motifs = embedded_motifs()[[0, 1, 2, 3]]
    X = eu.interpret.one_hot(planted)
    expected = se.scan(X, motifs).sort_values(["p_value", "sequence", "start"], kind="stable")
    for size in (5, 4096):
        monkeypatch.setattr(_spans, "_CHUNK", size)
        ds = eu.interpret.scan_sdata(planted, motifs, copy=True)
        found = eu.interpret.hits_table(ds, "motif_hits")
        order = ["motif", "sequence", "start", "strand"]
        pd.testing.assert_frame_equal(
            found.sort_values(order).reset_index(drop=True)[list(expected.columns)],
            expected.sort_values(order).reset_index(drop=True),
            check_dtype=False,
        )
        assert found["p_value"].is_monotonic_increasing


def test_tables_survive_the_store(planted, tmp_path):
    ds = eu.interpret.scan_sdata(planted, embedded_motifs(), copy=True)
    sd.to_zarr(ds, tmp_path / "a.zarr")
    again = eu.interpret.hits_table(sd.open_zarr(tmp_path / "a.zarr"), "motif_hits")
    pd.testing.assert_frame_equal(
        again, eu.interpret.hits_table(ds, "motif_hits"), check_dtype=False
    )
    assert {"+", "-"} >= set(again["strand"])


def test_no_hit_at_all_is_an_empty_table(planted):
    ds = eu.interpret.scan_sdata(planted, embedded_motifs(), copy=True, p_threshold=1e-12)
    assert eu.interpret.hits_table(ds, "motif_hits").empty
    assert not ds["motif_hits"].values.any()


def test_the_surest_span_counts_where_two_overlap():
    table = pd.DataFrame(
        {"sequence": [0, 0, 1], "start": [2, 0, 1], "end": [4, 3, 2], "motif": ["b", "a", ""]}
    )
    assert annotate_positions(table, ["a", "b"], (2, 5)).tolist() == [
        [1, 1, 2, 2, 0],
        [0, 0, 0, 0, 0],
    ]
    ds = xr.Dataset()
    add_hits(ds, table, "x", shape=(2, 5))
    assert ds["x_motif"].values.tolist() == [2, 1, 0]


@pytest.mark.usefixtures("modisco_stand_in")
def test_patterns_need_hypothetical_attributions(planted):
    with pytest.raises(EugeneError, match=r"no hypothetical attributions.*hypothetical=True"):
        eu.interpret.modisco_sdata(planted[["seq"]])


def test_patterns_become_files_and_a_table(planted, tmp_path, modisco_stand_in):
    ds = eu.interpret.modisco_sdata(
        planted, out=tmp_path / "m", window=60, min_seqlets=2, copy=True, motif_db=None
    )
    assert modisco_stand_in == [((12, 60, 4), (12, 60, 4))]
    table = eu.interpret.hits_table(ds, "modisco")
    # positions are those of the whole sequence, not of the 60 bp that were searched
    assert table[["sequence", "start", "end", "strand"]].values.tolist() == [
        [0, 23, 30, "+"],
        [5, 40, 47, "-"],
    ]
    assert (tmp_path / "m" / "seqlets.csv").read_text().splitlines()[1] == ("pos_0,0,23,30,+,23,30")
    assert sp.motifs.read(tmp_path / "m" / "modisco.meme")[0].consensus() == "GATTACA"
    assert "pos_0" in (tmp_path / "m" / "modisco.html").read_text()
    none = eu.interpret.modisco_sdata(
        planted, out=tmp_path / "m", window=60, min_seqlets=9, copy=True
    )
    assert eu.interpret.hits_table(none, "modisco").empty
    assert [p.name for p in (tmp_path / "m").iterdir()] == ["seqlets.csv"]


def test_without_modisco_lite_the_pip_line_is_told(planted, monkeypatch):
    monkeypatch.setitem(sys.modules, "modiscolite", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'eugene-genomics\[modisco\]'"):
        eu.interpret.modisco_sdata(planted)


def test_motifs_of_one_name_keep_their_accessions():
    table = pd.DataFrame(
        {"sequence": [0, 1, 0], "start": [0, 2, 4], "end": [3, 5, 6],
         "motif": ["GATA1", "GATA1", ""], "accession": ["MA0035.3", "MA0035.4", ""]}
    )  # fmt: skip
    ds = xr.Dataset()
    add_hits(ds, table, "x", shape=(2, 8))
    found = eu.interpret.hits_table(ds, "x")
    assert found["accession"].tolist() == ["MA0035.3", "MA0035.4", ""]
    assert found["motif"].tolist() == ["GATA1", "GATA1", ""]
    # a store of an earlier version said it by the name
    old = ds.drop_vars("x_accession")
    old["x"].attrs["accessions"] = ["MA0035.4"]
    assert eu.interpret.hits_table(old, "x")["accession"].tolist()[:2] == ["MA0035.4"] * 2


def test_an_output_without_anything_to_cluster_leaves_the_others(
    planted, tmp_path, modisco_stand_in, monkeypatch, caplog
):
    """What is told is told, and the files say that there is no pattern."""
    from eugene.runs.steps.modisco import patterns

    stand_in = sys.modules["modiscolite.tfmodisco"].TFMoDISco

    def find(X, scores, **options):
        if not scores.any():
            raise IndexError("index -1 is out of bounds for axis 0 with size 0")
        return stand_in(X, scores, **options)

    monkeypatch.setattr(sys.modules["modiscolite.tfmodisco"], "TFMoDISco", find)
    (name,) = [v for v in planted.data_vars if planted[v].attrs.get("form") == "hypothetical"]
    ds = planted[["seq"]].assign(
        none=(planted[name] * 0).assign_attrs(planted[name].attrs, label="counts"),
        some=planted[name].assign_attrs(label="profile"),
    )
    options = {"window": 60, "max_seqlets": 9, "n_leiden_runs": 1, "target_fdr": 0.2}
    with caplog.at_level("WARNING"):
        tables = patterns(
            ds, lambda label: tmp_path / label, motif_db="embedded", name="x", progress=False,
            min_seqlets=2, **options,
        )  # fmt: skip
    assert list(tables) == ["profile"]
    assert "modisco, counts: TF-MoDISco found nothing to cluster" in caplog.text
    assert [p.name for p in (tmp_path / "counts").iterdir()] == ["seqlets.csv"]
    assert (tmp_path / "profile" / "modisco.meme").is_file()
    assert len(modisco_stand_in) == 1
