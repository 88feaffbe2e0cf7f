"""Rows of a .npy file equal those of the array that was written."""

from pathlib import Path

import numpy as np
import pytest

from seqdata.errors import SeqdataError
from seqdata.loading import _memmap as _mapped
from seqdata.loading._file_rows import AT_POSITION, FileRows
from seqdata.loading._memmap import MappedArrays

pytestmark = pytest.mark.skipif(not AT_POSITION, reason="files are mapped on this system")

N = 300


def saved(folder: Path, shape: tuple[int, ...], dtype: str) -> tuple[Path, np.ndarray]:
    values = np.random.default_rng(1).integers(0, 120, shape).astype(dtype)
    np.save(folder / "x.npy", values)
    return folder / "x.npy", values


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8", "?"])
@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 7), (N, 2, 1500)])
@pytest.mark.parametrize(
    "rows",
    [
        np.arange(N),
        np.arange(N)[::-1],
        np.random.default_rng(0).permutation(N),
        np.array([N - 1, 0, 0, 1, 2, 2, 3, 298, 299]),
        np.array([], dtype=np.int64),
    ],
    ids=["in order", "backwards", "shuffled", "repeated", "none"],
)
def test_rows_equal_the_array(tmp_path, dtype, shape, rows):
    path, values = saved(tmp_path, shape, dtype)
    source = FileRows(path, 1)
    assert len(source) == N
    np.testing.assert_array_equal(source.take(rows), values[rows], strict=True)
    out = np.full((len(rows), *shape[1:]), 99).astype(dtype)
    assert source.take(rows, out) is out
    np.testing.assert_array_equal(out, values[rows])


def test_two_dimensions_may_count_rows(tmp_path):
    path, values = saved(tmp_path, (20, 3, 50), "f4")
    source = FileRows(path, 2)
    rows = np.array([59, 0, 31])
    np.testing.assert_array_equal(source.take(rows), values.reshape(60, 50)[rows])


def test_earlier_results_stay_as_they_are(tmp_path):
    path, values = saved(tmp_path, (N, 4000), "f4")
    source = FileRows(path, 1)
    first = source.take(np.arange(100))
    second = source.take(np.arange(100, 200))
    np.testing.assert_array_equal(first, values[:100])
    np.testing.assert_array_equal(second, values[100:200])


@pytest.mark.parametrize("row", [-1, N])
def test_no_row_beyond_the_file(tmp_path, row):
    path, _ = saved(tmp_path, (N, 7), "f4")
    with pytest.raises(IndexError, match=f"not among the {N}"):
        FileRows(path, 1).take(np.array([3, row]))


@pytest.mark.parametrize("out", [np.zeros((2, 6), "f4"), np.zeros((2, 14), "f4")[:, ::2]])
def test_out_has_room_for_the_rows(tmp_path, out):
    path, _ = saved(tmp_path, (N, 7), "f4")
    with pytest.raises(ValueError, match="one behind the other"):
        FileRows(path, 1).take(np.array([3, 4]), out)


def test_a_file_cut_short_is_an_error(tmp_path):
    path, values = saved(tmp_path, (N, 7), "f4")
    source = FileRows(path, 1)
    with path.open("r+b") as handle:
        handle.truncate(path.stat().st_size - 30)
    np.testing.assert_array_equal(source.take(np.array([0, 200])), values[[0, 200]])
    with pytest.raises(SeqdataError, match=r"x\.npy could not be read to its end"):
        source.take(np.array([0, N - 1]))


@pytest.mark.parametrize("at_position", [True, False])
def test_files_are_read_by_row_or_mapped(tmp_path, monkeypatch, at_position):
    monkeypatch.setattr(_mapped, "AT_POSITION", at_position)
    monkeypatch.setattr(_mapped, "_SMALL", 5000)
    paths, written = {}, {}
    for name, shape in {"few": (N,), "wide": (N, 90), "flat": (9000,)}.items():
        (tmp_path / name).mkdir()
        path, written[name] = saved(tmp_path / name, shape, "f4")
        paths[name] = path, 1
    arrays = MappedArrays(paths, flat=["flat"])
    kinds = {name: type(values) is FileRows for name, values in arrays.arrays.items()}
    assert kinds == {"few": False, "wide": at_position, "flat": False}
    assert arrays.has_pages
    rows = np.array([5, 299, 0])
    for name, values in arrays.arrays.items():
        got = values.take(rows) if isinstance(values, FileRows) else values[rows]
        np.testing.assert_array_equal(got, written[name][rows])
    arrays.release()
    np.testing.assert_array_equal(arrays.arrays["flat"][rows], written["flat"][rows])
