"""Signal-to-noise ratio of attributions against the original's numbers (A5)."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from seqexplainer.errors import InputError
from seqexplainer.metrics import attribution_snr

NAMES = {"snr": "snr", "signal": "signal", "noise": "noise_topk", "auroc": "auroc", "auprc": "aupr"}


@pytest.fixture(scope="module")
def stored(golden_files):
    return np.load(golden_files / "acme_snr.npz")


def test_numbers_of_the_original(stored):
    """A5: to 1e-9, a number a sequence."""
    found = attribution_snr(stored["attr"], stored["letters"], stored["truth"])
    for ours, theirs in NAMES.items():
        assert np.allclose(getattr(found, ours), stored[theirs], rtol=0, atol=1e-9), ours
    assert found.mean == pytest.approx(stored["snr"].mean())
    assert found.mean_auroc == pytest.approx(stored["auroc"].mean())
    assert found.mean_auprc == pytest.approx(stored["aupr"].mean())
    assert found.warnings == ()


def test_all_numbers_of_the_original(shared_data):
    full = np.load(shared_data.parent / "golden" / "acme" / "attribution_snr.npz")
    attr, X, truth = (full[name].swapaxes(1, 2) for name in ("attr", "X", "model"))
    found = attribution_snr(attr, X, truth)
    for ours, theirs in NAMES.items():
        assert np.allclose(getattr(found, ours), full[theirs], rtol=0, atol=1e-9), ours


def small(seed=0, n=6, length=40):
    """Return coarse maps with ties, letters and truth: a motif, a weak one, background."""
    rng = np.random.default_rng(seed)
    truth = np.full((n, 4, length), 0.25)
    truth[:, :, 5:10] = np.array([0.7, 0.1, 0.1, 0.1])[:, None]
    truth[:, :, 12] = [0.28, 0.24, 0.24, 0.24]  # less than 0.1 bits: neither
    letters = rng.choice(list("ACGT"), (n, length))
    attr = rng.integers(-3, 4, (n, 4, length)) / 2
    return attr, ["".join(row) for row in letters], truth


def test_areas_equal_scikit_learn():
    attr, texts, truth = small()
    found = attribution_snr(attr, texts, truth, top=5)
    columns = np.array([["ACGT".index(letter) for letter in text] for text in texts])
    scores = np.take_along_axis(attr, columns[:, None], axis=1)[:, 0]
    known = np.arange(40) != 12
    label = (np.arange(40) >= 5) & (np.arange(40) < 10)
    for i, score in enumerate(scores):
        assert found.auroc[i] == pytest.approx(roc_auc_score(label[known], score[known]))
        precision, recall, _ = precision_recall_curve(label[known], score[known])
        assert found.auprc[i] == pytest.approx(auc(recall, precision))
        rest = score[known & ~label]
        noise = np.sort(rest[rest > 0])[-5:].mean()
        assert found.snr[i] == pytest.approx(score[label].mean() / noise)


def test_a_background_with_few_positive_positions_counts_as_nothing():
    attr, texts, truth = small()
    attr[2] = -1
    attr[2, :, 5:10] = 2
    attr[2, :, 20:29] = 0.5
    found = attribution_snr(attr, texts, truth)
    assert found.snr[2] == found.signal[2] == found.noise[2] == 0
    assert found.auroc[2] == 1
    assert "1 of 6 sequences have fewer than 10 positive" in found.warnings[0]
    assert attribution_snr(attr, texts, truth, top=9).snr[2] == pytest.approx(4)


def test_sequences_without_a_motif_have_no_numbers(caplog):
    attr, texts, truth = small()
    truth[3] = 0.25
    found = attribution_snr(attr, texts, truth, top=3)
    for values in (found.snr, found.signal, found.auroc, found.auprc):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3]
    assert found.mean == pytest.approx(np.delete(found.snr, 3).mean())
    assert "1 of 6 sequences have no position of a motif" in caplog.text


def test_unknown_letters_count_nothing():
    attr, texts, truth = small()
    texts[0] = "N" * 10 + texts[0][10:]
    found = attribution_snr(np.abs(attr) + 1, texts, truth)
    assert found.signal[0] == 0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("truth", np.full((6, 4, 39), 0.25), r"truth must have shape \(6, 4, 40\)"),
        ("truth", np.zeros((6, 4, 40)), "sequence 0, position 0; expected the probability"),
        ("attr", np.full((6, 4, 40), np.nan), "attr holds NaN or an infinite value in sequence 0"),
        ("top", 0, "top must be at least 1"),
        ("threshold", 2.5, "threshold is 2.5"),
    ],
)
def test_wrong_arguments(name, value, message):
    given = dict(zip(("attr", "X", "truth"), small(), strict=True)) | {name: value}
    with pytest.raises(InputError, match=message):
        attribution_snr(given.pop("attr"), given.pop("X"), given.pop("truth"), **given)
