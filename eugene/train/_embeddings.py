"""What a frozen trunk makes of each sequence, computed once and kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback
from torch import nn

from eugene.errors import EugeneError
from eugene.train._progress import say
from seqdata import FileLock
from seqdata.errors import LockedError
from seqdata.readers import cache_dir as default_cache_dir
from seqpro.random import row_hash

_LETTERS = (1, 2, 4, 8)


def digest_of(module: nn.Module) -> str:
    """Return a short hash of the weights and buffers of a module.

    Examples
    --------
    >>> one = nn.Linear(2, 2)
    >>> digest_of(one) == digest_of(one), len(digest_of(one))
    (True, 16)
    """
    told = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        values = tensor.detach().cpu().contiguous()
        told.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        told.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return told.hexdigest()[:16]


class EmbeddingStore:
    """Embeddings on disk, found by the letters that they are made of.

    Parameters
    ----------
    folder : path
        Where they are kept; made if it is missing.
    digest : str
        What they depend on besides the letters: weights, precision. Others lie beside them.
    shape : tuple of int
        Shape of one embedding, (bins, channels).
    dtype : {"float16", "float32"}
        Type that is kept.

    Raises
    ------
    EugeneError
        If what is kept there has another shape or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = EmbeddingStore(folder, "weights", (2, 1))
    ...     store.add(np.array([7], np.uint64), np.ones((1, 2, 1)))
    ...     EmbeddingStore(folder, "weights", (2, 1)).get(np.array([7], np.uint64)).tolist()
    [[[1.0], [1.0]]]
    """

    def __init__(
        self,
        folder: str | Path,
        digest: str,
        shape: tuple[int, ...],
        dtype: Literal["float16", "float32"] = "float32",
    ) -> None:
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        name = hashlib.sha256(f"{digest} {self.shape} {self.dtype}".encode()).hexdigest()[:16]
        self.folder = Path(folder).expanduser() / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keys, self._values = self.folder / "keys", self.folder / "values"
        self._each = int(np.prod(self.shape)) * self.dtype.itemsize
        self._place: dict[int, int] = {}
        self._read_keys()

    def __len__(self) -> int:
        """Return the number of embeddings."""
        return len(self._place)

    def _read_keys(self) -> None:
        """Take what is whole: keys are written behind their values."""
        if not self._keys.is_file():
            return
        raw = self._keys.read_bytes()
        keys = np.frombuffer(raw[: len(raw) // 8 * 8], np.uint64)
        whole = self._values.stat().st_size // self._each if self._values.is_file() else 0
        if whole < len(keys):
            raise EugeneError(
                f"{self.folder} is damaged: {len(keys)} keys and {whole} embeddings. Delete it; it "
                "is made again."
            )
        self._place = {int(key): i for i, key in enumerate(keys.tolist())}

    def has(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which keys are kept."""
        return np.array([int(key) in self._place for key in keys], np.bool_)

    def get(self, keys: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Return the embeddings of keys that are kept, float32 (n, bins, channels)."""
        out = np.empty((len(keys), *self.shape), np.float32)
        with self._values.open("rb") as file:
            for row, key in zip(out, keys.tolist(), strict=True):
                file.seek(self._place[int(key)] * self._each)
                row[...] = np.frombuffer(file.read(self._each), self.dtype).reshape(self.shape)
        return out

    def add(self, keys: NDArray[np.uint64], values: NDArray[np.floating]) -> None:
        """Keep embeddings, float (n, bins, channels); those of keys that are there are passed over.

        Raises
        ------
        EugeneError
            If a value is beyond what the type holds.
        """
        with FileLock(self.folder / "lock", f"{self.folder} is being written"):
            self._read_keys()
            new = [i for i, key in enumerate(keys.tolist()) if int(key) not in self._place]
            new = [i for n, i in enumerate(new) if keys[i] not in keys[new[:n]]]
            if not new:
                return
            with np.errstate(over="ignore"):
                typed = np.asarray(values[new]).astype(self.dtype)
            if not np.isfinite(typed).all():
                raise EugeneError(
                    f"an embedding is beyond what {self.dtype} holds, or not finite: keep them as "
                    "float32, and look at the weights."
                )
            first = len(self._place)
            with self._values.open("r+b" if self._values.is_file() else "wb") as file:
                # what a killed process left without a key is written over
                file.seek(first * self._each)
                file.write(typed.tobytes())
                file.truncate()
            with self._keys.open("r+b" if self._keys.is_file() else "wb") as file:
                file.seek(first * 8)
                file.write(keys[new].astype(np.uint64).tobytes())
            self._place |= {int(keys[i]): first + n for n, i in enumerate(new)}


class KeptEmbeddings(Callback):
    """Compute what a frozen trunk makes of each sequence once, and keep it on disk.

    For a network with ``embed`` (sequences to embeddings) and ``from_embedding``, whose trunk is
    frozen: ``freeze: [trunk]``, or a stage that trains the head alone. From the second epoch on,
    and in every later training on the same sequences and weights, only the head is computed.

    Sequences are known by their letters, so jitter and random strands are kept as far as they
    come again: train with ``max_jitter: 0``.

    Parameters
    ----------
    cache_dir : path, optional
        Where they are kept; by default the cache directory.
    dtype : {"float32", "float16"}
        Type that is kept; float16 takes half the disk, and rounds to about three digits.

    Raises
    ------
    EugeneError
        If the network has no embeddings, or a part that they go through is trained.

    Examples
    --------
    >>> KeptEmbeddings("kept").logs
    ()
    """

    logs: tuple[str, ...] = ()
    """Names of the values that it logs."""

    def __init__(
        self,
        cache_dir: str | Path | None = None,
        *,
        dtype: Literal["float32", "float16"] = "float32",
    ) -> None:
        super().__init__()
        self.cache_dir, self.dtype = cache_dir, dtype
        self.computed = self.found = 0
        self._undo: Callable[[], None] | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the store between the sequences and the trunk."""
        arch = getattr(pl_module, "arch", None)
        trunk = trunk_of(arch)
        trained = [name for name, p in trunk.named_parameters() if p.requires_grad]
        if trained:
            raise EugeneError(
                "callbacks: embeddings are kept of a trunk that does not change, and "
                f"{len(trained)} of its tensors are trained, {trained[0]!r} the first: give a "
                "stage with freeze: [trunk], or leave the callback out"
            )
        folder = Path(self.cache_dir or default_cache_dir()) / "embeddings"
        self._undo = keep_embeddings(
            arch, folder, dtype=self.dtype, told=self._count, note=str(trainer.precision)
        )

    def _count(self, found: int, computed: int) -> None:
        self.found += found
        self.computed += computed

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the store out again, and say what it saved."""
        self._end()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Take the store out again."""
        self._end()

    def _end(self) -> None:
        if self._undo is not None:
            self._undo()
            self._undo = None
            say(f"embeddings: {self.computed:,} computed, {self.found:,} found again")


def trunk_of(arch: object) -> nn.Module:
    """Return the trunk of a network that embeds.

    Raises
    ------
    EugeneError
        If it has none.
    """
    lacking = [n for n in ("embed", "from_embedding", "trunk") if not hasattr(arch, n)]
    if lacking:
        raise EugeneError(
            f"{type(arch).__name__} has no {', '.join(lacking)}: embeddings are kept of networks "
            "such as enformer and enformer_finetune"
        )
    trunk = arch.trunk  # type: ignore[attr-defined]
    assert isinstance(trunk, nn.Module)
    return trunk


def keep_embeddings(
    arch: object,
    folder: str | Path,
    *,
    dtype: Literal["float32", "float16"] = "float32",
    told: Callable[[int, int], None] | None = None,
    note: str = "32-true",
) -> Callable[[], None]:
    """Let a network look its embeddings up on disk before it computes them.

    Parameters
    ----------
    arch : torch.nn.Module
        With ``trunk``, ``embed`` and ``from_embedding``.
    folder : path
        Where they are kept.
    dtype : {"float32", "float16"}
        Type that is kept.
    told : callable, optional
        Called with how many embeddings of a batch were found, and how many computed.
    note : str
        What else they depend on: the precision that they are computed in.

    Returns
    -------
    callable
        Lets the network be as it was.
    """
    trunk = trunk_of(arch)
    compute: Callable[[torch.Tensor], torch.Tensor] = arch.embed  # type: ignore[attr-defined]
    stores: dict[tuple[int, ...], EmbeddingStore] = {}
    digest = f"{digest_of(trunk)} {note}"

    def embed(x: torch.Tensor) -> torch.Tensor:
        keys = keys_of(x)
        if keys is None or trunk.training:
            # a mixture of letters, or a trunk that draws: nothing that comes again
            return compute(x)
        shape = _shape(trunk, x)
        store = stores.get(shape)
        if store is None:
            store = stores[shape] = EmbeddingStore(folder, digest, shape, dtype)
        there = store.has(keys)
        if not there.all():
            rows = torch.as_tensor(np.flatnonzero(~there), device=x.device)
            with torch.no_grad():
                fresh = compute(x[rows]).float().cpu().numpy()
            if fresh.shape[1:] != shape:
                raise EugeneError(f"an embedding has shape {fresh.shape[1:]}, expected {shape}")
            with contextlib.suppress(LockedError):  # somebody else writes: it is kept next time
                store.add(keys[~there], fresh)
        if told is not None:
            told(int(there.sum()), int((~there).sum()))
        out = np.empty((len(keys), *shape), np.float32)
        out[there] = store.get(keys[there])
        if not there.all():
            out[~there] = fresh
        return torch.as_tensor(out, device=x.device)

    arch.embed = embed  # type: ignore[attr-defined]

    def undo() -> None:
        vars(arch).pop("embed", None)

    return undo


def _shape(trunk: nn.Module, x: torch.Tensor) -> tuple[int, int]:
    """Return the shape of one embedding of sequences."""
    bins = trunk.bins(x.shape[2])  # type: ignore[operator]
    return int(bins), int(trunk.out_channels)  # type: ignore[arg-type]


def keys_of(x: torch.Tensor) -> NDArray[np.uint64] | None:
    """Return a hash of the letters of each sequence; None where they are no letters.

    Parameters
    ----------
    x : torch.Tensor of float, shape (n, 4, length)
        One-hot; zeros, or 0.25 of each letter, for N.

    Returns
    -------
    ndarray of uint64, shape (n,), or None

    Examples
    --------
    >>> keys_of(torch.eye(4)[None]).shape, keys_of(torch.full((1, 4, 3), 0.3)) is None
    ((1,), True)
    """
    if x.shape[1] != len(_LETTERS):
        return None
    total = x.sum(1)
    known = ((x == 0) | (x == 1) | (x == 0.25)).all() & ((total == 0) | (total == 1)).all()
    if not bool(known):
        return None
    weights = torch.tensor(_LETTERS, dtype=torch.float32, device=x.device)
    # one letter 4, 8, 16 or 32, N 15 or 0; never NUL, which would end a sequence
    codes = torch.einsum("nal,a->nl", x.float() * 4, weights) + 64
    return row_hash(codes.to(torch.uint8).cpu().numpy())
