from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqdata import schema, splits
from seqdata.errors import SeqdataError
from seqdata.splits._kmers import digits_of, kmer_hashes
from seqdata.splits._near_duplicates import edit_distance_inside

LETTERS = np.frombuffer(b"ACGT", "S1")
SALT = np.uint64(7)


def genome_rows() -> xr.Dataset:
    chrom = np.repeat(["chr1", "chr2", "chr3"], [5, 3, 2])
    return xr.Dataset(
        coords={
            "chrom": schema.coded_coordinate(chrom),
            "start": ("_sequence", np.array([0, 10, 20, 30, 40, 0, 10, 20, 0, 5])),
            "end": ("_sequence", np.array([10, 20, 30, 40, 50, 10, 20, 30, 10, 15])),
        },
    )


def random_letters(n: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(LETTERS, (n, length))


def dataset(letters: np.ndarray, alphabet: str = "ACGT") -> xr.Dataset:
    return xr.Dataset({"seq": (("_sequence", "_length"), letters, {"alphabet": alphabet})})


def turned(letters: np.ndarray) -> np.ndarray:
    return sp.reverse_complement(letters, sp.DNA, length_axis=1)


def mutated(letters: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Change a share of the letters of every row to another letter."""
    rng = np.random.default_rng(seed)
    out = letters.copy()
    n = round(share * letters.shape[1])
    for row in out:
        for place in rng.choice(len(row), n, replace=False):
            row[place] = rng.choice(LETTERS[row[place] != LETTERS])
    return out


def shifted(letters: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([random_letters(len(letters), by, 5), letters[:, :-by]], axis=1)


def with_gap(letters: np.ndarray) -> np.ndarray:
    """Leave out two letters in the middle, and have two more at the end."""
    middle = letters.shape[1] // 2
    parts = (letters[:, :middle], letters[:, middle + 2 :], random_letters(len(letters), 2, 6))
    return np.concatenate(parts, axis=1)


def slow_edits(pattern: bytes, text: bytes) -> int:
    """Fill the whole table of edit distances; a start and an end anywhere in the text cost 0."""
    row = [0] * (len(text) + 1)
    for i, letter in enumerate(pattern, 1):
        above, row = row, [i]
        for j, other in enumerate(text, 1):
            differs = letter != other or letter not in b"ACGT"
            row.append(min(above[j - 1] + differs, above[j] + 1, row[j - 1] + 1))
    return min(row)


def slow_identity(a: bytes, b: bytes) -> float:
    short, long = sorted((a, b), key=len)
    pairs = [(short, long), (turned_bytes(short), long)]
    return 1 - min(slow_edits(*pair) for pair in pairs) / len(short)


def turned_bytes(letters: bytes) -> bytes:
    return letters[::-1].translate(bytes.maketrans(b"ACGT", b"TGCA"))


def test_leakage_counts_duplicates_on_both_strands_and_overlaps():
    rng = np.random.default_rng(0)
    seqs = rng.choice(LETTERS, (10, 30))
    seqs[7] = sp.reverse_complement(seqs[:1], sp.DNA, length_axis=1)[0]
    seqs[8] = np.char.lower(seqs[1].astype("U1")).astype("S1")
    ds = genome_rows().assign(seq=(("_sequence", "_length"), seqs))
    codes = splits.chromosome(ds, val=["chr2"], test=["chr3"])
    report = splits.leakage(ds, codes)
    assert report["duplicates"] == {"train-val": 1, "train-test": 1, "val-test": 0}
    assert report["overlaps"] == {"train-val": 0, "train-test": 0, "val-test": 0}
    assert not report["clean"]
    assert {"kind": "duplicates", "splits": "train-val", "row": 7, "other": 0} in report["examples"]
    mixed = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
    assert splits.leakage(ds, mixed)["overlaps"]["train-test"] == 1


def test_leakage_of_padded_sequences():
    letters = np.zeros((2, 5), "S1")
    letters[0, :3] = list("AAC")
    letters[1, :3] = list("GTT")
    ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    assert splits.leakage(ds, [0, 2])["duplicates"]["train-test"] == 1
    assert splits.leakage(ds, [0, 2], seq_var=None)["clean"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_overlaps_equal_the_slow_count(data):
    n = data.draw(st.integers(1, 30))
    draw = lambda low, high: np.array(  # noqa: E731
        data.draw(st.lists(st.integers(low, high), min_size=n, max_size=n))
    )
    start, width, chrom, codes = draw(0, 60), draw(1, 15), draw(0, 2), draw(-1, 2)
    ds = xr.Dataset(
        coords={
            "chrom": ("_sequence", chrom),
            "start": ("_sequence", start),
            "end": ("_sequence", start + width),
        }
    )
    report = splits.leakage(ds, codes, seq_var=None)
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        slow = sum(
            any(
                chrom[i] == chrom[j]
                and start[i] < start[j] + width[j]
                and start[j] < start[i] + width[i]
                for i in np.flatnonzero(codes == schema.SPLITS[a])
            )
            for j in np.flatnonzero(codes == schema.SPLITS[b])
        )
        assert report["overlaps"][f"{a}-{b}"] == slow
    for found in report["examples"]:
        i, j = found["row"], found["other"]
        assert chrom[i] == chrom[j]
        assert start[i] < start[j] + width[j]
        assert start[j] < start[i] + width[i]
        assert [codes[j], codes[i]] == [schema.SPLITS[name] for name in found["splits"].split("-")]


PLANTS = {
    "reverse complement, 5 % changed": lambda x: turned(mutated(x, 0.05)),
    "5 % changed": lambda x: mutated(x, 0.05),
    "10 % changed": lambda x: mutated(x, 0.10),
    "shifted by 10 bp": lambda x: shifted(x, 10),
    "shifted and changed": lambda x: turned(shifted(mutated(x, 0.05), 10)),
    "two letters left out": with_gap,
    "lower case, changed": lambda x: np.char.lower(mutated(x, 0.02).astype("U1")).astype("S1"),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_planted_near_duplicates_are_found(plant):
    train, test = random_letters(300, 200), random_letters(200, 200, 9)
    test[:50] = plant(train[:50])
    report = splits.leakage(dataset(np.concatenate([train, test])), [0] * 300 + [2] * 200)
    assert report["near_duplicates"] == {"train-val": 0, "train-test": 50, "val-test": 0}
    assert report["duplicates"]["train-test"] == 0
    assert [(e["row"], e["other"]) for e in report["examples"]] == [(300, 0), (301, 1), (302, 2)]
    assert all(0.8 <= e["identity"] < 1 for e in report["examples"])


def test_equal_rows_are_no_near_duplicates_too():
    train = random_letters(40, 100)
    letters = np.concatenate([train, train[:3], turned(train[3:5]), mutated(train[5:6], 0.03)])
    report = splits.leakage(dataset(letters), [0] * 40 + [1] * 6)
    assert report["duplicates"]["train-val"] == 5
    assert report["near_duplicates"]["train-val"] == 1


def test_unrelated_sequences_are_clean():
    codes = splits.random(3000, fractions=(0.6, 0.2, 0.2))
    report = splits.leakage(dataset(random_letters(3000, 150)), codes)
    assert report["clean"]
    assert report["near_duplicates"] == {"train-val": 0, "train-test": 0, "val-test": 0}
    assert splits.describe_leakage(report) == [
        "leakage: none between the splits; looked for equal sequences, near-duplicates "
        "(identity 0.8 or more)"
    ]


def test_a_large_family_of_relatives_hides_nobody():
    parent = random_letters(1, 120)
    family = mutated(np.repeat(parent, 3000, axis=0), 0.05)
    codes = splits.random(3000, fractions=(0.5, 0.0, 0.5))
    report = splits.leakage(dataset(family), codes)
    assert report["near_duplicates"]["train-test"] == 1500


def test_constant_flanks_are_no_relation():
    inside = random_letters(2000, 80)
    flank = np.repeat(random_letters(1, 15, 4), 2000, axis=0)
    letters = np.concatenate([flank, inside, flank], axis=1)
    letters[1999, 15:95] = mutated(letters[:1, 15:95], 0.05)[0]
    codes = np.repeat([0, 2], 1000)
    assert splits.leakage(dataset(letters), codes)["near_duplicates"]["train-test"] == 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_edit_distances_equal_the_slow_table(data):
    pattern = data.draw(st.text("ACGTN", min_size=1, max_size=140)).encode()
    edits = data.draw(st.text("ACGT", max_size=60)).encode()
    text = edits + pattern[: data.draw(st.integers(0, len(pattern)))] + edits
    text += pattern[data.draw(st.integers(0, len(pattern))) :]
    table = digits_of("ACGT")
    a, b = (table[np.frombuffer(t, np.uint8)] for t in (pattern, text))
    slow = slow_edits(pattern, text)
    assert edit_distance_inside(a, b, len(pattern), 4) == slow
    limit = data.draw(st.integers(0, len(pattern)))
    found = edit_distance_inside(a, b, limit, 4)
    assert found == slow if slow <= limit else found > limit


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(24, 90), min_size=4, max_size=14),
    share=st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.3]),
    identity=st.sampled_from([0.8, 0.9]),
    seed=st.integers(0, 10**6),
)
def test_near_duplicates_against_all_pairs(lengths, share, identity, seed):
    """What is reported is one by the slow table; of those with 10 % to spare none is missed."""
    rng = np.random.default_rng(seed)
    letters = np.zeros((len(lengths), 90), "S1")
    base = random_letters(3, 90, seed)
    for row, length in zip(letters, lengths, strict=True):
        row[:length] = mutated(base[[rng.integers(3)], :length], share, int(rng.integers(10**6)))[0]
    flip = rng.random(len(lengths)) < 0.5
    for i in np.flatnonzero(flip):
        letters[i : i + 1, : lengths[i]] = turned(letters[i : i + 1, : lengths[i]])
    codes = rng.choice([0, 1, 2], len(lengths))
    report = splits.leakage(dataset(letters), codes, identity=identity)
    rows = [bytes(row).rstrip(b"\0") for row in letters]
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        sure = possible = 0
        for j in np.flatnonzero(codes == schema.SPLITS[b]):
            left = [rows[i] for i in np.flatnonzero(codes == schema.SPLITS[a])]
            if any(rows[j] in (other, turned_bytes(other)) for other in left):
                continue
            best = max([slow_identity(other, rows[j]) for other in left], default=0.0)
            possible += best >= identity - 1e-9
            sure += best >= identity + 0.1
        assert sure <= report["near_duplicates"][f"{a}-{b}"] <= possible
    for found in report["examples"]:
        if found["kind"] == "near_duplicates":
            exact = slow_identity(rows[found["row"]], rows[found["other"]])
            assert found["identity"] == pytest.approx(exact, abs=1e-4)


def test_proteins_have_one_strand():
    amino = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", "S1")
    rng = np.random.default_rng(2)
    letters = rng.choice(amino, (30, 60))
    letters[20] = letters[0]
    letters[20, [3, 30, 50]] = b"W"
    letters[21] = letters[1][::-1]
    report = splits.leakage(dataset(letters, amino.tobytes().decode()), [0] * 15 + [2] * 15)
    assert report["near_duplicates"]["train-test"] == 1
    assert report["examples"][0]["row"] == 20


def test_sequences_in_a_file_give_the_same_report(monkeypatch):
    train = random_letters(200, 100)
    ds = dataset(np.concatenate([train, mutated(train[:40], 0.05)]))
    codes = [0] * 200 + [1] * 40
    report = splits.leakage(ds, codes)
    monkeypatch.setattr("seqdata.splits._leakage._IN_MEMORY", 1000)
    assert splits.leakage(ds, codes) == report
    assert report["near_duplicates"]["train-val"] == 40


def test_long_sequences_keep_a_part_of_their_kmers():
    train = random_letters(60, 5000)
    ds = dataset(np.concatenate([train, mutated(train[:20], 0.05)]))
    assert splits.leakage(ds, [0] * 60 + [2] * 20)["near_duplicates"]["train-test"] == 20


@pytest.mark.parametrize(
    "letters", [np.full((6, 50), b"N"), np.zeros((6, 50), "S1"), np.full((6, 19), b"A")]
)
def test_rows_without_enough_letters_are_not_compared(letters):
    letters = letters.copy()
    letters[:, 0] = list("ACGTAC")
    report = splits.leakage(dataset(letters), [0, 0, 0, 2, 2, 2])
    assert report["near_duplicates"]["train-test"] == 0


def test_the_search_can_be_left_out_and_its_threshold_is_checked():
    ds = dataset(random_letters(4, 30))
    report = splits.leakage(ds, [0, 0, 2, 2], identity=None)
    assert report["near_duplicates"] is report["identity"] is None
    with pytest.raises(SeqdataError, match=r"identity is 0\.2: expected a share from 0.6"):
        splits.leakage(ds, [0, 0, 2, 2], identity=0.2)
    with pytest.raises(SeqdataError, match="do not fit a dataset of 4 rows"):
        splits.leakage(ds, [0])


def test_the_description_names_counts_pairs_and_rows():
    train = random_letters(6, 60)
    letters = np.concatenate([train, turned(train[:2]), mutated(train[2:3], 0.05)])
    place = {
        "chrom": ("_sequence", np.array(["c"] * 9)),
        "start": ("_sequence", np.array([0, 100, 200, 300, 400, 500, 550, 700, 800])),
    }
    place["end"] = ("_sequence", place["start"][1] + 60)
    ds = dataset(letters).assign_coords(place)
    lines = splits.describe_leakage(splits.leakage(ds, [0] * 6 + [2] * 3))
    assert lines == [
        "leakage: train-test share 2 equal sequences (test row 6 is train row 0), "
        "1 overlapping window (test row 6 overlaps train row 5), "
        "1 near-duplicate (identity 0.8 or more) (test row 8 is like train row 2)"
    ]
    nothing = splits.describe_leakage({"duplicates": None})
    assert nothing == ["leakage: nothing to compare (no letters and no coordinates)"]


def test_another_name_of_the_row_dimension():
    letters = np.concatenate([random_letters(5, 40), random_letters(5, 40)])
    ds = xr.Dataset({"seq": (("window", "bp"), letters)}, attrs={"sequence_dim": "window"})
    assert splits.leakage(ds, [0] * 5 + [2] * 5)["duplicates"]["train-test"] == 5


def test_kmers_of_both_strands_are_the_same(data_files):
    table = pd.read_csv(data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz", sep="\t")
    letters = sp.cast_seqs(table["sequence"].to_list()[:50])
    out = np.empty((2, letters.shape[1]), np.uint64)
    for row, other in zip(letters, turned(letters), strict=True):
        digits = [digits_of("ACGT")[x.view(np.uint8)] for x in (row, other)]
        n = [kmer_hashes(d, 12, 2, True, SALT, o) for d, o in zip(digits, out, strict=True)]
        assert n == [len(row) - 11] * 2
        np.testing.assert_array_equal(np.sort(out[0, : n[0]]), np.sort(out[1, : n[1]]))


def test_promoters_that_resemble_each_other(data_files):
    """A random split of real promoters parts relatives, a split by homology hardly does."""
    table = pd.read_csv(data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz", sep="\t")
    ds = dataset(sp.cast_seqs(table["sequence"].to_list()))
    random = splits.leakage(ds, splits.random(ds))["near_duplicates"]
    apart = splits.leakage(ds, splits.homology(ds, threshold=0.2))["near_duplicates"]
    assert sum(random.values()) >= 10
    assert sum(apart.values()) <= 2
