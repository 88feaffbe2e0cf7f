"""What the motifs of a grammar hold, and how alike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import seqpro as sp
from eugene.errors import EugeneError
from eugene.settings import session_seed
from seqpro.random import counter_seed, uniform

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from eugene.simulate.grammar._grammar import Grammar
    from eugene.simulate.grammar._tree import Element

FIRST, SECOND = "first", "second"
"""Dimensions of the matrices: the element that is compared, and that which it is compared with."""


def element_ppm(grammar: Grammar, element: str) -> NDArray[np.float64]:
    """Return how likely each letter is at each position of an element.

    Parameters
    ----------
    grammar : Grammar
    element : str
        Its id.

    Returns
    -------
    ndarray of float64, shape (letters, width)
        In the order of ``grammar.alphabet``; of k-mers the mean over them.
    """
    found, letters = grammar.by_id[element], grammar.alphabet
    if found.matrix:
        table = [[dict(column).get(a, 0.0) for column in found.matrix] for a in letters]
        return sp.motifs.pfm_to_ppm(table)
    chances = np.array([p for _, p in found.kmers])
    words = np.array([list(kmer) for kmer, _ in found.kmers])
    counts = np.stack([((words == a) * chances[:, None]).sum(0) for a in letters])
    return sp.motifs.pfm_to_ppm(counts)


def motif_table(grammar: Grammar) -> pd.DataFrame:
    """Tabulate the motifs of a grammar.

    Parameters
    ----------
    grammar : Grammar

    Returns
    -------
    pandas.DataFrame
        One row an element: ``element``, ``consensus``, ``width`` (letters),
        ``information_content`` and ``kl_divergence`` from the first background of the definition
        (bits, summed over positions; NaN where a letter of the background is never drawn).

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> from eugene.simulate.grammar import Element, Grammar, Letters
    >>> even = Letters((("A", 1.0), ("C", 1.0), ("G", 1.0), ("T", 1.0)))
    >>> gata = Element("gata", kmers=(("GATA", 1.0),))
    >>> motif_table(Grammar("g", (even,), {}, (), (gata,), 9, 9)).values.tolist()
    [['gata', 'GATA', 4, 8.0, 8.0]]
    """
    import pandas as pd

    letters = grammar.alphabet
    weights = dict(grammar.background[0].weights)
    background = np.array([weights.get(a, 0.0) for a in letters])
    background /= background.sum()
    rows = []
    for element in grammar.elements:
        ppm = element_ppm(grammar, element.id)
        most = "".join(letters[i] for i in ppm.argmax(0))
        inside = sp.motifs.information_content(ppm).sum()
        apart = np.nan
        if (background > 0).all():
            apart = sp.motifs.information_content(ppm, background=background).sum()
        rows.append((element.id, most, element.width, float(inside), float(apart)))
    columns = ["element", "consensus", "width", "information_content", "kl_divergence"]
    return pd.DataFrame(rows, columns=columns)


def motif_kld_matrix(grammar: Grammar) -> xr.DataArray:
    """Compare all motifs of a grammar by their smallest relative entropy.

    Parameters
    ----------
    grammar : Grammar

    Returns
    -------
    xarray.DataArray of float64, dims (first, second)
        Bits; see `seqpro.motifs.min_divergence`. Not symmetric.
    """
    ppms = [element_ppm(grammar, element.id) for element in grammar.elements]
    values = [[sp.motifs.min_divergence(one, two) for two in ppms] for one in ppms]
    return _matrix(grammar, values, "smallest relative entropy", "bits")


def motif_ess_matrix(
    grammar: Grammar, *, n: int = 100, flank: int = 100, seed: int | None = None
) -> xr.DataArray:
    """Compare all motifs of a grammar by how well one scores where another stands.

    Parameters
    ----------
    grammar : Grammar
    n : int
        Sequences for each motif.
    flank : int
        Uniform letters before and behind its instances.
    seed : int, optional
        By default that of the grammar.

    Returns
    -------
    xarray.DataArray of float64, dims (first, second)
        Mean over the sequences of ``second`` of the best log-odds of ``first``, in bits; see
        `seqpro.motifs.empirical_similarity`. The coordinate ``standard_error`` has the same
        dimensions.

    Raises
    ------
    EugeneError
        If ``n`` is less than 2, or there is no room for a motif.
    """
    if n < 2:
        raise EugeneError(f"n is {n}, expected 2 or more sequences for each motif")
    root = session_seed(grammar.seed if seed is None else seed)
    letters = len(grammar.alphabet)
    widest = max((e.width for e in grammar.elements), default=0)
    if 2 * flank + min((e.width for e in grammar.elements), default=0) < widest:
        raise EugeneError(f"flank is {flank}: sequences would be shorter than the widest motif")
    ppms = [element_ppm(grammar, element.id) for element in grammar.elements]
    means = np.zeros((len(ppms), len(ppms)))
    errors = np.zeros_like(means)
    for j, element in enumerate(grammar.elements):
        own = int(counter_seed(root, j))
        words = _instances(grammar, element, ppms[j], n, own)
        sequences = sp.motifs.in_flanks(words, letters, flank, seed=own)
        for i, ppm in enumerate(ppms):
            scores = sp.motifs.best_scores(ppm, sequences)
            means[i, j], errors[i, j] = scores.mean(), scores.std(ddof=1) / np.sqrt(n)
    found = _matrix(grammar, means, "empirical similarity score", "bits")
    found = found.assign_coords(standard_error=((FIRST, SECOND), errors))
    found.attrs |= {"n": n, "flank": flank, "seed": int(root)}
    return found


def _instances(
    grammar: Grammar, element: Element, ppm: NDArray[np.float64], n: int, seed: int
) -> NDArray[np.int64]:
    """Draw instances of an element: letters of a matrix, whole k-mers."""
    if element.matrix:
        return sp.motifs.random_instances(ppm, n, seed=seed)
    chances = np.cumsum([p for _, p in element.kmers])
    chosen = (uniform(seed, np.arange(n))[:, None] >= chances[:-1] / chances[-1]).sum(1)
    words = [[grammar.alphabet.index(a) for a in kmer] for kmer, _ in element.kmers]
    return np.asarray(np.array(words, np.int64)[chosen], np.int64)


def _matrix(grammar: Grammar, values: object, name: str, units: str) -> xr.DataArray:
    import xarray as xr

    ids = [element.id for element in grammar.elements]
    return xr.DataArray(
        np.asarray(values, np.float64).reshape(len(ids), len(ids)),
        dims=(FIRST, SECOND),
        coords={FIRST: ids, SECOND: ids},
        name=name.replace(" ", "_"),
        attrs={"long_name": name, "units": units},
    )
