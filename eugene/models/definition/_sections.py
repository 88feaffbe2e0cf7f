"""From the definition of a model to the sections of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eugene.errors import ConfigError, Problem
from eugene.models._operation_table import flag, refused, settled
from eugene.models.definition._shipped import shipped
from eugene.models.definition._training import (
    CLIPPED,
    LOSSES,
    OPTIMIZERS,
    PATIENCE,
    SAME,
    TASKS,
    word_of,
)
from eugene.models.definition._tree import Operation, Value, plain

if TYPE_CHECKING:
    from eugene.models.definition._definition import ModelDefinition

Section: TypeAlias = dict[str, object]
Sections: TypeAlias = dict[str, object]
_ENDS = {"softmax": "cross_entropy", "sigmoid": "bce"}
_FLAGS = ("amsgrad", "centered", "nesterov")
_TARGETS = {"multi-class": ["label"], "regression": ["value"]}


class _Making:
    """The sections of one definition, what cannot be had, and what differs."""

    def __init__(self, definition: ModelDefinition) -> None:
        self.definition = definition
        self.problems: list[Problem] = []
        self.remarks: list[str] = []

    def wrong(self, path: str, message: str) -> None:
        places, source = self.definition.places, self.definition.source
        self.problems.append(Problem(path, message, places.get(path, source)))

    def number(self, value: Value, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(path, f"is {value!r}, expected a number")
            return 0.0
        return float(value)

    @property
    def keras(self) -> bool:
        return self.definition.library == "TensorFlow"


def sections_of(definition: ModelDefinition, data_definition: str | Path | None) -> Sections:
    """Return the sections of a run; see `ModelDefinition.sections`."""
    making = _Making(definition)
    sections = _made(making, data_definition)
    if making.problems:
        raise ConfigError(list(dict.fromkeys(making.problems)))
    return sections


def remarks_on(definition: ModelDefinition) -> list[str]:
    """Return what differs from seqgra; see `ModelDefinition.remarks`."""
    making = _Making(definition)
    _made(making, None)
    return making.remarks


def _made(making: _Making, data_definition: str | Path | None) -> Sections:
    definition = making.definition
    names = list(definition.label_names)
    targets = _TARGETS.get(definition.task, names)
    model = _model(making, data_definition)
    module: Section = {"name": "sequence", "task": TASKS[definition.task]}
    trainer: Section = {}
    data: Section = {"target_vars": list(targets)}
    if definition.library != "BayesOptimalClassifier":
        loss = _loss(making)
        if loss is not None:
            module["loss_fxn"] = loss
        _optimizer(making, module, trainer)
        _training(making, trainer, data)
    return {
        "seed": definition.seed,
        "data": data,
        "model": model,
        "module": module,
        "trainer": trainer,
    }


def _model(making: _Making, data_definition: str | Path | None) -> Section:
    definition = making.definition
    architecture, outputs = definition.architecture, len(definition.label_names)
    if architecture.hyperparameters:
        making.remarks.append("seqgra reads no hyper-parameters of an architecture; nor is here.")
    external, path = architecture.external, "$.architecture.external"
    if external is None:
        return _operations(making, architecture.operations, outputs)
    if external.format == "data-definition":
        found = _beside(definition.source, external.path)
        return {
            "name": "bayes_optimal",
            "definition": str(found if data_definition is None else data_definition),
            "labels": list(definition.label_names),
        }
    if external.format != "pytorch-module":
        message = (
            f"{external.format} needs Keras, which is not here: write the layers down as "
            "operations, and start from its weights by 'model: {weights: FILE.h5}'"
        )
        making.wrong(f"{path}.format", message)
        return {}
    section = shipped(external.path)
    if section is None:
        message = (
            f"{external.path!r} is none of the modules that come with seqgra, and no file that a "
            "definition names is run here: write the layers down as operations, or register the "
            "class by a plugin and name it in 'model:' (docs/how-to/your_own_model.md)"
        )
        making.wrong(f"{path}.path", message)
        return {}
    if section["output_dim"] != outputs:
        message = (
            f"{external.path!r} gives {section['output_dim']} outputs, and there are {outputs} "
            "labels: name the module of as many outputs"
        )
        making.wrong(f"{path}.path", message)
    alphabet = external.path.rpartition("/")[2].split("-")[1].rstrip("0123456789")
    if alphabet != definition.space.lower() and {alphabet, definition.space} & {"protein"}:
        message = f"{external.path!r} reads {alphabet}, and the sequences are {definition.space}"
        making.wrong(f"{path}.path", message)
    if section["name"] == "chromdragonn":
        making.remarks.append(
            "the module of seqgra takes (letters, positions) for (positions, letters) and so mixes "
            "both; the network here reads them as its authors do."
        )
    return _encoded(making, section)


def _beside(source: str, path: str) -> Path:
    """Return a file that is named by a definition: as it is, or beside the definition."""
    named = Path(path)
    beside = Path(source).parent / named
    return beside if not named.exists() and beside.exists() else named


def _encoded(making: _Making, section: Section) -> Section:
    if making.definition.encoding == "2D" and section["name"] != "operations":
        message = f"{section['name']} reads sequences of one dimension: say 1D"
        making.wrong("$.encoding", message)
    if making.definition.encoding == "2D" and section["name"] == "operations":
        return {**section, "encoding": "2D"}
    return section


def _operations(making: _Making, operations: tuple[Operation, ...], outputs: int) -> Section:
    """Return the section of a list of layers; the activation that the loss has is left out."""
    listed: list[Section] = []
    for index, one in enumerate(operations):
        path = f"$.architecture.operations[{index}]"
        for key, message in refused(one.name, one.given):
            making.wrong(f"{path}.{key}", message)
        known = settled(one.name, one.given)
        listed.append(
            {"name": one.name, **{k: plain(v) for k, v in one.given.items() if k in known}}
        )
    place = f"$.architecture.operations[{len(listed) - 1}]"
    last = listed[-1]
    end, wanted = str(last.get("activation", "linear")), _ours(making)
    if making.keras and end == "linear" and wanted in _ENDS.values():
        making.remarks.append(
            "the last layer gives logits; Keras' loss would take them for probabilities."
        )
    if end in _ENDS:
        if wanted == _ENDS[end]:
            if last["name"] == "activation":
                listed.pop()
            else:
                last.pop("activation")
            making.remarks.append(
                f"the {end} of the last layer is left out: it is part of the loss and of "
                "predictions here, and the network gives logits."
            )
        elif wanted == "cross_entropy" or end == "softmax":
            making.wrong(place, f"ends with {end}, which does not go with the loss {wanted}")
    dense = next((one for one in reversed(listed) if one["name"] == "dense"), None)
    if dense is not None and dense is listed[-1] and dense["units"] != outputs:
        message = f"gives {dense['units']} outputs, and there are {outputs} labels"
        making.wrong(place, message)
    library = "keras" if making.keras else "torch"
    section: Section = {
        "name": "operations",
        "operations": listed,
        "library": library,
        "output_dim": outputs,
    }
    return _encoded(making, section)


def _ours(making: _Making) -> str:
    """Return our name of the loss, that of the task where none is said."""
    said = dict(making.definition.loss).get("loss")
    default = {"multi-class": "cross_entropy", "multi-label": "bce"}
    if said is None:
        return default.get(making.definition.task, "mse")
    known = LOSSES.get(word_of(said))
    return "" if known is None else known.ours


def _loss(making: _Making) -> str | None:
    """Return our loss where it is not that of the task."""
    said, task = dict(making.definition.loss).get("loss"), making.definition.task
    if said is None:
        making.remarks.append(f"no loss is said; that of {task} classification is taken.")
        return None
    known, path = LOSSES[word_of(said)], "$.loss.loss"
    if not known.ours:
        making.wrong(path, f"{said} {known.said}")
    elif known.task != task:
        right = {"multi-class": "CrossEntropyLoss", "multi-label": "BCEWithLogitsLoss"}
        message = f"{said} is of {known.task}, and the task is {task}: say "
        making.wrong(path, message + right.get(task, "MSELoss, L1Loss or SmoothL1Loss"))
    elif known.said:
        making.remarks.append(f"{said}: {known.said}.")
    return known.ours if task == "regression" and known.ours != "mse" else None


def _optimizer(making: _Making, module: Section, trainer: Section) -> None:
    given, path = dict(making.definition.optimizer), "$.optimizer"
    if not given:
        making.remarks.append("no optimiser is said; Adam with a rate of 0.001 is taken.")
        given = {"optimizer": "Adam"}
    said = str(given.pop("optimizer"))
    chosen = OPTIMIZERS[word_of(said)]
    table = chosen.keras if making.keras else chosen.torch
    if not chosen.ours:
        making.wrong(f"{path}.optimizer", f"{said} {chosen.instead}")
        return
    if table is None:
        message = f"{said} is no optimiser of {making.definition.library}: say Adam or SGD"
        making.wrong(f"{path}.optimizer", message)
        return
    rate = given.pop("learning_rate", table.get("lr", 1e-3))
    module |= {
        "optimizer": chosen.ours,
        "optimizer_lr": making.number(rate, f"{path}.learning_rate"),
    }
    options: dict[str, Value] = {
        key: v for key, v in table.items() if key != "lr" and v is not None
    }
    unread = []
    for key, value in given.items():
        name = SAME.get(key, key)
        if key in CLIPPED:
            _clip(making, key, value, trainer)
        elif name in table and name != "lr":
            options[name] = value
            if name not in _FLAGS and (value is None or isinstance(value, str)):
                making.wrong(f"{path}.{key}", f"is {value!r}, expected a number")
            elif name in _FLAGS and flag(value) is None:
                making.wrong(f"{path}.{key}", f"is {value!r}, expected true or false")
        else:
            unread.append(key)
    if unread:
        making.remarks.append(f"{said} has no {', '.join(unread)}; seqgra does not read it either.")
    for key in _FLAGS:
        if key in options:
            options[key] = bool(flag(options[key]))
    if "beta_1" in options:
        options["betas"] = (options.pop("beta_1"), options.pop("beta_2"))
    if options:
        module["optimizer_kwargs"] = {key: plain(value) for key, value in options.items()}


def _clip(making: _Making, key: str, value: Value, trainer: Section) -> None:
    path = f"$.optimizer.{key}"
    if not making.keras:
        making.remarks.append(
            f"seqgra does not read {key} with PyTorch, so nothing is clipped here either: say "
            "trainer.gradient_clip_val for that."
        )
    elif key == "clipvalue":
        message = "clipvalue cuts each number of a gradient, which cannot be had: say clipnorm"
        making.wrong(path, message)
    else:
        trainer["gradient_clip_val"] = making.number(value, path)
        making.remarks.append(
            "clipnorm: Keras limits the norm of the gradient of each weight, here it is the norm "
            "of all of them together."
        )


def _training(making: _Making, trainer: Section, data: Section) -> None:
    given = dict(making.definition.training)
    if "batch_size" in given:
        data["batch_size"] = given["batch_size"]
    if "epochs" in given:
        trainer["max_epochs"] = given["epochs"]
    patience: Value = given.get("early_stopping_patience", PATIENCE)
    trainer["patience"] = patience if flag(given.get("early_stopping", True)) else None
    trainer["monitor"] = "val_loss"
    if not flag(given.get("shuffle", True)):
        making.remarks.append("shuffle: rows of the training are always shuffled here.")
    missing = [key for key in ("batch_size", "epochs") if key not in given]
    if missing:
        making.remarks.append(f"{' and '.join(missing)}: not said, ours are taken.")
