"""Ray for the time of a search: quiet, without dashboard and telemetry, and gone afterwards."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import secrets
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eugene._optional import require
from eugene.errors import EugeneError

_PREFIX = "eu-ray-"
_ATTEMPTS = 3
_OF_RAY = ("RAY", "TUNE", "PYTHONBREAKPOINT", "OMP_NUM_THREADS")
# sockets of Ray lie in its temporary folder, and their paths may have 107 characters
_SHORT = Path("/tmp")
_AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


def require_extra() -> None:
    """Raise where Ray or Optuna is not installed.

    Raises
    ------
    MissingExtraError
        It says what to install.
    """
    require("ray.tune", extra="tune")
    require("optuna", extra="tune")


@functools.cache
def _own_token() -> str:
    """Return the token by which the processes of a Ray of ours know each other.

    Ray would keep one in the user's home. It reads a token once a process, so this is one, too.
    """
    return secrets.token_hex(32)


@contextlib.contextmanager
def _environment(*, own: bool) -> Iterator[None]:
    """Set what Ray reads, and put it back; ``own`` for a Ray that is started here."""
    before = dict(os.environ)
    os.environ.update({k: v for k, v in _ENVIRONMENT.items() if k not in before})
    if own and not any(name in before for name in _AUTHENTICATION):
        # that it is to be used Ray settles itself when it starts a cluster
        os.environ["RAY_AUTH_TOKEN"] = _own_token()
    try:
        yield
    finally:
        # Ray sets more itself; what torch sets when it is loaded stays
        for name in [n for n in os.environ if n.startswith(_OF_RAY)]:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


@contextlib.contextmanager
def _global_draws(seed: int) -> Iterator[None]:
    """Give the global random states, which Ray's schedulers draw from, a seed; put them back."""
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's notices off the screen."""
    logger = logging.getLogger("ray")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def remove_left(temporary: object) -> None:
    """Remove the temporary folder of a search that was killed.

    Parameters
    ----------
    temporary : object
        What it noted as its folder; nothing else than such a one is touched.
    """
    if isinstance(temporary, str) and Path(temporary).name.startswith(_PREFIX):
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def cluster(address: str | None, *, seed: int) -> Iterator[str | None]:
    """Start Ray on this machine, or join a cluster.

    Parameters
    ----------
    address : str or None
        Address of a running cluster; None starts Ray here.
    seed : int
        Of what Ray draws from global states.

    Yields
    ------
    str or None
        The temporary folder, where there is one. A Ray that this process had started before is
        used as it is, and goes on.

    Raises
    ------
    EugeneError
        If there is no cluster at the address.
    """
    with _environment(own=not address), _quiet(), _global_draws(seed):
        import ray

        if ray.is_initialized():
            yield None
            return
        handler = signal.getsignal(signal.SIGTERM)
        short = _SHORT if _SHORT.is_dir() else Path(tempfile.gettempdir())
        temporary = None if address else tempfile.mkdtemp(prefix=_PREFIX, dir=short)
        try:
            if address:
                _join(address)
            else:
                _start(temporary)
            if threading.current_thread() is threading.main_thread():
                # Ray puts its own in place, which would end this process without a word
                signal.signal(signal.SIGTERM, handler)
            yield temporary
        finally:
            ray.shutdown()
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)


def _start(temporary: str | None) -> None:
    """Start Ray here; on a busy machine it may need more than the 30 s that it gives itself."""
    import ray

    for attempt in range(_ATTEMPTS):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _temp_dir=temporary,
            )
        except Exception as error:  # Ray raises plain ones
            ray.shutdown()
            if attempt == _ATTEMPTS - 1:
                first = str(error).strip().partition("\n")[0]
                raise EugeneError(f"Ray cannot be started on this machine: {first}") from error
        else:
            return


def _join(address: str) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        first = str(error).strip().partition("\n")[0]
        raise EugeneError(
            f"no Ray cluster answers at {address!r} ({first}); start one with 'ray start --head', "
            "give the token of one that asks for it (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN), or "
            "leave tune.address out to search on this machine"
        ) from error
