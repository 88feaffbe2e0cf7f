from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from seqdata.build import _regions as _region_build
from seqdata.errors import SeqdataError, StoreError
from seqdata.readers._columns import NUMBER
from seqdata.store import _shards
from seqdata.store._resume import fingerprint, job_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Builds of many small shards. The folder of inputs, the kind of build and the place of the store
# come from outside; the module runs in the tests and in processes that are killed.
BUILDS = """
import sys
from pathlib import Path
import numpy as np, pandas as pd
import seqdata as sd
from seqdata.readers._columns import NUMBER
from seqdata.store import _shards
from seqdata.windows import _plan

_shards.SHARD_ROWS, _shards.INNER_ROWS, _shards.FLAT_ROWS, _shards.FLAT_ITEMS = 16, 8, 64, 2048
_plan._FLAT_BYTES = 500

def build(folder, kind, path, **options):
    folder = Path(folder)
    if kind in ("table", "ragged table"):
        reader = sd.Table("seq", folder / f"{kind}.csv", "sequence", batch_size=50)
        return sd.from_flat_files(reader, path=path, fixed_length=kind == "table", **options)
    bed = pd.read_csv(folder / f"{kind}.bed", sep="\\t")
    return sd.from_region_files(
        sd.GenomeFASTA("seq", folder / "g.fa"),
        sd.Fragments("cov", folder / "x.tsv", "a"),
        path=path, bed=bed, fixed_length=50 if kind == "regions" else False, **options)
"""
KINDS = ("regions", "ragged regions", "table", "ragged table")
# A child builds each kind until it is killed with so many shards finished, or in its last step;
# then all are built to their ends. Children go first: threads do not live through a fork.
PREPARE = """
import os, signal
from seqdata.store._resume import UnfinishedBuild

folder = Path({folder!r})
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
finished, remove, count = UnfinishedBuild.finished, UnfinishedBuild.remove, []

def finish(self, *args):
    finished(self, *args)
    count.append(1)
    if len(count) == shards:
        die()

for kind, shards in [*((kind, 140) for kind in {kinds!r}), ("last", 0)]:
    if not os.fork():
        UnfinishedBuild.finished = finish
        if kind == "last":
            UnfinishedBuild.remove = die
        build(folder, "regions" if kind == "last" else kind, folder / f"killed {{kind}}")
    assert os.wait()[1] == signal.SIGKILL
for kind in {kinds!r}:
    build(folder, kind, folder / f"{{kind}}.zarr")
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of every kind of build, and beside them the stores of builds that nobody killed."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    letters = "".join(rng.choice(list("ACGT"), 6000))
    (folder / "g.fa").write_text(f">c\n{letters}\n")
    start = np.sort(rng.integers(0, 5900, 3000))
    cuts = pd.DataFrame({"chrom": "c", "start": start, "end": start + 60, "cell": "x", "n": 1})
    cuts.to_csv(folder / "x.tsv", sep="\t", header=False, index=False)
    for kind, n in (("regions", 1200), ("ragged regions", 400)):
        begin = rng.integers(0, 5000, n)
        end = begin + rng.integers(2, 40, n)
        if kind == "ragged regions":
            end[7] = begin[7] + 900
        bed = pd.DataFrame({"chrom": "c", "chromStart": begin, "chromEnd": end, "y": rng.random(n)})
        bed["strand"] = rng.choice(list("+-"), n)
        bed.to_csv(folder / f"{kind}.bed", sep="\t", index=False)
    for kind in ("table", "ragged table"):
        size = np.full(1500, 30) if kind == "table" else rng.integers(2, 30, 1500)
        size[3] = 30 if kind == "table" else 600
        rows = ["".join(rng.choice(list("ACGT"), k)) for k in size]
        # the type of a column is not known before its last row
        values = [str(i) for i in range(1499)] + ["0.5"]
        names = [f"row {i}" for i in range(1500)]
        table = pd.DataFrame({"sequence": rows, "y": values, "name": names})
        table.to_csv(folder / f"{kind}.csv", index=False)
    run(PREPARE.format(folder=str(folder), kinds=KINDS))
    return folder


def run(code: str) -> str:
    script = BUILDS + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The builds of this file in this process."""
    space: dict[str, Any] = {}
    for name in ("SHARD_ROWS", "INNER_ROWS", "FLAT_ROWS", "FLAT_ITEMS"):
        monkeypatch.setattr(_shards, name, getattr(_shards, name))
    from seqdata.windows import _plan

    monkeypatch.setattr(_plan, "_FLAT_BYTES", 500)
    exec(BUILDS, space)
    return space


# kills a child at random moments, from a process that has imported everything already
NURSERY = """
import json, os, random, shutil, signal, time
folder, place, kills, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
kinds = {kinds!r}
random = random.Random(seed)
report = []

def contents(path):
    return {{str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}}

def child(kind, patience):
    pid = os.fork()
    if not pid:
        try:
            build(folder, kind, place / "x.zarr", overwrite=True)
        finally:
            os._exit(0)
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return time.monotonic() - began
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None

long = {{}}
for kind in kinds:
    long[kind] = child(kind, 600)
    shutil.rmtree(place / "x.zarr")
done = 0
while done < kills:
    kind = kinds[len(report) % len(kinds)]
    here = 0
    while child(kind, random.uniform(0.05, 0.6) * long[kind] if done < kills else 600) is None:
        done += 1
        here += 1
    same = contents(place / "x.zarr") == contents(Path(folder) / f"{{kind}}.zarr")
    report.append([kind, here, same, sorted(os.listdir(place))])
    shutil.rmtree(place / "x.zarr")
print(json.dumps(report))
"""


def survived(inputs: Path, place: Path, kills: int, kinds: tuple[str, ...]) -> list[bool]:
    """Kill builds at random; tell of each whether it ended with the same bytes and nothing more."""
    script = BUILDS + NURSERY.format(kinds=list(kinds))
    arguments = [str(inputs), str(place), str(kills), "0"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert sum(times for _, times, _, _ in report) >= kills
    return [same and left == ["x.zarr"] for _, _, same, left in report]


@pytest.mark.slow
def test_killed_at_random(inputs: Path, tmp_path: Path) -> None:
    assert all(survived(inputs, tmp_path, 3, ("regions", "ragged table")))


@pytest.mark.slow
def test_killed_at_random_twenty_times(inputs: Path, tmp_path: Path) -> None:
    assert all(survived(inputs, tmp_path, 20, KINDS))


# ------------------------------------------------------------------ what is taken up


def killed(inputs: Path, path: Path, kind: str) -> Path:
    """Put what a killed build left beside a path; return its working folder."""
    folder = path.with_name(f".{path.name}.building")
    shutil.copytree(inputs / f".killed {kind}.building", folder)
    return folder


def shards_of(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells each shard from one that was written again."""
    store = folder / "store" if (folder / "store").exists() else folder
    stats = {file: file.stat() for file in store.rglob("*") if "/c/" in str(file)}
    return {
        str(file.relative_to(store)): (stat.st_ino, stat.st_mtime_ns)
        for file, stat in stats.items()
        if file.is_file()
    }


@pytest.mark.parametrize("kind", ["regions", "ragged regions"])
def test_finished_shards_are_not_read_again(
    inputs: Path, tmp_path: Path, small_shards: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = killed(inputs, tmp_path / "x.zarr", kind)
    before = shards_of(folder)
    read = _region_build.read_shard
    calls = []

    def counted(*args: Any) -> Any:
        calls.append(args[2])
        return read(*args)

    monkeypatch.setattr(_region_build, "read_shard", counted)
    small_shards["build"](inputs, kind, tmp_path / "y.zarr")
    whole = len(calls)
    calls.clear()
    small_shards["build"](inputs, kind, tmp_path / "x.zarr")
    assert len(calls) < whole - 5
    assert len(calls) == len(set(calls))
    after = shards_of(tmp_path / "x.zarr")
    assert before.items() <= after.items()
    assert contents(tmp_path / "x.zarr") == contents(inputs / f"{kind}.zarr")


@pytest.mark.parametrize("kind", ["regions", "ragged regions"])
def test_a_cluster_takes_up_what_a_serial_build_left(
    inputs: Path, tmp_path: Path, small_shards: Any, kind: str
) -> None:
    from distributed import Client

    before = shards_of(killed(inputs, tmp_path / "x.zarr", kind))
    ends = {name: sum(f"{name}/c/" in key for key in before) for name in ("seq", "cov", "mask")}
    assert len(set(ends.values())) > 1, "the kill falls between the shards of one block"
    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as client:
        small_shards["build"](inputs, kind, tmp_path / "x.zarr", client=client)
    assert before.items() <= shards_of(tmp_path / "x.zarr").items()
    assert contents(tmp_path / "x.zarr") == contents(inputs / f"{kind}.zarr")


@pytest.mark.parametrize("kind", ["table", "ragged table"])
def test_what_was_learned_is_not_learned_again(
    inputs: Path, tmp_path: Path, small_shards: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # the first try ends in the last row, where a column turns out to hold fractions
    folder = killed(inputs, tmp_path / "x.zarr", kind)
    before = shards_of(folder)
    blocks = sd.Table.blocks
    calls = []

    def counted(self: Any, fixed: dict[str, Any]) -> Any:
        calls.append(dict(fixed))
        return blocks(self, fixed)

    monkeypatch.setattr(sd.Table, "blocks", counted)
    small_shards["build"](inputs, kind, tmp_path / "x.zarr")
    assert calls == [{"y": NUMBER}]
    assert before.items() <= shards_of(tmp_path / "x.zarr").items()
    assert contents(tmp_path / "x.zarr") == contents(inputs / f"{kind}.zarr")


@pytest.mark.parametrize("what", ["journal", "shard", "stray", "empty"])
def test_damage_is_mended(inputs: Path, tmp_path: Path, small_shards: Any, what: str) -> None:
    folder = killed(inputs, tmp_path / "x.zarr", "regions")
    journal = folder / "journal"
    if what == "journal":
        journal.write_text(journal.read_text()[:-9])
    elif what == "empty":
        journal.write_text("")
    elif what == "shard":
        (folder / "store" / "seq" / "c" / "3" / "0").write_bytes(b"cut")
    else:
        (folder / "store" / "seq" / "c" / "900").mkdir()
        (folder / "store" / "seq" / "c" / "900" / "0").write_bytes(b"stray")
    small_shards["build"](inputs, "regions", tmp_path / "x.zarr")
    assert contents(tmp_path / "x.zarr") == contents(inputs / "regions.zarr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


@pytest.mark.parametrize("what", ["options", "file", "resume", "other call"])
def test_another_job_starts_afresh(
    inputs: Path, tmp_path: Path, small_shards: Any, what: str
) -> None:
    folder = killed(inputs, tmp_path / "x.zarr", "regions")
    before = shards_of(folder)
    options: dict[str, Any] = {}
    kind = "table" if what == "other call" else "regions"
    stat = (inputs / "g.fa").stat()
    if what == "options":
        options = {"max_jitter": 1}
    elif what == "resume":
        options = {"resume": False}
    elif what == "file":
        os.utime(inputs / "g.fa", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))
    try:
        small_shards["build"](inputs, kind, tmp_path / "x.zarr", **options)
    finally:
        os.utime(inputs / "g.fa", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not set(before.items()) & set(shards_of(tmp_path / "x.zarr").items())
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]
    if what in ("file", "resume"):
        assert contents(tmp_path / "x.zarr") == contents(inputs / f"{kind}.zarr")


def test_killed_in_the_very_last_step(inputs: Path, tmp_path: Path, small_shards: Any) -> None:
    killed(inputs, tmp_path / "x.zarr", "last")
    shutil.copytree(inputs / "killed last", tmp_path / "x.zarr")
    before = shards_of(tmp_path / "x.zarr")
    with pytest.raises(StoreError, match=r"exists\. Pass overwrite=True"):
        small_shards["build"](inputs, "regions", tmp_path / "x.zarr", max_jitter=1)
    ds = small_shards["build"](inputs, "regions", tmp_path / "x.zarr")
    assert ds.sizes["_sequence"] == 1200
    assert shards_of(tmp_path / "x.zarr") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]
    with pytest.raises(StoreError, match=r"exists\. Pass overwrite=True"):
        small_shards["build"](inputs, "regions", tmp_path / "x.zarr")


def test_an_old_store_stays_until_the_build_is_done(
    inputs: Path, tmp_path: Path, small_shards: Any
) -> None:
    small_shards["build"](inputs, "table", tmp_path / "x.zarr")
    old = contents(tmp_path / "x.zarr")
    folder = killed(inputs, tmp_path / "x.zarr", "regions")
    before = shards_of(folder)
    assert contents(tmp_path / "x.zarr") == old
    with pytest.raises(StoreError, match=r"exists\. Pass overwrite=True"):
        small_shards["build"](inputs, "regions", tmp_path / "x.zarr")
    small_shards["build"](inputs, "regions", tmp_path / "x.zarr", overwrite=True)
    assert before.items() <= shards_of(tmp_path / "x.zarr").items()
    assert contents(tmp_path / "x.zarr") == contents(inputs / "regions.zarr")


def test_leftovers_end_with_another_writer(inputs: Path, tmp_path: Path) -> None:
    folder = killed(inputs, tmp_path / "x.zarr", "regions")
    assert folder.exists()
    sd.to_zarr(sd.open_zarr(inputs / "table.zarr"), tmp_path / "x.zarr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


# ------------------------------------------------------------------ one builder at a time


def test_two_builders_of_one_store(inputs: Path, tmp_path: Path, small_shards: Any) -> None:
    path = tmp_path / "x.zarr"
    code = f"""
        from seqdata.store._resume import UnfinishedBuild
        finished, told = UnfinishedBuild.finished, []
        def wait(self, *args):
            finished(self, *args)
            if not told:
                told.append(print("building", flush=True))
                sys.stdin.readline()
        UnfinishedBuild.finished = wait
        build({str(inputs)!r}, "regions", {str(path)!r})
    """
    arguments = [sys.executable, "-c", BUILDS + textwrap.dedent(code)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "building\n"
        busy = rf"x\.zarr is being built by process {first.pid} on .*, since \d{{4}}-.* Wait until"
        with pytest.raises(StoreError, match=busy):
            small_shards["build"](inputs, "regions", path)
        with pytest.raises(StoreError, match=busy):
            sd.to_zarr(sd.open_zarr(inputs / "table.zarr"), path)
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.wait(60) == 0
    assert contents(path) == contents(inputs / "regions.zarr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]


# ------------------------------------------------------------------ fingerprints


class Settings:
    def __init__(self, value: Any) -> None:
        self.value = value
        self.itself = self


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([["a"], "b"], [["a", "b"]]),
        (["ab"], ["a", "b"]),
        (1, True),
        (1, 1.0),
        ("1", 1),
        (b"a", "a"),
        (None, "None"),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2, np.int32), np.zeros(1, np.int64)),
        (np.array(["a"], object), np.array(["b"], object)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (Settings(1), Settings(2)),
        (iter([1]), iter([1])),
    ],
)
def test_fingerprints_that_differ(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"x": [1, 2.5, "a", b"c", None, (True,)]},
        lambda: {f"k{i}" for i in range(20)},
        lambda: np.arange(12).reshape(3, 4)[:, ::2],
        lambda: Settings([np.float32(1), Path("x")]),
        lambda: sd.regions.tile({"c": 100}, 10),
    ],
)
def test_fingerprints_that_agree(make: Any) -> None:
    assert fingerprint(make()) == fingerprint(make())


def test_jobs_know_the_reader(inputs: Path) -> None:
    def job(**options: Any) -> str:
        reader = sd.Table("seq", inputs / "table.csv", "sequence", **options)
        return job_of([reader], reader.files())

    assert job() == job()
    assert len({job(), job(alphabet="RNA"), job(on_unknown="n"), job(batch_size=3)}) == 4


def test_bad_input_leaves_nothing_to_be_taken_up(inputs: Path, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text((inputs / "table.csv").read_text() + "AC!T,1,x\n")
    with pytest.raises(SeqdataError, match="Unknown letter"):
        sd.from_flat_files(
            sd.Table("seq", table, "sequence"), path=tmp_path / "x.zarr", fixed_length=True
        )
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_a_place_where_no_folder_can_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(self))

    (tmp_path / "x.tsv").write_text("sequence\tactivity\nACGT\t1.5\n")
    reader = sd.Table("seq", tmp_path / "x.tsv", "sequence")
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"o\.zarr"):
        sd.from_flat_files(reader, path=tmp_path / "o.zarr", fixed_length=True)
