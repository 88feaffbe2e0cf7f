"""Regularised training against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import nn

from eugene.augment import hidden_layers
from eugene.augment.regularizers import (
    Adversarial,
    InputNoise,
    ManifoldMixup,
    Mixup,
    Occasion,
    SpectralNorm,
    beta,
)
from eugene.errors import EugeneError
from eugene.models import SequenceModule, zoo
from seqpro import random

ACME = {"name": "acme_cnn", "activation": "exponential"}


def batch(n: int = 8, length: int = 200) -> dict[str, torch.Tensor]:
    stream = torch.Generator().manual_seed(0)
    codes = torch.randint(4, (n, length), generator=stream)
    letters = torch.tensor(list(b"ACGT"), dtype=torch.uint8)[codes]
    target = torch.arange(n)[:, None] % 2
    return {"seq": letters, "target": target.float(), "index": torch.arange(n)}


def occasion(module: SequenceModule, place: int = 0, seed: int = 0) -> Occasion:
    given = batch()
    layers = hidden_layers(module.arch, module.encode(given)[:2])
    one_hot = {**given, "ohe_seq": module.encode(given)}
    return Occasion(module, one_hot, seed, place, lambda: layers, lambda b: torch.zeros(()))


def test_hidden_layers_are_those_between_input_and_output() -> None:
    arch = zoo.AcmeCNN(activation="exponential")
    found = hidden_layers(arch, torch.rand(2, 4, 200))
    # four convolutions and a dense layer; the output is none
    assert [type(layer).__name__ for layer in found] == ["Exponential"] + ["ReLU"] * 4

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv1d(4, 8, 5), nn.Linear(8, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x).relu().amax(2))

    network = Functional().train()
    assert hidden_layers(network, torch.rand(2, 4, 20)) == [network.first]
    assert network.training


@pytest.mark.parametrize(
    "name", ["deepstarr", "danq", "residualbind", "bpnet", "explainn", "satori"]
)
def test_every_family_of_networks_has_hidden_layers(name: str) -> None:
    module = SequenceModule({"name": name, "input_len": 200, **_small(name)})
    assert hidden_layers(module.arch, torch.rand(2, 4, 200))


def _small(name: str) -> dict[str, object]:
    if name == "bpnet":
        return {"n_filters": 4, "n_layers": 2, "profile": False, "output_dim": 1}
    return {} if name == "deepstarr" else {"output_dim": 1}


def test_layers_and_shares_are_drawn_as_told() -> None:
    module = SequenceModule(ACME)
    layers = occasion(module).layers()
    places = [occasion(module, place).layer() for place in range(60)]
    assert None in places
    drawn = random.uniform(0, np.arange(6000), 1) * (len(layers) + 1)
    assert chisquare(np.bincount(drawn.astype(int))).pvalue > 1e-3
    shares = [beta(1.0, int(random.counter_seed(0, place, 0))) for place in range(2000)]
    assert abs(np.mean(shares) - 0.5) < 0.02


def test_mixup_averages_rows_with_their_targets() -> None:
    module = SequenceModule(ACME, task="binary_classification")
    given = occasion(module)
    share, order = Mixup()._share(given)
    found = Mixup().prepare(given)
    for key in ("ohe_seq", "target"):
        expected = share * given.batch[key] + (1 - share) * given.batch[key][order]
        torch.testing.assert_close(found[key], expected)
    assert sorted(order.tolist()) == list(range(8))
    classes = SequenceModule({**ACME, "output_dim": 3}, task="multiclass_classification")
    with pytest.raises(EugeneError, match="which have no average"):
        Mixup().prepare(occasion(classes))


def test_manifold_mixup_at_the_input_is_mixup_and_elsewhere_mixes_a_layer() -> None:
    module = SequenceModule(ACME, task="binary_classification").eval()
    for place in range(30):
        given = occasion(module, place)
        layer, (share, order) = given.layer(), Mixup()._share(given)
        found = ManifoldMixup().prepare(given)
        if layer is None:
            torch.testing.assert_close(found["ohe_seq"], Mixup().prepare(given)["ohe_seq"])
            continue
        plain: list[torch.Tensor] = []
        handle = layer.register_forward_hook(lambda m, a, h, seen=plain: seen.append(h))
        module.arch(found["ohe_seq"])
        handle.remove()
        changed: list[torch.Tensor] = []
        with given.contexts[0]:
            handle = layer.register_forward_hook(lambda m, a, h, seen=changed: seen.append(h))
            module.arch(found["ohe_seq"])
            handle.remove()
        torch.testing.assert_close(changed[0], share * plain[0] + (1 - share) * plain[0][order])
        return
    pytest.fail("no hidden layer was drawn in 30 batches")


def test_adversarial_steps_reach_the_corner_of_the_box() -> None:
    """Of a linear logit the worst sequence within the box is known."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30, 1))
    x = torch.rand(6, 4, 30)
    y = torch.tensor([0.0, 1, 0, 1, 0, 1])[:, None]
    loss = nn.BCEWithLogitsLoss()
    attack = Adversarial()
    moved = attack.moved(network, {"ohe_seq": x}, lambda b: loss(network(b["ohe_seq"]), y))
    slope = network[1].weight.reshape(1, 4, 30).sign() * (1 - 2 * y)[:, :, None]
    torch.testing.assert_close(moved - x, 0.05 * slope, atol=1e-6, rtol=0)
    assert float((moved - x).abs().max()) <= 0.05 + 1e-7
    few = Adversarial(steps=3).moved(
        network, {"ohe_seq": x}, lambda b: loss(network(b["ohe_seq"]), y)
    )
    torch.testing.assert_close(few - x, 0.015 * slope, atol=1e-6, rtol=0)
    assert [attack.phase(e) for e in (0, 4, 5, 19, 20, 99)] == [
        "clean", "clean", "both", "both", "adversarial", "adversarial",
    ]  # fmt: skip


def test_adversarial_training_leaves_running_statistics_alone() -> None:
    module = SequenceModule(
        ACME, task="binary_classification", regularizers=[Adversarial(steps=2, clean_epochs=0)]
    )
    plain = SequenceModule(ACME, task="binary_classification", seed=module.hparams["seed"])
    plain.arch.load_state_dict(module.arch.state_dict())
    assert module.training_step(batch(), 0) > 0
    counts = {k: int(v) for k, v in module.arch.state_dict().items() if "num_batches" in k}
    assert set(counts.values()) == {2}  # the clean batch and the moved one
    # the loss of the search is not that of the epoch
    assert float(module._means["train_loss"].weight) == 16


def test_spectral_norms_are_the_largest_singular_values() -> None:
    arch = zoo.AcmeCNN()
    norm = SpectralNorm(0.01)
    norm.attach(arch)
    for _ in range(50):
        found = {name: float(v.detach()) for name, v in norm.norms(arch).items()}
    layers = {n: m for n, m in arch.named_modules() if isinstance(m, nn.Conv1d | nn.Linear)}
    assert set(found) == set(layers)
    for name, layer in layers.items():
        exact = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
        assert abs(found[name] - float(exact)) < 1e-3
    module = SequenceModule(ACME, task="binary_classification", regularizers=["spectral_norm"])
    plain = SequenceModule(ACME, task="binary_classification")
    plain.arch.load_state_dict(module.arch.state_dict())
    module.eval()
    plain.eval()
    with torch.no_grad():
        for _ in range(50):
            module.regularizers[0].norms(module.arch)
        added = module.training_step(batch(), 0) - plain.training_step(batch(), 0)
        norms = torch.stack(list(module.regularizers[0].norms(module.arch).values()))
    assert abs(float(added / (0.005 * norms.square().sum())) - 1) < 1e-3
    assert any(key.startswith("regularizers.0.u_") for key in module.state_dict())


def test_noise_is_that_of_the_row_whatever_the_batch() -> None:
    module = SequenceModule(ACME)
    given = occasion(module, place=3)
    found = InputNoise(0.15).prepare(given)["ohe_seq"] - given.batch["ohe_seq"]
    assert abs(float(found.std()) - 0.15) < 0.005
    few = {k: v[2:5] for k, v in given.batch.items()}
    other = Occasion(module, few, 0, 9, given.layers, given.loss)
    again = InputNoise(0.15).prepare(other)["ohe_seq"] - few["ohe_seq"]
    torch.testing.assert_close(again, found[2:5])


def test_all_at_once_and_none_outside_training() -> None:
    module = SequenceModule(
        ACME,
        task="binary_classification",
        regularizers=["mixup", {"name": "noise", "std": 0.1}, "manifold_noise", "spectral_norm"],
        augment={"augmentations": ["translocation", "rc"]},
    )
    module.training_step(batch(), 0).backward()
    assert all(p.grad is not None for p in module.arch.parameters())
    plain = SequenceModule(ACME, task="binary_classification")
    plain.arch.load_state_dict(module.arch.state_dict())
    x = module.encode(batch())
    torch.testing.assert_close(module.predict(x), plain.predict(x))
    with pytest.raises(EugeneError, match=r"regularizers\[1\].*'mixp'; did you mean 'mixup'"):
        SequenceModule(ACME, regularizers=["noise", "mixp"])
