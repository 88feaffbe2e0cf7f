"""A YAML file for somebody's own files, filled in from what they hold."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from eugene._files import write_atomic
from eugene.cli._call import Call
from eugene.cli._init_kinds import FILES, KINDS, example
from eugene.cli._main import say
from eugene.cli._run import check_path, spoken
from eugene.errors import UsageError

_COMMON = ("out", "overwrite", "quiet", "debug")


def init(call: Call) -> int:
    """Write the YAML file of a run on files of the user.

    Parameters
    ----------
    call : Call
        The kind of run, its files, and ``--out``.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    UsageError
        If a file is not named, does not tell what is to be filled in, or is there already at
        ``--out``.
    """
    kind, _ = call.action(tuple(KINDS))
    needs, takes, _ = KINDS[kind]
    shown = f"Example: {example(kind)}"
    missing = [f"--{name}" for name in needs if call.get(name) is None]
    if missing:
        raise UsageError(f"'eugene init {kind}' needs {' and '.join(missing)}. {shown}")
    strange = [n for n in call.options if n not in (*needs, *takes, *_COMMON)]
    if strange:
        raise UsageError(f"'eugene init {kind}' takes no --{strange[0]}. {shown}")
    out = check_path(call, "out", ".yaml", ".yml", default=f"{kind}.yaml")
    assert out is not None
    for name in FILES:
        file = call.get(name)
        if file is not None and not Path(file).is_file():
            raise UsageError(f"--{name} {file}: there is no such file")
    with spoken(call):
        text, told = _written(call, kind, out)
    _require_sound(text, out)
    write_atomic(out, text)
    for line in told:
        say(line)
    say(f"wrote {out}; look at it, then: eugene run {shlex.quote(str(out))}")
    return 0


def _named(file: str, out: Path) -> str:
    """Return how the file names another: as it lies from there, unless a whole path was given."""
    path = Path(file).expanduser()
    if path.is_absolute():
        return str(path)
    return Path(os.path.relpath(path.absolute(), out.absolute().parent)).as_posix()


def _written(call: Call, kind: str, out: Path) -> tuple[str, list[str]]:
    """Return the text of the file, and lines about what was found."""
    from eugene.cli import _init_files as texts
    from eugene.cli import _init_looks as looks

    files = {name: _named(str(call.get(name)), out) for name in FILES if call.get(name)}
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", out.stem)
    command = f"eugene run {shlex.quote(str(out))}"
    motifs = call.get("motif_db") or "embedded"
    if Path(motifs).is_file():
        motifs = _named(motifs, out)
    if kind == "promoters":
        asked = [word for word in (call.get("target") or "").split(",") if word]
        columns = looks.look_at_table(
            str(call.get("table")), call.get("fasta"), seq_col=call.get("seq_col"), targets=asked
        )
        what = "0 and 1" if columns.task == "binary_classification" else "numbers"
        other = f"; not predicted: {', '.join(columns.others)}" if columns.others else ""
        told = [
            f"{columns.n:,} sequences of {columns.size}, {', '.join(columns.targets)} ({what})"
            f"{other}",
            f"split: {columns.dealt}",
            *_doubts(columns.n, "sequences"),
        ]
        return texts.promoters(files, columns, name=name, motifs=motifs, command=command), told
    peaks = looks.look_at_peaks(str(call.get("peaks")), str(call.get("genome")))
    width = call.whole("width", None, 32)
    val, test = peaks.held_out
    told = [
        f"{peaks.n:,} peaks on {len(peaks.counts)} contigs",
        f"validation: {', '.join(val)}; test: {', '.join(test)}" if test else "split: homology",
        *_doubts(peaks.n, "peaks"),
    ]
    if kind == "chip":
        width = width or texts.chip_width(peaks)
        text = texts.chip(files, peaks, name=name, width=width, motifs=motifs, command=command)
        return text, told
    signal = [word for word in (call.get("bigwig") or "").split(",") if word]
    for file in signal:
        if not Path(file).is_file():
            raise UsageError(f"--bigwig {file}: there is no such file")
    strands = looks.look_at_signal(signal, list(peaks.counts))
    if strands:
        told.append(f"strands: {', '.join(strands)}")
    names = [Path(file).stem for file in signal]
    if len(set(names)) < len(names):
        names = [f"{name}_{i}" for i, name in enumerate(names, 1)]
    text = texts.profile(
        files,
        {name: _named(file, out) for name, file in zip(names, signal, strict=True)},
        peaks,
        name=name,
        strands=strands,
        width=width,
        command=command,
    )
    return text, told


def _doubts(n: int, what: str) -> list[str]:
    """Return what is to be said of a number of rows from which little can be learned."""
    from eugene.cli._init_looks import FEW

    if n >= FEW:
        return []
    return [
        f"note: {n} {what} are few for a network, and its figures will be unsure: see whether it "
        "is better than the k-mers beside it"
    ]


def _require_sound(text: str, out: Path) -> None:
    """Raise where the file would not be read as it is written."""
    from eugene.config import parse_text
    from eugene.config._config import resolve_document
    from eugene.runs._needs import require_files

    require_files(resolve_document(parse_text(text, str(out))))
