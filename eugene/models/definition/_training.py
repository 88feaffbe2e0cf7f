"""Losses and optimisers that definitions of models name, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from eugene.models.definition._tree import Value

TASKS = {
    "multi-class": "multiclass_classification",
    "multi-label": "multilabel_classification",
    "regression": "regression",
}
"""Tasks of definitions, and ours."""
LIBRARIES = ("PyTorch", "TensorFlow", "BayesOptimalClassifier")
FORMATS = (
    *("pytorch-module", "data-definition", "keras-h5-whole-model", "keras-tf-whole-model"),
    *("keras-json-architecture-only", "keras-yaml-architecture-only"),
)
"""What an external network may be."""
TRAINING = ("batch_size", "epochs", "early_stopping", "early_stopping_patience", "shuffle")
"""What may be said of the training."""
PATIENCE = 10
"""Epochs without a lower validation loss after which seqgra stops."""


class Loss(NamedTuple):
    """A loss of PyTorch or Keras.

    Attributes
    ----------
    ours : str
        Our name; empty where there is none.
    task : str
        What it is a loss of.
    said : str
        What differs; of one that there is none of, why, and what to take.
    """

    ours: str
    task: str
    said: str = ""


_PAIRS = "reads two inputs for each row, which no data set of seqgra has"
_SOFTMAX = (
    "takes logarithms of probabilities; here the network gives logits, and the log-softmax is "
    "part of the loss"
)
_SIGMOID = "takes probabilities; here the network gives logits, and the sigmoid is part of the loss"
_CLASSES, _LABELS, _VALUES = TASKS
LOSSES: dict[str, Loss] = {
    "crossentropyloss": Loss("cross_entropy", _CLASSES),
    "nllloss": Loss("cross_entropy", _CLASSES, _SOFTMAX),
    "bceloss": Loss("bce", _LABELS, _SIGMOID),
    "bcewithlogitsloss": Loss("bce", _LABELS),
    "l1loss": Loss("mae", _VALUES),
    "mseloss": Loss("mse", _VALUES),
    "smoothl1loss": Loss("huber", _VALUES),
    "kldivloss": Loss(
        "", _CLASSES, "is the cross-entropy divided by the number of classes: say CrossEntropyLoss"
    ),
    "marginrankingloss": Loss("", _VALUES, f"{_PAIRS}: say CrossEntropyLoss or BCEWithLogitsLoss"),
    "hingeembeddingloss": Loss("", _CLASSES, "reads distances of pairs: say CrossEntropyLoss"),
    "cosineembeddingloss": Loss("", _CLASSES, f"{_PAIRS}: say CrossEntropyLoss"),
    "categoricalcrossentropy": Loss("cross_entropy", _CLASSES),
    "sparsecategoricalcrossentropy": Loss("cross_entropy", _CLASSES),
    "binarycrossentropy": Loss("bce", _LABELS),
    **dict.fromkeys(("meansquarederror", "mse"), Loss("mse", _VALUES)),
    **dict.fromkeys(("meanabsoluteerror", "mae"), Loss("mae", _VALUES)),
    **dict.fromkeys(("huber", "huberloss"), Loss("huber", _VALUES)),
    **dict.fromkeys(
        ("categoricalhinge", "kldivergence", "kullbackleiblerdivergence", "kld"),
        Loss("", _CLASSES, "is not here: say categorical_crossentropy"),
    ),
    **dict.fromkeys(
        ("hinge", "squaredhinge"), Loss("", _LABELS, "is not here: say binary_crossentropy")
    ),
    **dict.fromkeys(
        (
            *("meanabsolutepercentageerror", "mape", "meansquaredlogarithmicerror", "msle"),
            *("logcosh", "cosinesimilarity", "poisson"),
        ),
        Loss("", _VALUES, "is not here: say mse, mae or huber"),
    ),
}
"""Losses by name, in small letters and without ``_``."""


@dataclass(frozen=True)
class Optimizer:
    """An optimiser of PyTorch or Keras.

    Attributes
    ----------
    ours : str
        Our name; empty where there is none.
    torch, keras : mapping
        Hyper-parameters that the library gives it, and the values where they are left out, None
        for those of torch. ``lr`` is the learning rate where it is not .001.
    instead : str
        Of one that there is none of: why, and what to take.
    """

    ours: str
    torch: Mapping[str, Value] | None = None
    keras: Mapping[str, Value] | None = None
    instead: str = ""


_BETAS: dict[str, Value] = {"beta_1": 0.9, "beta_2": 0.999, "eps": 1e-7}
_DECAY: dict[str, Value] = {"weight_decay": None}
_ADAM: dict[str, Value] = {"betas": None, "eps": None, **_DECAY}
OPTIMIZERS: dict[str, Optimizer] = {
    "adadelta": Optimizer(
        "adadelta", {"rho": 0.9, "eps": None, **_DECAY}, {"rho": 0.95, "eps": 1e-7}
    ),
    "adagrad": Optimizer(
        "adagrad",
        {"lr": 0.01, "lr_decay": None, "initial_accumulator_value": 0.0, "eps": None, **_DECAY},
        {"initial_accumulator_value": 0.1, "eps": 1e-7},
    ),
    "adam": Optimizer("adam", {**_ADAM, "amsgrad": None}, {**_BETAS, "amsgrad": None}),
    "adamw": Optimizer("adamw", {**_ADAM, "amsgrad": None}),
    "sparseadam": Optimizer(
        "", {}, instead="takes gradients of embeddings, which no network here has: say Adam"
    ),
    "adamax": Optimizer("adamax", {"lr": 0.002, **_ADAM}, _BETAS),
    "asgd": Optimizer("asgd", {"lr": 0.01, "lambd": None, "alpha": None, "t0": None, **_DECAY}),
    "lbfgs": Optimizer(
        "", {}, instead="computes the loss several times a step, on all rows: say Adam or SGD"
    ),
    "rmsprop": Optimizer(
        "rmsprop",
        {"lr": 0.01, "alpha": None, "eps": None, "momentum": None, "centered": None, **_DECAY},
        {"alpha": 0.9, "eps": 1e-7, "momentum": None, "centered": None},
    ),
    "rprop": Optimizer("rprop", {"lr": 0.01, "etas": None, "step_sizes": None}),
    "sgd": Optimizer(
        "sgd",
        {"momentum": None, "dampening": None, "nesterov": None, **_DECAY},
        {"momentum": None, "nesterov": None},
    ),
    "nadam": Optimizer("nadam", None, _BETAS),
    "ftrl": Optimizer("", None, {}, instead="is Keras' alone: say Adam or SGD"),
}
"""Optimisers by name, in small letters."""
SAME = {"epsilon": "eps"}
"""Hyper-parameters that Keras calls otherwise."""
CLIPPED = ("clipnorm", "clipvalue")
HYPERPARAMETERS = (
    *("optimizer", "learning_rate", "epsilon", *CLIPPED, "max_iter", "max_eval", "tolerance_grad"),
    *("tolerance_change", "history_size", "line_search_fn", "learning_rate_power"),
    *("l1_regularization_strength", "l2_regularization_strength"),
    "l2_shrinkage_regularization_strength",
    *sorted(
        {
            key
            for one in OPTIMIZERS.values()
            for table in (one.torch, one.keras)
            for key in table or ()
            if key != "lr"
        }
    ),
)
"""All that may be said of an optimiser."""


def word_of(name: object) -> str:
    """Return the name of a loss or an optimiser as the tables have it.

    Examples
    --------
    >>> word_of("categorical_crossentropy")
    'categoricalcrossentropy'
    """
    return str(name).strip().lower().replace("_", "")
