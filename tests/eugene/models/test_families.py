"""What is particular to a family: heads, controls, branches, units, pools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from zoo_table import build_tiny, one_hot

import seqexplainer as se
from eugene.models import ProfileOutput, build, zoo
from eugene.models.basenji import dilation_rates
from eugene.models.sei import spline_basis
from eugene.nn import InputShapeError, ModelError
from eugene.nn._same_pool import same_max_pool

PROFILES = ("bpnet", "chrombpnet", "cherimoya", "aparent")


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_and_counts_or_counts_alone(name: str) -> None:
    both = build_tiny(name).eval()
    alone = build_tiny(name, profile=False).eval()
    shared = {k: v for k, v in both.state_dict().items() if k in alone.state_dict()}
    alone.load_state_dict(shared)
    X = one_hot(2, both.input_len)
    with torch.no_grad():
        found = both(X)
        assert isinstance(found, ProfileOutput)
        assert found.profile.ndim == 3
        torch.testing.assert_close(alone(X), found.counts)
    # explained by either head
    for target in ((0, 0, 3), (1, 0)):
        explained = se.attribute(both, X, "deep_lift_shap", target=target, n_references=2)
        assert torch.isfinite(torch.as_tensor(explained)).all()


@pytest.mark.parametrize("name", ["bpnet", "cherimoya"])
def test_controls_move_profiles_and_counts_and_none_are_zero(name: str) -> None:
    model = build_tiny(name, n_control_tracks=2).eval()
    X = one_hot(2, model.input_len)
    control = torch.rand(2, 2, model.input_len) * 50
    with torch.no_grad():
        bare, told = model(X), model(X, control)
        torch.testing.assert_close(bare, model(X, torch.zeros_like(control)))
    assert not torch.allclose(bare.profile, told.profile)
    assert not torch.allclose(bare.counts, told.counts)
    with pytest.raises(InputShapeError, match="give n_control_tracks when building it"):
        model(X, control[:, :1])
    with pytest.raises(InputShapeError, match="the network was built for"):
        build_tiny(name)(X, control)


def test_bias_and_main_add_up_and_the_bias_stays() -> None:
    model = build_tiny("chrombpnet")
    X = one_hot(3, model.input_len)
    main, bias, both = model.main(X), model.bias(X), model(X)
    torch.testing.assert_close(both.profile, main.profile + bias.profile)
    torch.testing.assert_close(both.counts.exp(), main.counts.exp() + bias.counts.exp())
    assert not any(p.requires_grad for p in model.bias.parameters())
    assert build_tiny("chrombpnet", freeze_bias=False).bias.head.counts.weight.requires_grad


@pytest.mark.parametrize(("name", "positions"), [("chrombpnet", 1000), ("cherimoya", 1000)])
def test_published_windows(name: str, positions: int) -> None:
    with torch.device("meta"):
        model = build(name)
    assert model.output_len == positions
    assert model.eval()(torch.zeros(1, 4, 2114, device="meta")).profile.shape[2] == positions


def test_profile_errors() -> None:
    with pytest.raises(ModelError, match="trimming=-1 must not be negative"):
        zoo.BPNet(300, trimming=-1)
    with pytest.raises(ModelError, match=r"leaves out 256 bp at each end .* does: 513"):
        zoo.BPNet(300)


def test_basenji_gives_a_value_a_bin() -> None:
    model = build_tiny("basenji", pool="none", cropping=2).eval()
    X = one_hot(2, 1024 + 128)
    with torch.no_grad():
        bins = model(X)
        assert bins.shape == (2, 2, (1024 + 128) // 128 - 4)
        # the mean of the tracks is the track of the mean
        pooled = build_tiny("basenji", pool="avg", cropping=2).eval()
        pooled.load_state_dict(model.state_dict())
        torch.testing.assert_close(pooled(X), bins.mean(dim=2))
    assert dilation_rates(11, 1.5, rounded=False) == [1, 2, 2, 3, 5, 8, 11, 17, 26, 38, 58]
    with torch.device("meta"):
        whole = zoo.Basenji()
    assert whole.output_len == 896
    assert [block[1].out_channels for block in whole.tower] == [339, 399, 470, 554, 652, 768]
    with pytest.raises(ModelError, match="pool='sum'"):
        build_tiny("basenji", pool="sum")


@pytest.mark.parametrize("length", range(3, 14))
@pytest.mark.parametrize("kernel", [2, 4, 5])
def test_same_pools_are_those_of_keras(length: int, kernel: int) -> None:
    pool, positions = same_max_pool(length, kernel)
    x = torch.randn(2, 3, length)
    missing = positions * kernel - length
    padded = F.pad(x, (missing // 2, missing - missing // 2), value=-torch.inf)
    torch.testing.assert_close(pool(x), padded.unflatten(2, (positions, kernel)).amax(3))


def test_units_of_explainn_see_nothing_of_one_another() -> None:
    model = build_tiny("explainn").eval()
    X = one_hot(4, model.input_len)
    with torch.no_grad():
        units = model.unit_outputs(X)
        torch.testing.assert_close(model.linear(units), model(X))
        model.detectors[0].weight[2] += 1.0
        moved = (model.unit_outputs(X) != units).any(dim=0)
    assert moved.tolist() == [False, False, True, False, False]
    for depth in (0, 1, 3):
        assert build_tiny("explainn", num_fc=depth)(X).shape == (4, 2)


def test_branches_of_malinois_are_their_outputs_own() -> None:
    model = build_tiny("malinois").eval()
    X = one_hot(2, model.input_len)
    with torch.no_grad():
        before = model(X)
        model.branches[0].weight[: model.branches[0].weight.shape[0] // 2] += 1.0
        moved = (model(X) != before).any(dim=0)
    assert moved.tolist() == [True, False]


def test_splines_of_sei_are_de_boor_s() -> None:
    from scipy.interpolate import splev

    n, df = 37, 9
    place = np.arange(n)
    inner = np.percentile(place, 100 * np.linspace(0, 1, df - 2)[1:-1])
    knots = np.sort(np.concatenate(([0, n - 1] * 4, inner)))
    theirs = np.stack([splev(place, (knots, np.eye(df)[i], 3)) for i in range(df)], axis=1)
    np.testing.assert_allclose(spline_basis(n, df).numpy(), theirs, atol=1e-6)
    with pytest.raises(ModelError, match="spline_df=3 must be at least 4"):
        build_tiny("sei", spline_df=3)


def test_aparent_is_told_of_its_library() -> None:
    model = build_tiny("aparent", profile=False).eval()
    X = one_hot(2, model.input_len)
    with torch.no_grad():
        assert not torch.allclose(model(X), model(X, torch.eye(3)[:2]))
        assert not torch.allclose(model(X), model(X, distal=torch.zeros(2, 1)))
    with pytest.raises(InputShapeError, match=r"library has the shape \(2, 4\), expected \(2, 3\)"):
        model(X, torch.zeros(2, 4))


def test_the_lstm_of_deeptopic_has_one_bias_as_in_keras() -> None:
    model = build_tiny("deeptopic_lstm")
    second = [p for n, p in model.named_parameters() if "bias_hh" in n]
    assert len(second) == 2
    assert not any(p.requires_grad or p.any() for p in second)


def test_legnet_and_dilated_cnn_say_what_does_not_fit() -> None:
    with pytest.raises(ModelError, match="pool_sizes has 1 values for 2 blocks"):
        build_tiny("legnet", pool_sizes=[2])
    with pytest.raises(ModelError, match="ef_ks=4 must be odd"):
        build_tiny("legnet", ef_ks=4)
    assert isinstance(build_tiny("dilated_cnn").output_activation, nn.Softplus)
    assert isinstance(build_tiny("dilated_cnn", output_activation=None).output_activation,
                      nn.Identity)  # fmt: skip
    pooled = build_tiny("dilated_cnn", first_conv_pool_size=2, batch_norm=False)
    assert pooled(one_hot(2, 80)).shape == (2, 2)
