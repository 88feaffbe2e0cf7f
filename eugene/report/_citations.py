"""What a run is to cite: the works behind its network, methods and data, as BibTeX."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqexplainer.methods import ALIASES, METHODS

if TYPE_CHECKING:
    from eugene._folder import RunFolder

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>;,)]+")
_FILE = Path(__file__).with_name("references.bib")
EUGENE, PYTORCH = "10.1038/s43588-023-00544-w", "10.48550/arXiv.1912.01703"
TOMTOM, JASPAR = "10.1186/gb-2007-8-2-r24", "10.1093/nar/gkab1113"
_SHUFFLE = "10.1186/1471-2105-9-192"
# of what says none in its docstring: section of the run -> name -> works
_WORKS: dict[str, dict[str, tuple[str, ...]]] = {
    "optimizer": {
        "adam": ("10.48550/arXiv.1412.6980",),
        "adamw": ("10.48550/arXiv.1711.05101",),
    },
    "method": {
        "deep_lift_shap": ("10.48550/arXiv.1704.02685", "10.48550/arXiv.1705.07874"),
        "deep_lift": ("10.48550/arXiv.1704.02685",),
        "gradient": ("10.48550/arXiv.1312.6034", "10.1186/s13059-023-02956-3"),
        "saliency": ("10.48550/arXiv.1312.6034", "10.1186/s13059-023-02956-3"),
        "sis": ("10.48550/arXiv.1810.03805",),
    },
    "references": {"dinuc_shuffle": (_SHUFFLE,)},
    "step": {
        "filters": ("10.1038/nbt.3300", TOMTOM),
        "seqlets": (TOMTOM,),
        "modisco": ("10.48550/arXiv.1811.00416", TOMTOM),
        "positional": ("10.1371/journal.pcbi.1008925",),
        "robustness": ("10.1186/s13059-023-02956-3",),
        "grammar": ("10.1093/bioinformatics/btac101",),
    },
}


class Work(NamedTuple):
    """A work that a run is to cite.

    Attributes
    ----------
    doi : str
        Its DOI.
    use : str
        What of the run it stands behind.
    bibtex : str
        Its entry.
    key : str
        The key of the entry.
    """

    doi: str
    use: str
    bibtex: str
    key: str

    @property
    def short(self) -> str:
        """First author and year, as text cites it; the DOI where these are not known."""
        authors = re.search(r"author = \{(.+)\},\n", self.bibtex)
        year = re.search(r"year = \{(\d{4})\}", self.bibtex)
        if not authors or not year:
            return f"doi:{self.doi}"
        names = [name.partition(",")[0] for name in authors[1].split(" and ")]
        said = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        return f"{said} {year[1]}"


@functools.cache
def bibliography() -> Mapping[str, str]:
    """Return the BibTeX entry of each work that is known here, by its DOI.

    Examples
    --------
    >>> bibliography()["10.1038/nbt.3300"].splitlines()[0]
    '@article{alipanahi2015deepbind,'
    """
    entries = re.split(r"\n(?=@)", _FILE.read_text(encoding="utf8").strip())
    found = {}
    for entry in entries:
        doi = re.search(r"doi = \{([^}]+)\}", entry)
        if doi:
            found[doi[1].lower()] = entry.strip()
    return found


def work(doi: str, use: str, said: str = "") -> Work:
    """Return a work; of one that is not known here its DOI, and what is ``said`` of it.

    Examples
    --------
    >>> work("10.1/x", "data", "Doe 2020").bibtex.splitlines()[0]
    '@misc{doi_10_1_x,'
    """
    entry = bibliography().get(doi.lower())
    if entry is None:
        key = "doi_" + re.sub(r"\W+", "_", doi)
        lines = [f"@misc{{{key},"]
        lines += [f"  note = {{{re.sub(r'[{}]', '', said)}}},"] if said else []
        entry = "\n".join((*lines, f"  doi = {{{doi}}}", "}"))
    key = entry[entry.index("{") + 1 : entry.index(",")]
    return Work(doi, use, entry, key)


def works_of(run: RunFolder) -> list[Work]:
    """Return what a run is to cite, each work once.

    Parameters
    ----------
    run : RunFolder
        Its configuration says what it used.

    Returns
    -------
    list of Work
        The program first, then network, training, measures, explanations, and data.
    """
    found: dict[str, Work] = {}
    for doi, use, said in _used(run):
        known = found.get(doi.lower())
        uses = use if known is None or use in known.use else f"{known.use}; {use}"
        if known is not None and use in known.use:
            continue
        found[doi.lower()] = work(doi, uses, said)
    return list(found.values())


def _used(run: RunFolder) -> Iterator[tuple[str, str, str]]:
    """Yield each work, what it stands behind, and what else is known of it."""
    settings = run.settings()
    if not settings:
        return
    yield EUGENE, "the program", ""
    yield PYTORCH, "training", ""
    model, module = run.settings("model"), run.settings("module")
    for doi in of_network(str(model.get("name") or "")):
        yield doi, f"the network {model['name']}", ""
    yield from _named("optimizer", [str(module.get("optimizer"))], "the optimizer {}")
    if run.settings("augment"):
        yield "10.1186/s13059-023-02941-w", "augmentation", ""
    for stage in settings.get("stages") or []:
        name = str((stage.get("adapters") or {}).get("name"))
        for doi in _of_entry("ADAPTERS", name):
            yield doi, f"the adapters {name}", ""
    for section in settings.get("baselines") or []:
        name = str(section.get("name"))
        for doi in _of_entry("BASELINES", name):
            yield doi, f"the baseline {name}", ""
    evaluate = run.settings("evaluate")
    if evaluate.get("n_bootstrap", 1):
        yield "10.1214/aos/1176344552", "bootstrap intervals", ""
    if evaluate.get("calibrate") and module.get("name") == "sequence":
        labels = str(module.get("task")).endswith("classification")
        doi = "10.48550/arXiv.1706.04599" if labels else "10.1080/01621459.2017.1307116"
        yield doi, "calibration", ""
    yield from _of_steps(run)
    yield from _of_data(run)


def _of_steps(run: RunFolder) -> Iterator[tuple[str, str, str]]:
    """Yield what stands behind the explanations of a run."""
    for name, section in (run.settings().get("interpret") or {}).items():
        if not isinstance(section, dict):
            continue
        yield from _named("step", [str(name)], "{}")
        given = section.get("methods") or [section.get("method")]
        methods = [ALIASES.get(str(m), str(m)) for m in given]
        methods = [m for m in methods if m in METHODS]
        yield from _named("method", methods, "attribution by {}")
        for method in methods:
            for doi in _documented(METHODS[method].compute):
                yield doi, f"attribution by {method.replace('_', ' ')}", ""
        if any(METHODS[m].references for m in methods):
            yield from _named("references", [str(section.get("references"))], "references by {}")
        if section.get("motif_db") == "embedded":
            yield JASPAR, "known motifs", ""


def _of_data(run: RunFolder) -> Iterator[tuple[str, str, str]]:
    """Yield the work behind a curated data set."""
    data = run.settings("data")
    if data.get("name") != "dataset":
        return
    import seqdata as sd
    from seqdata.errors import SeqdataError

    try:
        entry = sd.datasets.info(str(data.get("dataset")))
    except SeqdataError:  # of a newer version
        return
    if entry.get("doi"):
        yield str(entry["doi"]), f"the data set {data['dataset']}", str(entry.get("citation") or "")


def _named(kind: str, names: Iterable[str], use: str) -> Iterator[tuple[str, str, str]]:
    for name in names:
        for doi in _WORKS[kind].get(name, ()):
            yield doi, use.format(name.replace("_", " ")), ""


def of_network(name: str) -> list[str]:
    """Return the DOIs in the documentation of an architecture, its own paper first.

    Examples
    --------
    >>> of_network("deepbind")
    ['10.1038/nbt.3300']
    """
    return _of_entry("MODELS", name)


def _of_entry(registry: str, name: str) -> list[str]:
    """Return the DOIs in the documentation of what a name stands for; none of a plug-in's."""
    from eugene.config import registries

    known = getattr(registries, registry)
    return _documented(known.get(name)) if name in known.entered else []


def _documented(thing: object) -> list[str]:
    """Return the DOIs in a docstring, without the point behind them."""
    if isinstance(thing, str):
        from importlib import import_module

        module, _, name = thing.partition(":")
        thing = getattr(import_module(module), name)
    return list(dict.fromkeys(d.rstrip(".:") for d in _DOI.findall(inspect.getdoc(thing) or "")))
