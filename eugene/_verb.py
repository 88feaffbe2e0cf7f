"""Words of the command line: what a verb and its options are. Nothing is imported here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eugene._folder import RunFolder


@dataclass(frozen=True)
class Option:
    """One option of a verb that is not part of the configuration.

    Attributes
    ----------
    flag : str
        Such as ``"--config"``.
    help : str
        One line.
    metavar : str
        What follows it; ``""`` for a switch.
    default : str or None
        Value where it is not given.
    aliases : tuple of str
        Other spellings, such as older ones.
    key : str
        Key of the configuration that it sets, if it is no more than another name of one.
    many : bool
        Whether it may be given several times.
    """

    flag: str
    help: str
    metavar: str = ""
    default: str | None = None
    aliases: tuple[str, ...] = ()
    key: str = ""
    many: bool = False

    @property
    def name(self) -> str:
        """The option as a Python name."""
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Verb:
    """One word after ``eugene``.

    Attributes
    ----------
    name : str
        The word.
    summary : str
        One line.
    example : str
        A command that works.
    target : str
        ``"module:function"`` that does it; it is called with the parsed `eugene.cli._call.Call`.
        The verb of a step needs none: the step is done on the run that is named.
    words : str
        What stands after the verb without dashes, for the usage line.
    options : tuple of Option
        Options besides the common ones.
    configured : bool
        Whether it takes ``--config``, ``--print_config`` and overrides.
    minimum : int
        Fewest words.
    maximum : int or None
        Most words.
    sections : tuple of str
        Sections of the configuration that its help shows; empty for all.
    suffixes : tuple of str
        What the name of the file ``--out`` of a step may end in.
    save : str or callable
        What a step writes to ``--out``: a file of its run, or what is called with run and path.
    show : callable, optional
        Lines that are printed when the step is done.
    """

    name: str
    summary: str
    example: str
    target: str = "eugene.cli._run:do_step"
    words: str = "[RUN_DIR | FILE.yaml]"
    options: tuple[Option, ...] = ()
    configured: bool = True
    minimum: int = 0
    maximum: int | None = 1
    sections: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    save: str | Callable[[RunFolder, Path], None] = ""
    show: Callable[[RunFolder], Iterable[str]] | None = None


CONFIG = Option("--config", "YAML file of the run", "FILE.yaml")
PRINT_CONFIG = Option("--print_config", "print the resolved configuration and stop")
OVERWRITE = Option("--overwrite", "replace what an earlier run left in the folder")
REPLACE = Option("--overwrite", "replace files that are there already")
RESUME = Option("--resume", "continue an unfinished run from its last checkpoint")
TRUST = Option("--allow-class-path", "let the file import what it names (trusted files only)")
PLUGIN = Option("--plugin", "module or file.py that registers what is named", "PLUGIN", many=True)
DEVICE = Option("--device", "where to compute: cpu, cuda, cuda:1, mps", "DEVICE", "cpu")
TRAIN_DEVICE = Option("--device", "where to compute; the fastest there is by default", "DEVICE")
RUN_OUT = Option("--out", "folder of the run; runs/NAME by default", "DIR", key="run_dir")
SEEDS = Option(
    "--seeds",
    "train once with each of these seeds, and report them together",
    "[0,1,2]",
    key="replicates.seeds",
)
FOLDS = Option("--folds", "cross-validate with so many folds", "N", key="replicates.folds")
LEAVE_OUT = Option(
    "--leave_out",
    "test each group of a column by a network trained on the others",
    "COLUMN",
    key="replicates.leave_out",
)
INPUT = Option(
    "--input",
    "FASTA, CSV, TSV or BED file, or Zarr store",
    "FILE",
    aliases=("--bed",),
)
GENOME = Option("--fasta", "genome that the regions of a BED file are cut from", "FILE")
OF_INPUT = (
    INPUT,
    Option("--seq_col", "column or variable with the sequences", "NAME"),
    GENOME,
    Option("--target", "output of --input: its number, or counts or profile", "WHICH"),
)
OVERLAP = Option(
    "--overlap",
    "for a base under several windows (.bw): mean, max, nearest, error",
    "WHICH",
    "mean",
)
HELP_ALL = Option("--help-all", "show every key of the configuration as well, and stop")
COMMON = (
    Option("--help", "show this help and stop"),
    Option("--debug", "show the traceback of an error"),
    Option("--quiet", "say nothing but errors and results"),
)
RUNNING = (RUN_OUT, TRAIN_DEVICE, OVERWRITE, RESUME, TRUST)
"""Options of what trains."""


def motif_db(step: str) -> Option:
    """Return the option that says which motifs a step compares with."""
    what = "embedded, a curated set, or a MEME file"
    return Option("--motif_db", what, "FILE", key=f"interpret.{step}.motif_db")


LATER = (DEVICE, OVERWRITE, TRUST)
"""Options of what works with a trained network."""


def out(what: str, metavar: str = "FILE", *, old: bool = False) -> Option:
    """Return ``--out`` of a verb; some had another name for it."""
    return Option("--out", what, metavar, aliases=("--output",) if old else ())
