"""Attributions of sequences by one or several methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eugene.config import registries
from eugene.errors import EugeneError
from eugene.modules._input import check_length
from eugene.settings import session_seed
from seqexplainer.methods import METHODS, Method, find
from seqpro.family import old_names

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from seqexplainer.methods import Compute

__getattr__ = old_names(__name__)

_LETTERS, _SUBSTITUTIONS = (
    ("_sequence", "_ohe", "_length"),
    ("_sequence", "_substitution", "_length"),
)


class Layout(NamedTuple):
    """What a variable of attributions looks like.

    Attributes
    ----------
    dims : tuple of str
        Its dimensions.
    attrs : dict
        How it was made.
    """

    dims: tuple[str, ...]
    attrs: dict[str, Any]


def variable_name(method: str, role: str) -> str:
    """Return the name under which a run folder keeps an array of a method.

    Parameters
    ----------
    method : str
        Our name of the method.
    role : {"attributions", "hypothetical", "effects", "delta"}
        What the array is.

    Returns
    -------
    str
        The name.

    Examples
    --------
    >>> variable_name("deep_lift_shap", "attributions"), variable_name("deep_lift_shap", "delta")
    ('deep_lift_shap', 'delta_deep_lift_shap')
    """
    if role == "attributions":
        return method
    return f"delta_{method}" if role == "delta" else f"{method}_{role}"


def method_of(method: str | Compute | Method) -> Method:
    """Return an attribution method: of the table, as it was registered, or made of a function.

    Parameters
    ----------
    method : str, callable or Method
        Any name that `seqexplainer.methods.find` or ``eu.register("attributions", ...)`` knows.

    Returns
    -------
    Method

    Raises
    ------
    UnknownNameError
        If there is no such name.

    Examples
    --------
    >>> method_of("NaiveISM").name
    'saturation_mutagenesis'
    """
    if not isinstance(method, str) or method.startswith("captum."):
        return find(method)
    name = registries.ATTRIBUTIONS.resolve(method)
    if name in METHODS:
        return METHODS[name]
    return replace(find(registries.ATTRIBUTIONS.get(name)), name=name)


def output_names(model: object) -> tuple[str, ...]:
    """Return what the outputs of a module are called; nothing for a bare network.

    Examples
    --------
    >>> output_names(object())
    ()
    """
    return tuple(map(str, getattr(model, "target_names", None) or ()))


@dataclass(frozen=True)
class Explainer:
    """A network and how it is to be explained; works on any number of rows at a time.

    Attributes
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    methods : tuple of str
        Attribution methods by any name, or functions; our names afterwards.
    references : str, callable, array (n, n_references, 4, length) or None
        What sequences are compared with; ``None`` for the default of each method.
    n_references : int
        References a sequence.
    target : int, tuple, str, callable or None
        Which output; None for the only one, and of several the first, with a warning.
    names : sequence of str
        What the outputs are called.
    seed : int, optional
        Seed of references and noise, by default that of the session. Draws follow from it and
        the letters of a sequence alone.
    batch_size : int
        Sequences at a time.
    hypothetical : bool
        Whether the hypothetical form is kept as well.
    effects : bool
        Whether mutagenesis keeps the effect of every substitution.
    device : str or None
        Where to compute.
    name : callable
        ``name(method, role)`` is the name of a variable.
    """

    model: torch.nn.Module
    methods: tuple[Any, ...]
    references: Any = None
    n_references: int = 20
    target: object = None
    names: tuple[str, ...] = ()
    seed: int | None = None
    batch_size: int = 128
    hypothetical: bool = False
    effects: bool = True
    device: str | None = None
    name: Callable[[str, str], str] = variable_name
    naive: bool = field(default=False, init=False)
    table: tuple[Method, ...] = field(default=(), init=False)
    pick: object = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        """Take any name of a method, and refuse what has no hypothetical form."""
        import seqexplainer as se

        # EUGENe's name means the effects themselves, where there is one variable for them
        object.__setattr__(self, "naive", "NaiveISM" in self.methods and not self.effects)
        table = tuple({m.name: m for m in map(method_of, self.methods)}.values())
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "methods", tuple(method.name for method in table))
        object.__setattr__(self, "seed", session_seed(self.seed))
        pick = se.OnlyOutput(self.names) if self.target is None else self.target
        object.__setattr__(self, "pick", pick)
        bare = [method.name for method in table if not method.hypothetical]
        if self.hypothetical and bare:
            raise EugeneError(
                f"{bare[0]!r} has no hypothetical form: it puts in no letters; choose "
                "deep_lift_shap, saturation_mutagenesis or a gradient, or hypothetical=False"
            )

    def options(self) -> dict[str, object]:
        """Return all that decides the numbers, apart from network and sequences."""
        return {
            "methods": list(self.methods),
            "references": told(self.references),
            "n_references": int(self.n_references),
            "target": self.told_target,
            "seed": self.seed,
            "batch_size": int(self.batch_size),
            "hypothetical": bool(self.hypothetical),
        }

    @property
    def told_target(self) -> object:
        """The output that is explained, as something that a file can hold."""
        return 0 if self.target is None else told(self.target)

    def layout(self) -> dict[str, Layout]:
        """Return the variables that `explain` gives, by name."""
        found = {}
        units = {"units": "output of the network"}
        for method in self.table:
            own: dict[str, Any] = {"method": method.name, "target": str(self.told_target)}
            if len(self.names) > 1 and isinstance(self.told_target, int):
                own["target_name"] = self.names[self.told_target]
            own["seed"] = self.seed
            if method.references:
                own["references"] = self._references_of(method)
                own["n_references"] = self._count_of(method)
            if method.delta:
                own["delta"] = self.name(method.name, "delta")
                long_name = (
                    "attributions minus the difference of the outputs, mean over the references"
                )
                attrs = {"method": method.name, "long_name": long_name, **units}
                found[own["delta"]] = Layout(("_sequence",), attrs)
            forms = {"attributions": "effects" if self.naive and method.effects else "projected"}
            if self.hypothetical:
                forms["hypothetical"] = "hypothetical"
            if method.effects and self.effects:
                forms["effects"] = "effects"
            for role, form in forms.items():
                dims = _SUBSTITUTIONS if role == "effects" else _LETTERS
                found[self.name(method.name, role)] = Layout(dims, {**own, "form": form, **units})
        return found

    def explain(
        self,
        X: NDArray[np.generic],
        *,
        rows: slice | NDArray[np.int64] | None = None,
        verbose: bool = False,
    ) -> dict[str, NDArray[np.float32]]:
        """Attribute some sequences.

        Parameters
        ----------
        X : ndarray, shape (n, 4, length)
            One-hot sequences.
        rows : slice or ndarray of int64, optional
            Which of the references these are, where references are an array.
        verbose : bool, optional
            Draw bars.

        Returns
        -------
        dict of str to ndarray of float32
            The variables of `layout`.
        """
        import seqexplainer as se

        found: dict[str, NDArray[np.float32]] = {}
        check_length(self.model, np.shape(X)[2])
        there = np.asarray(X) == 1
        options: dict[str, Any] = {"target": self.pick, "batch_size": self.batch_size}
        options |= {"device": self.device, "progress": verbose}
        for method in self.table:
            if method.effects:
                effects = _float32(se.saturation_mutagenesis(self.model, X, **options))
                scores = effects - effects.mean(axis=1, keepdims=True)
                if self.effects:
                    found[self.name(method.name, "effects")] = effects
            else:
                more: dict[str, Any] = {"seed": self.seed, "hypothetical": self.hypothetical}
                if method.references:
                    chosen = self.references
                    chosen = chosen[rows] if rows is not None and _is_array(chosen) else chosen
                    if isinstance(chosen, str) and not registries.REFERENCES.ships(chosen):
                        chosen = registries.REFERENCES.get(chosen)
                    more |= {"references": chosen, "n_references": self.n_references}
                values = se.attribute(
                    self.model, X, method, return_delta=method.delta, **options, **more
                )
                if isinstance(values, tuple):
                    values, delta = values
                    found[self.name(method.name, "delta")] = _float32(delta)
                scores = _float32(values)
            if self.hypothetical:
                found[self.name(method.name, "hypothetical")] = scores
            if method.effects and self.naive:
                scores = effects
            elif method.effects or self.hypothetical:
                scores = np.where(there, scores, np.float32(0))
            found[self.name(method.name, "attributions")] = scores
        return found

    def _references_of(self, method: Method) -> str:
        if self.references is None:
            return method.default_reference
        return "array" if _is_array(self.references) else str(told(self.references))

    def _count_of(self, method: Method) -> int:
        from seqexplainer.references import DRAWN, NAMED

        if _is_array(self.references):
            return int(self.references.shape[1]) if self.references.ndim == 4 else 1
        named = self._references_of(method)
        return 1 if named in NAMED and named not in DRAWN else int(self.n_references)


def _is_array(value: object) -> bool:
    return hasattr(value, "shape") and not isinstance(value, str)


def _float32(values: object) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def told(value: object) -> object:
    """Return a target or reference as something that a file can hold.

    Examples
    --------
    >>> told((0, 1)), told(len), told("counts")
    ([0, 1], 'len', 'counts')
    """
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, tuple):
        return [told(entry) for entry in value]
    if _is_array(value):
        from seqdata.store import fingerprint

        return f"array {fingerprint(np.asarray(value))}"
    return getattr(value, "__qualname__", type(value).__name__)


def attribute_sequences(
    model: torch.nn.Module,
    X: NDArray[np.generic],
    *,
    methods: Sequence[str | Compute] = ("deep_lift_shap", "saturation_mutagenesis"),
    references: object = "dinuc_shuffle",
    n_references: int = 20,
    target: object = None,
    seed: int | None = None,
    batch_size: int = 128,
    hypothetical: bool = False,
    index: ArrayLike | None = None,
    alphabet: str | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Attribute sequences by several methods, in memory.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    X : ndarray, shape (n, 4, length)
        One-hot sequences.
    methods : sequence of str or callable, optional
        Attribution methods; variables are called by our names for them.
    references : str, callable, array (n, n_references, 4, length) or None, optional
        What sequences are compared with, for the methods that need it.
    n_references : int, optional
        References per sequence.
    target : int, tuple, str or callable, optional
        Which output; by default the only one, and of several the first, with a warning.
    seed : int, optional
        Seed of the references; by default that of the session.
    batch_size : int, optional
        Sequences at a time.
    hypothetical : bool, optional
        Keep the hypothetical form as well.
    index : array_like of int, shape (n,), optional
        Number of each sequence in its dataset.
    alphabet : str, optional
        ``"DNA"``, ``"RNA"``, ``"AA"`` or the letters of the columns; by default those that ``X``
        (`one_hot`) or the model says, else DNA (21 columns: amino acids).
    progress : bool, optional
        Draw bars.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 ``(_sequence, _length)``; for each method a float32 variable
        ``(_sequence, _ohe, _length)``, 0 at letters that are not there; ``delta_<method>``
        float32 ``(_sequence)`` for the methods that have a completeness delta;
        ``<method>_hypothetical`` float32 ``(_sequence, _ohe, _length)`` if asked for;
        ``<method>_effects`` float32 ``(_sequence, _substitution, _length)`` for mutagenesis.
    """
    import xarray as xr

    import seqpro as sp
    from seqexplainer import letters_for

    said = getattr(model, "alphabet", None) if alphabet is None else alphabet
    held = getattr(X, "alphabet", None)
    letters_of = sp.alphabet_of(letters_for(X, said))
    if held is not None and sp.alphabet_of(held) != letters_of:
        raise EugeneError(f"the sequences are over {held!r}, not over {letters_of.alphabet!r}")
    explainer = Explainer(
        getattr(model, "arch", model),
        tuple(methods),
        names=output_names(model),
        references=references,
        n_references=n_references,
        target=target,
        seed=seed,
        batch_size=batch_size,
        hypothetical=hypothetical,
    )
    letters = sp.decode_ohe(np.asarray(X).swapaxes(1, 2), ohe_axis=-1, alphabet=letters_of)
    variables: dict[str, object] = {
        "seq": (
            ("_sequence", "_length"),
            letters,
            {"kind": "sequence", "alphabet": letters_of.alphabet},
        ),
        "index": ("_sequence", np.arange(len(X)) if index is None else np.asarray(index)),
    }
    found = explainer.explain(X, verbose=progress)
    for name, layout in explainer.layout().items():
        variables[name] = (layout.dims, found[name], layout.attrs)
    return xr.Dataset(variables)
