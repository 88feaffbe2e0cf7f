"""Execute the tutorials as a reader would, from the top, in a folder of their own."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import notebook_shell
import pytest
import trials_here
from nbclient import NotebookClient

TUTORIALS = sorted((Path(__file__).resolve().parents[1] / "tutorials").glob("*.ipynb"))
# what makes a tutorial short enough for every run of the tests, in the process of the test; at full
# size, in a kernel of its own, it is marked slow
SHORTER = {
    "01_quickstart": {"simulated(4000,": "simulated(800,", "max_epochs=15": "max_epochs=2"},
    "02_data": {
        '"chr1": 800_000, "chr2": 400_000, "chr3": 400_000': (
            '"chr1": 200_000, "chr2": 100_000, "chr3": 100_000'
        ),
        "max_epochs=25": "max_epochs=2",
    },
    "03_consistency": {
        "synthetic_code(12000,": "synthetic_code(600,",
        "max_epochs=10": "max_epochs=1",
    },
    "04_chip_peaks": {
        '("train", "valid")': '("valid",)',
        'target_cols="label")\nds': 'target_cols="label").isel(_sequence=slice(700))\nds',
        "KmerLogistic(6,": "KmerLogistic(3,",
        "max_epochs=25": "max_epochs=1",
        "np.flatnonzero(label[test] == 1)": "np.flatnonzero(label[test] == 1)[:30]",
        "n_references=10": "n_references=2",
        "n=200": "n=10",
    },
    "05_promoters": {
        'target_cols="enrichment"\n)': 'target_cols="enrichment"\n).isel(_sequence=slice(400))',
        "KmerRidge(6)": "KmerRidge(3)",
        "max_epochs=30": "max_epochs=1",
        "n_references=5": "n_references=1",
        "n=100": "n=4",
        "stride=3": "stride=30",
        "head(40)": "head(3)",
        "rounds=10": "rounds=2",
        'dark, tobacco leaves"])': 'dark, tobacco leaves"]).head(50)',
    },
    "06_rna_binding": {
        'target_cols="label",\n    )': (
            'target_cols="label",\n    ).isel(_sequence=slice(4500, 5500))'
        ),
        "for protein, file in files.items()": ("for protein, file in list(files.items())[2:4]"),
        "range(6)": "range(2)",
        "arange(6)": "arange(2)",
        "KmerLogistic(5)": "KmerLogistic(2)",
        "epochs=20": "epochs=1",
        "epochs=8": "epochs=1",
        "n=60": "n=4",
    },
    "07_peaks_genome_wide": {
        '"extend": 10_000': '"extend": 1100',
        '"ratio": 8': '"ratio": 2',
        "8 * len(one)": "2 * len(one)",
        "n_bootstrap=200": "n_bootstrap=20",
        "KmerLogistic(6,": "KmerLogistic(3,",
        "max_epochs=30": "max_epochs=1",
        "n_references=20": "n_references=2",
    },
    "08_profiles": {
        'hmmratac.narrowPeak")': 'hmmratac.narrowPeak")[::30]',
        '"max_epochs": 6': '"max_epochs": 1',
        "max_epochs=12": "max_epochs=1",
        "n_backgrounds=50": "n_backgrounds=4",
        "[:200]": "[:8]",
        "n_bootstrap=1000": "n_bootstrap=20",
    },
    "09_augmentation": {
        "slice(4000)": "slice(600)",
        "EPOCHS = 30": "EPOCHS = 1",
        "SEEDS = [0, 1, 2]": "SEEDS = [0, 1]",
        '"max_epochs": 4': '"max_epochs": 1',
        "range(500)": "range(10)",
        "[:150]": "[:12]",
        "sequences[:60]": "sequences[:4]",
    },
    "10_architectures": {
        "sizes=[1000, 4000]": "sizes=[200]",
        "data_seeds=[1, 2]": "data_seeds=[1]",
        "model_seeds=[1, 2]": "model_seeds=[1]",
        '"max_epochs": 25': '"max_epochs": 1',
    },
    "11_enformer": {
        "n=1500": "n=60",
        '"max_epochs": 8': '"max_epochs": 1',
        '"max_epochs": 10': '"max_epochs": 1',
        "280_000": "206_000",
        "[:2400]": "[:100]",
        "[:60]": "[:6]",
        '"max_epochs": 6': '"max_epochs": 1',
        "n=8": "n=2",
        '"n_bootstrap": 200': '"n_bootstrap": 10',
        '"n_bootstrap": 500': '"n_bootstrap": 10',
        "n_bootstrap=200": "n_bootstrap=10",
        "n_bootstrap=500": "n_bootstrap=10",
    },
    "12_variants": {
        "simulated(5000,": "simulated(400,",
        "max_epochs=30": "max_epochs=1",
        "max_epochs=8": "max_epochs=1",
        "slice(3000)": "slice(150)",
        "[:20]": "[:2]",
        'glob("*.fa"))': 'glob("*.fa"))[4:5]',
        "n_bootstrap=500": "n_bootstrap=20",
    },
    "13_design": {
        ".iloc[:8000]": ".iloc[:900]",
        "max_epochs=25": "max_epochs=1",
        "[:24]": "[:8]",
        "few, designs = starts[:8]": "few, designs = starts[:2]",
        "texts[weakest[:8]]": "texts[weakest[:2]]",
        "rounds=12": "rounds=4",
        "rounds=300": "rounds=20",
        "rounds=25": "rounds=4",
        '"gradient": dict(rounds=60, samples=8),': "",
        "population=32": "population=8",
        "n_bootstrap=300": "n_bootstrap=20",
    },
    "14_search_and_ensembles": {
        ".iloc[:3000]": ".iloc[:240]",
        "max_epochs: 8": "max_epochs: 1",
        '"trainer.max_epochs": 6': '"trainer.max_epochs": 1',
        "n_bootstrap: 200": "n_bootstrap: 10",
        "n_bootstrap=200": "n_bootstrap=10",
        "n=20": "n=2",
        "num_samples: 8": "num_samples: 2",
        '"seeds": [1, 2, 3]': '"seeds": [1, 2]',
        '"k": 5': '"k": 2',
    },
    "15_cluster": {
        "{name: sizes[name] for name in list(sizes)[:16]}": (
            "{name: sizes[name] // 10 for name in list(sizes)[:6]}"
        ),
        "processes=True": "processes=False",
        "max_epochs: 4": "max_epochs: 1",
        "n_bootstrap: 200": "n_bootstrap: 10",
        "num_samples: 6": "num_samples: 1",
        "k: 4": "k: 2",
    },
    "16_your_own_model": {
        ".iloc[:2000]": ".iloc[:300]",
        "max_epochs=12": "max_epochs=1",
        "max_epochs: 12": "max_epochs: 1",
        "n_bootstrap: 200": "n_bootstrap: 10",
        "seeds: [1, 2, 3]": "seeds: [1, 2]",
        "k: 5": "k: 2",
        'for words in (command, "import mylab; " + command)': "for words in ()",
        "[:40]": "[:10]",
    },
}
# what a tutorial reads of the folder of real data that EUGENE_TUTORIAL_DATA names
NEEDS: dict[str, tuple[str, ...]] = {
    "04_chip_peaks": ("koo_chipseq/REST_200_train.tsv.gz", "motifs/H12CORE.meme.gz"),
    "05_promoters": ("jores21/jores21_test_leaf_public75.tsv.gz", "jores21/CPEs.meme"),
    "06_rna_binding": ("clip_rbp31/23_PARCLIP_PUM2_hg19.tsv.gz",),
    "07_peaks_genome_wide": ("sacCer3/sacCer3.fa.gz", "sacCer3/ChExMix_Rossi2021/Reb1.bed.gz"),
    "08_profiles": (
        "sacCer3/sacCer3.fa.gz",
        "sacCer3/ATAC_macs3_hmmratac.narrowPeak",
        "sacCer3/ATAC_cutsites_both_ends.bw",
        "sacCer3/ChExMix_Rossi2021/Reb1.bed.gz",
    ),
    "09_augmentation": ("koo_chipseq/REST_200_train.tsv.gz", "motifs/H12CORE.meme.gz"),
    "11_enformer": (
        "sacCer3/sacCer3.fa.gz",
        "sacCer3/ATAC_cutsites_both_ends.bw",
        "sacCer3/ATAC_fragment_coverage.bw",
        "sacCer3/ATAC_macs3_hmmratac.narrowPeak",
        "yeast_promoter/HighQuality_pTpA_Glu_public80.tsv.gz",
    ),
    "12_variants": (
        "cagi5_satmut/LDLR.fa",
        "motifs/H12CORE.meme.gz",
        "deepbind_encode/FOXA1_HepG2_FOXA1_(SC-101058)_HudsonAlpha_AC.seq.gz",
        "deepbind_encode/GABPA_GM12878_GABP_HudsonAlpha_AC.seq.gz",
    ),
    "13_design": (
        "jores21/jores21_test_leaf_public75.tsv.gz",
        "jores21/jores21_test_proto_public75.tsv.gz",
        "jores21/CPEs.meme",
    ),
    "14_search_and_ensembles": ("koo_chipseq/IRF1_400_h3k27ac.tsv.gz",),
    "15_cluster": (
        "sacCer3/sacCer3.fa.gz",
        "sacCer3/sacCer3_chrI-XVI.chrom.sizes",
        "sacCer3/ATAC_cutsites_both_ends.bw",
        "sacCer3/ATAC_macs3_callpeak_derived.narrowPeak",
    ),
    "16_your_own_model": (
        "deepbind_encode/ELK1_GM12878_ELK1_(1277-1)_Stanford_AC.seq.gz",
        "deepbind_encode/ELK1_GM12878_ELK1_(1277-1)_Stanford_B.seq.gz",
    ),
}


def short(path: Path, source: str) -> str:
    """Return the source of a cell with smaller numbers."""
    for said, instead in SHORTER[path.stem].items():
        source = source.replace(said, instead)
    return source


def pictures(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the cells that show a picture."""
    return [
        cell.id
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_what_is_made_shorter_stands_in_the_tutorial(path: Path) -> None:
    text = "".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert all(said in text for said in SHORTER[path.stem])
    assert path.stem not in NEEDS or "EUGENE_TUTORIAL_DATA" in text


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_tutorial_runs_and_shows_what_it_showed(
    path: Path,
    whole: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    own_registries: None,
) -> None:
    if path.stem in NEEDS:
        data = request.getfixturevalue("shared_data")
        absent = [name for name in NEEDS[path.stem] if not (data / name).exists()]
        if absent:
            pytest.skip(f"{data} lacks {absent}")
        monkeypatch.setenv("EUGENE_TUTORIAL_DATA", str(data))
    notebook = nbformat.read(path, as_version=4)
    shown = pictures(notebook)
    assert len(shown) >= 6
    assert path.stat().st_size < 1_000_000
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = cell.source if whole else short(path, cell.source)
    if whole:
        monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        where = {"metadata": {"path": tmp_path}}
        NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=where).execute()
    else:
        # processes of Ray take seconds to start, and more to import what is imported here
        monkeypatch.setattr("eugene.tune._run._search", trials_here.search)
        notebook_shell.run(notebook, tmp_path)
    assert pictures(notebook) == shown
    warnings = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr" and re.search("warning|error", output.text, re.I)
    ]
    assert not warnings


def test_there_is_a_tutorial() -> None:
    assert TUTORIALS
