"""EUGENe's names on datasets, and the functions that run folders use."""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import eugene as eu
import seqexplainer as se
import seqpro as sp
from eugene.errors import EugeneError, MissingFileError
from eugene.interpret._motifs import find
from eugene.interpret._sequences import best_rows, split_rows
from eugene.simulate import embedded_motifs, simulated


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return eu.models.zoo.CNN(
        140,
        1,
        {"conv_channels": [5], "conv_kernels": [11], "pool_kernels": 20},
        {"hidden_dims": []},
    ).eval()


@pytest.fixture
def ds():
    return simulated(12, 140, seed=1)


def test_one_hot_of_letters_bytes_and_one_hot(ds):
    letters = ds["seq"].values
    X = eu.interpret.one_hot(ds)
    assert X.shape == (12, 4, 140)
    np.testing.assert_array_equal(X, sp.ohe(letters, sp.DNA).swapaxes(1, 2))
    as_bytes = ds.assign(seq=(ds["seq"].dims, letters.view(np.uint8), ds["seq"].attrs))
    np.testing.assert_array_equal(eu.interpret.one_hot(as_bytes), X)
    for dims, values in (
        (("_sequence", "_ohe", "_length"), X),
        (("_sequence", "_length", "_ohe"), X.swapaxes(1, 2)),
    ):
        encoded = xr.Dataset({"ohe": (dims, values)})
        np.testing.assert_array_equal(eu.interpret.one_hot(encoded, "ohe"), X)
    middle = eu.interpret.one_hot(ds, rows=[3, 1], length=100)
    np.testing.assert_array_equal(middle, X[[3, 1], :, 20:120])
    with pytest.raises(EugeneError, match="no variable 'sequ'; did you mean 'seq'"):
        eu.interpret.one_hot(ds, "sequ")
    ds["seq"].attrs["alphabet"] = "ACDE"
    with pytest.raises(EugeneError, match=r"said to be over 'ACDE', but .* letters are 'G', 'T'"):
        eu.interpret.one_hot(ds)


def test_rows(ds):
    import seqdata as sd

    split = sd.splits.assign(ds, np.tile([0, 1, 2], 4))
    assert split_rows(split, "test").tolist() == [2, 5, 8, 11]
    assert len(split_rows(split, None)) == 12
    scores = np.array([0.1, 0.5, 0.5, 0.2])
    rows = np.array([4, 5, 6, 7])
    assert best_rows(rows, scores, 3).tolist() == [5, 6, 7]
    assert best_rows(rows, scores, None, highest=False).tolist() == [4, 7, 5, 6]


def test_attribute_sdata_uses_the_references_it_is_given(model, ds):
    kept = ds.copy()
    copied = eu.interpret.attribute_sdata(
        model, ds, method="DeepLift", reference_type="zero", copy=True
    )
    xr.testing.assert_identical(ds, kept)
    X = eu.interpret.one_hot(ds)
    expected = se.attribute(model, X, "deep_lift", references="zero")
    np.testing.assert_allclose(copied["DeepLift_attrs"], expected, rtol=1e-5)
    same = eu.interpret.attribute_sdata(
        model, ds, method="DeepLift", reference_type="dinuc_shuffle", suffix="_2"
    )
    assert same is ds
    assert not np.allclose(ds["DeepLift_attrs_2"], copied["DeepLift_attrs"])


def test_pfms_to_meme_and_back(model, ds, tmp_path):
    name = "conv1d_tower"
    eu.interpret.generate_pfms_sdata(model, ds, num_seqlets=5)
    variable = next(v for v in ds.data_vars if str(v).endswith("_pfms"))
    layer = ds[variable].attrs["layer"]
    assert layer.startswith(name)
    assert ds[variable].shape == (5, 4, 11)
    path = eu.interpret.filters_to_meme_sdata(ds, layer, output_dir=tmp_path / "out")
    motifs = sp.motifs.read(path)
    first = next(iter(motifs))
    index = int(first.name.rpartition("_")[2])
    np.testing.assert_allclose(
        first.ppm(), ds[variable].values[index] / ds[variable].values[index].sum(0), atol=1e-5
    )
    with pytest.raises(EugeneError, match="make it with generate_pfms_sdata"):
        eu.interpret.filters_to_meme_sdata(ds, "conv")


def test_evolve_seqs_sdata(model, ds):
    result = eu.interpret.evolve_seqs_sdata(model, ds, 2, copy=True)
    scores = np.stack([result[f"evolved_{i}_score"] for i in (1, 2)])
    assert (scores[0] >= result["original_score"].values).all()
    changed = (result["evolved_seqs"].values != ds["seq"].values).sum(1)
    assert (changed <= 2).all()
    predicted = se.predict(model, eu.interpret.one_hot(result, "evolved_seqs"))[:, 0]
    np.testing.assert_allclose(predicted, scores[1], rtol=1e-4, atol=1e-5)


def test_positional_gia_and_implant_agree(model, ds):
    eu.interpret.positional_gia_sdata(model, ds, "GATTACA", store_var="slide", stride=40)
    one = eu.interpret.feature_implant_seq_sdata(model, ds, "GATTACA", row=3, stride=40)
    np.testing.assert_allclose(ds["slide"].values[3], one, rtol=1e-5)
    letters = ds["seq"].values[3].copy()
    letters[40:47] = np.frombuffer(b"GATTACA", "S1")
    X = sp.ohe(letters[None], sp.DNA).swapaxes(1, 2)
    np.testing.assert_allclose(one[1], se.predict(model, X)[0, 0], rtol=1e-4, atol=1e-5)


def test_attribute_dataset_projects_and_scores_against_the_truth(model, ds):
    X = eu.interpret.one_hot(ds)
    found = eu.interpret.attribute_dataset(
        model, X, methods=["saturation_mutagenesis", "saliency"], index=np.arange(12)
    )
    effects = se.saturation_mutagenesis(model, X, target=0).numpy()
    np.testing.assert_allclose(found["saturation_mutagenesis_effects"], effects, atol=1e-6)
    expected = se.attribute(model, X, "saturation_mutagenesis")
    np.testing.assert_allclose(found["saturation_mutagenesis"], expected, atol=1e-5)
    assert (found["seq"].values == ds["seq"].values).all()
    planted = ds["annotation"].values.astype(np.uint8)
    found["planted"] = (("_sequence", "_length"), planted)
    found["saliency"].values[:] = X * (planted > 0)[:, None]
    truth = eu.interpret.attribution_truth(found)
    assert truth["mean_auprc"]["saliency"] == pytest.approx(1)
    assert set(truth["mean_auprc"]) == {"saturation_mutagenesis", "saliency"}
    carrying = (planted > 0).any(1)
    assert truth["n"] == carrying.sum()
    assert truth["planted_fraction"] == pytest.approx((planted[carrying] > 0).mean())


def test_planted_motifs_found(ds):
    planted = eu.interpret.planted_motifs(ds)
    assert planted == {"MA0466.3": "CEBPB", "MA0062.3": "GABPA"}
    assert eu.interpret.planted_motifs(ds.drop_vars("annotation")) == {}
    annotations = pd.DataFrame(
        {
            "filter": ["f0", "f0", "f1", "f1"],
            "target_accession": ["MA0466.3", "MA0062.3", "X", "MA0062.3"],
            "p_value": [1e-8, 1e-3, 1e-5, 1e-4],
            "p_bonferroni": [1e-6, 0.1, 1e-3, 0.01],
            "rank": [1, 2, 1, 2],
        }
    )
    found = eu.interpret.planted_motifs_found(annotations, planted)
    assert found["CEBPB"]["best"]
    assert found["CEBPB"]["found"]
    assert found["CEBPB"]["filter"] == "f0"
    assert not found["GABPA"]["best"]
    assert not found["GABPA"]["found"]
    by_chance = annotations.assign(p_bonferroni=[0.03, 1, 1, 1])
    nearest = eu.interpret.planted_motifs_found(by_chance, planted)["CEBPB"]
    assert (nearest["best"], nearest["found"]) == (True, False)
    assert found["GABPA"]["p_value"] == 1e-4
    nothing = eu.interpret.planted_motifs_found(annotations.iloc[:0], planted)
    assert nothing["CEBPB"]["p_value"] is None


def test_filter_motifs_of_a_planted_filter_find_their_motif(ds):
    motif = embedded_motifs()["MA0466.3"]
    conv = torch.nn.Conv1d(4, 2, motif.width, bias=False)
    log_odds = np.log2(motif.ppm(pseudocount=1) / 0.25)
    conv.weight.data[0] = torch.tensor(log_odds, dtype=torch.float32)
    conv.weight.data[1] = -1.0
    net = torch.nn.Sequential(
        conv, torch.nn.ReLU(), torch.nn.AdaptiveMaxPool1d(1), torch.nn.Flatten()
    )
    X = eu.interpret.one_hot(simulated(200, 140, seed=2))
    report = eu.interpret.filter_motifs(net, X, embedded_motifs())
    assert report.table["dead"].tolist() == [False, True]
    best = report.annotations[report.annotations["rank"] == 1].iloc[0]
    assert best["target_name"] == "CEBPB"
    assert best["p_bonferroni"] < 0.01


def test_motif_files_and_names(tmp_path):
    path = tmp_path / "x.meme"
    sp.motifs.write_meme(embedded_motifs(), path)
    assert len(eu.interpret.read_motifs(path)) == len(embedded_motifs())
    with pytest.raises(MissingFileError, match=r"did you mean 'x\.meme'"):
        eu.interpret.read_motifs(tmp_path / "xx.meme")
    motifs = embedded_motifs()
    assert find("gabpa", motifs).accession == "MA0062.3"
    assert find("MA0466.3", motifs).name == "CEBPB"
    assert find("tgacgtca", motifs) == "TGACGTCA"
    with pytest.raises(EugeneError, match=r"'GABPB' is no motif .* did you mean 'GABPA'"):
        find("GABPB", motifs)


OWN_METHOD = """
import torch
import eugene as eu
from seqexplainer.methods import Method

@eu.register("attributions", "twice_gradient")
def twice_gradient(explained, X):
    X = X.requires_grad_()
    return 2 * torch.autograd.grad(explained(X).sum(), X)[0]

DIFFERENCE = Method("difference", lambda explained, X, references: X[:, None] - references,
                    references=True, default_reference="uniform")
eu.register("attributions", "difference")("own_methods:DIFFERENCE")
"""


def test_a_registered_method_stands_wherever_a_name_does(model, ds, tmp_path, monkeypatch):
    from eugene.config.registries import ATTRIBUTIONS

    (tmp_path / "own_methods.py").write_text(OWN_METHOD)
    monkeypatch.syspath_prepend(tmp_path)
    for table in ("_entries", "_origins", "_aliases"):
        monkeypatch.setattr(ATTRIBUTIONS, table, dict(getattr(ATTRIBUTIONS, table)))
    own = importlib.import_module("own_methods")
    with_name = eu.interpret.attribute_sdata(model, ds, method="twice_gradient", copy=True)
    itself = eu.interpret.attribute_sdata(model, ds, method=own.twice_gradient, copy=True)
    values = with_name["twice_gradient_attrs"]
    np.testing.assert_array_equal(values, itself["twice_gradient_attrs"])
    plain = se.attribute(model, eu.interpret.one_hot(ds), "saliency", gradient_correction=False)
    np.testing.assert_allclose(values, 2 * plain, rtol=1e-5, atol=1e-7)
    found = eu.interpret.attribute_sequences(
        model, eu.interpret.one_hot(ds), methods=["difference", own.twice_gradient], references=None
    )
    assert found["difference"].attrs["references"] == "uniform"
    np.testing.assert_allclose(found["twice_gradient"], values, rtol=1e-5, atol=1e-7)
    with pytest.raises(EugeneError, match="no attribution method is called 'twice'"):
        eu.interpret.attribute_sdata(model, ds, method="twice")
