"""What every picture takes, and whom it says no to."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from eugene._calls import Judge, check_call, only
from eugene.errors import EugeneError, did_you_mean
from eugene.settings import settings
from seqpro.family import Accepted, places_of, table

R = TypeVar("R")

COMMON = (
    "figsize",
    "save",
    "title",
    "xlab",
    "ylab",
    "xlim",
    "ylim",
    "rc_context",
    "xtick_rot",
    "return_axes",
)
"""Arguments of every picture: inches of a new figure, a file to write, texts and limits of the
axes, matplotlib's parameters while drawing, degrees by which names below the axis are turned.
``return_axes`` is EUGENe's: axes are always returned.
"""

# what EUGENe handed on to seaborn, and matplotlib does not know
_SEABORN = frozenset(
    {
        "palette",
        "hue_order",
        "order",
        "color",
        "kde",
        "inner",
        "scale",
        "cut",
        "bw",
        "gridsize",
        "linewidth",
        "saturation",
        "dodge",
        "fliersize",
        "stat",
        "element",
        "multiple",
        "log_scale",
        "binwidth",
        "binrange",
        "discrete",
        "sizes",
        "style",
        "markers",
    }
)

# what takes a picture's other arguments: a method of Axes, and the artist that it makes
_ARTISTS = {
    "bar": ("bar", "patches.Rectangle"),
    "boxplot": ("boxplot", None),
    "hist": ("hist", "patches.Patch"),
    "plot": ("plot", "lines.Line2D"),
    "scatter": ("scatter", "collections.PathCollection"),
    "violinplot": ("violinplot", None),
}


def picture(
    *,
    passes: str | None = None,
    same: Mapping[str, str] | None = None,
    void: Mapping[str, Sequence[object]] | None = None,
    each: str | None = None,
    apart: str | None = None,
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a drawing function the common arguments, EUGENe's names, and errors that name its own.

    Parameters
    ----------
    passes : str, optional
        What takes further arguments: a key of the table above, or ``"logo"``.
    same : mapping, optional
        EUGENe's names of arguments, and ours.
    void : mapping, optional
        EUGENe's arguments that decide nothing here, and the values that may be given.
    each : str, optional
        An argument that may name several things: each gets axes of its own, side by side, and an
        array of them is returned.
    apart : str, optional
        Only where this argument is given, for pictures that otherwise draw them together.
    """
    other = dict(same or {})
    unheard = {key: _one_of(key, values) for key, values in (void or {}).items()}

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        signature = inspect.signature(function)
        own = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        name = function.__name__
        known = [*own, *(c for c in COMMON if c not in own)]
        parameters = list(signature.parameters.values())
        old = f"eugene.plot.{name}"
        accepted = Accepted((old,) if old in table() else (), other, unheard)
        places = places_of(parameters)

        @functools.wraps(function)
        def draw(*args: object, **kwargs: Any) -> R:
            args = accepted.placed(name, places, args, kwargs, EugeneError)
            accepted.judge(name, own, kwargs, EugeneError)
            common = {k: kwargs.pop(k) for k in COMMON if k in kwargs and k not in own}
            further = set(kwargs) & _artist_names(passes)
            _refuse_seaborn(name, set(kwargs) - further - set(known))
            whose = "" if passes is None else _taker(passes)
            check_call(name, signature, args, kwargs, known, further=further, whose=whose)
            _check(name, signature.bind(*args, **kwargs).arguments, common)
            with _parameters(common.get("rc_context")), _told(name):
                bound = signature.bind(*args, **kwargs).arguments
                several = _several(bound, each, apart)
                if each is None or not several:
                    result = function(*args, **kwargs)
                else:
                    further_given = bound.pop("kwargs", {})
                    axes = _side_by_side(len(several))
                    for one, ax in zip(several, axes, strict=True):
                        function(**{**bound, **further_given, each: one, "ax": ax})
                    result = cast("R", axes)
                _finish(name, result, common)
            return result

        accepted.show(draw, parameters)
        return draw

    return decorate


def _refuse_seaborn(name: str, unknown: set[str]) -> None:
    """Say of an argument that was seaborn's what can be said instead."""
    for key in sorted(unknown & _SEABORN):
        raise EugeneError(
            f"{name}: {key}= was seaborn's, and pictures are matplotlib's here: leave it out, or "
            "change the axes that are returned; see docs/switching/eugene.md"
        )


def _several(given: Mapping[str, object], each: str | None, apart: str | None) -> list[object]:
    """Return what gets axes of its own, where there are several of them."""
    named = given.get(each) if each is not None else None
    if isinstance(named, str) or not isinstance(named, Sequence) or len(named) < 2:
        return []
    if given.get("ax") is not None or (apart is not None and given.get(apart) is None):
        return []
    return list(named)


def _side_by_side(number: int) -> NDArray[np.object_]:
    """Return the axes of a new figure."""
    import matplotlib.pyplot as plt

    size = (4.2 * number, 3.4)
    _, axes = plt.subplots(1, number, figsize=size, squeeze=False, layout="constrained")
    found: NDArray[np.object_] = axes[0]
    return found


def _one_of(key: str, values: Sequence[object]) -> Judge:
    """Accept an argument that decides nothing here, with some values."""
    judge = only(*values)
    listed = " or ".join(map(repr, values))
    return lambda value: judge(value) and f"{key} can only be {listed} here"


def _taker(passes: str) -> str:
    return "seqexplainer.plot.logo" if passes == "logo" else f"matplotlib's Axes.{passes}"


@functools.cache
def _artist_names(passes: str | None) -> frozenset[str]:
    """Return the names that matplotlib, or the logo, takes."""
    if passes is None:
        return frozenset()
    if passes == "logo":
        from seqexplainer.plot import logo

        return frozenset(inspect.signature(logo).parameters)
    import importlib

    from matplotlib.artist import ArtistInspector
    from matplotlib.axes import Axes

    method, artist = _ARTISTS[passes]
    names = set(inspect.signature(getattr(Axes, method)).parameters) - {"self", "data", "kwargs"}
    if artist is not None:
        module, _, kind = artist.partition(".")
        inspector = ArtistInspector(getattr(importlib.import_module(f"matplotlib.{module}"), kind))
        names |= set(inspector.get_setters())
        names |= {alias for aliases in inspector.aliasd.values() for alias in aliases}
    return frozenset(names)


def _check(name: str, given: Mapping[str, object], common: Mapping[str, Any]) -> None:
    """Refuse a figure size that cannot be, and data that are no dataset."""
    size = common.get("figsize")
    if size is not None:
        numbers = isinstance(size, (tuple, list)) and all(isinstance(v, (int, float)) for v in size)
        if not numbers or len(size) != 2 or min(size) <= 0:
            raise EugeneError(
                f"{name}: figsize must be (width, height) in inches, such as (6, 4), got {size!r}"
            )
        if given.get("ax") is not None:
            raise EugeneError(f"{name}: figsize is of a new figure, but ax= has one: leave one out")
    if "sdata" in given:
        import xarray as xr

        if not isinstance(given["sdata"], xr.Dataset):
            raise EugeneError(
                f"{name}: sdata must be an xarray.Dataset, got {type(given['sdata']).__name__}"
            )


@contextlib.contextmanager
def _parameters(given: Mapping[str, object] | None) -> Iterator[None]:
    """Draw with the parameters of the session's settings and of this call."""
    chosen = {**settings.rc_context, **(given or {})}
    if not chosen:
        yield
        return
    import matplotlib as mpl

    unknown = [key for key in chosen if key not in mpl.rcParams]
    if unknown:
        raise EugeneError(
            f"rc_context: matplotlib has no parameter {unknown[0]!r}"
            f"{did_you_mean(unknown[0], mpl.rcParams, listed=5)}"
        )
    with mpl.rc_context(dict(chosen)):
        yield


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what matplotlib raises into an error of ours, and close what was begun."""
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    try:
        yield
    except Exception as error:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
        if isinstance(error, OSError) or not _in_matplotlib(error):
            raise
        raise EugeneError(f"{name}: matplotlib refuses an argument: {error}") from error


def _in_matplotlib(error: BaseException) -> bool:
    """Tell whether an error arose in matplotlib, or in what it called."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").split(".")[0] == "matplotlib":
            return True
        trace = trace.tb_next
    return False


def _finish(name: str, result: Any, common: Mapping[str, Any]) -> None:
    """Apply size, texts and limits, and write the file."""
    from matplotlib.figure import Figure

    whole = isinstance(result, (Figure, np.ndarray))
    first = result[0] if isinstance(result, np.ndarray) else result
    figure = first if isinstance(first, Figure) else first.figure.figure  # the whole
    if common.get("figsize") is not None:
        figure.set_size_inches(*common["figsize"])
    if common.get("title") is not None:
        figure.suptitle(common["title"]) if whole else first.set_title(common["title"])
    for ax in figure.axes if whole else [result]:
        for key, change in (
            ("xlab", ax.set_xlabel),
            ("ylab", ax.set_ylabel),
            ("xlim", ax.set_xlim),
            ("ylim", ax.set_ylim),
        ):
            if common.get(key) is not None:
                change(common[key])
        if common.get("xtick_rot"):
            ax.tick_params(axis="x", labelrotation=common["xtick_rot"])
    if common.get("save") is not None:
        path = Path(common["save"])
        kinds = figure.canvas.get_supported_filetypes()
        if path.suffix and path.suffix[1:].lower() not in kinds:
            raise EugeneError(
                f"{name}: save={str(path)!r}: matplotlib writes no {path.suffix}; one of "
                f"{', '.join(sorted(kinds))}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=settings.dpi, bbox_inches="tight")
