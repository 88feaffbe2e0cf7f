from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import seqdata as sd
import seqpro as sp
from seqdata import schema
from seqdata._letters import complement_table
from seqdata.errors import SchemaError

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=1, max_size=300))
def test_codes_round_trip(names: list[str]) -> None:
    variable = xr.DataArray(schema.coded_coordinate(names), name="x")
    assert schema.decode(variable).tolist() == names
    assert variable.dtype.itemsize == (1 if len(set(names)) <= 128 else 2)


def test_fixed_codes() -> None:
    assert schema.encode(["train", "val", "test", "unassigned"], schema.SPLITS).tolist() == [
        0,
        1,
        2,
        -1,
    ]
    assert schema.encode([], schema.STRANDS).shape == (0,)
    many = [f"c{i}" for i in range(40_000)]
    assert schema.coded_coordinate(many).dtype == np.int32
    strange = xr.DataArray(np.array([1, 7]), dims="_sequence", attrs=schema.code_attrs({"a": 1}))
    assert schema.decode(strange).tolist() == ["a", "."]
    assert schema.decode(xr.DataArray(np.array(["x"]), dims="_sequence")).tolist() == ["x"]


def test_codes_that_make_no_sense() -> None:
    with pytest.raises(SchemaError, match=r"No code for 'tran'\. Did you mean 'train'"):
        schema.encode(["tran"], schema.SPLITS)
    with pytest.raises(SchemaError, match="white space"):
        schema.code_attrs({"a b": 1})
    bare = xr.DataArray(np.array([1]), dims="_sequence", name="y")
    with pytest.raises(SchemaError, match="'y' has no flag_values"):
        schema.codes_of(bare)
    bare.attrs = {"flag_values": [1, 2], "flag_meanings": "a"}
    with pytest.raises(SchemaError, match="1 flag_meanings for 2 flag_values"):
        schema.codes_of(bare)


@pytest.mark.parametrize("given_as", ["ACGT", "dna", sp.DNA])
def test_alphabets(given_as: object) -> None:
    assert schema.alphabet_letters(given_as) == "ACGT"
    known = schema.known_letters(given_as)
    assert {chr(i) for i in np.flatnonzero(known) if i} == set("ACGTRYSWKMBDHVNacgtryswkmbdhvn")


def test_other_alphabets() -> None:
    assert schema.alphabet_letters(sp.RNA) == "ACGU"
    assert not schema.known_letters("RNA")[ord("T")]
    amino = schema.alphabet_letters(sp.AA)
    assert set(amino) == set(schema.alphabet_letters("AA"))
    assert schema.known_letters(sp.AA)[ord("X")]
    assert chr(schema.wild_letter(sp.AA)) == "X"
    with pytest.raises(SchemaError, match="have no complement"):
        complement_table("AA")
    assert bytes(complement_table(sp.RNA)[np.frombuffer(b"ACGUn", "u1")]) == b"UGCAn"


def test_kinds_of_variables() -> None:
    letters = xr.DataArray(np.array([[b"A"]]), dims=("_sequence", "_length"))
    ascii_ = xr.DataArray(np.zeros((1, 1), np.uint8), attrs={"kind": "sequence"})
    ohe = xr.DataArray(np.zeros((1, 1, 4), np.uint8), dims=("_sequence", "_length", "_ohe"))
    attributions = ohe.astype(np.float32)
    assert [schema.is_sequence(v) for v in (letters, ascii_, ohe)] == [True, True, False]
    assert [schema.is_one_hot(v) for v in (letters, ohe, attributions)] == [False, True, False]


def test_file_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    record = schema.file_record(path)
    assert record["size"] == 3
    assert record["sha256"].startswith("ba7816bf")
    monkeypatch.setattr(schema, "CHECKSUM_LIMIT", 2)
    assert "sha256" not in schema.file_record(path)


def test_accessor_views() -> None:
    ds = xr.Dataset(
        {
            "seq": (("_sequence", "_length"), np.array([[b"A", b"C"], [b"G", b""]])),
            "seq_length": ("_sequence", [2, 1]),
            "distance": (("_sequence", "_sequence_other"), np.zeros((2, 2))),
            "pfm": (("f", "_ohe"), np.zeros((1, 4))),
        },
        coords={
            "chrom": schema.coded_coordinate(["chr2", "chr1"]),
            "start": ("_sequence", [5, 6]),
            "end": ("_sequence", [7, 8]),
        },
    )
    assert list(ds.sd.obs.data_vars) == ["seq_length"]
    assert list(ds.sd.layers.data_vars) == ["seq", "distance"]
    assert list(ds.sd.obsp.data_vars) == ["distance"]
    assert list(ds.sd.uns.data_vars) == ["pfm"]
    assert ds.sd.codes("chrom") == {"chr2": 0, "chr1": 1}
    assert ds.sd.regions().to_numpy().tolist() == [["chr2", 5, 7], ["chr1", 6, 8]]
    assert [row.tolist() for row in ds.sd.rows("seq")] == [[b"A", b"C"], [b"G"]]
    with pytest.raises(SchemaError, match="not made from regions"):
        ds.drop_vars("start").sd.regions()


def test_import_is_light() -> None:
    code = (
        "import sys, seqdata; "
        "heavy = {'torch', 'distributed', 'matplotlib', 'bioframe', 'sklearn', 'captum'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lazy_names() -> None:
    assert sd.__eugene_dist__ == "eugene-genomics"
    assert sd.regions.resize is not None
    assert callable(sd.get_torch_dataloader)
    assert {"splits", "targets", "get_torch_dataloader"} <= set(dir(sd))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sd.nothing  # noqa: B018
