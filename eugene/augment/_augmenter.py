"""Evolution-inspired augmentation of whole batches, where the batch is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Literal, TypeAlias, overload

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._compiled import Compiled
from eugene.augment._following import Following
from eugene.augment._homologs import Homologs
from eugene.augment._move import move_letters, move_one_hot
from eugene.augment._on_device import OnDevice
from eugene.augment._plan import letters_at
from eugene.augment._replay import Replay
from eugene.augment._rows import Rows
from eugene.augment._streams import row_states
from eugene.augment._values import ValueAugmentation
from eugene.config.marks import Least
from eugene.config.registries import AUGMENTATIONS
from eugene.errors import EugeneError
from seqpro import alphabet_of, random
from seqpro.alphabets import BaseAlphabet
from seqpro.errors import SeqproError
from seqpro.transforms import plans
from seqpro.transforms.evolution import (
    Augmentation,
    Length,
    Scope,
    Translocation,
    WindowedTranslocation,
    check,
    check_settings,
    grown,
)

Compat: TypeAlias = Literal["evoaug", "evoaug-tf", "evoaug2"]
_COMPAT: dict[str, tuple[Scope, Length]] = {
    "evoaug": ("sequence", "pad_end"),
    "evoaug-tf": ("batch-choice", "pad_both"),
    "evoaug2": ("sequence", "keep"),
}


class Augmenter:
    """Change the sequences of a batch by random evolution-inspired augmentations.

    No loop runs over sequences, and nothing leaves the device of the batch. What a row gets is a
    function of the seed, the epoch and the row: the size of batches, workers and devices change
    nothing.

    Parameters
    ----------
    augmentations : sequence of Augmentation, mapping or str
        In the order in which they are applied; ``Deletion(0, 30)``, or by name:
        ``{"name": "deletion", "max_length": 30}``.
    max_augs : int
        Augmentations a sequence: so many if ``hard``, otherwise 1 to so many. More than there
        are in the list count as all of them.
    hard : bool
        See ``max_augs``.
    scope : {"sequence", "batch-choice", "batch"}
        What sequences of a batch share: nothing (EvoAug), which augmentations they get
        (EvoAug-TF), or all but the random letters. The first row of a batch then stands for the
        batch.
    length : {"pad_end", "pad_both", "keep"}
        Insertions make every sequence longer, by ``max_length`` of each; sequences without one
        are padded at the end (EvoAug) or on both sides (EvoAug-TF). Or all keep their length
        (evoaug2).
    seed : int
        Of all draws.
    pad_seed : int
        Of the letters by which sequences that are not augmented are padded: always the same.
    compat : {"evoaug", "evoaug-tf", "evoaug2"}, optional
        Do as an original program does, scope and length included. For evoaug and evoaug2 numbers
        are drawn in their order from torch's and NumPy's generators, started with ``seed``, row
        after row: slow, and for comparisons only.
    homologs : Homologs or path, optional
        Sequences of other species that stand in for a row: see `Homologs`.
    homolog_rate : float
        Chance that a row with homologues is shown as one of them.
    active : bool
        Whether a module augments its training batches. Otherwise it pads them, as for validation:
        fine-tuning on original sequences, the second stage of EvoAug.
    alphabet : str
        Letters in the order of the channels.

    Attributes
    ----------
    added : int
        Positions (bp) by which sequences grow.

    Raises
    ------
    EugeneError
        If the list is empty, a probability is none, or letters have no complement.

    References
    ----------
    Lee et al. 2023, https://doi.org/10.1186/s13059-023-02941-w

    Examples
    --------
    >>> from eugene.augment import Deletion, Insertion
    >>> augment = Augmenter([Deletion(0, 30), Insertion(0, 20)], max_augs=2)
    >>> X = torch.nn.functional.one_hot(torch.randint(4, (8, 100)), 4).mT.float()
    >>> augment(X, rows=torch.arange(8), epoch=3).shape
    torch.Size([8, 4, 120])
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation | Mapping[str, object] | str],
        *,
        max_augs: Annotated[int, Least(1)] = 3,
        hard: bool = True,
        scope: Literal["sequence", "batch-choice", "batch"] = "sequence",
        length: Literal["pad_end", "pad_both", "keep"] = "pad_end",
        seed: int = 0,
        pad_seed: int = 0,
        compat: Literal["evoaug", "evoaug-tf", "evoaug2"] | None = None,
        homologs: Homologs | str | None = None,
        homolog_rate: float = 0.5,
        active: bool = True,
        alphabet: str = "DNA",
    ) -> None:
        self.scope: Scope = scope
        self.length: Length = length
        if compat is not None:
            if compat not in _COMPAT:
                raise EugeneError(f"compat={compat!r} must be one of {', '.join(_COMPAT)}")
            theirs = _COMPAT[compat]
            if (scope, length) not in (("sequence", "pad_end"), theirs):
                raise EugeneError(
                    f"compat={compat!r} has scope={theirs[0]!r} and length={theirs[1]!r}: leave "
                    "them out"
                )
            self.scope, self.length = theirs
        self.augmentations = [_made(a, i) for i, a in enumerate(augmentations)]
        if compat == "evoaug-tf":
            self.augmentations = [
                WindowedTranslocation(a.min_shift, a.max_shift) if type(a) is Translocation else a
                for a in self.augmentations
            ]
        self._alphabet: BaseAlphabet = alphabet_of(alphabet)
        try:
            check_settings(self.augmentations, max_augs, self.scope, self.length)
            check(self.augmentations, 1 << 40, self._alphabet)
        except SeqproError as error:
            raise EugeneError(f"augment: {error}") from error
        if not 0 <= homolog_rate <= 1:
            raise EugeneError(f"homolog_rate={homolog_rate} must be a number from 0 to 1")
        self.max_augs, self.hard, self.seed, self.pad_seed = max_augs, hard, seed, pad_seed
        self.compat, self.homolog_rate, self.active = compat, homolog_rate, active
        self.homologs = Homologs.read(homologs) if isinstance(homologs, str) else homologs
        self.added = grown(self.augmentations, self.length)
        self._needed = max(a.needed for a in self.augmentations)
        self._following = Following(self.moves, self.turns, self.added)
        self._replay = (
            Replay(self.augmentations, max_augs, hard, seed, self.length)
            if compat in ("evoaug", "evoaug2")
            else None
        )
        settings = plans.Settings(max_augs, hard, self.scope, self.length, self._alphabet)
        self._compiled = Compiled(self.augmentations, settings)
        self._on_device = OnDevice(self.augmentations, settings, self._replay)

    def __repr__(self) -> str:
        number = f"max_augs={self.max_augs}, hard={self.hard}"
        return f"Augmenter({self.augmentations}, {number}, length={self.length!r})"

    @property
    def settings(self) -> dict[str, object]:
        """The arguments as plain values, from which it can be made again."""
        names = {AUGMENTATIONS.get(name): name for name in AUGMENTATIONS.entered}
        listed = [
            {"name": names.get(type(a), names.get(type(a).__mro__[1], "")), **asdict(a)}
            for a in self.augmentations
        ]
        keys = ("max_augs", "hard", "seed", "pad_seed", "compat", "homolog_rate", "active")
        homologs = None if self.homologs is None else self.homologs.path
        return {
            "augmentations": listed,
            **{key: getattr(self, key) for key in keys},
            **({} if self.compat else {"scope": self.scope, "length": self.length}),
            "homologs": homologs,
            "alphabet": self._alphabet.alphabet,
        }

    @property
    def alphabet(self) -> str:
        """Letters in the order of the channels."""
        return self._alphabet.alphabet

    @property
    def moves(self) -> bool:
        """Whether positions change places otherwise than by reverse complement."""
        still = {"ReverseComplement", "Mutation"}
        return any(
            not isinstance(a, ValueAugmentation) and type(a).__name__ not in still
            for a in self.augmentations
        )

    @property
    def turns(self) -> bool:
        """Whether positions may be shown as those of the other strand."""
        return any(a.needs_complement for a in self.augmentations)

    @overload
    def __call__(
        self,
        X: torch.Tensor | NDArray[np.generic],
        rows: torch.Tensor | NDArray[np.integer] | None = ...,
        epoch: int = ...,
        targets: None = ...,
        *,
        lengths: torch.Tensor | None = ...,
        pairs: Sequence[int] | None = ...,
    ) -> torch.Tensor: ...
    @overload
    def __call__(
        self,
        X: torch.Tensor | NDArray[np.generic],
        rows: torch.Tensor | NDArray[np.integer] | None = ...,
        epoch: int = ...,
        *,
        targets: torch.Tensor,
        lengths: torch.Tensor | None = ...,
        pairs: Sequence[int] | None = ...,
    ) -> tuple[torch.Tensor, torch.Tensor]: ...
    def __call__(
        self,
        X: torch.Tensor | NDArray[np.generic],
        rows: torch.Tensor | NDArray[np.integer] | None = None,
        epoch: int = 0,
        targets: torch.Tensor | None = None,
        *,
        lengths: torch.Tensor | None = None,
        pairs: Sequence[int] | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Augment a batch.

        Parameters
        ----------
        X : torch.Tensor or ndarray
            Letters: uint8 ASCII, shape (n_rows, length); or one-hot, also soft: float, shape
            (n_rows, letters, length).
        rows : array of int, shape (n_rows,), optional
            Identity of each row; by default its place in the batch, so that every batch of an
            epoch would be changed alike.
        epoch : int
            Number of the pass over the data.
        targets : torch.Tensor, optional
            Of shape (n_rows, targets), left as they are; or tracks of shape (n_rows, samples,
            positions) around the middle of the sequences, moved with them.
        lengths : torch.Tensor of int64, shape (n_rows,), optional
            Of rows that are padded at the end (bp).
        pairs : sequence of int, optional
            For each sample of the tracks the one on the other strand, itself where there is none.

        Returns
        -------
        X : torch.Tensor
            Letters stay letters unless an augmentation changes values; otherwise one-hot. Longer
            by `added`.
        targets : torch.Tensor
            Where targets are given: tracks are as much longer, NaN where nothing is known.

        Raises
        ------
        EugeneError
            If a sequence is too short or arrays do not fit.
        """
        seqs = X if isinstance(X, torch.Tensor) else torch.as_tensor(X)
        batch = {"seq" if seqs.ndim == 2 else "ohe_seq": seqs}
        if rows is not None:
            batch["index"] = rows if isinstance(rows, torch.Tensor) else torch.as_tensor(rows)
        if lengths is not None:
            batch["seq_length"] = lengths
        if targets is not None:
            batch["target"] = targets
        changed = self.augment_batch(batch, epoch, pairs=pairs)
        result = changed["seq"] if "seq" in changed else changed["ohe_seq"]
        if targets is None:
            return result
        moved = changed["target"]
        if "mask" in changed:
            moved = torch.where(changed["mask"] > 0, moved, torch.nan)
        return result, moved

    def augment_batch(
        self,
        batch: Mapping[str, torch.Tensor],
        epoch: int,
        *,
        pairs: Sequence[int] | None = None,
        control_pairs: Sequence[int] | None = None,
        bin_size: int = 1,
    ) -> dict[str, torch.Tensor]:
        """Augment a batch and everything in it that has positions.

        Parameters
        ----------
        batch : mapping
            With ``seq``, uint8 (B, L), or ``ohe_seq``, (B, A, L); ``index``, int64 (B,); and where
            there are any ``target``, ``control``, ``mask`` and ``seq_length``.
        epoch : int
            Number of the pass over the data.
        pairs, control_pairs : sequence of int, optional
            For each sample of targets and controls the one on the other strand.
        bin_size : int
            Positions (bp) of a bin of the tracks.

        Returns
        -------
        dict
            The batch, changed; ``mask`` is there where tracks were moved.

        Raises
        ------
        EugeneError
            If a sequence is too short, or tracks cannot follow: they are binned, sequences grow,
            or nothing says which strands are pairs.
        """
        result = dict(batch)
        x = batch["seq"] if "seq" in batch else batch["ohe_seq"]
        width = x.shape[-1]
        rows = batch["index"] if "index" in batch else torch.arange(len(x), device=x.device)
        lengths = batch.get("seq_length")
        seed = random.epoch_seed(self.seed, epoch)
        self._check_shapes(x, rows, lengths)
        self._check_lengths(width, lengths)
        if lengths is not None:
            result["seq_length"] = lengths + self.added
        if self.homologs is not None:
            x = self.homologs.replace(x, rows, seed, self.homolog_rate, self._alphabet)
        identified = Rows(rows, seed)
        here = identified.on_cpu and self._replay is None and Compiled.takes(x)
        way = self._compiled if here else self._on_device
        x, plan = way(x, identified, lengths)
        for key in ("seq", "ohe_seq"):
            result.pop(key, None)
        result["seq" if x.ndim == 2 else "ohe_seq"] = x
        paired = {"control": control_pairs, "": pairs}
        self._following.move(result, width, plan, paired, bin_size)
        return result

    def pad_batch(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Pad a batch that is not augmented, so that a network of augmented ones can read it.

        Parameters
        ----------
        batch : mapping
            As `augment_batch` takes it.

        Returns
        -------
        dict
            The batch; the same letters are put to every sequence.
        """
        result = dict(batch)
        for key in ("seq", "ohe_seq"):
            if key in batch:
                result[key] = self.pad(batch[key], batch.get("seq_length"))
        return result

    def pad(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Pad sequences as those that had no insertion, always with the same letters.

        Parameters
        ----------
        x : torch.Tensor
            Letters, uint8 (n_rows, length), or one-hot, float (n_rows, letters, length).
        lengths : torch.Tensor of int64, shape (n_rows,), optional
            Of rows that are padded at the end (bp).

        Returns
        -------
        torch.Tensor
            Longer by `added`.

        Examples
        --------
        >>> from eugene.augment import Insertion
        >>> augment = Augmenter([Insertion(0, 4)])
        >>> bytes(augment.pad(torch.tensor([[65, 67]], dtype=torch.uint8))[0]).decode()[:2]
        'AC'
        """
        if not self.added:
            return x
        n, width = x.shape[0], x.shape[-1]
        p = torch.arange(width + self.added, device=x.device)
        front = self.added // 2 if self.length == "pad_both" else 0
        stream = row_states(self.pad_seed, torch.zeros(1, dtype=torch.int64, device=x.device))
        pad = letters_at(stream, p, len(self._alphabet))
        if lengths is None:  # all rows get the same
            blank = x.new_zeros((1, *x.shape[1:-1], 1))
            ends = self._spelt(blank, pad).expand(n, *x.shape[1:-1], -1)
            return torch.cat((ends[..., :front], x, ends[..., front + width :]), dim=-1)
        source = p[None] - front
        plan = torch.where((source >= 0) & (source < lengths[:, None]), (source + 1) << 8, pad)
        return self._spelt(x, torch.where(p < lengths[:, None] + self.added, plan, 0))

    def _spelt(self, x: torch.Tensor, plan: torch.Tensor) -> torch.Tensor:
        if x.ndim == 2:
            return move_letters(x, plan, self._alphabet)
        return move_one_hot(x, plan, turned=False)

    def _check_shapes(
        self, x: torch.Tensor, rows: torch.Tensor, lengths: torch.Tensor | None
    ) -> None:
        if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[1] != len(self._alphabet)):
            raise EugeneError(
                f"augment: sequences have shape {tuple(x.shape)}, expected letters (n_rows, "
                f"length), or one-hot (n_rows, {len(self._alphabet)}, length) for the letters "
                f"{self.alphabet}"
            )
        if len(rows) != len(x) or (lengths is not None and len(lengths) != len(x)):
            raise EugeneError(
                f"augment: there are {len(x)} sequences and {len(rows)} rows"
                + ("" if lengths is None else f" and {len(lengths)} lengths")
                + ": expected as many of each"
            )

    def _check_lengths(self, width: int, lengths: torch.Tensor | None) -> None:
        """Raise where a sequence is too short; lengths on another device are not waited for."""
        shortest, where = width, "the shortest sequence"
        if lengths is not None and lengths.is_cpu and len(lengths):
            place, longest = int(lengths.argmin()), int(lengths.argmax())
            shortest, where = int(lengths[place]), f"row {place} of the batch"
            if int(lengths[longest]) > width:
                raise EugeneError(
                    f"augment: row {longest} of the batch is said to have {int(lengths[longest])} "
                    f"bp, but sequences are {width} bp wide"
                )
        self.check(shortest, where)

    def check(self, shortest: int, where: str = "the shortest sequence") -> None:
        """Raise where sequences are too short to be changed so.

        Parameters
        ----------
        shortest : int
            Length of the shortest sequence (bp).
        where : str
            What it is called.

        Raises
        ------
        EugeneError
            If a deletion or inversion may be longer.
        """
        if shortest >= self._needed:
            return
        try:
            check(self.augmentations, shortest, self._alphabet, where=where)
        except SeqproError as error:
            raise EugeneError(f"augment: {error}") from error


def _made(given: Augmentation | Mapping[str, object] | str, place: int) -> Augmentation:
    """Return an augmentation from its name, or its name and arguments, or as it is."""
    if isinstance(given, Augmentation):
        return given
    where = f"augmentations[{place}]"
    try:
        made: Augmentation = AUGMENTATIONS.made(given, where)
    except SeqproError as error:
        raise EugeneError(f"{where}: {error}") from error
    return made
