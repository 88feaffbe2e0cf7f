"""A page of motifs: logos beside the known motifs that they resemble."""

from __future__ import annotations

import base64
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqexplainer.errors import SeqexplainerError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from seqexplainer.filters import FilterMotifs
    from seqexplainer.modisco import Patterns
    from seqpro.motifs import Motif, MotifSet

__all__ = ["motif_table"]

_FLANK = 4


class _Row(NamedTuple):
    name: str
    n_sites: int
    bits: float
    ppm: NDArray[np.float64]
    contributions: NDArray[np.float64] | None
    alphabet: str


def motif_table(
    motifs: FilterMotifs | MotifSet | Patterns,
    path: str | os.PathLike[str],
    motif_db: MotifSet | str | os.PathLike[str] | None = None,
    *,
    annotations: pd.DataFrame | None = None,
    top: int = 3,
    title: str = "Motifs",
) -> Path:
    """Write a page with a logo of every motif beside the known motifs that it resembles.

    The page is one file: pictures are inside it, and a click on a heading sorts it.

    Parameters
    ----------
    motifs : FilterMotifs, MotifSet or Patterns
        What `generate_pfms`, `modisco` or a motif file gave. Patterns also show their mean
        contributions. Filters that no window activates are left out.
    path : path
        The file to write; it is written whole or not at all.
    motif_db : MotifSet or path, optional
        Known motifs. Without them the motifs stand alone.
    annotations : pandas.DataFrame, optional
        From `annotate_pfms` for these motifs and this database; by default it is called here.
    top : int
        Known motifs beside each.
    title : str
        Heading of the page.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SeqexplainerError
        If there is no motif to show, or the folder of the file is missing.

    Examples
    --------
    >>> from seqpro.motifs import Motif, MotifSet
    >>> folder = tempfile.mkdtemp()
    >>> made = motif_table(MotifSet([Motif("box", np.eye(4))]), f"{folder}/motifs.html")
    >>> "logo of box" in made.read_text()
    True
    """
    import jinja2

    rows, known_as = _rows(motifs)
    if not rows:
        raise SeqexplainerError("there is no motif to show: every matrix is empty (dead filters)")
    target = Path(path)
    if not target.parent.is_dir():
        raise SeqexplainerError(f"{target}: the folder {target.parent} does not exist")
    matches, known = _matches(known_as, motif_db, annotations, top)
    with_contributions = rows[0].contributions is not None
    columns = ["motif", "sites", "information (bits)"]
    columns += ["contributions"] if with_contributions else []
    columns += ["letters", *(f"match {i + 1}" for i in range(top if matches else 0))]
    drawn: dict[str, str] = {}
    shown = []
    for row in rows:
        pictures = [{"alt": f"logo of {row.name}", "uri": _logo(row.ppm, row.alphabet, bits=True)}]
        if row.contributions is not None:
            alt = f"contributions of {row.name}"
            pictures.insert(
                0, {"alt": alt, "uri": _logo(row.contributions, row.alphabet, bits=False)}
            )
        beside = [_match(m, known, drawn) for m in matches.get(row.name, [])]
        shown.append(
            {
                "name": row.name,
                "n_sites": row.n_sites,
                "sites": f"{row.n_sites:,}" if row.n_sites else "",
                "bits": row.bits,
                "pictures": pictures,
                "matches": beside + [None] * (top - len(beside)) if matches else [],
            }
        )
    template = Path(__file__).with_name("_motif_table.html.j2").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True).from_string(template)
    against = f", beside the {top} most similar of {len(known)} known motifs" if matches else ""
    text = page.render(
        title=title, summary=f"{len(rows)} motifs{against}.", columns=columns, rows=shown
    )
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as out:
        out.write(text)
    Path(out.name).chmod(0o644)
    Path(out.name).replace(target)
    return target


def _rows(motifs: Any) -> tuple[list[_Row], MotifSet]:
    """Return what is shown of each motif, and the motifs as they are compared."""
    from seqexplainer.filters import FilterMotifs
    from seqexplainer.modisco import Patterns

    contributions: list[Any] | None = None
    if isinstance(motifs, Patterns):
        contributions = [p.contributions[:, p.core(flank=_FLANK)] for p in motifs]
        chosen = motifs.motifs()
    elif isinstance(motifs, FilterMotifs):
        chosen = motifs.to_motif_set()
    else:
        chosen = motifs
    rows = [
        _Row(
            name=motif.name,
            n_sites=int(motif.n_sites or 0),
            bits=float(np.sum(motif.information_content())),
            ppm=np.asarray(motif.ppm()),
            contributions=None if contributions is None else contributions[i],
            alphabet=motif.alphabet.alphabet,
        )
        for i, motif in enumerate(chosen)
    ]
    return rows, chosen


def _matches(
    motifs: MotifSet, motif_db: object, annotations: pd.DataFrame | None, top: int
) -> tuple[dict[str, list[object]], dict[str, Motif]]:
    """Return the best matches of each motif, and the known motifs by accession."""
    if motif_db is None:
        return {}, {}
    from seqexplainer.motifs import annotate_pfms, as_motif_set

    database = as_motif_set(motif_db)
    if annotations is None:
        annotations = annotate_pfms(motifs, database, top=top)
    best = annotations[annotations["rank"] <= top].sort_values(["query", "rank"])
    matches = {str(name): list(part.itertuples()) for name, part in best.groupby("query")}
    return matches, {motif.accession or motif.name: motif for motif in database}


def _match(match: Any, known: dict[str, Motif], drawn: dict[str, str]) -> dict[str, Any]:
    motif = known[match.accession]
    turned = match.strand == "-"
    key = f"{match.accession}{match.strand}"
    if key not in drawn:
        shown = motif.reverse_complement() if turned else motif
        drawn[key] = _logo(np.asarray(shown.ppm()), motif.alphabet.alphabet, bits=True)
    return {
        "name": match.target,
        "accession": "" if match.accession == match.target else match.accession,
        "uri": drawn[key],
        "p": f"{match.p_value:.1e}",
        "q": f"{match.q_value:.1e}",
        "p_value": match.p_value,
    }


def _logo(matrix: NDArray[np.float64], alphabet: str, *, bits: bool) -> str:
    """Return a logo without axes as a data URI."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from seqexplainer.plot import logo
    from seqexplainer.plot._logo import information

    figure = Figure(figsize=(0.16 * matrix.shape[1], 0.62), dpi=140)
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    logo(information(matrix) if bits else matrix, ax=ax, alphabet=alphabet)
    ax.set_axis_off()
    if bits:
        ax.set_ylim(0, np.log2(len(matrix)))
    with io.BytesIO() as out:
        figure.savefig(out, format="png", transparent=True)
        data = base64.b64encode(out.getvalue()).decode()
    return f"data:image/png;base64,{data}"
