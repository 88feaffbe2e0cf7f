"""EUGENe's registries: names of losses, layers and the like, and what they were."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import NoReturn

from eugene.errors import EugeneError
from seqpro.family import PAGE


class OldRegistry(Mapping[str, object]):
    """Names and what they stand for, loaded when they are asked for.

    Parameters
    ----------
    kind : str
        Kind of `eugene.register`, for the message to whom writes to it; empty where there is none.
    entries : mapping of str to str
        Names, and ``module:name`` of what they stand for.

    Examples
    --------
    >>> OldRegistry("loss", {"mse": "torch.nn.functional:mse_loss"})["mse"].__name__
    'mse_loss'
    """

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self._kind, self._entries = kind, dict(entries)

    def __getitem__(self, name: str) -> object:
        module, _, attribute = self._entries[name].partition(":")
        value: object = getattr(importlib.import_module(module), attribute)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"EUGENe's names: {', '.join(self._entries)}"

    def __setitem__(self, name: str, value: object) -> NoReturn:
        how = (
            f"eugene.register({self._kind!r}, {name!r})" if self._kind else "pass the thing itself"
        )
        raise EugeneError(
            f"EUGENe's registries are read here, and nothing looks at what is put into them: {how} "
            f"instead; see {PAGE}"
        )


def _torch(module: str, **names: str) -> dict[str, str]:
    return {name: f"{module}:{called}" for name, called in names.items()}


LOSS_REGISTRY = OldRegistry(
    "losses",
    _torch(
        "torch.nn.functional",
        mse="mse_loss",
        mae="l1_loss",
        poisson="poisson_nll_loss",
        bce="binary_cross_entropy_with_logits",
        cross_entropy="cross_entropy",
        adversarial="binary_cross_entropy",
    )
    | _torch("eugene.family", log1pMSELoss="log1p_mse", MNLLLoss="mnll"),
)
METRIC_REGISTRY = OldRegistry(
    "metrics",
    _torch(
        "torchmetrics",
        r2score="R2Score",
        pearson="PearsonCorrCoef",
        spearman="SpearmanCorrCoef",
        explainedvariance="ExplainedVariance",
        auroc="AUROC",
        accuracy="Accuracy",
        f1score="F1Score",
        precision="Precision",
        recall="Recall",
    ),
)
OPTIMIZER_REGISTRY = OldRegistry("optimizers", _torch("torch.optim", adam="Adam", sgd="SGD"))
SCHEDULER_REGISTRY = OldRegistry(
    "schedulers", _torch("torch.optim.lr_scheduler", reduce_lr_on_plateau="ReduceLROnPlateau")
)
INITIALIZERS_REGISTRY = OldRegistry(
    "",
    {
        name: f"torch.nn.init:{name}_"
        for name in (
            "uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal",
            "kaiming_uniform", "kaiming_normal", "orthogonal", "sparse", "ones", "zeros",
        )
    },
)  # fmt: skip
ACTIVATION_REGISTRY = OldRegistry(
    "",
    _torch(
        "torch.nn",
        relu="ReLU",
        leaky_relu="LeakyReLU",
        elu="ELU",
        tanh="Tanh",
        identity="Identity",
    )
    | _torch("eugene.family", gelu="GELU", softplus="Softplus", sigmoid="Sigmoid")
    | _torch("eugene.family", exponential="Exponential"),
)
CONVOLUTION_REGISTRY = OldRegistry(
    "",
    _torch("torch.nn", conv1d="Conv1d")
    | _torch("eugene.family", biconv1d="BiConv1D", inceptionconv1d="InceptionConv1D"),
)
POOLING_REGISTRY = OldRegistry("", _torch("torch.nn", max="MaxPool1d", avg="AvgPool1d"))
RECURRENT_REGISTRY = OldRegistry("", _torch("torch.nn", rnn="RNN", lstm="LSTM", gru="GRU"))
TRANSFORMER_REGISTRY = OldRegistry("", _torch("eugene.nn", MHA="MultiHeadAttention"))
NORMALIZER_REGISTRY = OldRegistry(
    "", _torch("torch.nn", batchnorm="BatchNorm1d", layernorm="LayerNorm")
)
WRAPPER_REGISTRY = OldRegistry("", _torch("eugene.family", residual="Residual"))
GLUER_REGISTRY = OldRegistry(
    "", _torch("eugene.family", flatten="Flatten", unsqueeze="Unsqueeze", view="View")
)
MISC_REGISTRY = OldRegistry(
    "", _torch("eugene.nn", clip="Clip") | _torch("eugene.family", revcomp="RevComp")
)
BLOCK_REGISTRY = OldRegistry(
    "", _torch("eugene.nn", dense="DenseBlock", conv1d="Conv1DBlock", recurrent="RecurrentBlock")
)
REGULARIZER_REGISTRY = OldRegistry("", _torch("eugene.family", l1="L1", l2="L2"))
LOGGER_REGISTRY = OldRegistry(
    "",
    _torch(
        "pytorch_lightning.loggers",
        csv="CSVLogger",
        tensorboard="TensorBoardLogger",
        wandb="WandbLogger",
    ),
)
DEFAULT_LOSS_REGISTRY: Mapping[str, str] = {
    "regression": "mse",
    "binary_classification": "bce",
    "multiclass_classification": "cross_entropy",
    "multilabel_classification": "bce",
}
DEFAULT_TASK_METRICS: Mapping[str, str] = {
    "regression": "r2score",
    "multitask_regression": "r2score",
    "binary_classification": "auroc",
    "multiclass_classification": "auroc",
    "multilabel_classification": "auroc",
}
DEFAULT_METRIC_KWARGS: Mapping[str, Mapping[str, str]] = {
    "regression": {},
    "binary_classification": {"task": "binary"},
    "multiclass_classification": {"task": "multiclass"},
    "multilabel_classification": {"task": "multilabel"},
}
