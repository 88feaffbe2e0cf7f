"""Published weights by name: a registry, and the networks filled with them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene.errors import EugeneError, EugeneWarning, MissingFileError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

    from eugene.models._base import Architecture

REGISTRY_FILE = Path(__file__).with_name("weights.yaml")


@dataclass(frozen=True)
class Measured:
    """What was measured with weights here.

    Attributes
    ----------
    metric : str
        What.
    value : float
        How much.
    data : str
        On what.
    """

    metric: str
    value: float
    data: str


@dataclass(frozen=True)
class ModelCard:
    """Published weights as the registry describes them.

    Attributes
    ----------
    name : str
        Name to ask for.
    model : str
        The architecture.
    arguments : mapping
        How it is built.
    format : str
        How the file was written, one of the converters.
    outputs : tuple of str
        What the network predicts.
    input : str
        How sequences are to be given.
    citation, doi, licence : str
        Who made them, where that is published, and what may be done with them.
    source : str
        Where address and checksum were taken from.
    files : mapping
        The file ``weights``: ``urls``, ``sha256``, ``size``, ``verified``.
    measured : Measured or None
        What was measured with them here; None where the file was never at hand.
    """

    name: str
    model: str
    arguments: Mapping[str, Any]
    format: str
    outputs: tuple[str, ...]
    input: str
    citation: str
    doi: str
    licence: str
    source: str
    files: Mapping[str, Mapping[str, Any]]
    measured: Measured | None = None

    @property
    def verified(self) -> bool:
        """Whether the checksum of the file is known beforehand."""
        return all(file.get("verified", False) for file in self.files.values())


@functools.cache
def _cards() -> Mapping[str, ModelCard]:
    import yaml

    def text(value: object) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value

    tree = yaml.safe_load(REGISTRY_FILE.read_text(encoding="utf8"))
    return {
        name: ModelCard(
            name,
            **{
                **{key: text(value) for key, value in fields.items()},
                "outputs": tuple(fields["outputs"]),
                "measured": Measured(**fields["measured"]) if "measured" in fields else None,
            },
        )
        for name, fields in tree.items()
    }


def list_weights(model: str | None = None) -> list[str]:
    """Return the names of published weights.

    Parameters
    ----------
    model : str, optional
        Only those of this architecture.

    Returns
    -------
    list of str
        Names for :func:`pretrained` and for ``model: {weights: ...}`` in YAML.

    Examples
    --------
    >>> list_weights("deepstarr")
    ['deepstarr', 'deepstarr_torch']
    """
    return [name for name, card in _cards().items() if model in (None, card.model)]


def model_card(name: str) -> ModelCard:
    """Return what is known of published weights.

    Parameters
    ----------
    name : str
        A name of :func:`list_weights`.

    Returns
    -------
    ModelCard
        Their entry in the registry.

    Raises
    ------
    EugeneError
        If there are none of that name.

    Examples
    --------
    >>> model_card("deepstarr").licence
    'MIT'
    """
    if name not in _cards():
        raise EugeneError(f"no published weights are called {name!r}{did_you_mean(name, _cards())}")
    return _cards()[name]


def pretrained(
    name: str,
    *,
    path: str | Path | None = None,
    mirrors: str | Iterable[str] | None = None,
    unverified: bool = False,
    offline: bool | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | None = None,
) -> Architecture:
    """Build a network with published weights.

    The file is looked for at ``path``, then in the cache, then at mirrors and public addresses,
    and checked before it is used.

    Parameters
    ----------
    name : str
        A name of :func:`list_weights`.
    path : str or pathlib.Path, optional
        Your own copy, used as it is.
    mirrors : str or iterable of str, optional
        Base addresses (``https``, ``http``, ``file``) to try first, by default as
        ``EUGENE_MIRRORS`` says; ``{dataset}`` in one is filled in with ``weights/NAME``.
    unverified : bool
        Allow a download whose checksum is not known; it is pinned when the file first comes.
    offline : bool, optional
        Use only what is there; by default as ``EUGENE_OFFLINE`` says.
    cache_dir : str or pathlib.Path, optional
        By default ``EUGENE_CACHE_DIR``, else the user's cache folder.
    progress : bool, optional
        Draw a bar; by default on a terminal.

    Returns
    -------
    torch.nn.Module
        The network in evaluation mode, with its :class:`ModelCard` as ``card``.

    Raises
    ------
    EugeneError
        If there are no such weights, or the file does not hold them.
    seqdata.errors.DatasetError
        If the file cannot be had, or is not what it should be.

    Examples
    --------
    >>> network = pretrained("deepstarr")  # doctest: +SKIP
    """
    from eugene.models._build import build
    from eugene.models._convert import fill
    from seqdata.datasets import fetch_files

    card = model_card(name)
    found = fetch_files(
        f"weights/{name}",
        card.files,
        source=card.source,
        local=None if path is None else {"weights": path},
        mirrors=mirrors,
        unverified=unverified,
        offline=offline,
        cache_dir=cache_dir,
        progress=progress,
    )
    network: Any = fill(build(card.model, **card.arguments), found["weights"], card.format)
    network.card = card
    return network  # type: ignore[no-any-return]


def check_weights_named(weights: str | Path) -> None:
    """Raise where neither published weights nor a file of this name are there.

    Parameters
    ----------
    weights : str or pathlib.Path
        As :func:`start_from` takes it; nothing is fetched or read.

    Raises
    ------
    EugeneError
        With the nearest name, or the missing file.
    """
    place = Path(weights)
    if place.is_dir() and _name_of(place) not in _cards():
        run_weights(place)
        return
    if place.suffix and not place.is_file():
        raise MissingFileError(f"no weights at {place}")
    if not place.is_file():
        model_card(_name_of(place))


def run_weights(folder: Path) -> Path:
    """Return the file with the weights of a run.

    Parameters
    ----------
    folder : pathlib.Path
        A run folder, that of a stage in one, or the ``run_dir`` of `eugene.train.fit`.

    Raises
    ------
    MissingFileError
        If the folder holds no trained network.
    """
    for name in ("model.safetensors", "checkpoints/best.ckpt"):
        if (folder / name).is_file():
            return folder / name
    raise MissingFileError(
        f"{folder} holds no trained network (model.safetensors or checkpoints/best.ckpt): train "
        "it first, or name a run of it where it has several"
    )


def _name_of(place: Path) -> str:
    """Return the name that weights are asked for by; a folder may happen to be called so."""
    return place.name if place.is_dir() else str(place)


def start_from(
    network: nn.Module,
    weights: str | Path,
    *,
    part: Sequence[str] = (),
    head: bool = False,
) -> nn.Module:
    """Fill a network with published weights, or with those of a run or a file.

    What was taken, and what was not, is kept as ``network.taken`` and written to the log.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    weights : str or pathlib.Path
        A name of :func:`list_weights`, a run folder, or a file.
    part : list of str
        Globs of the tensors that are taken, such as ``bias`` for ``bias.*``; all by default.
    head : bool
        Whether the head of the network is left as it was drawn, whatever the weights hold of it.

    Returns
    -------
    torch.nn.Module
        The network, filled.

    Raises
    ------
    EugeneError
        If the weights are those of another architecture, or do not fit: which tensors differ;
        or a glob matches none.
    seqdata.errors.DatasetError
        If the file cannot be had.

    Warns
    -----
    EugeneWarning
        If the network has other outputs than the weights predict, so that its last layer is drawn
        anew.
    """
    from eugene.models._convert import fill
    from eugene.models._transfer import take, tensors_of

    mode, place = network.training, Path(weights)
    named = _name_of(place) in _cards()
    of_run = place.is_dir() and not named
    if of_run:
        place = run_weights(place)
    if part or head or of_run:
        state = pretrained(_name_of(place)).state_dict() if named else tensors_of(place)
        take(network, state, str(weights), part=part, head=head)
        return network.train(mode)
    if place.suffix or place.is_file():
        filled = fill(network, weights)
        if filled is not network:
            config = getattr(filled, "config", {})
            given = getattr(network, "config", {})
            changed = {k: v for k, v in config.items() if given.get(k) != v}
            raise EugeneError(
                f"{place} needs another arrangement: build the network with {changed}"
            )
        return network.train(mode)
    name = _name_of(place)
    card = model_card(name)
    own = getattr(network, "name", type(network).__name__)
    if own != card.model:
        raise EugeneError(
            f"weights {name!r} are of {card.model}, the network is {own}: name the model "
            f"{card.model}, or other weights ({', '.join(list_weights(own)) or 'there are none'})"
        )
    config = getattr(network, "config", {})
    differ = {k: v for k, v in card.arguments.items() if k in config and config[k] != v}
    outputs = differ.pop("output_dim", None)
    if differ:
        told = ", ".join(f"{k}={v!r} (here {config[k]!r})" for k, v in differ.items())
        raise EugeneError(f"weights {name!r} are of {card.model} with {told}")
    state = pretrained(name).state_dict()
    if outputs is not None:
        last = [
            key for key, value in network.state_dict().items() if value.shape != state[key].shape
        ]
        warnings.warn(
            f"weights {name!r} predict {outputs} outputs, the network {config['output_dim']}: "
            f"{', '.join(last)} are drawn anew",
            EugeneWarning,
            stacklevel=2,
        )
        state |= {key: network.state_dict()[key] for key in last}
    network.load_state_dict(state)
    return network.train(mode)
