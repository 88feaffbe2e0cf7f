"""The stages of a run's training: a run each, and what they are trained with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from eugene._folder import RunFolder
from eugene.config import RunConfig, build, registries
from eugene.errors import EugeneError
from eugene.runs._data import fingerprint, variables_of

if TYPE_CHECKING:
    import pytorch_lightning as pl

    from eugene.runs._run import Run
    from eugene.train import Stage

_LOADED = frozenset(
    {
        *("batch_size", "num_workers", "reverse_complement", "max_jitter", "length"),
        *("target_length", "drop_last", "pin_memory", "in_memory", "sampler", "cache"),
        *("cache_dir", "rows", "weight_var", "control_var", "mask_var"),
    }
)
"""Keys of the data that change how rows are shown, not which there are and what they hold."""


def stage_runs(run: Run) -> list[Run]:
    """Return a run for each stage of a training.

    Parameters
    ----------
    run : Run
        The whole.

    Returns
    -------
    list of Run
        The last one is ``run`` itself, whose configuration is that of the last stage; the others
        share its data as far as theirs are the same, and have a store of their own else. Empty
        where the training has no stages.
    """
    from eugene.train._stages import stage_folder

    if run.stages is not None:
        return run.stages
    listed = run.plan.tree.get("stages") or []
    found: list[Run] = []
    for index, config in enumerate(run.plan.stages()[:-1] if listed else ()):
        place = stage_folder(run.folder.path, index, str(listed[index]["name"]))
        shared = fingerprint(config) == fingerprint(run.config)
        if shared or run.folder.follows:
            folder = RunFolder(place)
            folder.follows = run.folder.follows
        else:
            folder = RunFolder.create(place, resume=True)
        one = type(run)(
            config,
            folder,
            store=run.store if shared else folder,
            shuffle_labels=run.shuffle_labels,
            progress=run.progress,
            device=run.device,
        )
        if _rows(config) == _rows(run.config):
            variables_of(config, run.data.ds)
            one.__dict__["data"] = run.data
            if config.section("data") == run.config.section("data"):
                one.__dict__["datamodule"] = run.datamodule
        found.append(one)
    run.stages = [*found, run] if listed else []
    return run.stages


def _rows(config: RunConfig) -> dict[str, Any]:
    return {key: value for key, value in config.section("data").items() if key not in _LOADED}


def check_stages(run: Run) -> None:
    """Raise where a stage does not fit its data, its globs or the stage before; nothing is trained.

    Parameters
    ----------
    run : Run
        The whole.

    Raises
    ------
    ConfigError
        With the place in the run's file.
    """
    from eugene.models._transfer import head_of

    listed = run.plan.tree.get("stages") or []
    before: dict[str, tuple[int, ...]] | None = None
    head: object = None
    for index, (stage, one) in enumerate(zip(listed, stage_runs(run), strict=True)):
        module = one.new_module(initialise=False)
        one.check(module)
        shapes = {name: tuple(t.shape) for name, t in module.arch.state_dict().items()}
        asked = one.config.section("model").get("head")
        new_head = asked is not None and (not index or asked != head)
        outside: list[str] = []
        if new_head:
            try:
                outside = head_of(module.arch)
            except EugeneError as error:
                raise run.plan.fail(f"$.stages[{index}].model.head", str(error)) from error
        every = {**(before or shapes), **shapes}
        differ = [n for n in every if before and before.get(n) != shapes.get(n)]
        differ = [n for n in differ if n not in outside]
        if differ:
            message = (
                f"the network is another one than in the stage before: {', '.join(differ[:4])} "
                "differ, so its weights cannot be taken over; a new head is asked for with "
                "model: {head: {}}"
            )
            raise run.plan.fail(f"$.stages[{index}]", message)
        before, head = shapes, asked
        _check_trained(run, index, module, stage, outside)


def _check_trained(
    run: Run, index: int, module: pl.LightningModule, stage: Mapping[str, Any], head: list[str]
) -> None:
    """Raise where adapters, globs or rates of a stage do not fit its network."""
    from eugene.train._adapters import ADAPTERS, Adapted
    from eugene.train._freeze import freeze, release
    from eugene.train._rates import set_rates

    frozen, kept = stage.get("freeze") or (), stage.get("train") or ()
    key = "adapters"
    try:
        if stage.get("adapters") is not None:
            Adapted.put(module, stage["adapters"], seed=run.config.seed)
            frozen, kept = ("*",), (*ADAPTERS, *head, *kept)
        key = "train" if kept else "freeze"
        if frozen and kept and stage.get("adapters") is None:
            key = "freeze"
            release(module, freeze(module, frozen, ("*",)))
            key = "train"
        freeze(module, frozen, kept)
        key = "lr_scale"
        set_rates(module, stage.get("lr_scale") or {}, stage.get("lr_decay"))
    except EugeneError as error:
        raise run.plan.fail(f"$.stages[{index}].{key}", str(error)) from error


def describe_stages(run: Run) -> None:
    """Write configuration and data of stages that have data of their own into their folders.

    Parameters
    ----------
    run : Run
        The whole.
    """
    for one in stage_runs(run)[:-1]:
        if one.store.path == one.folder.path:
            one.folder.write_text("config.yaml", one.config.to_yaml())
            one.folder.write_json("data.json", one.describe())


def plan_of(run: Run) -> list[Stage]:
    """Return the stages of a run as `eugene.train.stages` takes them.

    Parameters
    ----------
    run : Run
        The whole.
    """
    from eugene.train import Stage

    listed = run.plan.tree.get("stages") or []
    plan = []
    for index, (stage, one) in enumerate(zip(listed, stage_runs(run), strict=True)):
        options = one.config.section("trainer")
        options["callbacks"] = (*run.callbacks, *one.listeners())
        plan.append(
            Stage(
                name=str(stage["name"]),
                freeze=tuple(stage.get("freeze") or ()),
                train=tuple(stage.get("train") or ()),
                start=stage.get("from") or "best",
                head=one.config.section("model").get("head"),
                adapters=stage.get("adapters"),
                lr_scale=dict(stage.get("lr_scale") or {}),
                lr_decay=stage.get("lr_decay"),
                before=_hooks(run, index, stage.get("before") or []),
                module=partial(_module, one) if index else _as_it_is,
                datamodule=partial(_datamodule, one),
                trainer={k: v for k, v in options.items() if v is not None or k == "patience"},
            )
        )
    return plan


def _module(one: Run, _: pl.LightningModule) -> pl.LightningModule:
    """Return the module of a stage after the first, to be filled with the weights before it."""
    return one.new_module(initialise=False)


def _as_it_is(module: pl.LightningModule) -> pl.LightningModule:
    """Return the module of the first stage, which was built for it."""
    return module


def _datamodule(one: Run) -> object:
    return one.datamodule


def _hooks(run: Run, index: int, listed: list[dict[str, Any]]) -> Any:
    """Return what is done before a stage, or None."""
    if not listed:
        return None

    def before(module: pl.LightningModule, datamodule: object) -> dict[str, object]:
        noted: dict[str, object] = {}
        for place, section in enumerate(listed):
            found = build(
                registries.STAGE_HOOKS,
                section,
                module,
                datamodule,
                config=run.plan,
                path=f"$.stages[{index}].before[{place}]",
                seed=run.config.seed,
            )
            noted |= {f"{section['name']}.{k}": v for k, v in dict(found or {}).items()}
        return noted

    return before
