"""Experiments with the published DeepSTARR weights against stored Keras predictions."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from seqexplainer.design import evolve
from seqexplainer.filters import generate_pfms
from seqexplainer.motifs import annotate_pfms
from seqexplainer.perturb import backgrounds, cooperativity, marginalize
from seqpro.motifs import read

# Each was written at bases 60, 120 and 180 of 20 random backgrounds.
MOTIFS = {
    "GATA": "CTTATCGCT",
    "AP1": "TGACTCA",
    "DRE": "TATCGATA",
    "Ohler1": "GTGTGACCT",
    "twist": "CATCTG",
    "ETS": "ACCGGAAGT",
    "Ohler6": "AAAATACCA",
}
DEV, HK = 0, 1


@pytest.fixture(scope="module")
def deepstarr(shared_data) -> nn.Module:
    pytest.importorskip("h5py")
    from eugene.models import load_deepstarr_weights

    return load_deepstarr_weights(shared_data / "deepstarr_model" / "deepstarr.model.h5")


@pytest.fixture(scope="module")
def golden(shared_data) -> pd.DataFrame:
    path = shared_data / "deepstarr_model" / "golden_predictions_keras.tsv"
    return pd.read_csv(path, sep="\t").set_index("name")


def one_hot(sequences: pd.Series) -> torch.Tensor:
    codes = np.array([["ACGT".index(c) for c in s] for s in sequences])
    return torch.as_tensor(np.eye(4, dtype=np.uint8)[codes].swapaxes(1, 2).copy())


def plain(golden: pd.DataFrame) -> torch.Tensor:
    return one_hot(golden.loc[[f"bg{i:02d}_none" for i in range(20)], "sequence"])


def test_marginal_effects_are_those_of_keras(deepstarr, golden):
    outputs = ((DEV, "dev_log2"), (HK, "hk_log2"))
    for (name, motif), (column, key) in itertools.product(MOTIFS.items(), outputs):
        three = ("N" * (60 - len(motif))).join([motif] * 3)
        found = marginalize(deepstarr, plain(golden), three, position=60, target=column)
        stored = [
            golden.loc[[f"bg{i:02d}_{what}" for i in range(20)], key].to_numpy()
            for what in ("none", name)
        ]
        np.testing.assert_allclose(found.before, stored[0], atol=1e-4)
        np.testing.assert_allclose(found.after, stored[1], atol=1e-4)
        assert found.low <= (stored[1] - stored[0]).mean() <= found.high


def test_developmental_and_housekeeping_motifs_are_told_apart(deepstarr, golden):
    means = {}
    for name in ("GATA", "AP1", "DRE", "Ohler6"):
        motif = MOTIFS[name]
        three = ("N" * (60 - len(motif))).join([motif] * 3)
        effects = [
            marginalize(deepstarr, plain(golden), three, position=60, target=column)
            for column in (DEV, HK)
        ]
        means[name] = [float(e.mean) for e in effects]
        if name in {"GATA", "AP1"}:
            assert effects[DEV].p_value < 0.01
            assert effects[DEV].mean > effects[HK].mean + 1
        if name in {"DRE", "Ohler6"}:
            assert effects[HK].p_value < 0.01
            assert effects[HK].mean > effects[DEV].mean + 1
    assert max(means, key=lambda k: means[k][DEV]) == "AP1"
    assert max(means, key=lambda k: means[k][HK]) == "DRE"


def test_a_first_layer_filter_is_ap1(deepstarr, shared_data):
    """Among motifs of flies; 7-bp filters are too short to survive correction for all pairs."""
    X = backgrounds(kind="random", n=400, length=249)
    found = generate_pfms(deepstarr, X, n=100)
    assert found.layer == "conv1d_tower.layers.2"
    assert found.shape == (256, 4, 7)
    assert (found.n_sites == 100).all()
    flies = read(shared_data / "motifs" / "flyfactorsurvey.meme.gz")
    table = annotate_pfms(found, flies, top=1)
    assert len(table) == 256
    jun_fos = table[table["target"].str.startswith("kay_Jra")]
    assert jun_fos["p_value"].min() < 1e-3
    assert table["p_bonferroni"].min() > 0.05


def test_cooperativity_of_ap1_and_gata(deepstarr, golden):
    found = cooperativity(
        deepstarr,
        plain(golden),
        *(MOTIFS["AP1"], MOTIFS["GATA"]),
        distances=[-60, -20, 20, 60],
        target=DEV,
        link="log2",
    )
    by_hand = 2**found.both / (
        2 ** found.first[:, None] + 2**found.second - 2 ** found.background[:, None]
    )
    np.testing.assert_allclose(found.fold, by_hand)
    assert (found.mean > 0).all()


def test_evolution_raises_developmental_activity(deepstarr, golden):
    found = evolve(deepstarr, plain(golden)[:1], rounds=2, target=DEV)
    assert (np.diff(found.scores, axis=1) > 0.2).all()
