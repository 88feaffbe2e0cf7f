"""The same sequence seen in several ways: both strands, and moved by some positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import seqpro as sp
from eugene.errors import EugeneError
from eugene.nn import InputShapeError


@dataclass(frozen=True)
class Views:
    """Ways of looking at a sequence, over which predictions are averaged.

    Attributes
    ----------
    both_strands : bool
        Whether the reverse complement is read too.
    shifts : tuple of int
        By how many positions the sequence is moved to the right.
    """

    both_strands: bool = False
    shifts: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, alphabet: str, *, reverse_complement: bool, shifts: int | Sequence[int]) -> Views:
        """Return the views that a user asked for.

        Parameters
        ----------
        alphabet : str
            Letters that the network reads.
        reverse_complement : bool
            Whether the other strand is read too.
        shifts : int or sequence of int
            ``n`` for all shifts from -n to n, or the shifts.

        Returns
        -------
        Views
            What is averaged over.

        Raises
        ------
        EugeneError
            If the alphabet has no complement, or shifts are no whole numbers.

        Examples
        --------
        >>> Views.of("ACGT", reverse_complement=True, shifts=1)
        Views(both_strands=True, shifts=(-1, 0, 1))
        """
        if reverse_complement:
            sp.alphabets.nucleotides(alphabet)  # or an error
        if _whole(shifts):
            listed = tuple(range(-abs(shifts), abs(shifts) + 1))  # type: ignore[arg-type]
        else:
            listed = tuple(shifts) if isinstance(shifts, Sequence | np.ndarray) else ()
        if not listed or not all(map(_whole, listed)):
            raise EugeneError(
                f"shifts is {shifts!r}: expected a whole number n for all shifts from -n to n, or "
                "a list of whole numbers"
            )
        return cls(bool(reverse_complement), tuple(map(int, listed)))

    def each(self, one_hot: torch.Tensor) -> Iterator[tuple[torch.Tensor, int, bool]]:
        """Yield sequences as each view has them.

        Parameters
        ----------
        one_hot : torch.Tensor of float, shape (n, letters, length)
            The sequences; or tracks (n, tracks, length), of which only the place is changed.

        Yields
        ------
        moved : torch.Tensor of float, shape (n, letters, length)
            Sequences, moved and perhaps of the other strand.
        shift : int
            By how many positions to the right they were moved.
        turned : bool
            Whether they are those of the other strand.
        """
        for shift in self.shifts:
            moved = shifted(one_hot, shift)
            yield moved, shift, False
            if self.both_strands:
                yield moved.flip(1, 2), shift, True

    def outputs(
        self, read: Callable[[torch.Tensor], torch.Tensor], one_hot: torch.Tensor
    ) -> Iterator[torch.Tensor]:
        """Yield what a network gives for each view, positions in the order of the sequence.

        Where a sequence is moved in, there is no letter (zeros), as for N.

        Parameters
        ----------
        read : callable
            The network: from float (n, letters, length) to float (n, outputs), or
            (n, 1, positions).
        one_hot : torch.Tensor of float, shape (n, letters, length)
            The sequences.

        Yields
        ------
        torch.Tensor of float, shape of the outputs
            One tensor a view.

        Raises
        ------
        InputShapeError
            If a shift leaves nothing, outputs that lie along positions would be averaged over
            shifts, or over strands without a word on which two tracks are strands of one signal.
        """
        for moved, shift, turned in self.each(one_hot):
            output = read(moved)
            if output.ndim > 2 and shift:
                raise InputShapeError(
                    f"the network gives outputs of shape {tuple(output.shape)}, values along "
                    "positions, which a shift moves; average those over strands only, shifts=0, or "
                    "train the network in a ProfileModule"
                )
            if output.ndim > 2 and turned and output.shape[1] > 1:
                raise InputShapeError(
                    f"the network gives {output.shape[1]} tracks along positions, and nothing says "
                    "which of them are the two strands of one signal, so they cannot be averaged "
                    "over strands: a ProfileModule or TrackModule knows the pairs"
                )
            yield turn_tracks(output) if turned and output.ndim > 2 else output


def turn_tracks(tracks: torch.Tensor, pairs: Sequence[int] | None = None) -> torch.Tensor:
    """Return tracks as the other strand has them: positions reversed, paired strands swapped.

    Parameters
    ----------
    tracks : torch.Tensor, shape (n, tracks, positions)
        Predictions, targets, controls or masks.
    pairs : sequence of int, optional
        For each track the one that takes its place; its own number, or no pairs at all, where
        tracks have no strand.

    Returns
    -------
    torch.Tensor, shape (n, tracks, positions)
        Turned; turned twice they are what they were.

    Examples
    --------
    >>> turn_tracks(torch.tensor([[[1, 2], [3, 4]]]), [1, 0]).tolist()
    [[[4, 3], [2, 1]]]
    """
    turned = tracks.flip(-1)
    if pairs is None or list(pairs) == list(range(len(pairs))):
        return turned
    return turned[:, torch.as_tensor(pairs, device=tracks.device)]


class TrackMean:
    """Mean over views of values along positions, each put back to its place.

    A shift moves some positions out of what a network predicts: the mean at a position is over
    the views that show it.
    """

    def __init__(self) -> None:
        self._total: torch.Tensor | None = None
        self._seen: torch.Tensor | None = None

    def add(self, tracks: torch.Tensor, shift: int) -> None:
        """Take one view.

        Parameters
        ----------
        tracks : torch.Tensor of float, shape (n, tracks, positions)
            Of the strand of the sequence.
        shift : int
            Positions to the right by which the sequence was moved.
        """
        length = tracks.shape[-1]
        if self._total is None or self._seen is None:
            self._total = torch.zeros_like(tracks)
            self._seen = tracks.new_zeros(length)
        low, high = max(0, -shift), min(length, length - shift)
        if low < high:
            self._total[..., low:high] += tracks[..., low + shift : high + shift]
            self._seen[low:high] += 1

    def mean(self) -> torch.Tensor:
        """Return the mean, float (n, tracks, positions).

        Raises
        ------
        InputShapeError
            If no view shows some position.
        """
        assert self._total is not None
        assert self._seen is not None
        unseen = int((self._seen == 0).sum())
        if unseen:
            raise InputShapeError(
                f"the shifts leave {unseen} of {len(self._seen)} positions without a prediction: "
                "give smaller shifts, or 0 among them"
            )
        return self._total / self._seen


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def shifted(one_hot: torch.Tensor, shift: int) -> torch.Tensor:
    """Move sequences to the right, or to the left, with no letter where nothing is left.

    Parameters
    ----------
    one_hot : torch.Tensor of float, shape (n, letters, length)
        The sequences.
    shift : int
        Positions to the right; to the left where it is below 0.

    Returns
    -------
    torch.Tensor of float, shape (n, letters, length)
        Moved sequences.

    Examples
    --------
    >>> shifted(torch.tensor([[[1.0, 2.0, 3.0]]]), 1)
    tensor([[[0., 1., 2.]]])
    """
    length = one_hot.shape[-1]
    if abs(shift) >= max(length, 1):
        raise InputShapeError(
            f"a shift by {shift} leaves nothing of a sequence of {length} bp: give smaller shifts"
        )
    if not shift:
        return one_hot
    moved = torch.zeros_like(one_hot)
    if shift > 0:
        moved[..., shift:] = one_hot[..., :-shift]
    else:
        moved[..., :shift] = one_hot[..., -shift:]
    return moved


def mean_score(scores: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the log odds of the mean of probabilities that are given as log odds.

    It ranks as the mean does, and no two round to the same where probabilities would.

    Parameters
    ----------
    scores : sequence of torch.Tensor of float, shape (n, outputs)
        Log odds of each view.

    Returns
    -------
    torch.Tensor of float, shape (n, outputs)
        Log odds.

    Examples
    --------
    >>> mean_score([torch.tensor([100.0]), torch.tensor([100.0])])
    tensor([100.])
    """
    if len(scores) == 1:
        return scores[0]
    stacked = torch.stack(list(scores))
    for_it = torch.nn.functional.logsigmoid(stacked).logsumexp(0)
    return for_it - torch.nn.functional.logsigmoid(-stacked).logsumexp(0)
