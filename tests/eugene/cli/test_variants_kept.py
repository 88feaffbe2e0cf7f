"""What a run keeps of the variants that were scored on it, and how its page shows them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import yaml

import eugene as eu
from eugene.cli import main
from eugene.config import load_run_config
from eugene.errors import ConfigError
from eugene.report._variants import output_labels, stem_of
from eugene.runs import RunFolder
from eugene.runs._needs import require_files

N = 30


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write a genome and variants in it: substitutions, an insertion and a deletion."""
    letters = np.random.default_rng(2).choice(list("ACGT"), 900)
    (tmp_path / "g.fa").write_text(f">chr1\n{''.join(letters)}\n")
    rows = []
    for i, pos in enumerate(range(200, 200 + 10 * N, 10)):
        ref, alt = letters[pos - 1], "ACGT"[("ACGT".index(letters[pos - 1]) + 1 + i % 3) % 4]
        rows.append(f"chr1\t{pos}\trs{i}\t{ref}\t{alt}")
    ref = "".join(letters[599:602])
    rows += [f"chr1\t600\t.\t{ref}\t{ref[0]}", f"chr1\t700\t.\t{letters[699]}\t{letters[699]}GATA"]
    (tmp_path / "v.vcf").write_text("\n".join(rows) + "\n")
    return tmp_path


def kept(run: Path, suffix: str = "") -> pd.DataFrame:
    return pd.read_csv(run / f"interpretation/variants/v{suffix}.csv")


def test_the_verb_keeps_what_it_scored(
    files: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = files / "e.csv"
    words = ["variants", str(trained), "--fasta", str(files / "g.fa"), "--vcf", f"{files}/v.vcf"]
    more = ["--n_controls", "40", "--interpret.variants.n_maps", "2"]
    assert main([*words, *more, "--out", str(out)]) == 0, capsys.readouterr().err
    table, controls, maps = kept(trained), kept(trained, "_controls"), kept(trained, "_mutagenesis")
    scored = pd.read_csv(out)
    pd.testing.assert_frame_equal(table[list(scored)], scored)
    one = table["ref"].str.len().eq(1) & table["alt"].str.len().eq(1)
    assert int(one.sum()) == N
    sizes = controls["difference"].abs().to_numpy()
    expected = [(1 + (sizes >= abs(d)).sum()) / (1 + len(sizes)) for d in table["difference"][one]]
    np.testing.assert_allclose(table["p_value"][one], expected)
    assert table.loc[~one, ["p_value", "q_value"]].isna().all(axis=None)
    assert (table["q_value"][one] >= table["p_value"][one] - 1e-12).all()
    # the maps are of the strongest, and hold what the table says of these
    strongest = table["difference"].abs().sort_values(ascending=False).index[:2]
    assert list(dict.fromkeys(maps["variant"])) == list(strongest)
    held = 0
    for row in strongest:
        variant, part = table.loc[row], maps[maps["variant"] == row].set_index("pos")
        assert all(part.at[pos, part.at[pos, "ref"]] == 0 for pos in part.index)
        if one[row]:
            found = part.at[variant["pos"], variant["alt"]]
            assert found == pytest.approx(variant["difference"], abs=1e-6)
            held += 1
    assert held
    assert main(["report", str(trained)]) == 0
    page = (trained / "report.html").read_text()
    assert f"{N + 2} of {N + 2} variants of {files}/v.vcf were scored" in page
    assert f"{len(controls)} control substitutions" in page
    (uri,) = re.findall(r'download="variants_1.tsv" href="([^"]+)"', page)
    lines = unquote(uri.split(",", 1)[1]).splitlines()
    assert len(lines) == 1 + N + 2
    shown = page.partition('id="variants"')[2].partition("</table>")[0]
    assert shown.count("<tr>") == 1 + 20
    top = table.loc[table["difference"].abs().idxmax()]
    assert lines[1].split("\t")[1:5] == ["chr1", str(top["pos"]), top["ref"], top["alt"]]
    assert lines[1].split("\t")[7] == f"{top['difference']:+.3g}"


def test_a_file_that_is_refused_leaves_the_run_as_it_is(
    files: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"chr1\t{pos}\t.\tA\tC" for pos in range(200, 206)]
    (files / "w.vcf").write_text("\n".join(lines) + "\n")
    before = {p: p.read_bytes() for p in trained.rglob("*") if p.is_file()}
    words = ["variants", str(trained), "--fasta", str(files / "g.fa"), "--vcf", f"{files}/w.vcf"]
    assert main(words) == 2
    assert "w.vcf, line " in capsys.readouterr().err
    assert {p: p.read_bytes() for p in trained.rglob("*") if p.is_file()} == before
    assert main([*words[:-1], f"{files}/v.vcf", "--scores", ","]) == 2
    assert "scores is empty" in capsys.readouterr().err


def test_a_network_of_tracks_says_how() -> None:
    from eugene.errors import EugeneError
    from eugene.modules import TrackModule
    from eugene.runs._variants import output_of

    with pytest.raises(EugeneError, match=r"target=\(track, bin\)"):
        output_of(TrackModule.__new__(TrackModule), None)


def test_the_section_does_as_the_verb(files: Path, trained: Path) -> None:
    folder = RunFolder(trained)
    tree = yaml.safe_load(folder.config.read_text())
    tree["interpret"] = {
        "variants": {"vcf": f"{files}/v.vcf", "fasta": f"{files}/g.fa", "n_controls": 0,
                     "scores": ["log_fold"]}
    }  # fmt: skip
    tree["run_dir"] = str(trained)
    (files / "with.yaml").write_text(yaml.safe_dump(tree))
    eu.runs.run(str(files / "with.yaml"), resume=True)
    table = kept(trained)
    assert "log_fold" in table and "difference" not in table and "p_value" not in table
    assert "There are no control substitutions" in folder.report.read_text()
    assert "another v" not in folder.report.read_text()


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("chr1\tx\t.\tA\tC", "vcf", "v.vcf, line 1: pos is 'x'"),
        ("chr1\t5\t.\tA\tQ", "vcf", "v.vcf, line 1: alt is 'Q'"),
        ("", "vcf", "holds no variant"),
    ],
)
def test_wrong_variants_are_told_before_training(
    files: Path, tiny_file: Path, line: str, key: str, said: str
) -> None:
    (files / "v.vcf").write_text(f"{line}\n")
    tree = yaml.safe_load(tiny_file.read_text())
    tree["interpret"] = {"variants": {"vcf": f"{files}/v.vcf", "fasta": f"{files}/g.fa"}}
    (files / "t.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    with pytest.raises(ConfigError) as error:
        require_files(load_run_config(files / "t.yaml"))
    assert f"$.interpret.variants.{key}" in str(error.value)
    assert "t.yaml:" in str(error.value) and said in str(error.value)


def test_files_that_are_not_there(files: Path, tiny_file: Path) -> None:
    tree = yaml.safe_load(tiny_file.read_text())
    tree["interpret"] = {"variants": {"n_maps": 1}}
    (files / "t.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError) as error:
        require_files(load_run_config(files / "t.yaml"))
    assert "needs the file of variants" in str(error.value)
    assert "the run was not made on a genome: say which FASTA file" in str(error.value)


def test_names() -> None:
    assert [stem_of(n) for n in ("a/b.vcf.gz", "x.TSV", "c.txt")] == ["b", "x", "c.txt"]
    table = pd.DataFrame(columns=["ref", "reference_a", "alternate_a", "reference_b"])
    assert output_labels(table) == ["_a", "_b"]
