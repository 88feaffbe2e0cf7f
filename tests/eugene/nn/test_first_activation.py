"""Another activation behind the first convolution of any network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import eugene as eu
from eugene.models import SequenceModule
from eugene.nn import Exponential, ModelError, called_layers, set_first_activation
from eugene.runs import run


@pytest.mark.parametrize(
    "name", ["cnn", "deepstarr", "danq", "bpnet", "legnet", "satori", "acme_cnn", "deepbind"]
)
def test_the_first_activation_of_a_network_is_replaced(name: str) -> None:
    options = {"input_len": 200, "output_dim": 1}
    options |= {"n_filters": 4, "n_layers": 2} if name == "bpnet" else {}
    plain = eu.models.build(name, seed=0, **options)
    network = eu.models.build(name, seed=0, first_activation="exponential", **options)
    x = torch.nn.functional.one_hot(torch.randint(4, (2, 200)), 4).mT.float()
    before, after = ([m for m, _ in called_layers(n, x)] for n in (plain, network))
    changed = [i for i, m in enumerate(after) if type(m) is not type(before[i])]
    assert len(changed) == 1
    assert isinstance(after[changed[0]], Exponential)
    weighted = [m for m in after[: changed[0]] if isinstance(m, nn.Conv1d | nn.Linear)]
    assert len(weighted) == 1
    # the weights are the same, and the network can be made again
    assert plain.state_dict().keys() == network.state_dict().keys()
    again = eu.models.build(**network.config)
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(x), network.eval()(x))


def test_what_it_gives_is_that_of_the_activation() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv1d(4, 3, 5), nn.BatchNorm1d(3), nn.ReLU(), nn.Conv1d(3, 1, 2))
    x = torch.rand(2, 4, 20)
    wanted = network[3](network[:2].eval()(x).exp())
    assert set_first_activation(network, x, "exponential") == "2"
    torch.testing.assert_close(network.eval()(x), wanted)


def test_where_there_is_none_it_is_refused() -> None:
    x, relu = torch.rand(2, 4, 20), nn.ReLU()
    linear = nn.Sequential(nn.Conv1d(4, 3, 5), nn.Conv1d(3, 1, 2), relu)
    with pytest.raises(ModelError, match="no layer between its first two layers"):
        set_first_activation(linear, x, "exponential")
    shared = nn.Sequential(nn.Conv1d(4, 3, 5), relu, nn.Conv1d(3, 3, 2), relu)
    with pytest.raises(ModelError, match="calls its first activation 2 times"):
        set_first_activation(shared, x, "exponential")
    with pytest.raises(ModelError, match="did you mean 'exponential'"):
        eu.models.build("cnn", input_len=50, output_dim=1, first_activation="exponental")


def test_a_run_keeps_it(tmp_path: Path) -> None:
    tree = {
        "data": {"name": "simulated", "n": 60, "target_vars": ["label"], "split": "random"},
        "model": {
            "name": "deepstarr",
            "conv_kwargs": {"conv_channels": [4, 4], "conv_kernels": [7, 3]},
            "dense_kwargs": {"hidden_dims": [4]},
            "first_activation": "exponential",
        },
        "module": {"task": "binary_classification", "regularizers": ["manifold_mixup"]},
        "trainer": {"max_epochs": 1},
        "evaluate": {"n_bootstrap": 0},
    }
    folder = run(tree, run_dir=tmp_path / "run")
    module = eu.load(folder.path)
    x = torch.zeros(1, 4, module.arch.input_len)
    assert any(isinstance(m, Exponential) for m, _ in called_layers(module.arch, x))
    (checkpoint,) = folder.path.rglob("best*.ckpt")
    again = SequenceModule.load_from_checkpoint(checkpoint)
    torch.testing.assert_close(again.eval()(x), module.eval()(x))
