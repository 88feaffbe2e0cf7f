"""Constructs: payloads put into a locus, strides drawn as views, and the files of the original."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import seqdata as sd
from seqdata import constructs

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "finetune_utils.json").read_text())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three payloads with replicates, groups and sites, and a genome of one contig."""
    rng = np.random.default_rng(3)
    genome = "".join(rng.choice(list("acgtACGT"), 400))
    payloads = {"pl_1": "A" * 20 + "C" * 20, "pl2": "".join(rng.choice(list("ACGT"), 101)),
                "pl3": "".join(rng.choice(list("ACGT"), 260))}  # fmt: skip
    text = {
        "table": "MenDel.Name\tactivity\tgroups\npl~1\t1.0\tgroupA\npl2\t5\tgroupB\n"
        "pl~1\tNA\tgroupA\npl~1\t2.5\tgroupA\npl3\t0.5\tgroupB\n",
        "fasta": "".join(f">{name} words\n{seq}\n" for name, seq in payloads.items()),
        "reference": f">chrZ\n{genome}\n",
        "sites": "pl~1\t10\t20\ts1\npl2\t0\t5\ts2\npl3\t0\t12\tlost\npl3\t100\t112\ts3\n",
    }
    found = {name: tmp_path / f"{name}.txt" for name in text}
    found["table"] = tmp_path / "table.tsv"
    found["sites"] = tmp_path / "sites.bed"
    for name, content in text.items():
        found[name].write_text(content)
    return found


def built(files: dict[str, Path], context: str = "chrZ:150-200", **options: object) -> xr.Dataset:
    options = {"length": 160, "padding": 40, **options}
    sites = options.pop("annotation", files["sites"])
    return constructs.build(files["table"], files["fasta"], files["reference"], context, sites,
                            **options)  # fmt: skip


def text_of(ds: xr.Dataset) -> list[str]:
    return [row.tobytes().decode() for row in ds["seq"].values]


@pytest.fixture
def made(files: dict[str, Path]) -> xr.Dataset:
    with pytest.warns(sd.SeqdataWarning, match="longer than the window|where a payload was cut"):
        return built(files)


def test_payloads_take_the_place_of_the_locus(files: dict[str, Path], made: xr.Dataset) -> None:
    genome = files["reference"].read_text().split("\n")[1].upper()
    payload = dict(re.findall(r">(\S+) words\n(\S+)", files["fasta"].read_text()))
    one, two, three = text_of(made)
    assert one == genome[70:150] + payload["pl_1"] + genome[200:280]
    assert two == genome[101:150] + payload["pl2"] + genome[200:250]  # of 99 bp, 49 on the left
    assert three == payload["pl3"][30:230]
    assert made["id"].values.tolist() == ["pl~1", "pl2", "pl3"]
    assert made["activity"].values.tolist() == [1.75, 5.0, 0.5]
    assert made["replicates"].values.tolist() == [2, 1, 1]
    assert made["group"].values.tolist() == ["groupA", "groupB", "groupB"]
    assert made["sites"].values.tolist() == ["s1:90-100", "s2:49-54", "s3:70-82"]
    assert made["payload_start"].values.tolist() == [80, 49, 0]
    assert made["payload_end"].values.tolist() == [120, 150, 200]
    assert made["payload_length"].values.tolist() == [40, 101, 260]
    assert made.attrs["max_jitter"] == 20


def test_what_is_cut_is_said(files: dict[str, Path]) -> None:
    with pytest.warns(sd.SeqdataWarning) as told:
        built(files)
    said = " ".join(str(w.message) for w in told)
    assert "'pl3'" in said
    assert "'pl3/lost:0-12'" in said
    with pytest.raises(sd.SeqdataError, match="longer than the window of 200 bp: 'pl3'"):
        built(files, longer="error")
    with pytest.warns(sd.SeqdataWarning), pytest.raises(sd.SeqdataError, match="pl3/lost"):
        built(files, cut_sites="error")


def test_every_length_gives_a_window_of_the_length_asked_for() -> None:
    for case in GOLDEN["pad_or_trim"]:
        size, total = case["payload_len"], case["target"]
        where = constructs.place(size, total)
        # the original gave 800 letters where the payload fits, which was its defect
        assert where.left + where.kept + where.right == total
        if case["out_len"] == total:
            assert where.left == case["left_pad"]
        sites = [constructs.Site("s1", 10, 20), constructs.Site("s2", size - 15, size - 5)]
        moved = [[s.start, s.end] for site in sites if (s := where.moved(site))]
        assert moved == [span[1:3] for span in case["annotation"]] or case["out_len"] != total


def test_places_are_those_of_the_original() -> None:
    for case in GOLDEN["pad_or_crop"]:
        assert list(constructs.centred(*case["in"])) == case["out"]
    for case in GOLDEN["resize_and_break"]:
        _, start, end, size = case["in"]
        assert [["chr1", *t] for t in constructs.tiles(start, end, size)] == case["out"]
    letters = np.array(list("ACGTNacgtnXx"), "S1")
    assert constructs.one_hot(letters).tolist() == GOLDEN["dna_1hot_ACGTNacgtnX"]
    site = constructs.read_site("chr3:34732778-34772706")
    assert list(site) == GOLDEN["parse_annotation"][0]
    for bad in ("chr3", "chr3:5", "chr3:9-5", "chr3:-4-9"):
        with pytest.raises(sd.SeqdataError, match="expected"):
            constructs.read_site(bad)


def test_draws_of_the_original() -> None:
    for case in GOLDEN["generate_offsets"]:
        found = constructs.offsets(*case["args"], 4200, compat="finetune_enformer")
        assert len(found) == case["n"]
        assert found[:5].tolist() == case["first5"]
        if len(found):
            assert (found.min(), found.max()) == (case["min"], case["max"])
    for case in GOLDEN["fold_split"]:
        dealt = constructs.fold_split(case["ratio"], case["size"], 5)
        assert dealt[:10].tolist() == case["first10"]
        assert np.bincount(dealt).tolist() == case["counts"]


def test_our_draws_reach_every_place_and_depend_on_seed_and_row_alone() -> None:
    assert constructs.offsets(10, 7, 1).tolist() == [0, 1, 2, 3]
    assert constructs.offsets(7, 7, 1, 5).tolist() == [0]
    assert len(constructs.offsets(1000, 500, 1, 0.1)) == 50
    first = constructs.offsets(1000, 500, 1, 20, 7, row=3)
    assert len(set(first.tolist())) == 20
    assert first.tolist() == constructs.offsets(1000, 500, 1, 20, 7, row=3).tolist()
    assert first.tolist() != constructs.offsets(1000, 500, 1, 20, 7, row=4).tolist()
    seen = {int(v) for s in range(200) for v in constructs.offsets(10, 7, 1, 1, s)}
    assert seen == {0, 1, 2, 3}
    for bad in ({"length": 11}, {"n": 0}, {"n": 2.5}, {"stride": 0}):
        options = {"length": 5, "stride": 1, "n": 1} | bad
        with pytest.raises(sd.SeqdataError, match="expected"):
            constructs.offsets(10, **options)


def test_strides_are_views_of_the_windows(made: xr.Dataset) -> None:
    drawn = constructs.sample(made, n=4, seed=1, reverse_complement=True)
    table = str.maketrans("ACGT", "TGCA")
    whole, rows = text_of(made), text_of(drawn)
    assert drawn.sizes["_sequence"] == 3 * 4 * 2
    for i, row in enumerate(rows):
        start = int(drawn["offset"][i])
        part = whole[int(drawn["construct"][i])][start : start + 160]
        assert row == (part if drawn["strand"][i] == "+" else part.translate(table)[::-1])
        low, high = int(drawn["payload_start"][i]), int(drawn["payload_end"][i])
        payload = whole[int(drawn["construct"][i])][
            int(made["payload_start"][int(drawn["construct"][i])]) : int(
                made["payload_end"][int(drawn["construct"][i])]
            )
        ]
        inside = row[low:high]
        turned = inside if drawn["strand"][i] == "+" else inside.translate(table)[::-1]
        assert turned in payload
    assert (drawn["activity"].values == np.repeat(made["activity"].values, 8)).all()
    half = constructs.sample(made.isel(_sequence=[0]), n=4, seed=1)
    assert half["offset"].values.tolist() == drawn["offset"].values[:8:2].tolist()


def test_sites_move_with_their_stride(made: xr.Dataset) -> None:
    drawn = constructs.sample(made.isel(_sequence=[0]), n=3, reverse_complement=True)
    for i, text in enumerate(text_of(drawn)):
        (site,) = constructs.read_sites(str(drawn["sites"].values[i]))
        letters = text[site.start : site.end]
        assert letters == ("A" * 10 if drawn["strand"].values[i] == "+" else "T" * 10)


def test_batches_of_strides_are_those_of_the_letters(made: xr.Dataset) -> None:
    drawn = constructs.sample(made, n=5)
    loader = sd.get_torch_dataloader(
        drawn, sample_dims="_sequence", variables=["seq", "activity"], batch_size=4,
        in_memory=False,
    )  # fmt: skip
    got = np.concatenate([np.asarray(batch["seq"]) for batch in loader])
    assert (got.reshape(15, -1).view("S1") == drawn["seq"].values).all()


def test_a_split_that_parts_a_construct_is_refused(made: xr.Dataset) -> None:
    drawn = constructs.sample(made, n=4)
    with pytest.raises(sd.SeqdataError, match=r"3 of 3 constructs .* the first 'pl~1'"):
        sd.splits.assign(drawn, np.tile([0, 1], 6))
    codes = sd.splits.group(drawn, by="id", fractions=(0.4, 0.3, 0.3))
    assert set(sd.splits.assign(drawn, codes)["split"].values.tolist()) == {0, 1, 2}
    drawn.attrs["shared_constructs"] = 1
    shared = sd.splits.assign(drawn, np.tile([0, 1], 6))
    report = sd.splits.leakage(shared)
    assert report["duplicates"]["train-val"] + report["near_duplicates"]["train-val"] == 6


def test_only_payloads_leak(made: xr.Dataset) -> None:
    report = sd.splits.leakage(made, [0, 1, 2])
    assert report["clean"]
    plain = made.drop_vars(["payload_start", "payload_end"]).isel(_sequence=[0, 1, 1])
    assert not sd.splits.leakage(plain, [0, 1, 2])["clean"]


def test_table_of_the_original_comes_back(made: xr.Dataset, tmp_path: Path) -> None:
    file = constructs.to_tsv(made, tmp_path / "x.tsv")
    lines = [line.split("\t") for line in file.read_text().splitlines()]
    assert lines[0] == ["index", "name", "group", "fold", "activity", "annotation", "sequence"]
    assert lines[1][:6] == ["0", "pl~1", "groupA", ".", "1.750", "s1:90-100"]
    assert re.fullmatch(r"[acgt]{80}[ACGT]{40}[acgt]{80}", lines[1][6])
    again = constructs.read_tsv(file, length=160)
    for name in ("seq", "id", "group", "activity", "sites", "payload_start", "payload_end"):
        assert (again[name].values == made[name].values).all(), name
    with pytest.raises(sd.SeqdataError, match="exists"):
        constructs.to_tsv(made, file)
    file.write_text("0\tpl1\tg\ttrain\tx\t\tACGT\n")
    with pytest.raises(sd.SeqdataError, match="line 1"):
        constructs.read_tsv(file, length=4)


def test_one_hot_file(made: xr.Dataset, tmp_path: Path) -> None:
    drawn = constructs.sample(made, n=2)
    found = np.load(constructs.to_npy(drawn, tmp_path / "x.npy"))
    assert found.dtype == np.float32
    assert (found == constructs.one_hot(drawn["seq"].values)).all()


def test_a_store_holds_what_was_built(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.warns(sd.SeqdataWarning):
        stored = built(files, out=tmp_path / "x.zarr")
    with pytest.warns(sd.SeqdataWarning):
        plain = built(files)
    for name in plain.variables:
        assert (stored[name].values == plain[name].values).all(), name
    assert stored.attrs["context"] == "chrZ:150-200"


BAD = {
    "off the contig": (
        {"context": "chrZ:10-200"},
        "reach from -70 to 280 of 'chrZ', which has 400",
    ),
    "no such contig": ({"context": "chrz:150-200"}, "no contig 'chrz'"),
    "not a locus": ({"context": "chrZ:150"}, "expected name:start-end"),
    "no column": ({"activity_col": "activty"}, "Did you mean 'activity'"),
    "odd choice": ({"missing": "drpo"}, "Did you mean 'drop'"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore::seqdata.SeqdataWarning")
def test_bad_arguments(case: str, files: dict[str, Path], tmp_path: Path) -> None:
    options, message = BAD[case]
    with pytest.raises(sd.SeqdataError, match=message):
        built(files, **{"out": tmp_path / "x.zarr", **options})
    assert not (tmp_path / "x.zarr").exists()


CHANGED = {
    "two groups": ("table", "pl2\t5\tgroupB", "pl2\t5\tgroupB\npl2\t4\tgroupC", "two values"),
    "no sequence": ("table", "pl2\t5", "plX\t5", "Without a sequence: 'plX'. Without a row: 'pl2'"),
    "one of two": (
        "table",
        "pl2\t5\tgroupB\n",
        "",
        "Without a sequence: none. Without a row: 'pl2'",
    ),
    "one name for two": ("table", "pl2\t5", "pl_1\t5", "rows of 'pl~1' and 'pl_1'"),
    "text": ("table", "pl2\t5", "pl2\thigh", "holds text"),
    "two sequences": ("fasta", ">pl2", ">pl_1", "two sequences called 'pl_1'"),
    "site outside": ("sites", "pl2\t0\t5", "pl2\t99\t105", "lies outside of the payload"),
    "site on nothing": ("sites", "pl2\t0\t5", "plY\t0\t5", "no payloads"),
    "site with a colon": ("sites", "\ts2", "\ta:b", "without ';', ':'"),
}


@pytest.mark.parametrize("case", CHANGED)
@pytest.mark.filterwarnings("ignore::seqdata.SeqdataWarning")
def test_bad_files(case: str, files: dict[str, Path], tmp_path: Path) -> None:
    name, old, new, message = CHANGED[case]
    before = files[name].read_text()
    assert old in before
    files[name].write_text(before.replace(old, new, 1))
    with pytest.raises(sd.SeqdataError, match=re.escape(message)):
        built(files, out=tmp_path / "x.zarr")
    assert not (tmp_path / "x.zarr").exists()


def test_replicates_have_one_activity_each(files: dict[str, Path]) -> None:
    lines = files["table"].read_text().splitlines()
    numbered = [f"{line}\t{['replicate', 1, 1, 2, 2, 1][i]}" for i, line in enumerate(lines)]
    files["table"].write_text("\n".join(numbered))
    with pytest.raises(sd.SeqdataError, match=r"two activities \(nan, 2.5\) of 'pl~1' in rep"):
        built(files)


def test_payloads_can_be_left_out(files: dict[str, Path]) -> None:
    files["table"].write_text(files["table"].read_text().replace("pl3\t0.5\tgroupB\n", ""))
    with pytest.warns(sd.SeqdataWarning, match="1 payloads have no row .* 'pl3'"):
        ds = built(files, missing="drop")
    assert ds["id"].values.tolist() == ["pl~1", "pl2"]


def test_sequences_may_stand_in_the_table(files: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "all.tsv"
    table.write_text(
        "kind\tn\tsequence\tactivity\n"
        "x\t1\tacgt\t2\nx\t2\tTTTTT\t3\nx\t1\tacgt\t4\n"
    )  # fmt: skip
    given = {"length": 8, "padding": 2, "name_col": ["kind", "n"]}
    ds = constructs.build(table, None, files["reference"], "chrZ:150-150", **given)
    assert ds["id"].values.tolist() == ["x/1", "x/2"]
    assert ds["activity"].values.tolist() == [3.0, 3.0]
    assert text_of(ds)[0][3:7] == "ACGT"
    table.write_text("kind\tn\tsequence\tactivity\nx\t1\tACZT\t2\n")
    with pytest.raises(sd.SeqdataError, match="'x/1', position 3 of column 'sequence'"):
        constructs.build(table, None, files["reference"], "chrZ:150-150", **given)
    with pytest.raises(sd.SeqdataError, match="no column 'sequence'"):
        constructs.build(files["table"], None, files["reference"], "chrZ:150-150", length=8)
