"""Starting weights and motifs written into filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import seqpro as sp
from eugene.nn import (
    INITIALIZERS,
    BiConv1DTower,
    ModelError,
    first_conv,
    get_layer,
    init_motif_weights,
    init_weights,
    list_available_layers,
)

UNIFORM = np.full((4, 1), 0.25)


def one_letter(letter: int) -> np.ndarray:
    column = np.full((4, 1), 0.01)
    column[letter] = 0.97
    return column


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(4, 6, 5), nn.ReLU(), nn.Conv1d(6, 3, 3))


def test_a_narrow_motif_is_centred_in_log_odds() -> None:
    model = network()
    before = model[0].weight.detach().clone()
    motif = np.hstack([one_letter(0), one_letter(3), one_letter(0)])
    assert init_motif_weights(model, None, {"m": motif}, pseudocount=0) == ["m"]
    written = model[0].weight[0].detach().numpy()
    np.testing.assert_allclose(written[:, 1:4], np.log2(motif / 0.25), rtol=1e-6)
    assert (written[:, [0, 4]] == 0).all()
    assert torch.equal(model[0].weight[1:], before[1:])


def test_a_wide_motif_keeps_its_most_informative_window() -> None:
    model = network()
    core = np.hstack([one_letter(i % 4) for i in range(5)])
    motif = np.hstack([UNIFORM, UNIFORM, core, UNIFORM])
    init_motif_weights(model, "0", [motif], pseudocount=0)
    np.testing.assert_allclose(model[0].weight[0].detach().numpy(), np.log2(core / 0.25), rtol=1e-6)


@pytest.mark.parametrize(("align", "empty"), [("left", [4]), ("right", [0]), ("center", [4])])
def test_alignment(align: str, empty: list[int]) -> None:
    model = network()
    motif = np.hstack([one_letter(i % 4) for i in range(4)])
    init_motif_weights(model, None, [motif], motif_align=align)
    written = model[0].weight[0].detach().numpy()
    assert np.flatnonzero((written == 0).all(axis=0)).tolist() == empty


def test_motif_sets_of_seqpro_and_two_strand_filters(data_files) -> None:
    motifs = sp.motifs.read_meme(data_files / "jores21" / "CPEs.meme")
    tower = BiConv1DTower(8, 13, layers=2)
    names = init_motif_weights(tower, "convs.0", motifs)
    assert names == list(motifs.names)
    assert len(names) == 6
    assert first_conv(tower)[0] == "convs.0"
    # the reverse path reads the same motif on the other strand
    letters = sp.cast_seqs("ACGTATAAATACCGTTTACGGA")
    x = torch.from_numpy(sp.ohe(letters, sp.DNA).T[None].astype(np.float32))
    conv = get_layer(tower, "convs.0")
    torch.testing.assert_close(conv.reverse(x), conv(x.flip(1, 2)).flip(2))


def test_scale_and_background() -> None:
    model = network()
    average = float(model[0].weight.detach().flatten(1).norm(dim=1).mean())
    motif = np.hstack([one_letter(0), one_letter(3)])
    init_motif_weights(model, None, [motif], scale="layer")
    assert float(model[0].weight[0].detach().norm()) == pytest.approx(average, rel=1e-5)
    init_motif_weights(
        model, None, [motif], scale=2.0, convert_to_pwm=False, background=[2, 1, 1, 2]
    )
    expected = 2 * (motif - np.array([2, 1, 1, 2])[:, None] / 6)
    np.testing.assert_allclose(model[0].weight[0, :, 1:3].detach().numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "motifs", "options", "message"),
    [
        (None, [UNIFORM] * 7, {}, "7 motifs do not fit into the 6 filters of '0'"),
        ("1", [UNIFORM], {}, "is a ReLU, not a Conv1d"),
        ("0.weight", [UNIFORM], {}, "no layer '0.weight'"),
        ("2", [UNIFORM], {}, "has 4 rows, the filters of '2' read 6"),
        (None, [np.zeros(3)], {}, "a motif must be a matrix"),
        (None, [UNIFORM], {"scale": "net"}, "scale='net'"),
        (None, [UNIFORM], {"motif_align": "top"}, "motif_align='top'"),
    ],
)
def test_motif_errors(
    layer: str | None, motifs: list[np.ndarray], options: dict[str, str], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        init_motif_weights(network(), layer, motifs, **options)


@pytest.mark.parametrize("name", ["xavier_uniform", "kaiming_normal", "orthogonal"])
def test_seeded_draws_leave_the_global_state_alone(name: str) -> None:
    first, second = network(), network()
    state = torch.random.get_rng_state()
    init_weights(first, name, seed=3)
    init_weights(second, name, seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    for one, two in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, two)
    assert not first[0].bias.any()


def test_recurrent_layers_are_drawn_too() -> None:
    lstm = nn.LSTM(4, 3)
    init_weights(lstm, "constant", seed=0, val=0.5)
    assert (lstm.weight_hh_l0 == 0.5).all()
    assert (lstm.bias_hh_l0 == 0).all()


def test_unknown_names() -> None:
    assert "kaiming_normal" in INITIALIZERS
    with pytest.raises(ModelError, match="did you mean 'kaiming_normal'"):
        init_weights(network(), "kaiming_norm")
    assert list_available_layers(network()) == ["0", "1", "2"]
    with pytest.raises(ModelError, match="no Conv1d with 20 input channels"):
        first_conv(network(), channels=20)


@pytest.mark.parametrize("form", ["meme", "jaspar"])
def test_motifs_of_a_file(tmp_path: Path, form: str) -> None:
    motif = sp.motifs.Motif("TA", np.hstack([one_letter(3), one_letter(0)]) * 100, kind="pfm")
    getattr(sp.motifs, f"write_{form}")([motif], tmp_path / "motifs")
    one, two = network(), network()
    assert init_motif_weights(one, None, tmp_path / "motifs") == ["TA"]
    init_motif_weights(two, None, sp.motifs.read(tmp_path / "motifs"))
    assert torch.equal(one[0].weight, two[0].weight)
