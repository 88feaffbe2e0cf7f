"""The page of old names, written from the table and from what functions accept."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from seqpro.family import MEANINGS, Accepted, Old, anything, table

_HEAD = """# EUGENe's names here

Notebooks that were written for EUGENe 0.1 and its packages (SeqData, SeqPro, SeqExplainer,
SeqDatasets, MotifData) run with what is listed here. `import seqdatasets` and `import motifdata`
work, and so do the old private modules such as `eugene.models.base._layers` or
`seqexplainer.gia`: they hold EUGENe's names and nothing of their own.

Functions take EUGENe's arguments, by their names and by their places, beside ours; `help(...)`
shows both. An argument that decides nothing here is taken and left out; one that would change
what is computed, and cannot be had, is refused with its name and what to write instead. Where
neither is said, a name means what it meant.

## Means otherwise here

- **Networks of the zoo** are those of their papers. EUGENe's pools slid by one position and its
  `Jores21CNN` and `Kopp21CNN` turned filters about the wrong axes: `variant="eugene"` builds
  those, and a checkpoint of EUGENe's is loaded into the arrangement that it was trained in, with
  a warning, or is refused.
- **Defaults of networks** are their papers': `FactorizedBasset()` has 600 bp and 164 outputs,
  `BPNet` one output and no control tracks. Say what you want where you left EUGENe's out.
- **`chunks="auto"`** of `open_zarr` is a shard a chunk, as without it; values are the same.
- **`orient` of `countplot` and `histplot`**: `"v"` stands, `"h"` lies. EUGENe's `countplot` said
  `"h"` for bars that stand.
- **Plots** return their axes, whatever `return_axes` says, and never open a window; several
  variables get an array of axes. `performance_summary` of a dataset returns EUGENe's table of
  scores, unless `return_axes` is true; predictions are probabilities, which classes are called of
  at 0.5 where EUGENe called logits at 0.
- **Pictures** are drawn by matplotlib alone: arguments that were seaborn's (`palette`, `kde`,
  `order` ...) are refused by name.
- **Predictions** are written to `settings.output_dir/name/version` where a name, version or label
  is given; EUGENe wrote them always.
- **`init_motif_weights`** leaves the filters that no motif is written to as they are;
  `initializer="kaiming_normal"` draws them anew, as EUGENe did.
- **`attribute_sdata(reference_type=)`** is heard here. EUGENe left it out and took zeros.
- **Lower case letters** are encoded as upper case; SeqPro made zeros of soft-masked sequence.
- **`seqpro.transforms.Random`** draws for each row; SeqPro's drew once for the whole call.
- **Sequences of any length** are rows padded on the right (`{name}_length` says how far they go),
  or, where one is much longer than most, flat with `{name}_offsets`; SeqData's were Python objects.
  `[row.tobytes().decode() for row in ds.sd.rows("seq")]` are the texts of either.
- **Stores** of SeqData 0.1 and 0.2 are read into memory by `open_zarr`, with a warning; one that
  xarray wrote itself carries no mark that it is complete, and needs `allow_incomplete=True`.
- **`read_bedlike`** returns a pandas table, and refuses a summit outside its peak.
- **`get_torch_dataloader`** of letters that no transform encodes gives their ASCII codes; SeqData's
  raised a `TypeError`.
- **Motifs of `motifdata`** have MotifData's form, positions first; `.today` is ours.

## How much of it is here

{counts}

Whether the names that are here take EUGENe's arguments, `python tests/family_surface.py` tells.
When this layer was begun, 122 of the
179 public names were present, and 30 more had a counterpart under another name.

Cells that we wrote as notebooks have them, from the signatures of EUGENe's names:

| | cells | unchanged | told what to write | raw errors |
|---|---|---|---|---|
| first set, of an earlier session | 155 | 88 % | 9 | 7 |
| second set, when first run | 136 | 114 | 11 | 11 |
| the same, today | 136 | 131 | 5 | 0 |
| third set, when first run | 99 | 76 | 15 | 8 |
| the same, those mended that were wrong in EUGENe too | 100 | 90 | 10 | 0 |
| fourth set, when first run | 48 | 40 | 2 | 6 |
| the same, today | 48 | 41 | 2 | 5 |

Raw errors that are left: three of names that EUGENe 0.1 never had (`eu.pp`, `load_from_config`,
`BiConv1DTower(dropout=)`), `ProfileModule.task`, and axes of `boxplot` taken one by one where no
`groupby` draws several: it draws them in one.

What is refused of the second and third set today: data that could not be fetched where they were
run (3 cells), TF-MoDISco where modisco-lite is not installed, `hyperopt`, `modisco_report`,
seaborn's arguments of pictures, `divide_by_bg=False`, files that `annotate_pfms` wrote, groups of
stores, stores of xarray
that are not marked complete, `logger="wandb"` by its name, matrices with letters first, and one
argument that was no mapping.

## Old meanings, on request

`seqpro.family.as_it_was()` on top of a notebook, or the environment variable
`EUGENE_AS_IT_WAS=all`, lets these names mean what they meant, for everything in the process; each
can be had alone, `as_it_was("lower_case")`, and in a `with` block. It is for numbers that were
published: ours is what we hold to be right, and nothing is turned on by itself.

{meanings}

## Tests of SeqPro and SeqData

Of the tests that SeqPro 0.1.16 came with, 32 of 35 pass as they are, and 35 with old meanings on:
`test_ohe` and `test_roundtrip` want lower case letters to become zeros, `test_random` one draw for
all rows of a call.

Of those of SeqData 0.2.2 (47 with their parameters, on the files described in its repository, reads
and signal simulated), 25 pass as they are and 41 with old meanings on. SeqData 0.2.2 itself passes
29 of them with what can be installed today.

| tests | as they are | `as_it_was()` | why |
|---|---|---|---|
| readers, regions, one call, of one length (11) | pass | pass | |
| loaders: all of `test_torch.py` but `test_no_transforms` (4) | pass | pass | |
| instances of readers (5), `test_table_write`, four of `test_seqdata.py` | pass | pass | |
| sequences and reads of any length (11) | fail | pass | rows are padded here, or flat |
| `test_read_bed` (3), `narrowpeak`, `broadpeak` | fail | pass | tables are those of pandas here; \
the summits of `narrowpeak` lie outside their peaks |
| `test_to_zarr_non_uniform_chunks` | fails | fails | chunks are shards here, whatever dask's were |
| `test_no_transforms` | fails | fails | wants a `TypeError` for letters, which \
`test_multi_variable` of the same file wants to be numbers |
| `test_open_zarr`, `test_to_zarr` | fail | fail | want `_ARRAY_DIMENSIONS` among the attributes, \
where xarray does not show it: they fail with SeqData |
| `test_from_flat_files` of `tangermeme.fa` | fails | fails | the file is not there; of one with \
contigs of several lengths `fixed_length=True` is refused, by SeqData too |
| `test_table_reader` | fails | fails | a private method, `Table._get_reader`; fails with SeqData |

## Names

`=` stands as it was. *none* is refused with the sentence beside it.
"""


def page() -> str:
    """Return ``docs/switching/eugene.md``.

    Returns
    -------
    str
        Markdown: what means otherwise, every name, and every argument that is called otherwise.
    """
    packages: dict[str, list[Old]] = {}
    for old in table().values():
        packages.setdefault(old.name.split(".")[0], []).append(old)
    lines = [_HEAD.replace("{counts}", _counts()).replace("{meanings}", _meanings())]
    for package, rows in packages.items():
        lines += [f"### {package}", "", "| EUGENe's | here | |", "|---|---|---|"]
        lines += [_row(old) for old in rows]
        lines.append("")
    lines += ["## Arguments", ""]
    lines.append("Those that are called otherwise, change nothing, or are refused.")
    lines += ["", "| function | EUGENe's argument | here |", "|---|---|---|"]
    for old in table().values():
        lines += [f"| `{old.name}` | `{key}` | {said} |" for key, said in _arguments(old)]
    return "\n".join(lines) + "\n"


def _counts() -> str:
    """Return how many names are here, and which are refused."""
    lines = ["| | names | here | refused |", "|---|---|---|---|"]
    for public, title in ((True, "public"), (False, "in private modules")):
        rows = [old for old in table().values() if old.public == public]
        gone = sum(old.here == "-" for old in rows)
        lines.append(f"| {title} | {len(rows)} | {len(rows) - gone} | {gone} |")
    lines += ["", "Refused, with what to call instead:", ""]
    lines += [f"- `{old.name}`: {old.say}" for old in table().values() if old.here == "-"]
    return "\n".join(lines)


def _meanings() -> str:
    """Return the old meanings that can be had."""
    return "\n".join(f"- `{name}`: {said}" for name, said in MEANINGS.items())


def _row(old: Old) -> str:
    here = {"=": "=", "-": "*none*"}.get(old.here) or f"`{_shown(old.here)}`"
    return f"| `{old.name}` | {here} | {old.say.replace('|', chr(92) + '|')} |"


def _shown(target: str) -> str:
    """Return a target as it is imported: private modules are left out."""
    module, _, name = target.partition(":")
    parts = [part for part in module.split(".") if not part.startswith("_")]
    return ".".join([*parts, name] if name else parts)


def _arguments(old: Old) -> Iterator[tuple[str, str]]:
    """Yield EUGENe's arguments that are not ours, and what becomes of them."""
    accepted = accepted_by(old)
    if accepted is None or old.name not in accepted.of:
        return
    for key in accepted.parameters():
        if key in accepted.same:
            yield key, f"`{accepted.same[key]}`"
        elif key in accepted.turned:
            yield key, accepted.turned[key]
        elif key in accepted.returned:
            yield key, "says what is returned, as it did"
        elif key in accepted.refused:
            yield key, f"refused: {accepted.refused[key]}"
        elif key in accepted.unheard:
            free = accepted.unheard[key] is anything
            yield key, "changes nothing" if free else "taken where it asks for what is done anyway"


def accepted_by(old: Old) -> Accepted | None:
    """Return what a function, or the making of a class, accepts of EUGENe's.

    Parameters
    ----------
    old : Old
        The row of the name.

    Returns
    -------
    Accepted or None
    """
    if old.here == "-" or old.kind not in ("function", "class"):
        return None
    module, name = old.name.rpartition(".")[::2]
    if old.here != "=":
        module, _, name = old.here.partition(":")
    found = getattr(importlib.import_module(module), name)
    again = getattr(found, "__eugene__", None) or getattr(found.__init__, "__eugene__", None)
    return again if isinstance(again, Accepted) else None
