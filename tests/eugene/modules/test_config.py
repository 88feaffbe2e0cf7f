"""Model files of EUGENe."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import eugene as eu
from eugene.errors import EugeneError, MissingFileError

HYBRID = """
module: SequenceModule
model:
  model_name: first
  arch_name: Hybrid
  arch:
    input_len: 66
    output_dim: 1
    conv_kwargs:
      input_channels: 4
      conv_channels: [16, 8]
      conv_kernels: [9, 5]
      conv_strides: [1, 1]
      pool_kernels: [2, 2]
      dropout_rates: 0.1
      batchnorm: true
      activations: relu
    recurrent_kwargs: {hidden_dim: 8, batch_first: true}
    dense_kwargs: {hidden_dims: [8], dropout_rates: 0.1, batchnorm: true}
task: binary_classification
loss_fxn: bce
optimizer: adam
optimizer_lr: 1e-3
optimizer_kwargs: {amsgrad: true}
scheduler: reduce_lr_on_plateau
scheduler_monitor: val_loss_epoch
scheduler_kwargs: {patience: 2}
metric: auroc
metric_kwargs: {num_classes: null}
seed: 13
"""


def test_a_module_file(tmp_path: Path) -> None:
    path = tmp_path / "hybrid.yaml"
    path.write_text(HYBRID)
    module = eu.models.load_config(path, seed=0)
    assert isinstance(module, eu.models.SequenceModule)
    assert module.hparams["optimizer_lr"] == pytest.approx(1e-3)
    assert module.hparams["model_name"] == "first"
    assert module.metric_names == ("auroc",)
    assert module(torch.rand(2, 4, 66)).shape == (2, 1)


def test_keys_written_one_level_too_deep(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(
        "module: SequenceModule\nmodel:\n  arch_name: DeepBind\n  task: poisson\n"
        "  arch: {input_len: 41, output_dim: 1}\n"
    )
    assert eu.models.load_config(path).task.name == "poisson"


def test_an_architecture_by_its_bare_name(tmp_path: Path) -> None:
    (tmp_path / "cnn.yaml").write_text(
        "model: {arch_name: CNN, arch: {input_len: 50, output_dim: 2}}"
    )
    with eu.settings(config_dir=tmp_path):
        model = eu.models.load_config("cnn")
    assert type(model).__name__ == "CNN"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: 3", "expected a mapping under 'model'"),
        ("model: {arch_name: CNN}", "'model' needs 'arch_name'"),
        ("model: {arch_name: CNNN, arch: {}}", "did you mean 'CNN'"),
        (
            "module: SequenceModul\nmodel: {arch_name: CNN, arch: {input_len: 50, output_dim: 1}}",
            "did you mean 'SequenceModule'",
        ),
        (HYBRID.replace("optimizer_lr", "optimiser_lr"), "did you mean 'optimizer_lr'"),
        ("model: {a: 1, a: 2}", "given twice"),
    ],
)
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(EugeneError, match=message):
        eu.models.load_config(path)


def test_missing_file() -> None:
    with pytest.raises(MissingFileError, match=r"no model file nowhere; looked at"):
        eu.models.load_config("nowhere")
