"""The data set of a grammar: rows, what is planted in them, and files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numba
import numpy as np
from numpy.typing import NDArray

import seqpro as sp
from eugene.errors import EugeneError
from eugene.settings import session_seed
from eugene.simulate._dataset import finished
from eugene.simulate.grammar import _kernel
from eugene.simulate.grammar._checks import chains
from eugene.simulate.grammar._legacy import Replay, fixed_place
from eugene.simulate.grammar._tree import SETS, Rule
from seqpro.random import counter_seed, uniform

if TYPE_CHECKING:
    import xarray as xr

    from eugene.simulate.grammar._grammar import Grammar

_ORDER, _ROWS, _NOISE, _SHUFFLES = range(4)
_KINDS = {
    "random": _kernel.RANDOM,
    "start": _kernel.START,
    "center": _kernel.CENTER,
    "end": _kernel.END,
}
_BLOCK = 4096
_Table = tuple[NDArray[np.generic], ...]


@dataclass
class Drawn:
    """Rows of a grammar.

    Attributes
    ----------
    letters : ndarray of uint8, shape (n, longest)
        ASCII, NUL behind the end of a row.
    planted : ndarray of uint8, shape (n, longest)
        1 where an element stands.
    element, rule : ndarray of uint8 or uint16, shape (n, longest)
        Number from 1 of the element, and of the rule, at each position; 0 for background. As narrow
        as the numbers allow.
    lengths : ndarray of int64, shape (n,)
        In letters.
    followed : ndarray of bool, shape (n, rules)
        Whether a row followed a rule.
    conditions : ndarray of bool, shape (n, conditions)
    labels : ndarray of str, shape (n,)
        Ids of the conditions, joined by ``|`` in the order of the example.
    sets : ndarray of int8, shape (n,)
        Place in `SETS`.
    shuffled : ndarray of bool, shape (n,)
        Whether a row is a shuffled copy.
    """

    letters: NDArray[np.uint8]
    planted: NDArray[np.uint8]
    element: NDArray[np.unsignedinteger]
    rule: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]
    followed: NDArray[np.bool_]
    conditions: NDArray[np.bool_]
    labels: NDArray[np.str_]
    sets: NDArray[np.int8]
    shuffled: NDArray[np.bool_]


def generate(
    grammar: Grammar,
    path: str | Path | None = None,
    *,
    seed: int | None = None,
    compat: Literal["seqgra"] | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Draw the data set of a grammar; see `Grammar.generate`."""
    import xarray as xr

    from seqdata import schema

    drawn = draw(grammar, seed=seed, compat=compat)
    row, position = schema.SEQUENCE_DIM, schema.LENGTH_DIM
    names = [c.id for c in grammar.conditions]
    said = {"kind": "sequence", "alphabet": grammar.alphabet}
    data: dict[str, object] = {
        "seq": ((row, position), drawn.letters.view("S1"), said),
        "split": (row, drawn.sets),
    }
    if grammar.min_length != grammar.max_length:
        data["seq_length"] = (row, drawn.lengths)
    if grammar.task == "regression":
        data["value"] = (row, values(grammar, drawn, seed))
    else:
        data |= {
            name: (row, drawn.conditions[:, i].astype(np.int8)) for i, name in enumerate(names)
        }
        if grammar.task == "multi-class":
            data["label"] = (row, classes(drawn), {"classes": names})
    data["annotation"] = ((row, position), drawn.planted)
    elements = {e.id: i + 1 for i, e in enumerate(grammar.elements)}
    rules = {name: i + 1 for i, (name, _) in enumerate(numbered(grammar))}
    data["element"] = ((row, position), drawn.element, {"codes": {"background": 0, **elements}})
    data["rule"] = ((row, position), drawn.rule, {"codes": {"background": 0, **rules}})
    if drawn.shuffled.any():
        data["shuffled"] = (row, drawn.shuffled)
    ds = xr.Dataset(data)
    ds["annotation"].attrs["codes"] = {"background": 0, "grammar": 1, "confounder": 2}
    chosen = session_seed(grammar.seed if seed is None else seed)
    ds.attrs = {"simulated": grammar.id, "seed": int(chosen), "task": grammar.task}
    if compat is not None:
        ds.attrs["compat"] = compat
    return finished(ds, path, overwrite)


def draw(
    grammar: Grammar, *, seed: int | None = None, compat: Literal["seqgra"] | None = None
) -> Drawn:
    """Draw the rows of a grammar.

    Parameters
    ----------
    grammar : Grammar
    seed : int, optional
        By default that of the grammar.
    compat : {"seqgra"}, optional
        Draw as seqgra does.

    Returns
    -------
    Drawn
    """
    if compat not in (None, "seqgra"):
        raise EugeneError(f"compat must be 'seqgra' or None, got {compat!r}")
    chosen = session_seed(grammar.seed if seed is None else seed)
    if compat:
        return _replayed(grammar, chosen)
    return _shuffled(grammar, _drawn(grammar, chosen), chosen)


def numbered(grammar: Grammar) -> list[tuple[str, Rule]]:
    """Return the rules of a grammar, each with a name of its condition and its number there."""
    return [
        (f"{condition.id}.{i + 1}", rule)
        for condition in grammar.conditions
        for i, rule in enumerate(condition.rules)
    ]


def classes(drawn: Drawn) -> NDArray[np.int64]:
    """Return the class of each row, -1 for background alone."""
    return np.where(drawn.conditions.any(1), drawn.conditions.argmax(1), -1)


def values(grammar: Grammar, drawn: Drawn, seed: int | None) -> NDArray[np.float64]:
    """Return the value of each row, in regression."""
    response = grammar.response
    assert response is not None
    chosen = session_seed(grammar.seed if seed is None else seed)
    effects = np.array([rule.effect for _, rule in numbered(grammar)])
    if response.combine == "additive":
        exact: NDArray[np.float64] = response.base + drawn.followed @ effects
    else:
        exact = response.base * np.where(drawn.followed, effects, 1.0).prod(1)
    if not response.noise:
        return exact
    row = np.arange(len(exact))
    first, second = (uniform(chosen, _NOISE, row, i) for i in (0, 1))
    noise = response.noise * np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)
    return np.asarray(exact + noise, np.float64)


def _empty(grammar: Grammar, labels: list[str], sets: NDArray[np.int8]) -> Drawn:
    """Return rows in which nothing is written yet."""
    n, longest = len(labels), grammar.max_length
    kind = np.min_scalar_type(max(len(grammar.elements), len(numbered(grammar))))
    return Drawn(
        np.zeros((n, longest), np.uint8),
        np.zeros((n, longest), np.uint8),
        np.zeros((n, longest), kind),
        np.zeros((n, longest), kind),
        np.zeros(n, np.int64),
        np.zeros((n, max(len(numbered(grammar)), 1)), np.bool_),
        np.zeros((n, len(grammar.conditions)), np.bool_),
        np.array(labels, np.str_),
        sets,
        np.zeros(n, np.bool_),
    )


def _asked(grammar: Grammar, seed: int) -> tuple[list[tuple[int, ...]], NDArray[np.int8]]:
    """Return the conditions of each row, as numbers and in random order, and its set."""
    place = {c.id: i for i, c in enumerate(grammar.conditions)}
    found: list[tuple[int, ...]] = []
    sets = []
    for code, name in enumerate(SETS):
        listed = [
            tuple(place[c] for c in example.conditions)
            for example in grammar.sets.get(name, ())
            for _ in range(example.samples)
        ]
        order = np.argsort(uniform(seed, _ORDER, code, np.arange(len(listed))), kind="stable")
        found += [listed[i] for i in order]
        sets += [code] * len(listed)
    return found, np.array(sets, np.int8)


def _cuts(weights: list[list[float]]) -> NDArray[np.float64]:
    """Return cumulative probabilities without the last, one row each."""
    table = np.array(weights, np.float64)
    upper: NDArray[np.float64] = np.cumsum(table / table.sum(1, keepdims=True), axis=1)[:, :-1]
    return upper


def _drawn(grammar: Grammar, seed: int) -> Drawn:
    asked, sets = _asked(grammar, seed)
    n = len(asked)
    rules = [rule for _, rule in numbered(grammar)]
    within = np.concatenate([np.arange((sets == code).sum()) for code in range(len(SETS))])
    states = counter_seed(seed, _ROWS, sets.astype(np.int64), within)
    ends = np.cumsum([len(one) for one in asked])
    starts = ends - [len(one) for one in asked]
    flat = np.array([c for one in asked for c in one] or [0], np.int64)
    counts = [len(c.rules) for c in grammar.conditions]
    last = np.cumsum(counts, dtype=np.int64)
    names = [c.id for c in grammar.conditions]
    conditions = (
        last - counts,
        last,
        np.array([c.mode != "sequential" for c in grammar.conditions], np.bool_),
        np.array([rule.probability for rule in rules] or [0.0]),
    )
    drawn = _empty(grammar, ["|".join(names[c] for c in one) for one in asked], sets)
    for i, one in enumerate(asked):
        drawn.conditions[i, list(one)] = True
    background, tables = _background(grammar), _tables(grammar, rules)

    def block(begin: int) -> None:
        part = slice(begin, begin + _BLOCK)
        rows = (states[part], sets[part], starts[part], ends[part], flat)
        lengths = (grammar.min_length, grammar.max_length)
        out = tuple(
            whole[part]
            for whole in (
                drawn.letters,
                drawn.planted,
                drawn.element,
                drawn.rule,
                drawn.lengths,
                drawn.followed,
            )
        )
        _kernel.draw_rows((*rows, *lengths), conditions, background, *tables, out)

    # asking numba how many threads it uses starts its own, and gives torch as many (OpenMP)
    with ThreadPoolExecutor(vars(numba.config)["NUMBA_NUM_THREADS"]) as pool:
        list(pool.map(block, range(0, n, _BLOCK)))
    return drawn


def _background(grammar: Grammar) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return where letters change, of 2**32, and which letters each set and condition has."""
    table = [
        [dict(one.weights).get(a, 0.0) for a in grammar.alphabet] for one in grammar.background
    ]
    cuts = np.minimum(np.round(_cuts(table) * 2.0**32), 2.0**32).astype(np.uint64)
    where = {(one.condition, one.set): i for i, one in enumerate(grammar.background)}
    entry = np.full((len(SETS), len(grammar.conditions) + 1), -1, np.int64)
    for s, name in enumerate(SETS):
        for c, condition in enumerate([*(c.id for c in grammar.conditions), None]):
            ranks = [(condition, name), (None, name), (condition, None), (None, None)]
            entry[s, c] = next((where[rank] for rank in ranks if rank in where), -1)
    return cuts, entry


def _tables(grammar: Grammar, rules: list[Rule]) -> tuple[_Table, _Table, _Table]:
    """Return rules, elements and distances as arrays."""
    number = {e.id: i for i, e in enumerate(grammar.elements)}
    widest = max((e.width for e in grammar.elements), default=1)
    kmer_cuts, kmer_letters, first = [1.0], [[0] * widest], []
    matrix = [[1.0] * len(grammar.alphabet)]
    for element in grammar.elements:
        if element.kmers:
            first.append(len(kmer_cuts))
            chances = np.cumsum([p for _, p in element.kmers])
            kmer_cuts += [*(chances[:-1] / chances[-1]).tolist(), 1.0]
            for kmer, _ in element.kmers:
                kmer_letters.append([*kmer.encode()] + [0] * (widest - len(kmer)))
        else:
            first.append(len(matrix))
            matrix += [[dict(p).get(a, 0.0) for a in grammar.alphabet] for p in element.matrix]
    members = [number[name] for rule in rules for name in rule.elements]
    counts = [len(rule.elements) for rule in rules]
    ends = np.cumsum(counts, dtype=np.int64)
    steps: list[list[int]] = [[] for _ in range(7)]
    step_ends = []
    for rule in rules:
        for chain_number, chain in enumerate(chains(rule)):
            standing = {chain[0].first}
            for one in chain:
                forward = one.first in standing
                old, new = (one.first, one.second) if forward else (one.second, one.first)
                standing.add(new)
                places = (rule.elements.index(old), rule.elements.index(new))
                either = int(one.order == "random")
                for column, value in zip(
                    steps,
                    (
                        *places,
                        int(forward),
                        one.min_distance,
                        one.max_distance,
                        either,
                        chain_number,
                    ),
                    strict=True,
                ):
                    column.append(value)
        step_ends.append(len(steps[0]))
    step_last = np.array(step_ends, np.int64)
    step_first = np.concatenate([[0], step_last[:-1]]) if len(step_last) else step_last
    fixed = [fixed_place(r, 0, 0) if isinstance(r.position, int) else 0 for r in rules]
    kinds = [_kernel.FIXED if isinstance(r.position, int) else _KINDS[r.position] for r in rules]
    return (
        (
            np.array(kinds, np.int64),
            np.array(fixed, np.int64),
            ends - counts,
            ends,
            step_first.astype(np.int64),
            step_last,
        ),
        (
            np.array(members, np.int64),
            np.array([0 if e.kmers else 1 for e in grammar.elements], np.int64),
            np.array([e.width for e in grammar.elements], np.int64),
            np.array(first, np.int64),
            np.array(kmer_cuts),
            np.array(kmer_letters, np.uint8),
            _cuts(matrix),
            np.frombuffer(grammar.alphabet.encode(), np.uint8),
        ),
        tuple(np.array(column, np.int64) for column in steps),
    )


def _replayed(grammar: Grammar, seed: int) -> Drawn:
    replay = Replay(grammar, seed)
    drawn_sets = [replay.rows(name) for name in SETS]
    parts = []
    for code, (asked, rows) in enumerate(drawn_sets):
        parts += [(code, "|".join(one), row, False) for one, row in zip(asked, rows, strict=True)]
        parts += [(code, label, row, True) for label, row in replay.copies(rows)]
    drawn = _empty(grammar, [part[1] for part in parts], np.array([p[0] for p in parts], np.int8))
    place = {c.id: i for i, c in enumerate(grammar.conditions)}
    for i, (_, label, row, copy) in enumerate(parts):
        length = len(row.letters)
        drawn.letters[i, :length] = np.frombuffer("".join(row.letters).encode(), np.uint8)
        drawn.element[i, :length], drawn.rule[i, :length] = row.element, row.rule
        drawn.planted[i, :length] = row.element > 0
        drawn.lengths[i] = length
        drawn.followed[i, [number - 1 for number in row.followed]] = True
        drawn.conditions[i, [place[c] for c in label.split("|") if c]] = True
        drawn.shuffled[i] = copy
    return drawn


def _shuffled(grammar: Grammar, drawn: Drawn, seed: int) -> Drawn:
    """Append shuffled copies of the rows to their sets; copies are of the original rows."""
    for number, shuffle in enumerate(grammar.shuffles):
        own = np.flatnonzero(~drawn.shuffled)
        alphabet = {"DNA": sp.DNA, "RNA": sp.RNA, "protein": sp.AA}[grammar.space]
        root = int(counter_seed(seed, _SHUFFLES, number))
        letters = sp.k_shuffle(
            drawn.letters[own].view("S1"), shuffle.k, alphabet, length_axis=-1, seed=root
        )
        labels = [c for c in shuffle.labels.split("|") if c]
        labelled = np.array([c.id in labels for c in grammar.conditions], np.bool_)
        drawn = Drawn(
            np.concatenate([drawn.letters, letters.view(np.uint8)]),
            np.concatenate([drawn.planted, np.zeros_like(drawn.planted[own])]),
            np.concatenate([drawn.element, np.zeros_like(drawn.element[own])]),
            np.concatenate([drawn.rule, np.zeros_like(drawn.rule[own])]),
            np.concatenate([drawn.lengths, drawn.lengths[own]]),
            np.concatenate([drawn.followed, np.zeros_like(drawn.followed[own])]),
            np.concatenate([drawn.conditions, np.tile(labelled, (len(own), 1))]),
            np.concatenate([drawn.labels, np.full(len(own), shuffle.labels)]),
            np.concatenate([drawn.sets, drawn.sets[own]]),
            np.concatenate([drawn.shuffled, np.ones(len(own), np.bool_)]),
        )
    if not grammar.shuffles:
        return drawn
    order = np.argsort(drawn.sets, kind="stable")
    return Drawn(*(getattr(drawn, key)[order] for key in Drawn.__dataclass_fields__))


def write_text(
    grammar: Grammar,
    folder: str | Path,
    *,
    seed: int | None = None,
    compat: Literal["seqgra"] | None = None,
) -> list[Path]:
    """Write the files of seqgra's input folder; see `Grammar.write_text`."""
    from eugene._files import write_atomic

    drawn, folder, written = draw(grammar, seed=seed, compat=compat), Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for code, name in enumerate(SETS):
        rows = np.flatnonzero(drawn.sets == code)
        lines = {"": ["x\ty\n"], "-annotation": ["annotation\ty\n"]}
        for i in rows:
            length = int(drawn.lengths[i])
            letters = drawn.letters[i, :length].tobytes().decode()
            marks = np.where(drawn.planted[i, :length] > 0, b"G", b"_").astype("S1")
            lines[""].append(f"{letters}\t{drawn.labels[i]}\n")
            lines["-annotation"].append(f"{marks.tobytes().decode()}\t{drawn.labels[i]}\n")
        for suffix, text in lines.items():
            path = folder / f"{name}{suffix}.txt"
            write_atomic(path, "".join(text))
            written.append(path)
    return written
