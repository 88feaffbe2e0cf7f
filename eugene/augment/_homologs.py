"""Sequences of other species in place of one's own: phylogenetic augmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._streams import combine, row_states, uniform
from eugene.errors import EugeneError, MissingFileError
from eugene.nn import ohe_bytes
from seqpro.alphabets import BaseAlphabet

_CHOICE, _WHICH = 1 << 18, (1 << 18) + 1


class Homologs:
    """Homologous sequences of rows, any number for each.

    Parameters
    ----------
    sequences : mapping of int to sequence of str
        Row of the data set -> its homologues, all of the length of the row.

    Raises
    ------
    EugeneError
        If they differ in length or there are none.

    References
    ----------
    Duncan et al. 2024, https://doi.org/10.1093/bioinformatics/btae190

    Examples
    --------
    >>> homologs = Homologs({0: ["ACGT", "ACCT"], 7: ["TTTT"]})
    >>> homologs.counts([0, 1, 7])
    [2, 0, 1]
    """

    def __init__(self, sequences: Mapping[int, Sequence[str]]) -> None:
        self.path: str | None = None
        listed = {int(row): list(found) for row, found in sequences.items() if len(found)}
        lengths = {len(seq) for found in listed.values() for seq in found}
        if not listed:
            raise EugeneError("homologs: there are none")
        if len(lengths) > 1:
            raise EugeneError(
                f"homologs: they have lengths from {min(lengths)} to {max(lengths)} bp: cut or pad "
                "them to that of the sequences"
            )
        self.length = lengths.pop()
        self._first: dict[int, tuple[int, int]] = {}
        pool: list[str] = []
        for row, found in sorted(listed.items()):
            self._first[row] = (len(pool), len(found))
            pool += found
        letters = np.frombuffer("".join(pool).encode("ascii"), np.uint8)
        self._pool = torch.from_numpy(letters.reshape(len(pool), self.length).copy())
        rows = max(self._first) + 1
        table: NDArray[np.int64] = np.zeros((rows, 2), np.int64)
        for row, entry in self._first.items():
            table[row] = entry
        self._table = torch.from_numpy(table)

    def __len__(self) -> int:
        return len(self._pool)

    def __repr__(self) -> str:
        return f"Homologs({len(self)} sequences of {self.length} bp for {len(self._first)} rows)"

    @classmethod
    def read(cls, path: str | Path) -> Homologs:
        """Read homologues from a file.

        Parameters
        ----------
        path : path
            FASTA with names such as ``12|mm10``: the row of the data set, counted from 0, and the
            species; or a table, ``.tsv`` or ``.csv``, with the columns ``row`` and ``seq``.

        Returns
        -------
        Homologs

        Raises
        ------
        EugeneError
            If a name is no row.
        MissingFileError
            If there is no such file.
        """
        from seqdata.readers import FlatFASTA, FlatReader, Table

        path = Path(path)
        if not path.is_file():
            raise MissingFileError(f"homologs: there is no file {path}")
        tabular = path.name.removesuffix(".gz").lower().endswith((".tsv", ".csv", ".txt"))
        reader: FlatReader = (
            Table("seq", str(path), seq_col="seq")
            if tabular
            else FlatFASTA("seq", path, id_var="row")
        )
        found: dict[int, list[str]] = {}
        for block in reader.blocks({}):
            if "row" not in block.columns:
                raise EugeneError(f"homologs: {path} has no column 'row', expected row and seq")
            ends = np.cumsum(block.lengths)
            for place, name in enumerate(block.columns["row"]):
                row = str(name).partition("|")[0].removesuffix(".0")
                if not row.isdigit():
                    raise EugeneError(
                        f"homologs: record {block.where[1] + place} of {path} is called {name!r}, "
                        "expected the row of the data set, counted from 0, such as '12|mm10'"
                    )
                letters = block.letters[ends[place] - block.lengths[place] : ends[place]]
                found.setdefault(int(row), []).append(letters.tobytes().decode("ascii"))
        result = cls(found)
        result.path = str(path)
        return result

    def counts(self, rows: Sequence[int]) -> list[int]:
        """Return how many homologues rows have."""
        return [self._first.get(int(row), (0, 0))[1] for row in rows]

    def replace(
        self, x: torch.Tensor, rows: torch.Tensor, seed: int, rate: float, alphabet: BaseAlphabet
    ) -> torch.Tensor:
        """Show rows as one of their homologues, each with the same chance.

        Parameters
        ----------
        x : torch.Tensor
            Letters, uint8 (n_rows, length), or one-hot, float (n_rows, letters, length).
        rows : torch.Tensor of int64, shape (n_rows,)
            Rows of the data set.
        seed : int
            That of the epoch.
        rate : float
            Chance that a row with homologues is replaced.
        alphabet : BaseAlphabet
            Of one-hot sequences.

        Returns
        -------
        torch.Tensor
            As ``x``.

        Raises
        ------
        EugeneError
            If the sequences have another length.

        Examples
        --------
        >>> import seqpro as sp
        >>> own = torch.full((1, 2), 65, dtype=torch.uint8)
        >>> other = Homologs({0: ["CC"]}).replace(own, torch.tensor([0]), 0, 1.0, sp.DNA)
        >>> bytes(other[0])
        b'CC'
        """
        if x.shape[-1] != self.length:
            raise EugeneError(
                f"homologs: they are {self.length} bp long, the sequences {x.shape[-1]} bp"
            )
        if self._pool.device != x.device:
            self._pool, self._table = self._pool.to(x.device), self._table.to(x.device)
        states = row_states(seed, rows)
        known = rows < len(self._table)
        entry = self._table[torch.where(known, rows, 0)]
        count = torch.where(known, entry[:, 1], 0)
        which = (uniform(combine(states, _WHICH)) * count).long()
        other = self._pool[(entry[:, 0] + which).clamp(max=len(self._pool) - 1)]
        chosen = (uniform(combine(states, _CHOICE)) < rate) & (count > 0)
        if x.ndim == 2:
            return torch.where(chosen[:, None], other, x)
        encoded = ohe_bytes(other, alphabet.alphabet, dtype=x.dtype)
        return torch.where(chosen[:, None, None], encoded, x)
