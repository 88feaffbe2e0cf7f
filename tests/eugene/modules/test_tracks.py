"""The module of binned tracks: losses, heads, strands, crops and memory against plain torch."""

from __future__ import annotations

import contextlib
import copy

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import eugene.modules._heads as heads_room
from eugene.errors import EugeneError
from eugene.models import TrackModule
from eugene.nn import InputShapeError, recomputing

NET = {
    "name": "basenji", "input_len": 256, "stem_filters": 6, "tower_filters": 6, "tower_mult": 1,
    "tower_repeat": 2, "dilated_filters": 3, "dilated_repeat": 1, "dilated_dropout": 0.0,
    "final_filters": 8, "cropping": 0,
}  # fmt: skip
BINS = 32


def made(tracks: int = 3, **options: object) -> TrackModule:
    arch = {**NET, "output_dim": tracks}
    return TrackModule(arch, seed=1, **options).eval()  # type: ignore[arg-type]


def a_batch(
    n: int = 4, tracks: int = 3, bins: int = BINS, seed: int = 0
) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    letters = rng.choice(np.frombuffer(b"ACGT", np.uint8), (n, 256))
    target = rng.gamma(0.7, 2.0, (n, tracks, bins)).astype(np.float32)
    return {"seq": torch.from_numpy(letters), "target": torch.from_numpy(target)}


def cost(module: TrackModule, batch: dict[str, torch.Tensor]) -> float:
    return float(module._step(batch, "train").detach())


def test_a_softplus_has_an_exact_logarithm() -> None:
    x = torch.tensor([-300.0, -90.0, -20.0, -15.0, -14.9, -1.0, 0.0, 5.0, 90.0], requires_grad=True)
    found = heads_room.log_rates(x, "softplus")
    with torch.no_grad():
        wide = x.double()
        # log(log1p(e^x)) is x - e^x / 2 to first order where e^x is small
        exact = torch.where(wide < -10, wide - wide.exp() / 2, wide.exp().log1p().log())
    torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=1e-6)
    found.sum().backward()
    assert x.grad is not None
    slope = torch.where(wide < -10, 1.0, wide.sigmoid() / wide.exp().log1p())
    torch.testing.assert_close(x.grad.double(), slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("link", ["softplus", "exp"])
@pytest.mark.parametrize("loss", ["poisson", "poisson_multinomial", "mse"])
def test_losses_are_those_of_loops(link: str, loss: str) -> None:
    options = {"total_weight": 0.2} if loss == "poisson_multinomial" else None
    weights = [1.0, 0.0, 3.0]
    module = made(loss_fxn=loss, loss_kwargs=options, link=link, track_weights=weights)
    batch = a_batch()
    batch["target"][0, 0, 3:9] = torch.nan
    batch["target"][1, 2] = torch.nan
    batch["mask"] = torch.ones(4, BINS)
    batch["mask"][2, :4] = 0
    batch["weight"] = torch.tensor([1.0, 2.0, 0.5, 1.0])
    found = module._step(batch, "train").detach()
    raw = module(module.encode(batch)).double()
    rate = (raw.exp() if link == "exp" else nn.functional.softplus(raw)).detach().numpy()
    top = bottom = 0.0
    for row in range(4):
        for track in range(3):
            y = batch["target"][row, track].double().numpy()
            there = np.isfinite(y) & (batch["mask"][row].numpy() > 0)
            x, y = rate[row, track][there], y[there]
            w = weights[track] * float(batch["weight"][row])
            if loss == "mse":
                top, bottom = top + w * ((x - y) ** 2).sum(), bottom + w * len(x)
            elif loss == "poisson":
                top, bottom = top + w * (x - y * np.log(x)).sum(), bottom + w * len(x)
            elif len(x):
                shape = -(y * np.log(x / x.sum())).sum()
                total = x.sum() - y.sum() * np.log(x.sum())
                top, bottom = top + w * (shape + 0.2 * total) / len(x), bottom + w
    assert float(found) == pytest.approx(top / bottom, rel=1e-5)


def test_a_poisson_multinomial_of_weight_1_is_the_poisson_loss() -> None:
    batch = a_batch()
    options = {"loss_fxn": "poisson_multinomial", "loss_kwargs": {"total_weight": 1.0}}
    assert cost(made(**options), batch) == pytest.approx(cost(made(), batch), rel=1e-6)


def test_the_middle_bins_count_where_there_are_more() -> None:
    module = made()
    batch = a_batch(bins=20)
    loss = module._step(batch, "train")
    rate = nn.functional.softplus(module(module.encode(batch)))[..., 6:26]
    plain = nn.functional.poisson_nll_loss(rate, batch["target"], log_input=False, eps=0)
    assert float(loss.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)
    for bins in (21, 40):
        with pytest.raises(InputShapeError, match=f"the targets have {bins}"):
            module._step(a_batch(bins=bins), "train")


def test_rows_of_one_head_leave_the_other_alone() -> None:
    heads = {"human": {"tracks": 3}, "mouse": {"tracks": 2, "weight": 1.0}}
    module = TrackModule({**NET, "output_dim": 5}, heads=heads, seed=1).eval()
    batch = a_batch()
    batch["head"] = torch.tensor([0, 0, 0, 0])
    module._step(batch, "train").backward()
    grad = module.arch.tracks.weight.grad
    assert grad is not None and (grad[:3] != 0).any() and (grad[3:] == 0).all()
    # what stands in the columns of another head is not read
    other = {**batch, "target": batch["target"].clone()}
    batch["head"] = other["head"] = torch.tensor([0, 1, 0, 1])
    other["target"][1::2, 2] = torch.nan
    module.zero_grad()
    loss = module._step(batch, "train")
    assert float(loss.detach()) == cost(module, other)
    # every row counts alike
    rate = nn.functional.softplus(module(module.encode(batch)))
    each = [
        nn.functional.poisson_nll_loss(
            rate[i, part], batch["target"][i, own], log_input=False, eps=0
        )
        for i, (part, own) in enumerate([(slice(3), slice(3)), (slice(3, 5), slice(2))] * 2)
    ]
    assert float(loss.detach()) == pytest.approx(float(torch.stack(each).mean().detach()), rel=1e-6)
    module.zero_grad()
    loss.backward()
    both = module.arch.tracks.weight.grad.clone()
    # the gradient of one head is that of its own rows alone
    module.zero_grad()
    (each[0] / 4 + each[2] / 4).backward()
    torch.testing.assert_close(both[:3], module.arch.tracks.weight.grad[:3])


def test_heads_have_metrics_and_predictions_of_their_own() -> None:
    heads = {"human": {"tracks": 3}, "mouse": {"tracks": 2}}
    module = TrackModule({**NET, "output_dim": 5}, heads=heads, seed=1).eval()
    batch = a_batch() | {"head": torch.tensor([0, 1, 1, 0])}
    module._step(batch, "val")
    rate = nn.functional.softplus(module(module.encode(batch))).detach().double()
    for name, part, rows in (("human", slice(3), [0, 3]), ("mouse", slice(3, 5), [1, 2])):
        own = rate[rows][:, part].transpose(1, 2).reshape(-1, heads[name]["tracks"])
        seen = batch["target"][rows][:, : own.shape[1]].transpose(1, 2).reshape(own.shape)
        expected = [stats.pearsonr(own[:, i], seen[:, i])[0] for i in range(own.shape[1])]
        found = module.metric_objects[f"pearson_{name}"].compute()
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    given = module.predict_step(batch, 0)["prediction"]
    torch.testing.assert_close(given[0], rate[0, :3].float())
    torch.testing.assert_close(given[1, :2], rate[1, 3:].float())
    assert given[1, 2].isnan().all()
    torch.testing.assert_close(module.predict(batch["seq"], head="mouse"), rate[:, 3:].float())
    with pytest.raises(EugeneError, match="which head"):
        module.predict(batch["seq"])
    with pytest.raises(EugeneError, match="'head', int"):
        module._step(a_batch(), "train")
    with pytest.raises(EugeneError, match="from 0 to 1"):
        module._step({**batch, "head": torch.tensor([0, 1, 2, 0])}, "train")


class Ramp(nn.Module):
    """Two tracks of 4 bp bins: the share of A in a bin, and of C; of G and T for the others."""

    input_len = 16

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (-1, 4)).mean(-1) * torch.arange(1.0, 5)[:, None]


def test_both_strands_swap_paired_tracks_and_turn_bins() -> None:
    pairs = np.array([3, 1, 2, 0])
    module = TrackModule(Ramp(), loss_fxn="mse", link="identity", pairs=pairs, bin_size=4)
    assert module.hparams["pairs"] == [3, 1, 2, 0]
    seq = ["AACCGGTTACGTACAA"]
    one = module.predict(seq)
    other = module.predict(["TTGTACGTAACCGGTT"])
    expected = (one + other[:, [3, 1, 2, 0]].flip(-1)) / 2
    torch.testing.assert_close(module.predict(seq, reverse_complement=True), expected)
    shifted = module.predict(seq, shifts=[1])
    torch.testing.assert_close(shifted, module.predict(["NAACCGGTTACGTACA"]))
    with pytest.raises(EugeneError, match="smaller than half a bin"):
        module.predict(seq, shifts=2)
    with pytest.raises(EugeneError, match="not paired back"):
        TrackModule(Ramp(), pairs=[1, 2, 0, 3])


def test_recomputing_changes_neither_gradients_nor_running_statistics() -> None:
    net = made().arch.train()
    twin = copy.deepcopy(net)
    x = torch.rand(3, 4, 256)
    for part, context in ((net, contextlib.nullcontext()), (twin, recomputing(twin))):
        with torch.random.fork_rng(), context:
            torch.manual_seed(3)  # of the dropout
            part(x).square().sum().backward()
    for (name, a), (_, b) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    for (name, a), (_, b) in zip(net.named_buffers(), twin.named_buffers(), strict=True):
        torch.testing.assert_close(a, b, msg=name)
    assert not any("forward" in layer.__dict__ for layer in twin.modules())


def test_recomputing_keeps_less() -> None:
    net = made().arch.train()
    x = torch.rand(2, 4, 256)

    def kept(again: bool) -> int:
        sizes: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.nelement())
            return tensor

        module = made(recompute=again).train()
        module.arch = net
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            module._outputs(x)
        return sum(sizes)

    assert kept(True) < kept(False) / 2


def test_a_checkpoint_brings_the_module_back() -> None:
    heads = {"human": {"tracks": 2, "pairs": [1, 0]}, "mouse": {"tracks": 1, "loss_fxn": "mse"}}
    module = TrackModule({**NET, "output_dim": 3}, heads=heads, link="exp", target_bins=16, seed=2)
    again = TrackModule(**module.hparams)
    again.load_state_dict(module.state_dict())
    x = a_batch()["seq"]
    for head in heads:
        assert module.predict(x, head=head).shape == (4, heads[head]["tracks"], 16)
        torch.testing.assert_close(again.predict(x, head=head), module.predict(x, head=head))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"link": "sigmoid"}, "link: 'sigmoid'"),
        ({"link": "identity"}, "needs predictions above 0"),
        ({"loss_fxn": "bce"}, "a loss of labels"),
        ({"heads": {"a": {"track": 3}}}, "heads.a: 'track'"),
        ({"heads": {"a": {"tracks": 3, "track_weights": [1.0]}}}, "has 1 values for 3 tracks"),
        ({"track_weights": [-1.0, 1.0, 1.0]}, "numbers of 0 or more"),
        ({"metric": "auroc"}, "one of labels"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(EugeneError, match=message):
        made(**options)


def test_tracks_and_weights_have_to_be_those_of_the_network() -> None:
    with pytest.raises(InputShapeError, match="the targets have 2"):
        made()._step(a_batch(tracks=2), "train")
    with pytest.raises(InputShapeError, match="track_weights are 2"):
        made(track_weights=[1.0, 1.0])._step(a_batch(), "train")
    with pytest.raises(InputShapeError, match="pool: none"):
        TrackModule(nn.Sequential(nn.Flatten(), nn.Linear(1024, 3)))._step(a_batch(), "train")
