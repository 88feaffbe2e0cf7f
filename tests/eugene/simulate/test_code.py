"""The synthetic regulatory code, beside the published generator and by its statistics."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import seqpro as sp
from eugene.errors import EugeneError
from eugene.simulate import CORE, code_motifs, synthetic_code
from seqpro.motifs import MotifSet, write_jaspar

# sha256 of the published generator's arrays, run with NumPy 1.26.4 and seed 22
PUBLISHED = {
    "train X": "cb9b4ada8f02d389322584faba0d79b6bfcc668a961a45d8908f66fccac3d0ad",
    "test X": "b5209cb691a91af01110b7ee0332cd2955b22c730355a84e5431d85c53f653ca",
    "test Y": "88ba27216d1f65becbcb8c4e4bea8efef8872bad649e2d68b5adebed1f781a39",
}
SHARES = [0.5, 0.25, 0.17, 0.05, 0.03]


def jaspar(shared_data: Path) -> Path:
    path = shared_data / "motifs" / "pfm_vertebrates.txt.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def one_hot(ds: xr.Dataset) -> np.ndarray:
    return sp.ohe(ds["seq"].values, sp.DNA).swapaxes(1, 2).astype(np.uint8)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_code(4000, seed=5)


@pytest.fixture(scope="module")
def published() -> xr.Dataset:
    return synthetic_code(compat="acme")


def test_the_published_rows(published):
    parts = {name: published.isel(_sequence=published["split"].values == code)
             for name, code in {"train": 0, "valid": 1, "test": 2}.items()}  # fmt: skip
    assert [p.sizes["_sequence"] for p in parts.values()] == [14_000, 2_000, 4_000]
    assert (np.diff(published["split"].values) >= 0).all()
    assert digest(one_hot(parts["train"])) == PUBLISHED["train X"]
    assert digest(one_hot(parts["test"])) == PUBLISHED["test X"]
    assert digest(parts["test"]["label"].values[:, None]) == PUBLISHED["test Y"]
    balance = [p["label"].values.mean() for p in parts.values()]
    np.testing.assert_allclose(balance, [0.5008571, 0.5075, 0.49325], atol=1e-6)


def test_the_published_motifs(published):
    label, count = published["label"].values, published["n_motifs"].values
    shares = [np.bincount(count[label == v], minlength=8)[3:] / 10_000 for v in (1, 0)]
    np.testing.assert_allclose(shares[0], [0.4977, 0.256, 0.1614, 0.0521, 0.0328], atol=1e-12)
    np.testing.assert_allclose(shares[1], [0.4962, 0.2536, 0.1686, 0.0503, 0.0313], atol=1e-12)
    number = published["motif"].values[label == 0]
    core = ((number >= 1) & (number <= 5)).sum(1)
    assert ((core >= 3).mean(), (core >= 1).mean()) == (0.0048, 0.306)


def test_the_published_probabilities(published, shared_data):
    path = shared_data.parent / "golden" / "acme" / "synthetic_code_dataset_first64_test.npz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    first = published.isel(_sequence=slice(16_000, 16_064))
    with np.load(path) as golden:
        assert (one_hot(first) == golden["X"]).all()
        assert (first["label"].values == golden["Y"][:, 0]).all()
        np.testing.assert_array_equal(first["pwm"].values, golden["model"])


def test_the_file_holds_the_motifs_of_the_package(shared_data):
    path = jaspar(shared_data)
    for seed, motifs in ((22, None), (3, path)):
        ds = synthetic_code(60, motifs=motifs, compat="acme", seed=seed)
        assert ds.identical(synthetic_code(60, motifs=path, compat="acme", seed=seed))
    assert synthetic_code(20, motifs=path, seed=3)["motif"].values.max() > 5


def test_counts_of_motifs(ds):
    count, label = ds["n_motifs"].values, ds["label"].values
    assert ds["seq"].shape == (4000, 200)
    assert label.tolist() == [0, 1] * 2000
    np.testing.assert_allclose(np.bincount(count, minlength=8)[3:] / 4000, SHARES, atol=0.015)
    assert count.min() == 3
    number = ds["motif"].values
    assert ((number > 0).sum(1) == count).all()
    assert set(number[label == 1].ravel()) == {0, 1, 2, 3, 4, 5}
    # every one of the 110 matrices is as likely as another
    both = number[label == 0] * ds["motif_strand"].values[label == 0]
    values, hits = np.unique(both[both != 0], return_counts=True)
    assert len(values) == 110
    expected = hits.sum() / 110
    assert ((hits - expected) ** 2 / expected).sum() < 160  # chi2 with 109 degrees of freedom


def test_motifs_and_gaps_fill_the_length(ds):
    start, number = ds["motif_start"].values, ds["motif"].values
    width = np.array([0, *(m.width for m in code_motifs())])[number]
    covered = np.zeros((4000, 200), np.uint8)
    for slot in range(7):
        at = np.arange(200) - start[:, slot, None]
        inside = (number[:, slot, None] > 0) & (at >= 0) & (at < width[:, slot, None])
        assert (covered[inside] == 0).all()
        covered += inside * number[:, slot, None]
    assert (covered == ds["annotation"].values).all()
    behind = np.where(number[:, 1:] > 0, start[:, 1:] - (start + width)[:, :-1], 0)
    assert behind.min() == 0
    # with three motifs there are four gaps, all alike
    three = ds["n_motifs"].values == 3
    spare = 200 - width.sum(1)
    gaps = np.column_stack([start[:, 0], behind[:, :2], 200 - (start + width)[:, 2]])[three]
    assert (gaps.sum(1) == spare[three]).all()
    np.testing.assert_allclose((gaps / spare[three, None]).mean(0), 0.25, atol=0.01)


def test_letters_follow_the_probabilities(ds):
    pwm, x = ds["pwm"].values.astype(float), one_hot(ds)
    np.testing.assert_allclose(pwm.sum(1), 1, atol=1e-6)
    gap = ds["annotation"].values == 0
    assert (pwm.swapaxes(1, 2)[gap] == 0.25).all()
    assert (pwm[x > 0] > 0).all()
    for low in np.arange(0, 1, 0.1):
        among = (pwm > low) & (pwm <= low + 0.1)
        # five standard errors
        assert abs(x[among].mean() - pwm[among].mean()) < 2.5 / np.sqrt(among.sum())


def test_sites_stand_on_their_strand(ds):
    row, slot = 1, 0
    number, strand = int(ds["motif"][row, slot]), int(ds["motif_strand"][row, slot])
    start = int(ds["motif_start"][row, slot])
    counts = code_motifs()[number - 1].matrix
    expected = (counts / counts.sum(0))[::strand, ::strand]
    found = ds["pwm"].values[row, :, start : start + expected.shape[1]]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert set(np.unique(ds["motif_strand"].values)) == {-1, 0, 1}


@pytest.mark.parametrize("n", [2, 100])
def test_any_beginning_is_the_same(ds, n):
    assert synthetic_code(n, seed=5).identical(ds.isel(_sequence=slice(0, n)))
    assert not synthetic_code(n, seed=6)["seq"].equals(ds["seq"][:n])


def test_short_sequences(ds):
    short = synthetic_code(400, 70, seed=1)
    assert short["seq"].shape == (400, 70)
    assert short["n_motifs"].values.mean() < ds["n_motifs"].values.mean()
    assert synthetic_code(40, 70, compat="acme")["seq"].shape == (40, 70)


def test_written_and_read_again(tmp_path, ds):
    stored = synthetic_code(100, seed=5, out=tmp_path / "code.zarr")
    assert stored["pwm"].chunks is not None
    xr.testing.assert_equal(stored.load(), ds.isel(_sequence=slice(0, 100)))


def test_five_that_matter_are_named(ds):
    assert ds["annotation"].attrs["motif_names"] == list(CORE)
    assert ds["annotation"].attrs["motifs"][3] == "MA0058.3"
    assert len(ds["annotation"].attrs["flag_meanings"].split()) == 56


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"n": 3}, "even"),
        ({"n": 0}, "even"),
        ({"compat": "notebook"}, "must be 'acme' or None"),
        ({"length": 50}, "raise length above"),
        ({"compat": "acme", "seed": 23}, "give the file of JASPAR"),
    ],
)
def test_refused(arguments, said):
    with pytest.raises(EugeneError, match=said):
        synthetic_code(**{"n": 10, **arguments})


def test_files_of_other_motifs_are_refused(tmp_path):
    write_jaspar(MotifSet(list(code_motifs())[:4]), tmp_path / "four.jaspar")
    with pytest.raises(EugeneError, match="no motif is called YY1"):
        synthetic_code(10, motifs=tmp_path / "four.jaspar")
    write_jaspar(MotifSet(list(code_motifs())[:50]), tmp_path / "few.jaspar")
    for compat in (None, "acme"):
        with pytest.raises(EugeneError, match="50 motifs are too few, as 50 are drawn"):
            synthetic_code(10, motifs=tmp_path / "few.jaspar", compat=compat)
