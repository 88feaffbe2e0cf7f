"""The runs of a selection, done here, several at a time, or on a Ray cluster."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from eugene._folder import RunFolder
from eugene._holding import holding
from eugene.config import RunConfig, load_run_config

logger = logging.getLogger("eugene.select")


@dataclass(frozen=True)
class Job:
    """What a process is given to do: one run.

    Attributes
    ----------
    file : str
        Its YAML file.
    folder, store : str
        Its folder, and the one that has the data.
    later : tuple of str
        Steps after training.
    plugins : tuple of str
        What registers things that the file names.
    trusted : bool
        Whether the file may name things by import path.
    device : str, optional
        Where the trained network computes.
    threads : int, optional
        Threads of torch; None leaves them as they are.
    """

    file: str
    folder: str
    store: str
    later: tuple[str, ...]
    plugins: tuple[str, ...] = ()
    trusted: bool = False
    device: str | None = None
    threads: int | None = None

    def config(self) -> RunConfig:
        """Return the configuration of the run."""
        return load_run_config(
            self.file,
            plugins=self.plugins if self.trusted else None,
            allow_class_path=self.trusted,
        )


def do(job: Job) -> str | None:
    """Do a run, or go on with it; return what went wrong."""
    from eugene.config import load_plugin
    from eugene.runs import _pipeline as pipeline

    try:
        if job.threads is not None:
            import torch

            torch.set_num_threads(job.threads)
        for plugin in job.plugins:
            load_plugin(plugin)
        folder = RunFolder(job.folder)
        pipeline.train(
            job.config(),
            folder.path,
            later=job.later,
            store=RunFolder(job.store),
            resume=folder.is_run(),
            device=job.device,
        )
    except Exception as error:
        logger.debug("%s", job.folder, exc_info=True)
        return f"{type(error).__name__}: {error}"
    return None


def prepare_data(config: RunConfig, folder: RunFolder) -> None:
    """Write the rows that several runs share, unless they are there.

    Parameters
    ----------
    config : RunConfig
        One of the runs.
    folder : RunFolder
        Where they are written.
    """
    from eugene.runs import Run
    from eugene.runs._data import is_stored

    if folder.status("data") == "done" and folder.data.is_file() and is_stored(config, folder):
        return
    with holding(folder.path):
        RunFolder.create(folder.path, resume=True)
        with folder.step("data"):
            run = Run(config, folder)
            folder.write_json("data.json", run.describe())


Told = Iterator[tuple[Job, str | None]]


def here(jobs: Sequence[Job]) -> Told:
    """Do runs one after another in this process."""
    for job in jobs:
        yield job, do(job)


def at_once(jobs: Sequence[Job], n: int) -> Told:
    """Do runs in so many processes; one that dies fails its own run alone."""
    died = []
    with ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn")) as pool:
        given: dict[Future[str | None], Job] = {pool.submit(do, job): job for job in jobs}
        for future in as_completed(given):
            try:
                yield given[future], future.result()
            except BrokenProcessPool:
                died.append(given[future])
    if len(jobs) == 1:
        yield from ((job, "the process that did it died, of a signal or of memory") for job in died)
        return
    # which of them it was shows when each is done alone
    for job in died:
        yield from at_once([job], 1)


def on_cluster(jobs: Sequence[Job], address: str | None, cpus: int, gpus: float, seed: int) -> Told:
    """Do runs on Ray: on this machine, or on a cluster that sees the folder."""
    from eugene.tune._cluster import cluster

    with cluster(address, seed=seed):
        import ray

        remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=3)(do)
        given = {remote.remote(job): job for job in jobs}
        waiting = list(given)
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1)
            for reference in ready:
                try:
                    yield given[reference], ray.get(reference)
                except Exception as error:  # a machine that is lost, too
                    first = str(error).strip().partition("\n")[0]
                    yield given[reference], f"{type(error).__name__}: {first}"


def job_of(config: RunConfig, file: Path, store: Path, later: Sequence[str]) -> Job:
    """Return what a process is given to do a run."""
    from eugene.config import listed_plugins

    return Job(
        file=str(file),
        folder=str(config.tree["run_dir"]),
        store=str(store),
        later=tuple(later),
        plugins=tuple(p for p in listed_plugins(config.document) if p != "__main__"),
        trusted=config.allow_class_path,
    )
