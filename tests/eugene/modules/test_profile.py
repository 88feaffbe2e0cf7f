"""Training on profiles and counts: losses against scipy, masks, strands, weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import jensenshannon
from torch import nn

import seqpro as sp
from eugene.errors import EugeneError
from eugene.models import ProfileModule, ProfileOutput
from eugene.modules._views import turn_tracks
from eugene.nn import InputShapeError

RNG = np.random.default_rng(0)
SEQS = sp.random_seqs((6, 40), sp.DNA, seed=0)
LENGTH = 32


class Net(nn.Module):
    """A profile of a convolution and counts of its mean, with a control where there is one."""

    def __init__(self, tracks: int = 2, counts: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(4, tracks, 9)
        self.counts = nn.Linear(tracks, counts)

    def forward(self, x: torch.Tensor, control: torch.Tensor | None = None) -> ProfileOutput:
        """Return the profile and the counts."""
        profile = self.conv(x)
        counts = self.counts(profile.mean(2)) + 2
        if control is not None:
            profile = profile + control[..., 4:-4]
        return ProfileOutput(profile, counts)


def batch(tracks: int = 2) -> dict[str, torch.Tensor]:
    target = RNG.poisson(1.5, (6, tracks, LENGTH)).astype(np.float32)
    return {"seq": torch.from_numpy(SEQS.view("u1").copy()), "target": torch.from_numpy(target)}


def output(module: ProfileModule, rows: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        given = module(module.encode(rows))
    return given.profile.double().numpy(), given.counts.double().numpy()


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def value(module: ProfileModule, rows: dict[str, torch.Tensor]) -> float:
    return float(module.training_step(rows, 0).detach())


@pytest.mark.parametrize("strands", ["joint", "separate"])
def test_the_loss_is_the_likelihood_and_the_error_of_counts(strands: Any) -> None:
    module = ProfileModule(Net(), count_weight=7.0, loss_strands=strands)
    rows = batch()
    profile, counts = output(module, rows)
    y = rows["target"].numpy()
    expected = []
    for i in range(6):
        if strands == "joint":
            parts = [(y[i].ravel(), softmax(profile[i].ravel()))]
        else:
            parts = [(y[i, s], softmax(profile[i, s])) for s in range(2)]
        nll = -sum(stats.multinomial.logpmf(n, n.sum(), p / p.sum()) for n, p in parts)
        expected.append(nll + 7 * (counts[i, 0] - np.log1p(y[i].sum())) ** 2)
    assert value(module, rows) == pytest.approx(np.mean(expected), rel=1e-5)


def test_tasks_with_their_strands_weights_and_a_count_each() -> None:
    tasks = {"b": ["b+", "b-"], "a": ["a"]}
    module = ProfileModule(
        Net(3, 2),
        tracks=["b+", "a", "b-"],
        pairs=[2, 1, 0],
        tasks=tasks,
        count_weight=[3.0, 5.0],
        task_weights=[1, 2],
    )
    rows = batch(3)
    rows["weight"] = torch.tensor([1.0, 0, 2, 1, 1, 1])
    profile, counts = output(module, rows)
    y = rows["target"].numpy()
    total = weight = 0.0
    for i, w in enumerate(rows["weight"].tolist()):
        for t, (members, share) in enumerate((([0, 2], 1), ([1], 2))):
            n, p = y[i, members].ravel(), softmax(profile[i, members].ravel())
            nll = -stats.multinomial.logpmf(n, n.sum(), p / p.sum())
            loss = nll + (3, 5)[t] * (counts[i, t] - np.log1p(n.sum())) ** 2
            total, weight = total + w * share * loss, weight + w * share
    assert value(module, rows) == pytest.approx(total / weight, rel=1e-5)


def test_missing_positions_have_no_part_in_either_loss() -> None:
    """Shares are among the positions there; predicted counts are less what lies elsewhere."""
    module = ProfileModule(Net(), count_weight=2.0)
    rows = batch()
    hole = rows["target"].clone()
    hole[0, 0, :10] = torch.nan
    hole[1] = torch.nan  # no target at all
    profile, counts = output(module, rows)
    y = hole.numpy()
    expected = []
    for i in (0, 2, 3, 4, 5):
        there = np.isfinite(y[i])
        p = softmax(profile[i].ravel()).reshape(2, -1)[there]
        n = y[i][there]
        nll = -stats.multinomial.logpmf(n, n.sum(), p / p.sum())
        reach = np.log1p(np.expm1(counts[i, 0]) * p.sum())
        expected.append(nll + 2 * (reach - np.log1p(n.sum())) ** 2)
    by_nan = value(module, {**rows, "target": hole})
    assert by_nan == pytest.approx(np.mean(expected), rel=1e-5)
    mask = torch.isfinite(hole).float()
    assert value(module, {**rows, "mask": mask}) == by_nan
    of_row = mask.clone()[:, 0] * 0 + 1
    of_row[3, 5:9] = 0
    both = {**rows, "mask": of_row[:, None].expand(-1, 2, -1)}
    assert value(module, {**rows, "mask": of_row}) == value(module, both)
    module.training_step({**rows, "target": hole}, 0).backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())


def test_the_weight_of_counts_in_the_gradient() -> None:
    """The counts' head sees the weight times its gradient, the profile's none of it."""
    grads, rows = [], batch()
    for weight in (1.0, 10.0):
        module = ProfileModule(Net(), count_weight=weight)
        module.training_step(rows, 0).backward()
        grads.append(module.arch.counts.weight.grad.clone())
    torch.testing.assert_close(grads[1], grads[0] * 10)


def test_learned_weights_follow_both_losses() -> None:
    """At its minimum the variance of a likelihood is twice its loss, that of an error the error."""
    module = ProfileModule(Net(), count_weight="learned")
    rows = batch()
    with torch.no_grad():
        fixed = ProfileModule(module.arch, count_weight=0.0)
        likelihood = value(fixed, rows)
        error = value(ProfileModule(module.arch, count_weight=1.0), rows) - likelihood
        module.log_variances.copy_(torch.tensor([2 * likelihood, error]).log())
    module.training_step(rows, 0).backward()
    torch.testing.assert_close(module.log_variances.grad, torch.zeros(2), atol=1e-4, rtol=0)
    assert "log_variances" in dict(module.named_parameters())


def test_metrics_of_an_epoch_whatever_the_batches() -> None:
    from eugene.modules import make_metric

    module = ProfileModule(Net(), count_weight=1.0).eval()
    rows = batch()
    rows["target"][2] = 0  # no counts: no profile to compare
    profile, counts = output(module, rows)
    y = rows["target"].numpy()
    found = {}
    for size in (6, 4):
        for start in range(0, 6, size):
            part = {k: v[start : start + size] for k, v in rows.items()}
            module.validation_step(part, 0)
        found[size] = {k: float(m.compute()) for k, m in module.metric_objects.items()}
        for metric in module.metric_objects.values():
            metric.reset()
    kept = [i for i in range(6) if i != 2]
    shares = [softmax(profile[i].ravel()) for i in range(6)]
    distance = [jensenshannon(shares[i], y[i].ravel()) for i in kept]
    along = [np.corrcoef(shares[i], y[i].ravel())[0, 1] for i in kept]
    totals = np.log1p(y.sum((1, 2)))
    assert found[6]["profile_jsd"] == pytest.approx(np.mean(distance), rel=1e-5)
    assert found[6]["profile_pearson"] == pytest.approx(np.mean(along), rel=1e-4)
    r = np.corrcoef(counts[:, 0], totals)[0, 1]
    assert found[6]["count_pearson"] == pytest.approx(r, rel=1e-4)
    assert found[4] == pytest.approx(found[6], rel=1e-5)
    assert make_metric("pearson").higher_is_better


class Known(nn.Module):
    """Profiles that can be told by hand: where A (track 0) and T (track 1) stand."""

    def forward(self, x: torch.Tensor, control: torch.Tensor | None = None) -> ProfileOutput:
        """Return logits of the middle."""
        logits = torch.stack((3 * x[:, 0], 3 * x[:, 3]), 1)
        if control is not None:
            logits = logits + control
        return ProfileOutput(logits[..., 5:-5], x[:, :2].sum((1, 2))[:, None] / 10)


def test_strands_are_turned_back_and_swapped() -> None:
    """A on one strand is T on the other: averaging over both changes nothing, in any order."""
    module = ProfileModule(Known(), pairs=[1, 0], count_weight=1.0)
    control = RNG.random((6, 2, 40)).astype(np.float32)
    module.hparams["control_pairs"] = [1, 0]
    straight = module.predict(SEQS, control)
    both = module.predict(SEQS, control, reverse_complement=True)
    torch.testing.assert_close(both.profile, straight.profile)
    np.testing.assert_allclose(both.profile.sum((1, 2)), 1, rtol=1e-5)
    unswapped = ProfileModule(Known(), pairs=[0, 1], tasks={"y": [0, 1]}, count_weight=1.0)
    unswapped.hparams["control_pairs"] = [0, 1]
    other = unswapped.predict(SEQS, control, reverse_complement=True).profile
    assert not torch.allclose(other, straight.profile, atol=1e-3)


def test_shifts_are_put_back_to_their_place() -> None:
    module = ProfileModule(Known(), pairs=[1, 0], count_weight=1.0)
    moved = module.predict(SEQS, shifts=[-2, 0, 3], batch_size=4).profile
    views = []
    for shift in (-2, 0, 3):
        blank = np.full((6, abs(shift)), b"N", "S1")
        parts = [blank, SEQS[:, : 40 - shift]] if shift >= 0 else [SEQS[:, -shift:], blank]
        view = module.predict(np.concatenate(parts, 1)).profile.numpy()
        placed = np.full((6, 2, 30), np.nan)
        for q in range(30):
            if 0 <= q + shift < 30:
                placed[:, :, q] = view[:, :, q + shift]
        views.append(placed)
    expected = np.nanmean(views, axis=0)
    expected /= expected.sum((1, 2), keepdims=True)
    np.testing.assert_allclose(moved, expected, rtol=1e-4)
    with pytest.raises(InputShapeError, match="2 of 30 positions without a prediction"):
        module.predict(SEQS, shifts=[2])


def test_turned_twice_is_what_it_was() -> None:
    tracks = torch.rand(2, 3, 5)
    pairs = [2, 1, 0]
    torch.testing.assert_close(turn_tracks(turn_tracks(tracks, pairs), pairs), tracks)
    np.testing.assert_array_equal(
        turn_tracks(tracks, pairs), tracks.numpy()[:, [2, 1, 0]][..., ::-1]
    )


def test_a_part_of_the_network_is_trained_and_predicts_alone() -> None:
    arch = {
        "name": "chrombpnet", "input_len": 60, "n_filters": 3, "n_layers": 1, "bias_filters": 2,
        "bias_layers": 1, "trimming": 14, "freeze_bias": False,
    }  # fmt: skip
    module = ProfileModule(arch, count_weight=1.0, part="bias", seed=0)
    seqs = sp.random_seqs((3, 60), sp.DNA, seed=1)
    target = torch.ones(3, 1, 32)
    module.training_step({"seq": torch.from_numpy(seqs.view("u1").copy()), "target": target}, 0)
    module.training_step(
        {"seq": torch.from_numpy(seqs.view("u1").copy()), "target": target}, 0
    ).backward()
    with_grad = {n.split(".")[0] for n, p in module.arch.named_parameters() if p.grad is not None}
    assert with_grad == {"bias"}
    alone = ProfileModule(module.arch.bias, count_weight=1.0).predict(seqs)
    torch.testing.assert_close(module.predict(seqs).profile, alone.profile)
    whole = ProfileModule(module.arch, count_weight=1.0)
    torch.testing.assert_close(whole.predict(seqs, part="bias").counts, alone.counts)
    with pytest.raises(EugeneError, match="no part 'biass'; its parts are 'main', 'bias'"):
        ProfileModule(module.arch, count_weight=1.0, part="biass")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count_weight": -1}, "count_weight is -1: expected a number from 0 up"),
        ({"count_weight": "autp"}, "count_weight is 'autp'"),
        ({"loss_strands": "both"}, "loss_strands is 'both'"),
        ({"task_weights": [0.0]}, "not all 0"),
        ({"pairs": [1, 1]}, "expected for each the number"),
        ({"tracks": ["a", "b"], "tasks": {"x": ["a"]}}, r"tasks leave out \['b'\]"),
        (
            {"tracks": ["a", "b"], "pairs": [1, 0], "tasks": {"x": ["a"], "y": ["b"]}},
            "has 'a' without 'b', its other strand",
        ),
    ],
)
def test_arguments_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        ProfileModule(Net(), **options)


@pytest.mark.parametrize(
    ("change", "module", "message"),
    [
        ({"target": torch.ones(6, 2, 40)}, {}, "cut the targets to 32 bp"),
        ({"target": torch.ones(6, 3, 32)}, {}, "build it with n_outputs=3"),
        ({"target": torch.ones(6, 2)}, {}, "tracks .* are expected as targets"),
        ({"weight": torch.ones(6, 3)}, {}, "do not fit 1 tasks"),
        ({}, {"count_weight": "auto"}, "taken from the training rows"),
        ({}, {"task_weights": [1, 2]}, "2 task_weights for 1 tasks"),
        ({}, {"count_weight": [1.0, 2.0]}, "count_weight has 2 numbers for 1 tasks"),
        ({}, {"tracks": ["a"]}, "gives 2 tracks, there are 1"),
    ],
)
def test_batches_that_do_not_fit(
    change: dict[str, torch.Tensor], module: dict[str, Any], message: str
) -> None:
    made = ProfileModule(Net(), **{"count_weight": 1.0, **module})
    with pytest.raises(EugeneError, match=message):
        made.training_step({**batch(), **change}, 0)


def test_controls_and_pairs_that_nothing_says() -> None:
    arch = {"name": "bpnet", "input_len": 40, "n_filters": 2, "n_layers": 1, "n_outputs": 2}
    module = ProfileModule({**arch, "n_control_tracks": 1}, count_weight=1.0, seed=0)
    with pytest.raises(EugeneError, match="built for 1 control tracks, and the batch has no"):
        module.training_step(batch(), 0)
    with pytest.warns(UserWarning, match="they count as 0 everywhere"):
        found = module.predict(SEQS)
    zero = module.predict(SEQS, np.zeros((6, 1, 40), np.float32))
    torch.testing.assert_close(found.profile, zero.profile)
    with pytest.raises(EugeneError, match="which of 2 tracks are the two strands"):
        module.predict(SEQS, zero.profile.new_zeros(6, 1, 40), reverse_complement=True)
    with pytest.raises(EugeneError, match="takes no control tracks"):
        chrom = {**arch, "name": "chrombpnet", "bias_layers": 1, "trimming": 2}
        ProfileModule(chrom, count_weight=1.0).predict(SEQS, np.zeros((6, 1, 40)))
    with pytest.raises(EugeneError, match="2 tracks and 3 counts"):
        ProfileModule(Net(2, 3), count_weight=1.0).predict(SEQS)
    with pytest.raises(EugeneError, match=r"expected a named tuple \(profile, counts\)"):
        ProfileModule(nn.Flatten(), count_weight=1.0).predict(SEQS)
