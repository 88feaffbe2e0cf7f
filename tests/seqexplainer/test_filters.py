"""Filters to motifs: windows, receptive fields, streaming."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from seqexplainer._receptive_field import ReceptiveField, find_layer, receptive_field
from seqexplainer.errors import SeqexplainerError
from seqexplainer.filters import LayerError, generate_pfms

DNA = "ACGT"


def one_hot(codes: np.ndarray) -> np.ndarray:
    return np.eye(4, dtype=np.uint8)[codes].swapaxes(-1, -2)


@pytest.fixture
def sequences() -> np.ndarray:
    return one_hot(np.random.default_rng(0).integers(0, 4, (60, 80)))


def random_net(**conv: object) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv1d(4, 6, 7, **conv), nn.ReLU(), nn.AdaptiveMaxPool1d(1))


def windows_of(X: np.ndarray, width: int) -> np.ndarray:
    """All windows (N, P, 4, w), the slow and obvious way."""
    return np.stack([X[:, :, p : p + width] for p in range(X.shape[2] - width + 1)], axis=1)


def expected_pfms(model: nn.Sequential, X: np.ndarray, method: str, n: int, fraction: float):
    """Reference: full activation tensor, one filter at a time."""
    weight, bias = model[0].weight.detach().numpy(), model[0].bias.detach().numpy()
    windows = windows_of(X, weight.shape[2])
    activation = np.einsum("npaw,faw->fnp", windows, weight) + bias[:, None, None]
    pfms = []
    for values in activation:
        flat = values.ravel()
        order = np.argsort(-flat, kind="stable")
        if method == "top_n":
            chosen = order[:n]
        else:
            chosen = order[flat[order] >= fraction * flat.max()]
        chosen = chosen[flat[chosen] > 0]
        pfms.append(windows.reshape(-1, 4, weight.shape[2])[chosen].sum(axis=0))
    return np.array(pfms, dtype=float)


@pytest.mark.parametrize("method", ["top_n", "threshold"])
@pytest.mark.parametrize("padding", [0, 3])
def test_equals_a_full_activation_tensor(sequences, method, padding):
    model = random_net(padding=padding)
    found = generate_pfms(model, sequences, method=method, n=25, threshold=0.6, batch_size=7)
    expected = expected_pfms(model, sequences, method, 25, 0.6)
    np.testing.assert_array_equal(found.pfms, expected)
    assert found.layer == "1"
    assert found.shape == (6, 4, 7)
    np.testing.assert_array_equal(found.n_sites, expected.sum(axis=(1, 2)) / 7)


@pytest.mark.parametrize("method", ["top_n", "threshold"])
def test_batch_size_does_not_matter(sequences, method):
    model = random_net()
    model[0].weight.data.round_(decimals=0)  # many equal activations
    results = [
        generate_pfms(model, sequences, method=method, n=10, both_strands=True, batch_size=b)
        for b in (3, 60)
    ]
    np.testing.assert_array_equal(results[0].pfms, results[1].pfms)
    np.testing.assert_array_equal(results[0].sites, results[1].sites)


def test_both_strands_counts_minus_windows_in_the_filters_direction():
    gat = nn.Conv1d(4, 1, 3, bias=False)
    gat.weight.data = torch.tensor(one_hot(np.array([[2, 0, 3]])) - 0.25)
    X = one_hot(np.array([[1, 1, 0, 3, 1, 1]]))  # ATC on the forward strand
    found = generate_pfms(gat, X, "", method="threshold", both_strands=True)
    assert found.sites["reverse"].tolist() == [True]
    assert found.sites["start"].tolist() == [2]
    np.testing.assert_array_equal(found.pfms[0].argmax(axis=0), [2, 0, 3])
    assert generate_pfms(gat, X, "", method="threshold").max_activation[0] < 1.5


def test_sites_say_where_the_windows_are(sequences):
    found = generate_pfms(random_net(padding=3), sequences, n=5)
    for site in found.sites:
        assert 0 <= site["start"] <= 80 - 7
    first = found.sites[found.sites["filter"] == 2]
    total = sum(sequences[s["sequence"], :, s["start"] : s["start"] + 7].astype(int) for s in first)
    np.testing.assert_array_equal(found.pfms[2], total)
    assert (np.diff(first["activation"]) <= 0).all()
    assert first["activation"][0] == pytest.approx(found.max_activation[2])


def test_dead_filters_are_reported_and_left_out_of_the_file(sequences, tmp_path):
    model = random_net()
    model[0].weight.data[3] = -1.0
    model[0].bias.data[3] = 0.0
    found = generate_pfms(model, sequences)
    assert found.dead.tolist() == [False, False, False, True, False, False]
    assert found.n_sites[3] == 0
    assert not found.pfms[3].any()
    assert [m.name for m in found.to_motif_set()] == [f"filter_{i}" for i in (0, 1, 2, 4, 5)]
    found.write_meme(tmp_path / "filters.meme")
    from seqpro.motifs import read_meme

    again = read_meme(tmp_path / "filters.meme")
    np.testing.assert_allclose(again["filter_4"].ppm(), found.pfms[4] / found.n_sites[4], atol=1e-5)


def test_stands_for_its_array(sequences):
    found = generate_pfms(random_net(), sequences, n=4, filters=[1, 2])
    assert np.asarray(found).shape == found.shape
    assert len(found) == 6
    assert len(list(found)) == 6
    np.testing.assert_array_equal(found[1], found.pfms[1])
    assert found.n_sites.tolist() == [0, 4, 4, 0, 0, 0]


def test_min_activation_lets_shifted_convolutions_in(sequences):
    model = random_net()
    model[0].bias.data -= 100
    assert generate_pfms(model, sequences, "0").dead.all()
    assert not generate_pfms(model, sequences, "0", min_activation=-np.inf).dead.any()


def test_accepts_tensors_and_leaves_the_model_as_it_was(sequences):
    model = random_net().train()
    a = generate_pfms(model, torch.as_tensor(sequences), n=9)
    b = generate_pfms(model, sequences.astype(np.float32), model[1], n=9)
    np.testing.assert_array_equal(a.pfms, b.pfms)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    assert not model[1]._forward_hooks


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 8, 3, dilation=4, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.conv(x))


class TwoBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.short = nn.Conv1d(4, 3, 3, padding=1)
        self.long = nn.Conv1d(4, 3, 11, padding=5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.short(x), self.long(x)], dim=1)


@pytest.mark.parametrize(
    ("layers", "name", "start", "stride", "width"),
    [
        ([nn.Conv1d(4, 8, 11)], "0", 0, 1, 11),
        ([nn.Conv1d(4, 8, 11, padding=5)], "0", -5, 1, 11),
        ([nn.Conv1d(4, 8, 9, stride=3)], "0", 0, 3, 9),
        ([nn.Conv1d(4, 8, 5, dilation=4)], "0", 0, 1, 17),
        pytest.param(
            *([nn.Conv1d(4, 8, 4, padding="same")], "0", -1, 1, 4),
            marks=pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),
        ),
        ([nn.Conv1d(4, 8, 11), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(8, 8, 5)], "3", 0, 4, 30),
        ([nn.Conv1d(4, 8, 11, padding=5), nn.MaxPool1d(4, 2)], "1", -5, 2, 14),
        ([nn.Conv1d(4, 8, 7, padding=3), nn.AvgPool1d(3, 3, padding=1)], "1", -4, 3, 9),
        ([nn.Conv1d(4, 8, 5, padding=2), Residual(), Residual()], "2", -10, 1, 21),
        ([TwoBranches()], "0", -5, 1, 11),
        ([nn.Conv1d(4, 8, 7), nn.BatchNorm1d(8), nn.GELU(), nn.Conv1d(8, 8, 3)], "3", 0, 1, 9),
    ],
)
def test_receptive_field(layers, name, start, stride, width):
    model = nn.Sequential(*layers).eval()
    field = receptive_field(model, model.get_submodule(name), 4, 120)
    assert (field.start, field.stride, field.width) == (start, stride, width)


def test_receptive_field_of_few_outputs():
    model = nn.Sequential(nn.Conv1d(4, 2, 9)).eval()
    assert receptive_field(model, model[0], 4, 10) == ReceptiveField(0, 1, 9, 2)
    assert receptive_field(model, model[0], 4, 9) == ReceptiveField(0, 1, 9, 1)


def test_deep_layer_windows_hold_what_activates_them():
    """A second layer that wants GAT four bases before TTC finds just that."""
    first = nn.Conv1d(4, 2, 3, bias=False)
    first.weight.data = torch.tensor(one_hot(np.array([[2, 0, 3], [3, 3, 1]]))) - 0.3
    second = nn.Conv1d(2, 1, 5, bias=False)
    second.weight.data.zero_()
    second.weight.data[0, 0, 0] = second.weight.data[0, 1, 4] = 1.0
    model = nn.Sequential(first, nn.ReLU(), second)
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (300, 40))
    codes[::3, 12:15] = [2, 0, 3]
    codes[::3, 16:19] = [3, 3, 1]
    found = generate_pfms(model, one_hot(codes), "2", method="threshold", threshold=0.99)
    assert found.shape == (1, 4, 7)
    np.testing.assert_array_equal(
        found.pfms[0].argmax(axis=0)[[0, 1, 2, 4, 5, 6]], [2, 0, 3, 3, 3, 1]
    )
    assert found.n_sites[0] >= 100


def test_first_layer_goes_through_batch_norm_and_activation():
    model = nn.ModuleDict(
        {"body": nn.Sequential(nn.Conv1d(4, 5, 3), nn.BatchNorm1d(5), nn.ReLU(), nn.MaxPool1d(2))}
    )
    assert find_layer(model, None)[0] == "body.2"
    assert find_layer(nn.Conv1d(4, 5, 3), None)[0] == ""


class BiConv1d(nn.Module):
    """Bare kernels applied to both strands, as in EUGENe."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(5, 4, 9))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = (self.kernel, self.kernel.flip((1, 2)))
        return sum(torch.conv1d(x, k, padding=4) for k in both)


def test_finds_modules_of_bare_kernels(sequences):
    model = nn.Sequential(BiConv1d(), nn.ReLU())
    found = generate_pfms(model, sequences, n=7)
    assert found.layer == "1"
    assert found.shape == (5, 4, 9)


def test_tensors_that_are_no_parameters(sequences):
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = torch.randn(5, 4, 9)
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(torch.conv1d(x, self.kernel, padding=4))

    assert generate_pfms(Fixed(), sequences, "relu", n=7).shape == (5, 4, 9)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("cnv", r"no layer 'cnv'"),
        (nn.ReLU(), r"not part of the model"),
    ],
)
def test_layers_that_cannot_be_read(sequences, layer, message):
    with pytest.raises(LayerError, match=message):
        generate_pfms(random_net(), sequences, layer)


def test_irregular_windows_are_refused(sequences):
    model = nn.Sequential(nn.Conv1d(4, 6, 7), nn.AdaptiveMaxPool1d(7))
    with pytest.raises(LayerError, match="do not see regular windows"):
        generate_pfms(model, sequences, "1")


def test_did_you_mean(sequences):
    model = nn.ModuleDict({"conv": nn.Conv1d(4, 2, 3)})
    with pytest.raises(LayerError, match="did you mean 'conv'"):
        find_layer(model, "conf")


def test_recurrent_layers_are_refused(sequences):
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(4, 3, batch_first=True, bidirectional=True)
            self.last = nn.Conv1d(6, 2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.rnn(x.transpose(1, 2))[0].transpose(1, 2))

    with pytest.raises(LayerError, match="Layers behind recurrent"):
        generate_pfms(Recurrent(), sequences, "last")


def test_sequences_shorter_than_the_window():
    with pytest.raises(LayerError, match=r"none lies wholly|regular windows"):
        generate_pfms(nn.Sequential(nn.Conv1d(4, 2, 9, padding=8)), one_hot(np.zeros((2, 5), int)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "best"}, "choose 'top_n' or 'threshold'"),
        ({"n": 0}, "at least one window"),
        ({"threshold": 1.5}, "fraction of the maximum"),
        ({"filters": [9]}, "filters must lie in"),
    ],
)
def test_arguments(sequences, arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        generate_pfms(random_net(), sequences, **arguments)
