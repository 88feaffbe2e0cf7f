"""From the model and module sections to a network that fits the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import seqpro as sp
from eugene.config import RunConfig, build, registries
from eugene.errors import ConfigError, EugeneError, MissingFileError
from seqpro.errors import ToolkitError

if TYPE_CHECKING:
    import torch

    from eugene.augment import Augmenter
    from eugene.modules import SequenceModule


def motifs(
    arch: torch.nn.Module,
    *,
    motif_files: list[str],
    layer: str | None = None,
    names: list[str] | None = None,
    convert_to_pwm: bool = True,
    pseudocount: float = 0.01,
    scale: float | str | None = None,
    motif_align: str = "center",
) -> list[str]:
    """Write known motifs into the filters of the first convolution.

    Parameters
    ----------
    arch : torch.nn.Module
        The network; it is changed.
    motif_files : list of str
        Files in MEME, JASPAR, HOMER or TRANSFAC format, or ``embedded``.
    layer : str, optional
        Name of the convolution; the first by default.
    names : list of str, optional
        Only these motifs, by accession or name.
    convert_to_pwm : bool, optional
        Write log odds instead of probabilities.
    pseudocount : float, optional
        Added to each probability.
    scale : float or str, optional
        Factor, or ``layer`` for the norm that the layer's filters have.
    motif_align : str, optional
        Where in the filter a motif is put: left, center or right.

    Returns
    -------
    list of str
        The motif in each filter written.

    Raises
    ------
    MissingFileError
        If there is no such file.
    """
    from eugene.interpret import read_motifs
    from eugene.models import init_motif_weights

    chosen = [motif for source in motif_files for motif in read_motifs(source)]
    if names is not None:
        wanted = set(names)
        chosen = [m for m in chosen if m.name in wanted or m.accession in wanted]
    written: list[str] = init_motif_weights(
        arch,
        layer,
        chosen,
        convert_to_pwm=convert_to_pwm,
        pseudocount=pseudocount,
        scale=scale,
        motif_align=motif_align,
    )
    return written


def random(
    arch: torch.nn.Module, *, initializer: str = "kaiming_normal", seed: int | None = None
) -> torch.nn.Module:
    """Draw the weights anew from one of torch's distributions.

    Parameters
    ----------
    arch : torch.nn.Module
        The network; it is changed.
    initializer : str, optional
        Name of a distribution, such as kaiming_normal or xavier_uniform.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    torch.nn.Module
        The same network.
    """
    from eugene.models import init_weights

    return init_weights(arch, initializer, seed=seed)


def _fitting_size(config: RunConfig, key: str, given: object, needed: int, what: str) -> None:
    if given is not None and given != needed:
        message = (
            f"the model is told {key}={given}, but {what} {needed}; "
            f"set it to {needed} or leave it out"
        )
        raise config.fail(f"$.model.{key}", message)


def build_arch(
    config: RunConfig,
    *,
    input_len: int,
    output_dim: int,
    alphabet: str = "ACGT",
    initialise: bool = True,
    described: Mapping[str, Any] = MappingProxyType({}),
) -> torch.nn.Module:
    """Build the network of a run for data of a given shape.

    Parameters
    ----------
    config : RunConfig
        Its model section.
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs.
    alphabet : str, optional
        Letters of the one-hot axis.
    initialise : bool, optional
        Whether ``model.init`` and ``model.weights`` are applied; not needed where weights are
        loaded afterwards.
    described : mapping, optional
        What the data say of their tracks: ``layout``, ``control_pairs``, ``target_length``.

    Returns
    -------
    torch.nn.Module
        On float one-hot (N, letters, input_len); weights follow from the run's seed alone.

    Raises
    ------
    ConfigError
        If the network cannot be built for, or run on, such sequences.
    """
    import torch

    from eugene.models._build import has_first_activation, replace_first_activation

    section = config.section("model")
    init, weights = section.pop("init", None), section.pop("weights", None)
    part, head = section.pop("weights_part", None), section.pop("head", None)
    section |= head or {}
    name = section.get("name", section.get("class_path"))
    first = None if has_first_activation(name) else section.pop("first_activation", None)
    values_alone = config.section("module").get("name", "sequence") == "sequence"
    # of a network that gives profiles as well, a sequence module trains the values alone
    told_more: dict[str, Any] = {}
    if values_alone and _gives_profiles(name):
        told_more = {"profile": False}
    elif described.get("layout"):
        told_more = _shape_of_tracks(config, name, section, input_len, described)
    _fitting_size(config, "input_len", section.get("input_len"), input_len, "the sequences have")
    _fitting_size(config, "output_dim", section.get("output_dim"), output_dim, "the targets need")
    letters = len(alphabet)
    told = f"the alphabet {alphabet} of the data has"
    _fitting_size(config, "input_channels", section.get("input_channels"), letters, told)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        try:
            arch: torch.nn.Module = build(
                registries.MODELS,
                section,
                config=config,
                path="$.model",
                input_len=input_len,
                output_dim=output_dim,
                input_channels=letters,
                **told_more,
            )
            if first is not None:
                replace_first_activation(arch, first, input_len=input_len, input_channels=letters)
            output = _try(arch, letters, input_len)
            if values_alone and not isinstance(output, torch.Tensor):
                raise EugeneError(
                    f"it gives a {type(output).__name__}, and the module 'sequence' is trained on "
                    "one value a target: leave 'profile' out, or set it to false"
                )
        except MissingFileError:
            raise
        except (EugeneError, ValueError, RuntimeError, TypeError) as error:
            message = f"{name} does not fit sequences of {input_len} bp: {error}"
            raise config.fail("$.model", message) from error
        if init and initialise:
            build(
                registries.INITIALIZERS,
                init,
                arch,
                config=config,
                path="$.model.init",
                seed=config.seed,
            )
        if weights is not None and initialise:
            _fill(config, arch, weights, init, part=part or (), head=head is not None)
    return arch


def _fill(
    config: RunConfig,
    arch: torch.nn.Module,
    weights: str,
    init: object,
    *,
    part: Sequence[str],
    head: bool,
) -> None:
    """Start from the weights that a run names."""
    from eugene.models import start_from
    from seqdata.errors import SeqdataError

    if init:
        raise config.fail("$.model.weights", "weights and init exclude each other: leave one out")
    try:
        start_from(arch, weights, part=part, head=head)
    except (EugeneError, SeqdataError) as error:
        raise config.fail("$.model.weights", str(error)) from error


def _shape_of_tracks(
    config: RunConfig,
    name: object,
    section: Mapping[str, Any],
    input_len: int,
    described: Mapping[str, Any],
) -> dict[str, Any]:
    """Return arguments of a network that follow from the tracks, where it has them."""
    if not isinstance(name, str) or name not in registries.MODELS:
        return {}
    known = {p.name for p in registries.MODELS.parameters(name)}
    target, controls = described["target_length"], described.get("control_pairs") or []
    needed = {"n_outputs": len(described["layout"]["names"]), "n_control_tracks": len(controls)}
    words = {"n_outputs": "the data have so many tracks:", "n_control_tracks": "controls are"}
    for key, value in needed.items():
        if key in known:
            _fitting_size(config, key, section.get(key), value, words[key])
    if target < input_len and section.get("trimming") is None and "trimming" in known:
        if (input_len - target) % 2:
            raise config.fail(
                "$.data.target_length",
                f"targets of {target} bp have no middle in common with sequences of {input_len} "
                "bp: make both lengths even or both odd",
            )
        needed["trimming"] = (input_len - target) // 2
    return {key: value for key, value in needed.items() if key in known}


def _gives_profiles(name: object) -> bool:
    """Tell a network of ours that gives profiles beside values if it is not told otherwise."""
    known = isinstance(name, str) and name in registries.MODELS
    return known and any(p.name == "profile" for p in registries.MODELS.parameters(str(name)))


def _try(arch: torch.nn.Module, letters: int, input_len: int) -> object:
    """Run a network once on nothing, so that a misfit shows before training begins."""
    import torch

    mode = arch.training
    arch.eval()
    with torch.no_grad():
        output: object = arch(torch.zeros(1, letters, input_len))
    arch.train(mode)
    return output


def build_augmenter(config: RunConfig, alphabet: str) -> Augmenter | None:
    """Build what changes the training sequences of a run, where it has a section for it.

    Parameters
    ----------
    config : RunConfig
        Its section ``augment``.
    alphabet : str
        Letters of the one-hot axis.

    Returns
    -------
    eugene.augment.Augmenter or None

    Raises
    ------
    ConfigError
        If it cannot be built.
    """
    section = config.section("augment")
    if not section:
        return None
    from eugene.augment import Augmenter

    made, path = [], "$.augment"
    try:
        for i, one in enumerate(section.get("augmentations") or ()):
            path = f"$.augment.augmentations[{i}]"
            made.append(build(registries.AUGMENTATIONS, one, config=config, path=path))
        path = "$.augment"
        given = {**section, "augmentations": made}
        return Augmenter(**given, seed=config.seed, alphabet=alphabet)
    except ConfigError:
        raise
    except (ToolkitError, TypeError) as error:
        raise config.fail(path, str(error).removeprefix("augment: ")) from error


def build_module(
    config: RunConfig,
    *,
    input_len: int,
    output_dim: int,
    alphabet: str = "ACGT",
    initialise: bool = True,
    described: Mapping[str, Any] = MappingProxyType({}),
) -> SequenceModule:
    """Build the Lightning module of a run.

    Parameters
    ----------
    config : RunConfig
        Model and module sections.
    input_len : int
        Length of the sequences in bp.
    output_dim : int
        Number of outputs.
    alphabet : str, optional
        Letters of the one-hot axis.
    initialise : bool, optional
        Whether ``model.init`` is applied.
    described : mapping, optional
        What the data say of their tracks.

    Returns
    -------
    eugene.models.SequenceModule
        With ``arch`` inside.

    Raises
    ------
    ConfigError
        If the parts do not fit together.
    """
    augmenter = build_augmenter(config, alphabet)
    arch = build_arch(
        config,
        input_len=input_len + (0 if augmenter is None else augmenter.added),
        output_dim=output_dim,
        alphabet=alphabet,
        initialise=initialise,
        described=described,
    )
    section = config.section("module") or {"name": "sequence"}
    said = section.get("alphabet")
    if said is not None and sp.alphabet_of(str(said)) != sp.alphabet_of(alphabet):
        message = (
            f"the module is told {said!r}, but the data are over {alphabet!r}: leave it out, or "
            "say data.alphabet"
        )
        raise config.fail("$.module.alphabet", message)
    try:
        module: SequenceModule = build(
            registries.MODULES,
            section,
            config=config,
            path="$.module",
            arch=arch,
            **({} if augmenter is None else {"augment": augmenter}),
            alphabet=alphabet,
            seed=config.seed,
        )
    except (EugeneError, ValueError, TypeError) as error:
        raise config.fail("$.module", str(error)) from error
    return module
