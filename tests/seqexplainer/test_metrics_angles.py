"""K-attr-mean divergence against the original's numbers (A2, A3) and plain loops."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import plain_acme

import seqexplainer as se
from seqexplainer.errors import InputError
from seqexplainer.metrics import BASES, _maps, angles, k_attr_mean_kld


@pytest.fixture(scope="module")
def golden(golden_files):
    return json.loads((golden_files / "acme.json").read_text())["noise"]


@pytest.fixture(scope="module")
def stored(golden_files):
    return np.load(golden_files / "acme_angles.npz")


def noise(seed, n=20, length=50):
    return np.random.default_rng(seed).normal(size=(n, 4, length))


def test_the_oracle_bins_as_the_original(golden, stored):
    """A2: density to 1e-12, divergence to 1e-6, from the original's own points."""
    weights, counts = plain_acme.binned(stored["phi"], stored["theta"], stored["r"])
    density = weights / (weights.sum() * 0.01)
    assert np.array_equal(counts, stored["count"])
    assert np.allclose(density, stored["pdf"], rtol=0, atol=1e-12)
    assert plain_acme.divergence(density) == pytest.approx(golden["kam_rc0.1"]["kld"], abs=1e-9)


def test_windows_are_those_of_the_original(stored):
    """A2: angles and lengths of all windows, to 1e-9."""
    found = k_attr_mean_kld(stored["attr"], keep=1.0, compat="acme").points
    xyz = stored["xyz"].reshape(-1, 3)
    r = np.linalg.norm(xyz, axis=1)
    at = np.flatnonzero(r > r.min())  # the cut is the smallest one, strictly
    assert np.array_equal(found.sequence * 200 + found.position, at)
    assert np.allclose(found.r, r[at], rtol=0, atol=1e-12)
    assert np.allclose(found.theta, np.arccos(xyz[at, 0] / r[at]), rtol=0, atol=1e-9)
    phi = np.arctan2(xyz[at, 2], xyz[at, 1]) / 2 + np.pi / 2
    assert np.allclose(found.phi, phi, rtol=0, atol=8e-6)  # its pi is 3.1416


@pytest.mark.parametrize("keep", [0.1, 0.99])
def test_numbers_of_the_original(shared_data, golden, keep):
    """A2 on the maps as they were; the default basis and scope as the specification has them."""
    full = np.load(shared_data.parent / "golden" / "acme" / "acme_noise.npz")
    name, attr = f"kam_rc{keep}", full["A"].swapaxes(1, 2)
    found = k_attr_mean_kld(attr, keep=keep, compat="acme")
    assert found.kld == pytest.approx(golden[name]["kld"], abs=1e-9)
    assert found.n_points == golden[name]["n_points"]
    assert np.allclose(found.hist, full[f"{name}_pdf"], rtol=0, atol=1e-12)
    assert np.array_equal(found.counts, full[f"{name}_count"])
    for ours, theirs in (("phi", "phi_half"), ("theta", "theta"), ("r", "r")):
        values = getattr(found.points, ours)
        assert np.allclose(values, full[f"{name}_{theirs}"], rtol=0, atol=1e-9)
    assert round(k_attr_mean_kld(attr, keep=keep).kld, 3) == (0.381 if keep == 0.1 else 0.053)
    if keep == 0.1:
        each = k_attr_mean_kld(attr, basis="acme", threshold_scope="sequence")
        assert round(each.kld, 3) == 0.610


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 5),
    keep=st.sampled_from([0.02, 0.1, 0.5, 0.99, 1.0]),
    acme=st.booleans(),
    single=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_numbers_equal_plain_loops(seed, k, keep, acme, single):
    """With maps of zeros and with NaN, which take no part."""
    attr = noise(seed, 9, 31)
    attr[seed % 9] = 0
    attr[(seed + 4) % 9, 2, 3] = np.nan
    attr = attr.astype(np.float32) if single else attr
    found = k_attr_mean_kld(attr, k=k, keep=keep, compat="acme" if acme else None)
    expected = plain_acme.k_attr_mean(attr.astype(np.float64).swapaxes(1, 2), k, keep, acme=acme)
    assert found.n_empty == 2
    assert np.array_equal(found.counts, expected.counts)
    assert np.allclose(found.hist, expected.hist, rtol=1e-9, atol=1e-12)
    assert np.allclose(found.points.phi, expected.phi, rtol=0, atol=1e-9)
    assert np.allclose(found.points.r, expected.r, rtol=1e-12)
    assert found.kld == pytest.approx(expected.kld, abs=1e-9)


def test_equal_windows_at_the_cut_are_all_left_out():
    attr = np.zeros((1, 4, 12))
    attr[0, 0, [0, 4, 8]] = 1.0  # nine windows of one length, three of none
    for keep, n in ((0.5, 0), (0.75, 0), (0.84, 9), (1.0, 9)):
        assert k_attr_mean_kld(attr, keep=keep).n_points == n
        assert plain_acme.k_attr_mean(attr.swapaxes(1, 2), 3, keep).counts.sum() == n


def test_nothing_to_count():
    for attr, keep in ((np.zeros((3, 4, 9)), 0.1), (noise(0, 1, 9), 0.05)):
        found = k_attr_mean_kld(attr, keep=keep)
        assert np.isnan(found.kld)
        assert np.isnan(found.hist).all()
        assert found.n_points == len(found.points.r) == 0
        assert "no window is above the cut" in found.warnings[-1]


def test_the_basis_is_orthonormal_and_the_original_s_is_not():
    """A3."""
    basis = BASES["orthonormal"]
    assert np.abs(basis @ basis.T - np.eye(3)).max() < 1e-12
    assert np.abs(basis.sum(axis=1)).max() < 1e-12
    theirs = BASES["acme"] @ BASES["acme"].T
    assert np.allclose(np.diag(theirs), [1, 1 / 3, 1])
    assert theirs[1, 2] == pytest.approx(0.2357, abs=1e-4)


def test_lengths_are_those_of_the_sums():
    """A3: in the default basis no length changes."""
    attr = noise(1)
    g = attr - attr.mean(axis=1, keepdims=True)
    g /= np.linalg.norm(g, axis=1).sum(axis=1)[:, None, None]
    total = np.linalg.norm(g + np.roll(g, -1, 2) + np.roll(g, -2, 2), axis=1)
    points = k_attr_mean_kld(attr, keep=0.5).points
    assert np.abs(points.r - total[points.sequence, points.position]).max() < 1e-12


@pytest.mark.parametrize("options", [{}, {"mode": "improved"}, {"threshold_scope": "sequence"}])
def test_scale_and_gauge_change_nothing(options):
    """A3: a factor for each map, a number added to all letters of a position."""
    attr, rng = noise(2, 60), np.random.default_rng(3)
    found = k_attr_mean_kld(attr, **options)
    scaled = k_attr_mean_kld(attr * rng.uniform(0.1, 9, (60, 1, 1)), **options)
    moved = k_attr_mean_kld(attr + rng.normal(size=(60, 1, 50)), **options)
    assert scaled.kld == pytest.approx(found.kld, abs=1e-9)
    assert moved.kld == pytest.approx(found.kld, abs=1e-9)


def test_a_cut_for_each_sequence():
    attr = noise(4, 30) * np.linspace(1, 9, 50)
    found = k_attr_mean_kld(attr, threshold_scope="sequence", keep=0.2)
    everything = k_attr_mean_kld(attr, keep=1.0, threshold_scope="sequence")
    assert found.n_points == 300
    assert (np.bincount(found.points.sequence) == 10).all()
    assert found.cuts.shape == (30,)
    xyz = plain_acme.coordinates(attr.swapaxes(1, 2), 3, 1.0)
    cuts = np.quantile(np.linalg.norm(xyz, axis=2), 0.8, axis=1)
    assert np.allclose(found.cuts, cuts, rtol=1e-12)
    assert everything.n_points == 30 * 49


@pytest.fixture
def one_in_ten(monkeypatch):
    """Let the first look at maps be at one in ten of 7,000."""
    monkeypatch.setattr(angles, "_FEW", 700 * 20)


def uneven():
    """Return maps of which those that are looked at first are unlike the others."""
    attr = noise(5, 7000, 20)
    attr[::10, :, 1:] *= 1e-3
    return attr


@pytest.mark.parametrize("keep", [0.003, 0.1, 0.9, 0.999])
def test_the_cut_is_exact_whatever_was_guessed(one_in_ten, keep):
    """Also where a first look at some of the maps is far from the truth."""
    for attr in (noise(6, 7000, 20), uneven()):
        found = k_attr_mean_kld(attr, keep=keep, points=False)
        xyz = plain_acme.coordinates(attr.swapaxes(1, 2), 3, 1.0)
        r = np.sort(np.linalg.norm(xyz, axis=2).ravel())
        cut = r[-int(keep * r.size)]
        assert found.cuts[0] == pytest.approx(cut, rel=1e-12)
        assert found.n_points == int(keep * r.size) - 1
        assert found.points is None


def test_a_wrong_guess_is_noticed(one_in_ten):
    windows = angles._Windows(_maps.Maps.of(uneven()), 3, 1.0, 0.1, "global", False)
    low, _ = windows._guessed(14000)
    exact = k_attr_mean_kld(uneven(), keep=0.1).cuts[0]
    assert exact < low
    low, high = windows._known(14000)
    assert low < exact <= high < low * 1.07


def test_rows_are_streamed(monkeypatch):
    attr = noise(7, 40)
    whole = k_attr_mean_kld(attr, null="shuffled", n_null=2)
    monkeypatch.setattr(_maps, "_POSITIONS", 350)
    monkeypatch.setattr(_maps, "_FROM_DISK", 1)
    parts = k_attr_mean_kld(attr, null="shuffled", n_null=2)
    assert np.array_equal(parts.counts, whole.counts)
    assert np.allclose(parts.null, whole.null)
    assert np.array_equal(parts.points.position, whole.points.position)
    assert np.array_equal(parts.points.sequence, whole.points.sequence)


def from_coordinates(xyz):
    """Return maps whose single columns have coordinates (n, length, 3)."""
    return np.einsum("nlc,ca->nal", xyz, BASES["orthonormal"])


def test_the_improved_mode_has_no_border():
    """A turn of phi by whole bins turns the histogram and leaves the divergence."""
    rng = np.random.default_rng(8)
    xyz = rng.normal(size=(30, 40, 3)) * [1.0, 3.0, 0.5]
    turn = 2 * np.pi / 31 * 9
    turned = xyz.copy()
    turned[..., 1] = np.cos(turn) * xyz[..., 1] - np.sin(turn) * xyz[..., 2]
    turned[..., 2] = np.sin(turn) * xyz[..., 1] + np.cos(turn) * xyz[..., 2]
    how = {"k": 1, "keep": 0.5, "mode": "improved"}
    first = k_attr_mean_kld(from_coordinates(xyz), **how)
    other = k_attr_mean_kld(from_coordinates(turned), **how)
    assert np.array_equal(np.roll(first.counts, 9, axis=0), other.counts)
    assert other.kld == pytest.approx(first.kld, abs=1e-9)
    assert first.kld > 0
    for table in (first.hist, first.prior):
        assert table.sum() * first.bin_area == pytest.approx(1)


def test_the_improved_prior_equals_a_plain_loop():
    found = k_attr_mean_kld(noise(9, 60), mode="improved", keep=0.5)
    mean = np.zeros((31, 31))
    for i in range(31):
        for j in range(31):
            near = [
                found.hist[(i + a) % 31, j + b]
                for a in range(-3, 4)
                for b in range(-3, 4)
                if 0 <= j + b < 31
            ]
            mean[i, j] = np.mean(near)
    prior = mean / (mean.sum() * found.bin_area)
    assert np.allclose(found.prior, prior)
    there = found.hist > 0
    kld = found.bin_area * np.sum(found.hist[there] * np.log(found.hist[there] / prior[there]))
    assert found.kld == pytest.approx(kld)


def test_directions_are_even_in_the_improved_bins():
    rng = np.random.default_rng(10)
    found = k_attr_mean_kld(
        from_coordinates(rng.normal(size=(500, 100, 3))), k=1, keep=1.0, mode="improved"
    )
    expected = found.n_points / 961
    assert ((found.counts - expected) ** 2 / expected).sum() < 961 + 5 * np.sqrt(2 * 961)


def test_coherent_maps_stand_out_of_shuffled_ones():
    motif = noise(11, 400)
    motif[:, :, 20:30] += 3 * np.random.default_rng(0).normal(size=(4, 10))
    found = k_attr_mean_kld(motif, null="shuffled", n_null=6, keep=0.5)
    assert found.z > 8
    assert found.z == (found.kld - found.null_mean) / found.null_sd
    other = k_attr_mean_kld(noise(12, 400), null="shuffled", n_null=6, keep=0.5)
    assert abs(other.z) < 5
    assert other.null_mean == pytest.approx(other.kld, rel=0.2)


@pytest.mark.parametrize("mode", ["paper", "improved"])
def test_the_correction_takes_most_of_the_bias_away(mode):
    """Noise has no direction in the long run; a quarter of what it seems to have is left."""
    few = [
        k_attr_mean_kld(noise(13, 200), mode=mode, keep=0.5, correction=correction).kld
        for correction in (None, "miller_madow")
    ]
    assert few[0] > 0.05
    assert abs(few[1]) < few[0] / 4


def test_notes(caplog):
    few = k_attr_mean_kld(noise(14))
    assert "9,610 are wanted" in few.warnings[-1]
    assert few.warnings[-1] in caplog.text
    assert k_attr_mean_kld(noise(14, 250), keep=1.0).warnings == ()
    every = k_attr_mean_kld(noise(14, 250), keep=1.0)
    other = k_attr_mean_kld(noise(14, 249), keep=1.0, mode="improved")
    found = se.metrics.incomparable({"a": every, "b": other})
    assert found[0].startswith("n_seqs differ (a 250, b 249)")
    assert found[1].startswith("mode differs (a 'paper', b 'improved')")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 51}, "k is 51, the maps are 50"),
        ({"keep": 0}, "keep is 0; expected a number from above 0 to 1"),
        ({"keep": 1.5}, "keep is 1.5"),
        ({"basis": "orthogonal"}, "unknown basis 'orthogonal'"),
        ({"threshold_scope": "globl"}, "did you mean 'global'"),
        ({"mode": "better"}, "unknown mode 'better'"),
        ({"compat": "acme", "mode": "improved"}, "computes as the paper's code does"),
        ({"seed": -1}, "seed is -1"),
        ({"X": np.zeros((20, 4, 49))}, "X must have shape"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(InputError, match=message):
        k_attr_mean_kld(noise(15), **options)
