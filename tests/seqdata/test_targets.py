from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from seqdata import targets
from seqdata.errors import SeqdataError
from seqdata.splits import assign

VALUES = np.random.default_rng(0).normal(3, 2, (200, 3))
ALL = [
    targets.Clamp(),
    targets.Clamp(percentile=0.9, lower_percentile=0.1),
    targets.ZScore(),
    targets.Log(pseudocount=10),
    targets.Log(base=2, pseudocount=10),
    targets.Quantile(),
    targets.Quantile(n_quantiles=50, output="normal"),
    targets.Binarise(upper=3.0),
    targets.Binarise(percentile=0.8, lower_percentile=0.2),
]


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_fitting_looks_at_training_rows_only(step):
    rows = np.arange(200) < 120
    changed = VALUES.copy()
    changed[120:] = 1e3
    assert step.fit(VALUES, rows) == step.fit(changed, rows) == step.fit(VALUES[:120])


@pytest.mark.parametrize("step", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(200,), (200, 3)])
def test_missing_stays_missing(step, shape):
    values = VALUES[:, 0].copy() if len(shape) == 1 else VALUES.copy()
    values[5] = np.nan
    fitted = step.fit(values)
    out = fitted.transform(values)
    assert out.shape == shape
    assert np.isnan(out[5]).all()
    between = isinstance(step, targets.Binarise)
    assert between or np.isfinite(np.delete(out, 5, axis=0)).all()


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_plain_values_bring_a_transform_back(step):
    fitted = step.fit(VALUES)
    text = json.dumps(fitted.to_dict())
    again = targets.from_dict(json.loads(text))
    assert again == fitted
    np.testing.assert_array_equal(again.transform(VALUES), fitted.transform(VALUES))


@pytest.mark.parametrize(
    "step", [s for s in ALL if not isinstance(s, targets.Binarise | targets.Clamp)], ids=repr
)
def test_inverse_undoes(step):
    fitted = step.fit(VALUES)
    np.testing.assert_allclose(fitted.inverse(fitted.transform(VALUES)), VALUES, atol=0.15)
    if not isinstance(step, targets.Quantile):
        np.testing.assert_allclose(fitted.inverse(fitted.transform(VALUES)), VALUES, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (20, 2), elements=st.floats(-1e6, 1e6)))
@example(np.eye(20, 2) * 5e-324)
def test_zscore_equals_scikit_learn(values):
    ours = targets.ZScore().fit(values)
    theirs = StandardScaler().fit(values)
    spread = values.std(0) > 1e-6
    np.testing.assert_allclose(
        ours.transform(values)[:, spread], theirs.transform(values)[:, spread], atol=1e-6
    )
    np.testing.assert_allclose(ours.inverse(ours.transform(values)), values, atol=1e-6)


def test_quantile_is_the_rank():
    values = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    np.testing.assert_allclose(
        targets.Quantile().fit(values).transform(values), [1, 0, 0.5, 0.25, 0.75]
    )
    normal = targets.Quantile(output="normal").fit(VALUES[:, 0]).transform(VALUES[:, 0])
    inside = normal[np.abs(normal) < 3]
    assert abs(inside.mean()) < 0.1
    assert abs(inside.std() - 1) < 0.15


def test_clamp_and_binarise():
    clamp = targets.Clamp(percentile=0.5, lower_percentile=0.25).fit([0.0, 1, 2, 3, 4])
    assert clamp.transform([-1.0, 1.5, 9]).tolist() == [1.0, 1.5, 2.0]
    assert clamp.inverse([7.0]).tolist() == [7.0]
    given_limits = targets.Clamp(percentile=None, upper=(2.0,))
    assert given_limits.transform([5.0]).tolist() == [2.0]
    binary = targets.Binarise(upper=2.0)
    assert binary.transform([1.9, 2.0, np.nan])[:2].tolist() == [0.0, 1.0]
    with pytest.raises(SeqdataError, match="cannot be turned back"):
        binary.inverse([1.0])


def test_apply_stores_what_it_did_and_invert_undoes_it():
    ds = xr.Dataset({"a": ("_sequence", np.exp(VALUES[:, 0])), "b": ("_sequence", VALUES[:, 1])})
    codes = (np.arange(200) % 4 == 0).astype(np.int8) * 2
    ds = assign(ds, codes)
    done = targets.apply(ds, ["a", "b"], [{"name": "log", "pseudocount": 100}, "zscore"])
    for name in ("a", "b"):
        assert abs(done[name].values[codes == 0].mean()) < 1e-9
        assert abs(done[name].values[codes == 0].std() - 1) < 1e-9
        steps = targets.stored(done[name])
        assert [s.name for s in steps] == ["log", "zscore"]
        np.testing.assert_allclose(
            targets.invert(done[name].values, steps), ds[name].values, rtol=1e-9
        )
    assert "transforms" not in ds["a"].attrs
    again = targets.apply(done, "a", [targets.Clamp()])
    assert [s.name for s in targets.stored(again["a"])] == ["log", "zscore", "clamp"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: targets.ZScore().transform([1.0]), "not fitted"),
        (lambda: targets.Quantile().transform([1.0]), "not fitted"),
        (lambda: targets.Clamp().transform([1.0]), "not fitted"),
        (lambda: targets.Binarise().transform([1.0]), "not fitted"),
        (lambda: targets.ZScore().fit([np.nan, np.nan]), "no finite value"),
        (lambda: targets.ZScore().fit([1.0, 2.0], [True]), "does not fit"),
        (lambda: targets.ZScore().fit(VALUES).transform([1.0]), "was fitted on 3"),
        (lambda: targets.Log().transform([-2.0]), "raise the pseudocount"),
        (lambda: targets.Log(base=1), "base is 1"),
        (lambda: targets.Clamp(percentile=99.5), "a share from 0 to 1"),
        (lambda: targets.Quantile(output="norm"), "Did you mean 'normal'"),
        (lambda: targets.Quantile(n_quantiles=1), "2 or more"),
        (lambda: targets.from_dict("zscor"), "Did you mean 'zscore'"),
        (lambda: targets.from_dict({"name": "log", "bas": 2}), "Did you mean 'base'"),
        (lambda: targets.ZScore.from_dict({"name": "log"}), "'log' is not 'zscore'"),
        (
            lambda: targets.apply(xr.Dataset({"yy": ("_sequence", [1.0])}), "y", ["zscore"]),
            "Did you mean 'yy'",
        ),
    ],
)
def test_mistakes_are_explained(call, message):
    with pytest.raises(SeqdataError, match=message):
        call()


def test_limits_may_be_single_numbers():
    clamp = targets.from_dict({"name": "clamp", "upper": 0.0, "lower": -1}).fit([[5.0, -5.0]])
    assert clamp.transform([[9.0, -9.0], [-0.5, 0.5]]).tolist() == [[0.0, -1.0], [-0.5, 0.0]]
    assert targets.from_dict(clamp.to_dict()) == clamp


def test_a_constant_target_is_not_blown_up():
    values = np.array([0.1] * 7 + [0.1 * 3 / 3])
    scaled = targets.ZScore().fit(values).transform([0.1, 0.6])
    np.testing.assert_allclose(scaled, [0, 0.5], atol=1e-12)


def test_binarise_keeps_to_its_targets():
    fitted = targets.Binarise().fit([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(SeqdataError, match=r"fitted on 2 target\(s\)"):
        fitted.transform([1.0, 2.0])


def test_text_is_no_target():
    ds = xr.Dataset({"kind": ("_sequence", ["a", "b"])})
    with pytest.raises(SeqdataError, match=r"target 'kind' holds <U1.*expected numbers"):
        targets.apply(ds, "kind", ["zscore"])


ENDLESS = np.array([1.0, np.inf, 2.0, -np.inf, 3.0, np.nan])


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (targets.Clamp(percentile=1, lower_percentile=0), [1, 3, 2, 1, 3, np.nan]),
        (targets.ZScore(), [-1.224745, np.inf, 0, -np.inf, 1.224745, np.nan]),
        (targets.Quantile(), [0, 1, 0.5, 0, 1, np.nan]),
        (targets.Binarise(upper=2.5, lower=1.5), [0, 1, np.nan, 0, 1, np.nan]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_infinite_values_are_not_learned_from(step, expected):
    fitted = step.fit(ENDLESS)
    assert fitted == step.fit([1.0, 2.0, 3.0])
    np.testing.assert_allclose(fitted.transform(ENDLESS), expected, atol=1e-6)


def test_infinite_targets_are_told_with_their_row():
    ds = xr.Dataset({"y": ("_sequence", ENDLESS)})
    with pytest.raises(SeqdataError, match=r"'y' is infinite in 2 rows, the first 1: .* a clamp"):
        targets.apply(ds, "y", ["zscore"])
    clamp = {"name": "clamp", "percentile": 1, "lower_percentile": 0}
    done = targets.apply(ds, "y", [clamp, "zscore"])
    assert np.isfinite(done["y"].values[:5]).all()
    assert np.isnan(done["y"].values[5])
    with pytest.raises(SeqdataError, match="go down to -inf"):
        targets.apply(ds, "y", ["log"])


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_nothing_but_missing_cannot_be_fitted(step):
    if isinstance(step, targets.Log) or step == targets.Binarise(upper=3.0):
        return
    with pytest.raises(SeqdataError, match="target 1 has no finite value among the 3 training"):
        step.fit([[1.0, np.nan], [2.0, np.inf], [3.0, np.nan]])


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (12,), elements=st.floats(-1e300, 1e300)),
    st.integers(0, 11),
    st.sampled_from(["zscore", "quantile"]),
)
def test_training_rows_come_back_whatever_their_size(values, missing, name):
    values[missing] = np.nan
    fitted = targets.from_dict(name).fit(values)
    there = fitted.transform(values)
    assert np.isfinite(np.delete(there, missing)).all()
    size = float(np.nanmax(np.abs(values)))
    np.testing.assert_allclose(fitted.inverse(there), values, rtol=1e-9, atol=1e-12 * size + 1e-300)


@pytest.mark.parametrize("step", ALL, ids=repr)
def test_equal_values_stay_finite(step):
    fitted = step.fit(np.full(7, 4.0))
    assert np.isfinite(fitted.transform([4.0, 5.0])).all()
    if not isinstance(step, targets.Binarise):
        assert fitted.inverse(fitted.transform([4.0]))[0] == pytest.approx(4.0)


def test_far_predictions_have_no_warning():
    assert targets.Log().inverse([1e4]).tolist() == [np.inf]
