"""Heads of a network of tracks: which of its outputs are whose, and what each is to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from eugene._judge import COUNT_LOSSES, name_of
from eugene.errors import EugeneError, did_you_mean
from eugene.modules.losses import make_loss, masked_mean
from eugene.modules.row_losses import reads_rows
from eugene.nn import InputShapeError

LINKS = ("softplus", "exp", "identity")
_KEYS = ("tracks", "weight", "track_weights", "pairs", "loss_fxn", "loss_kwargs", "names")
_OF_CLASSES = ("bce", "focal", "cross_entropy")


def rates(output: torch.Tensor, link: str) -> torch.Tensor:
    """Return predictions from raw outputs, float of the same shape.

    Examples
    --------
    >>> rates(torch.tensor([0.0]), "exp"), rates(torch.tensor([0.0]), "softplus")
    (tensor([1.]), tensor([0.6931]))
    """
    if link == "softplus":
        return F.softplus(output)
    return output.exp() if link == "exp" else output


def log_rates(output: torch.Tensor, link: str) -> torch.Tensor:
    """Return logarithms of predictions from raw outputs, float of the same shape.

    Those of a softplus are exact to rounding, also where it is very small.

    Examples
    --------
    >>> log_rates(torch.tensor([-100.0, 0.0]), "softplus")
    tensor([-100.0000,   -0.3665])
    """
    if link == "exp":
        return output
    small = output < -15  # log(softplus(x)) is x there, to rounding
    return torch.where(small, output, F.softplus(output.where(~small, 0.0)).log())


@dataclass(frozen=True)
class Head:
    """What one species, or one kind of data, is predicted by.

    Parameters
    ----------
    name : str
        Its name, empty where there is but one.
    tracks : int or None
        Outputs that are its own; None for all that there are.
    weight : float
        What its part of the loss is multiplied by.
    loss_name : str
        Name of the loss.
    loss : callable
        From (prediction, target) to losses.
    link : str
        How outputs become predictions.
    track_weights : tuple of float or None
        One for each track.
    pairs : tuple of int or None
        Track that holds the same on the other strand, for each track.
    names : tuple of str or None
        Names of the tracks.
    """

    name: str
    tracks: int | None
    weight: float
    loss_name: str
    loss: Callable[..., torch.Tensor]
    link: str
    track_weights: tuple[float, ...] | None = None
    pairs: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None

    def predict(self, output: torch.Tensor) -> torch.Tensor:
        """Return rates, or values, from raw outputs, float (B, tracks, bins)."""
        return rates(output, self.link)

    def turned(self, output: torch.Tensor) -> torch.Tensor:
        """Return what was predicted of the other strand as that of this one, (B, tracks, bins)."""
        if self.pairs is not None:
            output = output[:, torch.as_tensor(self.pairs, device=output.device)]
        return output.flip(-1)

    def mean_loss(
        self, output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean loss over the targets that are there, and the sum of their weights.

        Parameters
        ----------
        output, target : torch.Tensor of float, shape (B, tracks, bins)
            Raw outputs, and targets; NaN where missing.
        weight : torch.Tensor of float, shape (B,) or (B, tracks), optional
            Of rows, or of the tracks of rows.

        Returns
        -------
        mean, total : torch.Tensor of float, shape ()
        """
        logs = self.loss_name in COUNT_LOSSES
        given = log_rates(output, self.link) if logs else self.predict(output)
        shape = (*target.shape[:2], 1 if reads_rows(self.loss) else target.shape[2])
        if weight is not None:
            weight = weight[:, None] if weight.ndim == 1 else weight
            weight = weight[..., None].to(output.dtype).expand(shape)
        if self.track_weights is not None:
            own = output.new_tensor(self.track_weights)[None, :, None]
            weight = (own if weight is None else own * weight).expand(shape)
        return masked_mean(self.loss, given, target, weight)


def make_heads(
    heads: Mapping[str, Mapping[str, Any]] | None,
    *,
    link: str,
    loss_fxn: str | Callable[..., torch.Tensor],
    loss_kwargs: Mapping[str, object] | None,
    track_weights: Sequence[float] | None,
    pairs: Sequence[int] | None,
    names: Sequence[str] | None,
) -> dict[str, Head]:
    """Return the heads that a module is told of, or the one that it has otherwise.

    Parameters
    ----------
    heads : mapping of str to mapping, or None
        For each head ``tracks`` and perhaps others of the arguments below.
    link : {"softplus", "exp", "identity"}
    loss_fxn : str or callable
        Of tensors of shape (B, tracks, bins).
    loss_kwargs : mapping or None
    track_weights : sequence of float or None
    pairs : sequence of int or None
    names : sequence of str or None
        As `TrackModule` takes them; of each head where it does not say otherwise.

    Returns
    -------
    dict of str to Head

    Raises
    ------
    EugeneError
        If an argument is unknown, or there are other numbers than tracks.
    """
    if link not in LINKS:
        raise EugeneError(f"link: {link!r}{did_you_mean(link, LINKS)}")
    shared = {"loss_fxn": loss_fxn, "loss_kwargs": loss_kwargs}
    if heads is None:
        own = {"track_weights": track_weights, "pairs": pairs, "names": names}
        return {"": _head("", {**shared, **own}, link)}
    for key, value in (("track_weights", track_weights), ("pairs", pairs)):
        if value is not None:
            raise EugeneError(f"{key}: there are several heads: give {key} of each in heads")
    if not heads:
        raise EugeneError("heads: none is named: leave it out where there is but one")
    made = {}
    for name, given in heads.items():
        for key in given:
            if key not in _KEYS:
                raise EugeneError(f"heads.{name}: {key!r}{did_you_mean(key, _KEYS)}")
        if not isinstance(given.get("tracks"), int) or given["tracks"] < 1:
            raise EugeneError(
                f"heads.{name}.tracks is {given.get('tracks')!r}: expected the number of its tracks"
            )
        # arguments of another loss are of no use
        less = {"loss_kwargs": None} if "loss_fxn" in given else {}
        made[str(name)] = _head(str(name), {**shared, **less, **given}, link)
    return made


def _head(name: str, given: Mapping[str, Any], link: str) -> Head:
    loss = given["loss_fxn"]
    loss_name = name_of(loss)
    if loss_name in _OF_CLASSES:
        raise EugeneError(f"{loss_name} is a loss of labels, and tracks have values: give another")
    if loss_name in COUNT_LOSSES and link == "identity":
        raise EugeneError(
            f"link: {loss_name} needs predictions above 0: give softplus or exp, or another loss"
        )
    where = f"heads.{name}." if name else ""
    pairs = given.get("pairs")
    tracks = given.get("tracks")
    if pairs is not None:
        pairs = tuple(int(i) for i in pairs)
        wrong = [i for i, j in enumerate(pairs) if not 0 <= j < len(pairs) or pairs[j] != i]
        if wrong:
            raise EugeneError(
                f"{where}pairs: track {wrong[0]} is paired with {pairs[wrong[0]]}, which is not "
                "there or not paired back"
            )
    lists = {
        "track_weights": given.get("track_weights"),
        "pairs": pairs,
        "names": given.get("names"),
    }
    for key, values in lists.items():
        if values is not None and tracks is not None and len(values) != tracks:
            raise EugeneError(f"{where}{key} has {len(values)} values for {tracks} tracks")
    weights = lists["track_weights"]
    if weights is not None and (min(weights) < 0 or not max(weights) > 0):
        raise EugeneError(f"{where}track_weights: expected numbers of 0 or more, one above 0")
    named = lists["names"]
    return Head(
        name,
        tracks,
        float(given.get("weight", 1.0)),
        loss_name,
        make_loss(loss, **dict(given.get("loss_kwargs") or {})),
        link,
        None if weights is None else tuple(float(w) for w in weights),
        pairs,
        None if named is None else tuple(str(n) for n in named),
    )


def split_heads(output: object, heads: Mapping[str, Head]) -> dict[str, torch.Tensor]:
    """Return what a network gave for each head.

    Parameters
    ----------
    output : torch.Tensor, or mapping of str to torch.Tensor
        Float (B, tracks, bins), the tracks of the heads one behind the other; or a dict of heads.
    heads : mapping of str to Head

    Returns
    -------
    dict of str to torch.Tensor, float (B, tracks, bins)

    Raises
    ------
    InputShapeError
        If outputs and heads do not fit each other.
    """
    if isinstance(output, Mapping):
        if set(output) != set(heads):
            raise InputShapeError(
                f"the network gives the heads {sorted(map(str, output))}, the module is told of "
                f"{sorted(heads)}: give heads the same names"
            )
        parts = {name: _tracks_of(output[name]) for name in heads}
    else:
        whole = _tracks_of(output)
        sizes = [head.tracks or whole.shape[1] for head in heads.values()]
        if sum(sizes) != whole.shape[1]:
            raise InputShapeError(
                f"the network gives {whole.shape[1]} tracks, the heads have {sum(sizes)} "
                f"({dict(zip(heads, sizes, strict=True))}): build it with output_dim={sum(sizes)}"
            )
        parts = dict(zip(heads, torch.split(whole, sizes, dim=1), strict=True))
    for name, part in parts.items():
        for what in ("tracks", "track_weights", "pairs"):
            said = getattr(heads[name], what)
            count = said if isinstance(said, int) else None if said is None else len(said)
            if count is not None and count != part.shape[1]:
                raise InputShapeError(
                    f"the network gives {part.shape[1]} tracks{' of ' * bool(name)}{name}, {what} "
                    f"are {count}"
                )
    return parts


def _tracks_of(output: object) -> torch.Tensor:
    if isinstance(output, torch.Tensor) and output.ndim == 3:
        return output
    what = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    raise InputShapeError(
        f"the network gives {what}, expected a tensor (sequences, tracks, bins): leave its pooling "
        "out (pool: none), or train it with the module 'sequence' or 'profile'"
    )


def cropped(output: torch.Tensor, bins: int) -> torch.Tensor:
    """Return the middle bins.

    Parameters
    ----------
    output : torch.Tensor of float, shape (B, tracks, all bins)
    bins : int

    Returns
    -------
    torch.Tensor of float, shape (B, tracks, bins)

    Raises
    ------
    InputShapeError
        If there are fewer, or the middle lies between two bins.

    Examples
    --------
    >>> cropped(torch.tensor([[[1.0, 2.0, 3.0]]]), 1)
    tensor([[[2.]]])
    """
    rest = output.shape[-1] - bins
    if rest < 0 or rest % 2:
        raise InputShapeError(
            f"the network gives {output.shape[-1]} bins, the targets have {bins}, which are not "
            "cut out of their middle: look at the poolings of the network (its bin in bp), its "
            "cropping, and data.bin_size, data.crop and data.target_length"
        )
    return output[..., rest // 2 : rest // 2 + bins] if rest else output
