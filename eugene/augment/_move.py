"""One-hot sequences, letters and tracks carried along maps of positions."""

from __future__ import annotations

import torch

from seqpro.alphabets import BaseAlphabet, NucleotideAlphabet

FLIP, LETTER = 128, 127
"""Bits of a map: whether a place is complemented, and the number of a drawn letter plus one."""


def move_one_hot(x: torch.Tensor, plan: torch.Tensor, *, turned: bool) -> torch.Tensor:
    """Return one-hot sequences whose positions come from where maps say.

    Parameters
    ----------
    x : torch.Tensor of float, shape (n_rows, letters, length)
    plan : torch.Tensor of int, shape (n_rows, width)
        As `seqpro.transforms.plans.Rules.maps` makes them.
    turned : bool
        Whether any position may be complemented.

    Returns
    -------
    torch.Tensor of float, shape (n_rows, letters, width)
    """
    n, letters, _ = x.shape
    source = ((plan.long() >> 8) - 1).clamp(min=0)
    moved = x.gather(2, source[:, None].expand(n, letters, plan.shape[1]))
    drawn = (plan & LETTER)[:, None]
    numbers = torch.arange(1, letters + 1, device=x.device, dtype=plan.dtype)[None, :, None]
    moved = torch.where(drawn > 0, (drawn == numbers).to(x.dtype), moved)
    if turned:
        # the letters pair first with last, second with last but one
        moved = torch.where((plan & FLIP > 0)[:, None], moved.flip(1), moved)
    return moved.masked_fill_((plan == 0)[:, None], 0)


def move_letters(seq: torch.Tensor, plan: torch.Tensor, alphabet: BaseAlphabet) -> torch.Tensor:
    """Return letters whose positions come from where maps say.

    Parameters
    ----------
    seq : torch.Tensor of uint8, shape (n_rows, length)
        ASCII.
    plan : torch.Tensor of int, shape (n_rows, width)
    alphabet : BaseAlphabet

    Returns
    -------
    torch.Tensor of uint8, shape (n_rows, width)
        NUL behind the end of a row.
    """
    source = ((plan.long() >> 8) - 1).clamp(min=0)
    moved = seq.gather(1, source)
    drawn = (plan & LETTER).long()
    own = torch.tensor([0, *alphabet.alphabet.encode()], dtype=torch.uint8, device=seq.device)
    moved = torch.where(drawn > 0, own[drawn], moved)
    if isinstance(alphabet, NucleotideAlphabet):
        table = torch.tensor(list(alphabet.complement_table), dtype=torch.uint8, device=seq.device)
        moved = torch.where(plan & FLIP > 0, table[moved.long()], moved)
    return moved.masked_fill_(plan == 0, 0)


def move_tracks(
    tracks: torch.Tensor,
    plan: torch.Tensor,
    offset: int,
    width: int,
    pairs: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return tracks whose positions come from where maps say, and which of them are known.

    Parameters
    ----------
    tracks : torch.Tensor of float, shape (n_rows, samples, positions)
        Around the middle of the sequences.
    plan : torch.Tensor of int, shape (n_rows, new_length)
    offset : int
        Position (bp) of the sequence where the tracks begin.
    width : int
        Positions of the result, around the middle of the new sequences.
    pairs : torch.Tensor of int64, shape (samples,), optional
        Partner of each strand: they change places where positions are complemented.

    Returns
    -------
    tracks : torch.Tensor of float, shape (n_rows, samples, width)
        Zero where nothing is known.
    known : torch.Tensor of bool, shape (n_rows, 1, width)
        Whether the position lay within the tracks.
    """
    start = (plan.shape[1] - width) // 2
    plan = plan[:, start : start + width]
    source = (plan.long() >> 8) - 1 - offset
    known = ((source >= 0) & (source < tracks.shape[2]) & (plan >> 8 > 0))[:, None]
    index = source.clamp(0, tracks.shape[2] - 1)[:, None].expand(-1, tracks.shape[1], -1)
    moved = tracks.gather(2, index)
    if pairs is not None:
        moved = torch.where((plan & FLIP > 0)[:, None], moved[:, pairs], moved)
    return torch.where(known, moved, 0), known
