from __future__ import annotations

import numpy as np
import pytest
import torch

import seqexplainer as se
import seqpro as sp
from seqexplainer.errors import InputError, TargetError

LENGTH = 24


def network(outputs: int = 1, seed: int = 0, length: int = LENGTH) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv1d(4, 5, 5),
        torch.nn.Tanh(),
        torch.nn.Flatten(),
        torch.nn.Linear(5 * (length - 4), outputs),
    )


def letters(n: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", "S1"), (n, width))


def encoded(windows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(sp.ohe(windows, sp.DNA).swapaxes(1, 2))


def run(model: torch.nn.Module, windows: np.ndarray) -> np.ndarray:
    return se.predict(model, encoded(windows)).numpy().astype(np.float64)


def test_forward_scores_are_differences_of_predictions():
    model = network()
    ref, alt = letters(7, LENGTH), letters(7, LENGTH, 1)
    pairs = np.concatenate([run(model, ref), run(model, alt)], axis=1).min(axis=1)
    model[3].bias.data -= float(np.sort(pairs)[2:4].mean())
    out = se.variant_effects(model, ref, alt, strands="forward", batch_size=3)
    assert list(out) == ["reference", "alternate", "difference", "log_fold"]
    first, second = run(model, ref)[:, 0], run(model, alt)[:, 0]
    np.testing.assert_allclose(out["reference"], first, atol=1e-7)
    np.testing.assert_allclose(out["difference"], second - first, atol=1e-7)
    positive = (first > 0) & (second > 0)
    assert positive.any()
    assert not positive.all()
    again = first[positive] * 2 ** out["log_fold"][positive]
    np.testing.assert_allclose(again, second[positive], atol=1e-5 * np.abs(second).max())
    assert out["log_fold"][~positive].isna().all()


def test_strands_and_shifts_are_averaged():
    model = network(outputs=2)
    ref, alt = letters(5, LENGTH + 6), letters(5, LENGTH + 6, 1)
    out = se.variant_effects(model, ref, alt, shifts=[-3, 0, 1], names=["dev", "hk"])
    expected = []
    for windows in (ref, alt):
        views = [windows[:, 3 + s : 3 + s + LENGTH] for s in (-3, 0, 1)]
        views += [sp.reverse_complement(v, sp.DNA, length_axis=1) for v in views]
        expected.append(np.mean([run(model, view) for view in views], axis=0))
    np.testing.assert_allclose(out[["reference_dev", "reference_hk"]], expected[0], atol=1e-6)
    np.testing.assert_allclose(
        out[["difference_dev", "difference_hk"]], expected[1] - expected[0], atol=1e-6
    )
    one = se.variant_effects(model, ref, alt, shifts=[-3, 0, 1], target=1, scores="difference")
    np.testing.assert_allclose(one["difference"], out["difference_hk"], atol=1e-7)
    assert list(one) == ["reference", "alternate", "difference"]


def test_letters_and_one_hot_agree_whatever_the_batch():
    model = network()
    ref = np.repeat(letters(4, LENGTH), 3, axis=0)
    alt = letters(12, LENGTH, 1)
    ref[5, 3], alt[2, 4], alt[3] = b"N", b"N", np.char.lower(alt[3])
    out = se.variant_effects(model, ref, alt)
    for size in (1, 5):
        other = se.variant_effects(model, encoded(ref), torch.tensor(encoded(alt)), batch_size=size)
        np.testing.assert_allclose(out, other, atol=1e-6)


def test_equal_neighbours_are_computed_once():
    seen = []
    model = network()
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    ref = np.repeat(letters(3, LENGTH), 3, axis=0)
    out = se.variant_effects(model, ref, letters(9, LENGTH, 1), strands="forward")
    assert seen == [3, 9]
    np.testing.assert_allclose(out["reference"], run(model, ref)[:, 0], atol=1e-6)


def test_extra_inputs_follow_their_rows():
    class Scaled(torch.nn.Module):
        def forward(self, x: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
            return x[:, 0].sum(dim=1) * by

    ref = np.full((3, 4), b"A", dtype="S1")
    alt = np.full((3, 4), b"C", dtype="S1")
    out = se.variant_effects(Scaled(), ref, alt, args=[np.array([1.0, 2.0, 3.0])], batch_size=2)
    assert out["difference"].tolist() == [-2.0, -4.0, -6.0]


def test_equals_saturation_mutagenesis():
    model = network()
    ref = letters(2, LENGTH)
    effects = se.saturation_mutagenesis(model, encoded(ref), target=0).numpy()
    rows, alts, places = [], [], []
    for i in range(2):
        for position in range(LENGTH):
            for j, base in enumerate(b"ACGT"):
                alt = ref[i].copy()
                alt[position] = bytes([base])
                rows.append(ref[i])
                alts.append(alt)
                places.append((i, j, position))
    out = se.variant_effects(model, np.array(rows), np.array(alts), strands="forward")
    np.testing.assert_allclose(out["difference"], effects[tuple(np.transpose(places))], atol=1e-6)


def test_the_model_is_left_as_it_was():
    model = network().train()
    model[0].weight.requires_grad_(False)
    se.variant_effects(model, letters(2, LENGTH), letters(2, LENGTH, 1))
    assert model.training
    assert not model[0].weight.requires_grad
    assert model[3].weight.requires_grad


@pytest.mark.parametrize(
    "options, message",
    [
        ({"scores": "fold"}, "unknown score 'fold'; did you mean 'log_fold'"),
        ({"strands": "reverse"}, "unknown strands"),
        ({"shifts": [12]}, "24 bp wide and shifts reach 12"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"names": ["a", "b"]}, "names has 2 entries, the model gives 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InputError, match=message):
        se.variant_effects(network(), letters(2, LENGTH), letters(2, LENGTH), **options)


def test_bad_windows_and_outputs():
    model = network()
    with pytest.raises(InputError, match=r"one shape, got \(2, 24\) and \(3, 24\)"):
        se.variant_effects(model, letters(2, LENGTH), letters(3, LENGTH))
    with pytest.raises(InputError, match=r"letters must be S1 with shape \(n, width\)"):
        se.variant_effects(model, letters(1, LENGTH)[0], letters(1, LENGTH)[0])
    with pytest.raises(InputError, match="four letters of DNA"):
        se.variant_effects(model, np.zeros((1, 5, 9)), np.zeros((1, 5, 9)))
    with pytest.raises(InputError, match="names must differ"):
        se.variant_effects(
            network(2), letters(1, LENGTH), letters(1, LENGTH), names=["same", "same"]
        )
    deep = torch.nn.Conv1d(4, 2, 3)
    with pytest.raises(TargetError, match="give target= to pick what to score"):
        se.variant_effects(deep, letters(1, LENGTH), letters(1, LENGTH))
    assert len(se.variant_effects(deep, letters(1, 9), letters(1, 9), target=(1, 2))) == 1
