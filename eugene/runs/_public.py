"""Data of the shipped recipes on a machine that does not have them: fetched, or how to get them."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from eugene.config import RunConfig, config_root, schema
from eugene.config._config import value_at
from eugene.errors import EugeneWarning
from eugene.runs._sources import missing_files

_JORES_SPLIT: dict[str, object] = {
    # the published training and test tables; who validates is drawn from the former
    "name": "column",
    "column": "split",
    "carve": {"from": "train", "to": "val", "fraction": 0.1},
}
_JORES: dict[str, dict[str, str]] = {
    "jores21_leaf": {"dataset": "leaf"},
    "jores21_proto": {"dataset": "proto"},
    "evoaug_jores21_leaf": {"dataset": "leaf"},
}
"""Recipes whose file is a part of the curated set ``jores21``, and its options."""
_MOTIFS = {"TF-clusters.meme": "jores21_tf_clusters"}
_RAW = "https://github.com"
_HOW = {
    "sacCer3/sacCer3.fa.gz": "'eugene datasets get sacCer3' fetches the genome and says where its "
    "FASTA file lies: name that in data.fasta",
    "sacCer3/ChExMix_Rossi2021": f"binding events: {_RAW}/CEGRcode/2021-Rossi_Nature, folder "
    "04_ChExMix_Peaks, with chromosomes called chrI, chrII, ...; name one in data.bed",
    "sacCer3/": f"ATAC-seq SRR1822137 of {_RAW}/macs3-project/MACS, folder test: fragments "
    "yeast_500k_SRR1822137.bedpe.gz, their ends as a BigWig file, peaks of MACS3 hmmratac; name "
    "yours in data.bed and data.bigwigs",
    "basenji_tiny_hg38/": f"windows and tracks of {_RAW}/calico/baskerville, folder "
    "tests/data/tiny/hg38, decoded from its TFRecords; name yours in data",
    "koo_chipseq/": f"sequences and labels of analysis/data/REST_200.h5 in the history of "
    f"{_RAW}/p-koo/evoaug_analysis, as tables; name yours in data.path",
    "jores21/": "table of the article (doi:10.1038/s41477-021-00932-y, supplementary table 6, or "
    f"{_RAW}/tobjores/Synthetic-Promoter-Designs-Enabled-by-a-Comprehensive-Analysis-of-Plant-"
    "Core-Promoters); name yours in data",
    "hg38_chr22_300kb/": "chr22:32,000,000-32,300,000 of hg38 ('eugene datasets get hg38' fetches "
    "the genome); name your FASTA file in data.reference",
}
"""How to get a file that cannot be fetched as it is, by where it lies below ``shared/data``."""


def how_to_get(path: str) -> str:
    """Return in one line how to get a file of the shipped recipes; empty for any other.

    Examples
    --------
    >>> how_to_get("../shared/data/sacCer3/sacCer3.fa.gz")[:30]
    "'eugene datasets get sacCer3' "
    >>> how_to_get("mine.fa")
    ''
    """
    below = path.replace(os.sep, "/").rpartition("shared/data/")
    if not below[1]:
        return ""
    return next((text for start, text in _HOW.items() if below[2].startswith(start)), "")


def with_public_data(config: RunConfig) -> RunConfig:
    """Return a shipped recipe on the curated set that its data are of, where its file is not here.

    Parameters
    ----------
    config : RunConfig
        Any run: what is no shipped recipe, or has its files, comes back as it is.

    Returns
    -------
    RunConfig

    Warns
    -----
    EugeneWarning
        That other rows are trained on than the recipe names.
    """
    source = Path(config.document.source or "")
    options = _JORES.get(source.stem)
    recipes = config_root() / "recipes"
    if options is None or source.absolute().parent.resolve() != recipes.resolve():
        return config
    missing = [path for _, path in missing_files(config)]
    if not missing or not all(how_to_get(path) for path in missing):
        return config
    name = "jores21"
    kept = {parameter.name for parameter in schema.parameters("data")}
    data = {key: value for key, value in config.section("data").items() if key in kept}
    data |= {"name": "dataset", "dataset": name, "options": dict(options), "unverified": True}
    split = copy.deepcopy(_JORES_SPLIT)
    seed = value_at(config.tree, "data.split.seed")
    data["split"] = split if seed is None else {**split, "seed": seed}
    changes: dict[str, object] = {"data": data}
    if _lacks(motifs := value_at(config.tree, "interpret.filters.motif_db")):
        changes["interpret.filters.motif_db"] = _MOTIFS[Path(str(motifs)).name]
    arms = config.section("replicates").get("arms")
    left: list[str] = []
    if isinstance(arms, dict):
        changes["replicates.arms"] = {arm: _arm(value, left) for arm, value in arms.items()}
    without = f" Filters start without the motifs of {', '.join(left)}, which are no curated set."
    warnings.warn(
        f"{missing[0]} is not here: the curated set {name!r} is fetched in its place, all rows "
        "that are published, with the published test table as the test; figures are not those of "
        "the results page. Its checksums are pinned when it comes: nobody published them."
        f"{without if left else ''}",
        EugeneWarning,
        stacklevel=2,
    )
    return config.replaced(changes)


def _lacks(motifs: object) -> bool:
    return isinstance(motifs, str) and not Path(motifs).exists() and Path(motifs).name in _MOTIFS


def _arm(overrides: object, left: list[str]) -> object:
    """Return the overrides of an arm with curated sets for motif files that are not here.

    Files that are no curated set are left out, and their names added to ``left``.
    """
    if not isinstance(overrides, Mapping) or not isinstance(
        init := overrides.get("model.init"), Mapping
    ):
        return overrides
    files = init.get("motif_files")
    if not isinstance(files, list):
        return overrides
    if all(Path(str(file)).exists() for file in files):
        return overrides
    kept: list[object] = []
    for file in files:
        name = Path(str(file)).name
        if Path(str(file)).exists():
            kept.append(file)
        elif name in _MOTIFS:
            kept.append(_MOTIFS[name])
        elif name not in left:
            left.append(name)
    return {**dict(overrides), "model.init": {**init, "motif_files": kept}}
