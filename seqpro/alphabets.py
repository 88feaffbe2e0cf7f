"""Alphabets: which letters there are, in which order, and what they pair with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

import seqpro as sp
from seqpro._types import Letters, Sequences
from seqpro.errors import AlphabetError
from seqpro.family import meant

IUPAC = {
    "A": "A",
    "C": "C",
    "G": "G",
    "T": "T",
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "K": "GT",
    "M": "AC",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
    "N": "ACGT",
}
"""IUPAC letters of nucleotides and the bases they stand for (doi:10.1093/nar/13.9.3021)."""
__path__: list[str] = []  # SeqPro's private module of it can be imported


class BaseAlphabet:
    """What nucleotide and amino-acid alphabets share.

    Attributes
    ----------
    alphabet : str
        The letters in the order of the one-hot columns.
    array : ndarray of S1, shape (A,)
        The same letters.
    lookup : ndarray of uint8, shape (256,)
        Column of every byte; A for a byte outside the alphabet. Lower case counts as upper case
        unless the alphabet holds both.
    ambiguous : str
        Letters that stand for several letters of the alphabet (N and the like).
    wild : str
        The letter that stands for any: N, and X for amino acids.
    """

    wild: str = "N"

    alphabet: str
    array: NDArray[np.bytes_]
    ambiguous: str

    def _set_letters(self, alphabet: str, ambiguous: str) -> None:
        if not alphabet:
            raise AlphabetError("an alphabet needs at least one letter")
        if not alphabet.isascii() or "\0" in alphabet:
            raise AlphabetError(f"alphabet letters must be ASCII and not NUL, got {alphabet!r}")
        if len(set(alphabet)) != len(alphabet):
            repeated = sorted({c for c in alphabet if alphabet.count(c) > 1})
            raise AlphabetError(f"alphabet {alphabet!r} has repeated letters: {''.join(repeated)}")
        self.alphabet = alphabet
        self.array = np.frombuffer(alphabet.encode("ascii"), "S1")
        self.ambiguous = "".join(c for c in ambiguous if c not in alphabet)
        lookup = np.full(256, len(alphabet), np.uint8)
        for code, letter in enumerate(alphabet):
            lookup[ord(letter)] = code
            other = letter.swapcase()
            if len(other) == 1 and other not in alphabet:
                lookup[ord(other)] = code
        lookup.flags.writeable = False
        self._lookup = lookup

    @property
    def lookup(self) -> NDArray[np.uint8]:
        """Column of every byte, uint8 (256,); A for a byte outside the alphabet."""
        return self._exact() if meant("lower_case") else self._lookup

    def _exact(self) -> NDArray[np.uint8]:
        """Return the columns of the letters as they stand, as SeqPro had them."""
        exact = np.full(256, len(self.alphabet), np.uint8)
        exact[self.array.view(np.uint8)] = np.arange(len(self.alphabet))
        return exact

    def __len__(self) -> int:
        return len(self.alphabet)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars_of(self) == vars_of(other)

    def __hash__(self) -> int:
        return hash(vars_of(self))

    def ohe(
        self,
        seqs: Letters,
        *,
        unknown: Literal["zero", "uniform"] = "zero",
        ohe_axis: int = -1,
        out: NDArray[np.uint8] | NDArray[np.float32] | None = None,
    ) -> NDArray[np.uint8] | NDArray[np.float32]:
        """One-hot encode; see `seqpro.ohe`.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.ohe("CA").tolist()
        [[0, 1, 0, 0], [1, 0, 0, 0]]
        """
        return sp.ohe(seqs, self, unknown=unknown, ohe_axis=ohe_axis, out=out)

    def decode_ohe(
        self, seqs: NDArray[np.uint8], ohe_axis: int = -1, unknown_char: str | None = None
    ) -> NDArray[np.bytes_]:
        """Turn one-hot columns into letters; see `seqpro.decode_ohe`. Unknown ones are `wild`.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.decode_ohe(sp.DNA.ohe("ACN"), ohe_axis=-1).tobytes()
        b'ACN'
        >>> sp.AA.decode_ohe(sp.AA.ohe("MK*?")).tobytes()
        b'MK*X'
        """
        return sp.decode_ohe(seqs, ohe_axis, self, unknown_char)

    def tokenize(
        self,
        seqs: Letters,
        token_map: dict[str, int] | None = None,
        unknown_token: int = -1,
        out: NDArray[np.int32] | None = None,
    ) -> NDArray[np.int32]:
        """Turn letters into tokens; see `seqpro.tokenize`.

        Without token_map the tokens are the positions of the letters in the alphabet.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.tokenize("CAN").tolist()
        [1, 0, -1]
        """
        mapping = self.token_map if token_map is None else token_map
        return sp.tokenize(seqs, mapping, unknown_token, out)

    def decode_tokens(
        self,
        seqs: NDArray[np.integer],
        token_map: dict[str, int] | None = None,
        unknown_char: str | None = None,
    ) -> NDArray[np.bytes_]:
        """Turn tokens into letters; see `seqpro.decode_tokens`. Unknown ones are `wild`.

        Examples
        --------
        >>> import numpy as np
        >>> import seqpro as sp
        >>> sp.DNA.decode_tokens(np.array([1, 0, -1])).tobytes()
        b'CAN'
        """
        mapping = self.token_map if token_map is None else token_map
        unknown = self.wild if unknown_char is None else unknown_char
        return sp.decode_tokens(seqs, mapping, unknown)

    @property
    def token_map(self) -> dict[str, int]:
        """Position of every letter; lower case counts as upper case where `lookup` says so."""
        upper = {letter: code for code, letter in enumerate(self.alphabet)}
        folded = (letter.swapcase() for letter in self.alphabet)
        lookup = self.lookup
        known = [c for c in folded if c not in upper and lookup[ord(c)] < len(self.alphabet)]
        return upper | {c: int(lookup[ord(c)]) for c in known}


def vars_of(alphabet: BaseAlphabet) -> tuple[object, ...]:
    """Return what makes two alphabets equal."""
    if isinstance(alphabet, NucleotideAlphabet):
        return (alphabet.alphabet, alphabet.complement)
    if isinstance(alphabet, AminoAlphabet):
        return (alphabet.alphabet, tuple(alphabet.codons), tuple(alphabet.amino_acids))
    return (alphabet.alphabet,)


@final
class NucleotideAlphabet(BaseAlphabet):
    """Letters of a nucleic acid and their complements.

    Parameters
    ----------
    alphabet : str
        For example ``"ACGT"``.
    complement : str
        The complement of each letter, for example ``"TGCA"``. It must be the alphabet read
        backwards, so that a one-hot array is reverse complemented by flipping two axes.

    Attributes
    ----------
    complement_table : ndarray of uint8, shape (256,)
        Complement of every byte, in the same case; letters outside the alphabet stay, and IUPAC
        letters become the IUPAC letter of the complementary bases where there is one.

    Raises
    ------
    AlphabetError
        If letters repeat or the complement is not the reverse of the alphabet.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.NucleotideAlphabet("ACGT", "TGCA") == sp.DNA
    True
    >>> len(sp.RNA), sp.RNA.array.tobytes()
    (4, b'ACGU')
    """

    def __init__(self, alphabet: str, complement: str) -> None:
        if alphabet[::-1] != complement:
            raise AlphabetError(
                f"complement {complement!r} must be the reverse of alphabet {alphabet!r}, "
                f"{alphabet[::-1]!r}; order the letters so that it is"
            )
        self._set_letters(alphabet, "NRYSWKMBDHV")
        self.complement = complement
        self.complement_map = dict(zip(alphabet, complement, strict=True))
        self.complement_map_bytes = {
            k.encode("ascii"): v.encode("ascii") for k, v in self.complement_map.items()
        }
        self.str_comp_table = str.maketrans(self.complement_map)
        self.complement_table = self._full_complement()
        self.bytes_comp_table = self.complement_table.tobytes()

    def _full_complement(self) -> NDArray[np.uint8]:
        table = np.arange(256, dtype=np.uint8)
        pairs = dict(self.complement_map)
        if len(self.alphabet) == 4 and set("ACG") < set(self.alphabet):
            bases = {frozenset(v): k for k, v in IUPAC.items()}
            flip = str.maketrans("ACGT", "TGCA")
            for letter in self.ambiguous:
                pairs[letter] = bases[frozenset(IUPAC[letter].translate(flip))]
        for letter, partner in pairs.items():
            table[ord(letter)] = ord(partner)
            lower = letter.swapcase()
            if lower not in self.alphabet:
                table[ord(lower)] = ord(partner.swapcase())
        table.flags.writeable = False
        return table

    def __repr__(self) -> str:
        return f"NucleotideAlphabet({self.alphabet!r}, {self.complement!r})"

    def reverse_complement(
        self, seqs: Sequences, length_axis: int | None = None, ohe_axis: int | None = None
    ) -> NDArray[np.bytes_] | NDArray[np.uint8]:
        """Reverse complement; see `seqpro.reverse_complement`.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.reverse_complement("AACG").tobytes()
        b'CGTT'
        """
        return sp.reverse_complement(seqs, self, length_axis, ohe_axis)

    def complement_bytes(self, byte_arr: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
        """Complement letters without reversing them.

        Parameters
        ----------
        byte_arr : ndarray of S1, any shape

        Returns
        -------
        ndarray of S1, same shape

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.complement_bytes(sp.cast_seqs("AACN")).tobytes()
        b'TTGN'
        """
        return self.complement_table[byte_arr.view(np.uint8)].view("S1")

    def rev_comp_byte(
        self, byte_arr: NDArray[np.bytes_], length_axis: int = -1
    ) -> NDArray[np.bytes_]:
        """Reverse complement letters along an axis.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.rev_comp_byte(sp.cast_seqs("AAC"), length_axis=-1).tobytes()
        b'GTT'
        """
        return np.flip(self.complement_bytes(byte_arr), length_axis)

    def rev_comp_string(self, string: str) -> str:
        """Reverse complement a plain string.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.rev_comp_string("AACg")
        'cGTT'
        """
        return self.rev_comp_bstring(string.encode("ascii")).decode("ascii")

    def rev_comp_bstring(self, bstring: bytes) -> bytes:
        """Reverse complement plain bytes.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.DNA.rev_comp_bstring(b"AAC")
        b'GTT'
        """
        return bstring.translate(self.bytes_comp_table)[::-1]


@final
class AminoAlphabet(BaseAlphabet):
    """Amino acids and the codons that encode them.

    Parameters
    ----------
    codons : sequence of str
        All of one length.
    amino_acids : sequence of str
        The letter each codon stands for, in the same order; ``*`` is a stop.

    Attributes
    ----------
    codon_array : ndarray of S1, shape (n_codons, codon_length)
    aa_array : ndarray of S1, shape (n_codons,)
        The amino acid of each codon.
    array : ndarray of S1, shape (A,)
        The distinct letters, sorted, with the stop last: the columns of a one-hot array.
    codon_to_aa : dict of str to str

    Raises
    ------
    AlphabetError
        If codons differ in length or repeat, or the two sequences do not match.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.AA.alphabet
    'ACDEFGHIKLMNPQRSTVWY*'
    >>> sp.AA.translate("ATGTAA").tobytes()
    b'M*'
    """

    wild = "X"

    def __init__(self, codons: Sequence[str], amino_acids: Sequence[str]) -> None:
        if len(codons) != len(amino_acids):
            raise AlphabetError(f"got {len(codons)} codons but {len(amino_acids)} amino acids")
        if len({len(c) for c in codons}) != 1:
            raise AlphabetError("codons must all have one length, and there must be at least one")
        if len(set(codons)) != len(codons):
            repeated = sorted({c for c in codons if list(codons).count(c) > 1})
            raise AlphabetError(f"codons repeat: {', '.join(repeated)}")
        if any(len(a) != 1 for a in amino_acids):
            raise AlphabetError("each amino acid must be a single letter")
        letters = sorted(set(amino_acids), key=lambda a: (a == "*", a))
        self._set_letters("".join(letters), "XBZJ")
        self.codons = list(codons)
        self.amino_acids = list(amino_acids)
        self.codon_array = np.array(self.codons, "S")[:, None].view("S1")
        self.aa_array = np.array(self.amino_acids, "S1")
        self.codon_to_aa = dict(zip(self.codons, self.amino_acids, strict=True))

    def __repr__(self) -> str:
        return f"AminoAlphabet({len(self.codons)} codons, {self.alphabet!r})"

    def translate(
        self,
        seqs: Sequences,
        length_axis: int | None = None,
        *,
        ohe_axis: int | None = None,
        nuc_alphabet: NucleotideAlphabet | str | None = None,
        truncate_stop: bool = False,
        validate: bool = False,
        unknown: str = "X",
    ) -> NDArray[np.bytes_] | NDArray[np.uint8]:
        """Translate nucleotides to amino acids; see `seqpro.translate`.

        Examples
        --------
        >>> import seqpro as sp
        >>> sp.AA.translate(["AUGUAA", "atgNAA"]).tobytes()
        b'M*MX'
        """
        return sp.translate(
            seqs,
            self,
            length_axis=length_axis,
            ohe_axis=ohe_axis,
            nuc_alphabet=nuc_alphabet,
            truncate_stop=truncate_stop,
            validate=validate,
            unknown=unknown,
        )


def _standard_code() -> AminoAlphabet:
    """Build the standard genetic code (NCBI translation table 1)."""
    bases = "TCAG"
    letters = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
    codons = [a + b + c for a in bases for b in bases for c in bases]
    return AminoAlphabet(codons, list(letters))


DNA = NucleotideAlphabet("ACGT", "TGCA")
RNA = NucleotideAlphabet("ACGU", "UGCA")
AA = _standard_code()
canonical_codons_to_aas = AA.codon_to_aa
"""Amino acid of each codon of the standard code."""

PROTEIN = AminoAlphabet(
    [codon for codon, letter in AA.codon_to_aa.items() if letter != "*"],
    [letter for letter in AA.codon_to_aa.values() if letter != "*"],
)
"""The amino acids without the stop."""
NAMED: dict[str, BaseAlphabet] = {"DNA": DNA, "RNA": RNA, "AA": AA, "PROTEIN": AA}
_BY_LETTERS = {known.alphabet: known for known in (DNA, RNA, AA, PROTEIN)}


def named(alphabet: BaseAlphabet | str) -> BaseAlphabet:
    """Return an alphabet that is given as an object, by its name or by its letters.

    Parameters
    ----------
    alphabet : BaseAlphabet or str
        ``"DNA"``, ``"RNA"`` and ``"AA"`` in either case; or letters in the order of the one-hot
        columns, which are those of nucleotides where no alphabet of ours has them: the first pairs
        with the last.

    Returns
    -------
    BaseAlphabet

    Raises
    ------
    AlphabetError
        If letters repeat.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.alphabets.named("rna") is sp.RNA, sp.alphabets.named("ACGT") is sp.DNA
    (True, True)
    """
    if isinstance(alphabet, BaseAlphabet):
        return alphabet
    upper = alphabet.upper()
    known = NAMED.get(upper, _BY_LETTERS.get(upper))
    return NucleotideAlphabet(upper, upper[::-1]) if known is None else known


def nucleotides(alphabet: BaseAlphabet | str) -> NucleotideAlphabet:
    """Return an alphabet as `named` does, and refuse one without complements.

    Parameters
    ----------
    alphabet : BaseAlphabet or str

    Returns
    -------
    NucleotideAlphabet

    Raises
    ------
    AlphabetError
        If its letters have no complement.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.alphabets.nucleotides("RNA").complement
    'UGCA'
    """
    found = named(alphabet)
    if not isinstance(found, NucleotideAlphabet):
        raise AlphabetError(f"letters {found.alphabet!r} have no complement: give nucleotides")
    return found
