"""Attributions in Zarr stores: the same numbers, bounded memory, and no work lost to a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import zarr

import eugene as eu
import seqdata as sd
import seqexplainer as se
from eugene.errors import EugeneError, RunExistsError
from eugene.interpret._attribute import Explainer
from eugene.interpret._store import write_attributions
from eugene.simulate import simulated

OPTIONS = {"method": "DeepLiftShap", "n_references": 2, "chunk_size": 8, "hypothetical": True}
SCRIPT = """
import sys, time
import torch
import eugene as eu, seqdata as sd
from eugene.interpret import _attribute

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 11), torch.nn.ReLU(), torch.nn.Flatten(),
                          torch.nn.Linear(3 * 130, 1))
explain, calls = _attribute.Explainer.explain, []

def slowly(self, *args, **kwargs):
    calls.append(0)
    if sys.argv[3] == "slow" and len(calls) == 4:
        print("three chunks", flush=True)
        time.sleep(600)
    return explain(self, *args, **kwargs)

_attribute.Explainer.explain = slowly
eu.interpret.attribute_sdata(net, sd.open_zarr(sys.argv[1]), out=sys.argv[2],
    method="DeepLiftShap", n_references=2, chunk_size=8, hypothetical=True)
print("chunks", len(calls), flush=True)
"""


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv1d(4, 3, 11),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(3 * 130, 1),
    )


@pytest.fixture
def ds() -> xr.Dataset:
    return simulated(45, 140, seed=2)


def _files(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_memory_and_store_hold_the_same_numbers(net, ds, tmp_path):
    in_memory = eu.interpret.attribute_sdata(net, ds, copy=True, **OPTIONS)
    stored = eu.interpret.attribute_sdata(net, ds, copy=True, path=tmp_path / "a.zarr", **OPTIONS)
    new = [v for v in in_memory.data_vars if v not in ds]
    assert new == ["DeepLiftShap_delta", "DeepLiftShap_attrs", "DeepLiftShap_hypothetical"]
    for name in new:
        assert stored[name].chunks is not None
        np.testing.assert_array_equal(stored[name], in_memory[name])
        assert stored[name].attrs == in_memory[name].attrs
    attrs = stored["DeepLiftShap_attrs"].attrs
    assert attrs["references"] == "dinuc_shuffle"
    assert (attrs["n_references"], attrs["seed"], attrs["target"]) == (2, eu.settings.seed, "0")
    assert attrs["delta"] == "DeepLiftShap_delta"
    assert len(attrs["model_sha256"]) == 64
    assert attrs["software"]["torch"] == torch.__version__
    X = eu.interpret.one_hot(ds)
    seed = eu.settings.seed
    whole, delta = se.attribute(net, X, n_references=2, seed=seed, return_delta=True)
    np.testing.assert_allclose(in_memory["DeepLiftShap_attrs"], whole, atol=1e-6)
    np.testing.assert_allclose(in_memory["DeepLiftShap_delta"], delta, atol=1e-6)
    projected = in_memory["DeepLiftShap_hypothetical"].values * X
    np.testing.assert_array_equal(projected, in_memory["DeepLiftShap_attrs"])
    store = sd.open_zarr(tmp_path / "a.zarr")
    assert zarr.open(tmp_path / "a.zarr")["DeepLiftShap_attrs"].shards == (8, 4, 140)
    np.testing.assert_array_equal(store["seq"], ds["seq"])
    assert store["index"].values.tolist() == list(range(45))


@pytest.mark.slow
def test_a_killed_job_goes_on_and_ends_with_the_same_bytes(net, ds, tmp_path, monkeypatch):
    sd.to_zarr(ds, tmp_path / "data.zarr")
    script = tmp_path / "job.py"
    script.write_text(SCRIPT)
    killed, straight = tmp_path / "killed.zarr", tmp_path / "straight.zarr"

    def command(how: str) -> list[str]:
        return [sys.executable, str(script), str(tmp_path / "data.zarr"), str(killed), how]

    options = {"stdout": subprocess.PIPE, "text": True, "env": {**os.environ}}
    with subprocess.Popen(command("slow"), **options) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "three chunks\n"
        job.send_signal(signal.SIGKILL)
    assert not killed.exists()
    again = subprocess.run(command("fast"), check=True, **options)
    assert again.stdout == "chunks 3\n"

    explain, calls = Explainer.explain, []
    monkeypatch.setattr(Explainer, "explain", lambda *a, **k: calls.append(0) or explain(*a, **k))
    for chunks in (6, 0):
        calls.clear()
        opened = sd.open_zarr(tmp_path / "data.zarr")
        eu.interpret.attribute_sdata(net, opened, out=straight, **OPTIONS)
        assert len(calls) == chunks
    assert _files(killed) == _files(straight)
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"data.zarr", "job.py", "killed.zarr", "straight.zarr"}


@pytest.mark.parametrize("after", [0, 2])
def test_an_error_keeps_whole_shards_and_nothing_else(net, ds, tmp_path, monkeypatch, after):
    explain, calls = Explainer.explain, []

    def failing(self, *args, **kwargs):
        calls.append(0)
        if len(calls) == after + 1:
            raise KeyboardInterrupt
        return explain(self, *args, **kwargs)

    monkeypatch.setattr(Explainer, "explain", failing)
    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        eu.interpret.attribute_sdata(net, ds, path=path, **OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == ([".a.zarr.building"] if after else [])
    calls.clear()
    monkeypatch.setattr(Explainer, "explain", lambda *a, **k: calls.append(0) or explain(*a, **k))
    eu.interpret.attribute_sdata(net, ds, path=path, **OPTIONS)
    assert len(calls) == 6 - after


def test_the_store_of_the_dataset_gets_the_variables_added(net, ds, tmp_path):
    path = tmp_path / "data.zarr"
    sd.to_zarr(ds, path)
    opened = sd.open_zarr(path)
    options = {"method": "DeepLift", "path": path, "chunk_size": 16}
    eu.interpret.attribute_sdata(net, opened, **options)
    expected = eu.interpret.attribute_sdata(net, ds, method="DeepLift", chunk_size=16, copy=True)
    again = sd.open_zarr(path)
    assert set(again.variables) == {*ds.variables, "DeepLift_attrs", "DeepLift_delta"}
    np.testing.assert_array_equal(again["DeepLift_attrs"], expected["DeepLift_attrs"])
    assert [p.name for p in tmp_path.iterdir()] == ["data.zarr"]
    eu.interpret.attribute_sdata(net, again, **options)
    with pytest.raises(RunExistsError, match="differs in target; nothing was touched"):
        eu.interpret.attribute_sdata(net, again, target=(0,), **options)


def test_a_store_of_another_job_is_left_alone(net, ds, tmp_path):
    path = tmp_path / "a.zarr"
    eu.interpret.attribute_sdata(net, ds, path=path, **OPTIONS)
    before = _files(path)
    with pytest.raises(RunExistsError, match=r"differ in seed; nothing was touched.*overwrite"):
        eu.interpret.attribute_sdata(net, ds, path=path, seed=1, **OPTIONS)
    assert _files(path) == before
    eu.interpret.attribute_sdata(net, ds, path=path, seed=1, overwrite=True, **OPTIONS)
    assert sd.open_zarr(path).attrs["job"]["seed"] == 1
    with pytest.raises(EugeneError, match="no hypothetical form"):
        eu.interpret.attribute_sdata(net, ds, method="occlusion", hypothetical=True)
    with pytest.raises(EugeneError, match="chunk_size must be 1 or more"):
        eu.interpret.attribute_sdata(net, ds, chunk_size=0)
    with pytest.raises(EugeneError, match="no sequences"):
        write_attributions(Explainer(net, ("saliency",)), ds, tmp_path / "b.zarr", rows=[])


def test_arrays_of_references_follow_their_rows(net, ds, tmp_path):
    X = eu.interpret.one_hot(ds)
    references = se.references.dinuc_shuffle(X, n=2, seed=5).numpy()
    options = {"method": "DeepLiftShap", "copy": True, "chunk_size": 8}
    drawn = eu.interpret.attribute_sdata(net, ds, seed=5, n_references=2, **options)
    given = eu.interpret.attribute_sdata(net, ds, reference_type=references, **options)
    np.testing.assert_allclose(given["DeepLiftShap_attrs"], drawn["DeepLiftShap_attrs"], atol=1e-6)
    assert given["DeepLiftShap_attrs"].attrs["references"] == "array"
    rows = np.array([30, 4, 7])
    explainer = Explainer(net, ("deep_lift_shap",), references=references)
    picked = write_attributions(explainer, ds, tmp_path / "p.zarr", rows=rows)
    np.testing.assert_allclose(
        picked["deep_lift_shap"], drawn["DeepLiftShap_attrs"].values[rows], atol=1e-6
    )
    assert picked["index"].values.tolist() == rows.tolist()


def test_rows_are_read_when_their_turn_comes(net, ds, tmp_path, monkeypatch):
    from eugene.interpret import _store

    read = []
    one_hot = _store.one_hot

    def counted(ds, seq_var, *, rows, length=None):
        read.append(len(rows))
        return one_hot(ds, seq_var, rows=rows, length=length)

    monkeypatch.setattr(_store, "one_hot", counted)
    eu.interpret.attribute_sdata(net, ds, path=tmp_path / "a.zarr", **OPTIONS)
    assert max(read) == 8
    assert sum(read) == 45 + 1


def test_bounds_are_those_of_the_window_that_is_explained(net, tmp_path):
    from seqdata.schema import STRANDS, code_attrs

    ds = simulated(3, 160, seed=0)
    coords = {
        "start": ("_sequence", np.array([1000, 1000, 1005])),
        "end": ("_sequence", np.array([1160, 1161, 1155])),
        "strand": ("_sequence", np.array([1, -1, 1], dtype=np.int8), code_attrs(STRANDS)),
    }
    explainer = Explainer(net, ("saliency",))
    found = write_attributions(explainer, ds.assign_coords(coords), tmp_path / "a.zarr", length=140)
    assert found["start"].values.tolist() == [1010, 1011, 1010]
    assert (found["end"] - found["start"]).values.tolist() == [140, 140, 140]
    assert found["strand"].attrs["flag_meanings"]
    letters = ds["seq"].values[:, 10:150]
    np.testing.assert_array_equal(found["seq"], letters)


def test_a_job_that_is_being_done_is_not_done_twice(net, ds, tmp_path):
    from seqdata.errors import StoreError
    from seqdata.store import lock_of

    with lock_of(tmp_path / "a.zarr"), pytest.raises(StoreError, match="is being built by process"):
        eu.interpret.attribute_sdata(net, ds, path=tmp_path / "a.zarr", **OPTIONS)
