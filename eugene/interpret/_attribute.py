"""Attributions of sequences by one or several methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eugene.config import registries
from eugene.errors import EugeneError

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

WITH_DELTA = frozenset({"deep_lift", "deep_lift_shap", "integrated_gradients"})
"""Methods whose attributions add up to a difference that can be checked."""

EFFECTS = frozenset({"saturation_mutagenesis"})
"""Methods that give the effect of every substitution."""

WITH_REFERENCES = frozenset(
    {"deep_lift", "deep_lift_shap", "integrated_gradients", "gradient_shap"}
)
"""Methods that compare with references."""

WITHOUT_HYPOTHETICAL = frozenset({"deletion", "occlusion", "sis"})
"""Methods that put in no letters, so that they have no hypothetical form."""

_ZERO_REFERENCES = frozenset({"deep_lift", "integrated_gradients"})
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


def project_effects(effects: NDArray[np.floating], X: NDArray[Any]) -> NDArray[np.float32]:
    """Turn effects of substitutions into one number for the letter that is there.

    Parameters
    ----------
    effects : ndarray of float, shape (n, 4, length)
        Difference of the output to the wild type, 0 at the letter that is there.
    X : ndarray, shape (n, 4, length)
        One-hot sequences.

    Returns
    -------
    ndarray of float32, shape (n, 4, length)
        At the letter that is there, what it adds over the mean of the four letters; else 0.

    Examples
    --------
    >>> effects = np.array([[[0.0], [-3.0], [-3.0], [-6.0]]])
    >>> project_effects(effects, np.array([[[1], [0], [0], [0]]])).ravel().tolist()
    [3.0, 0.0, 0.0, 0.0]
    """
    centred = effects - effects.mean(axis=1, keepdims=True)
    return np.where(np.asarray(X) == 1, centred, 0.0).astype(np.float32)


@dataclass(frozen=True)
class Explainer:
    """A network and how it is to be explained; works on any number of rows at a time.

    Attributes
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    methods : tuple of str
        Our names of attribution methods.
    references : str, callable, array (n, n_references, 4, length) or None
        What sequences are compared with; ``None`` for the default of each method.
    n_references : int
        References a sequence.
    target : int, tuple, str or callable
        Which output.
    seed : int
        Seed of references and noise. Draws follow from it and the letters of a sequence alone.
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
    methods: tuple[str, ...]
    references: Any = None
    n_references: int = 20
    target: Any = 0
    seed: int = 0
    batch_size: int = 128
    hypothetical: bool = False
    effects: bool = True
    device: str | None = None
    name: Callable[[str, str], str] = variable_name
    naive: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Take any name of a method, and refuse what has no hypothetical form."""
        # EUGENe's name means the effects themselves, where there is one variable for them
        object.__setattr__(self, "naive", "NaiveISM" in self.methods and not self.effects)
        resolved = tuple(dict.fromkeys(map(registries.ATTRIBUTIONS.resolve, self.methods)))
        object.__setattr__(self, "methods", resolved)
        bare = [method for method in resolved if method in WITHOUT_HYPOTHETICAL]
        if self.hypothetical and bare:
            raise EugeneError(
                f"{bare[0]!r} has no hypothetical form: it puts in no letters; choose "
                "deep_lift_shap, saturation_mutagenesis or a gradient, or hypothetical=False"
            )

    def options(self) -> dict[str, Any]:
        """Return all that decides the numbers, apart from network and sequences."""
        return {
            "methods": list(self.methods),
            "references": told(self.references),
            "n_references": int(self.n_references),
            "target": told(self.target),
            "seed": int(self.seed),
            "batch_size": int(self.batch_size),
            "hypothetical": bool(self.hypothetical),
        }

    def layout(self) -> dict[str, Layout]:
        """Return the variables that `explain` gives, by name."""
        found = {}
        for method in self.methods:
            attrs: dict[str, Any] = {"method": method, "target": str(told(self.target))}
            attrs["seed"] = int(self.seed)
            if method in WITH_REFERENCES:
                attrs["references"] = self._references_of(method)
                attrs["n_references"] = self._count_of(method)
            if method in WITH_DELTA:
                delta = self.name(method, "delta")
                attrs["delta"] = delta
                found[delta] = Layout(
                    ("_sequence",),
                    {
                        "method": method,
                        "long_name": "attributions minus the difference of the outputs, "
                        "mean over the references",
                        "units": "output of the network",
                    },
                )
            form = "effects" if self.naive and method in EFFECTS else "projected"
            own = {**attrs, "form": form, "units": "output of the network"}
            found[self.name(method, "attributions")] = Layout(_LETTERS, own)
            if self.hypothetical:
                other = {**own, "form": "hypothetical"}
                found[self.name(method, "hypothetical")] = Layout(_LETTERS, other)
            if method in EFFECTS and self.effects:
                other = {**own, "form": "effects"}
                found[self.name(method, "effects")] = Layout(_SUBSTITUTIONS, other)
        return found

    def explain(
        self,
        X: NDArray[Any],
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
        options: dict[str, Any] = {"target": self.target, "batch_size": self.batch_size}
        options |= {"device": self.device, "verbose": verbose}
        for method in self.methods:
            if method in EFFECTS:
                effects = np.asarray(
                    se.saturation_mutagenesis(self.model, X, **options), dtype=np.float32
                )
                found[self.name(method, "attributions")] = (
                    effects if self.naive else project_effects(effects, X)
                )
                if self.hypothetical:
                    centred = effects - effects.mean(axis=1, keepdims=True)
                    found[self.name(method, "hypothetical")] = centred
                if self.effects:
                    found[self.name(method, "effects")] = effects
                continue
            more: dict[str, Any] = {"seed": self.seed, "hypothetical": self.hypothetical}
            if method in WITH_REFERENCES:
                chosen = self.references
                chosen = chosen[rows] if rows is not None and _is_array(chosen) else chosen
                more |= {"references": chosen, "n_references": self.n_references}
            if method in WITH_DELTA:
                result = se.attribute(self.model, X, method, return_delta=True, **options, **more)
                values, delta = result
                found[self.name(method, "delta")] = np.asarray(delta, dtype=np.float32)
            else:
                values = se.attribute(self.model, X, method, **options, **more)
            scores = np.asarray(values, dtype=np.float32)
            if self.hypothetical:
                found[self.name(method, "hypothetical")] = scores
                scores = np.where(np.asarray(X) == 1, scores, np.float32(0))
            found[self.name(method, "attributions")] = scores
        return found

    def _references_of(self, method: str) -> str:
        if self.references is None:
            return "zero" if method in _ZERO_REFERENCES else "dinuc_shuffle"
        return "array" if _is_array(self.references) else str(told(self.references))

    def _count_of(self, method: str) -> int:
        if _is_array(self.references):
            return int(self.references.shape[1]) if self.references.ndim == 4 else 1
        drawn = self._references_of(method) not in {"zero", "uniform", "gc"}
        return int(self.n_references) if drawn else 1


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and not isinstance(value, str)


def told(value: Any) -> Any:
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


def attribute_dataset(
    model: torch.nn.Module,
    X: NDArray[Any],
    *,
    methods: Sequence[str] = ("deep_lift_shap", "saturation_mutagenesis"),
    references: Any = "dinuc_shuffle",
    n_references: int = 20,
    target: Any = 0,
    seed: int = 0,
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
    methods : sequence of str, optional
        Names of attribution methods; variables are called by our names for them.
    references : str, callable, array (n, n_references, 4, length) or None, optional
        What sequences are compared with, for the methods that need it.
    n_references : int, optional
        References a sequence.
    target : int, tuple, str or callable, optional
        Which output.
    seed : int, optional
        Seed of the references.
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
    letters_of = sp.alphabet_of(letters_for(X, held if said is None else said))
    if held is not None and sp.alphabet_of(held) != letters_of:
        raise EugeneError(f"the sequences are over {held!r}, not over {letters_of.alphabet!r}")
    explainer = Explainer(
        getattr(model, "arch", model),
        tuple(methods),
        references=references,
        n_references=n_references,
        target=target,
        seed=seed,
        batch_size=batch_size,
        hypothetical=hypothetical,
    )
    letters = sp.decode_ohe(np.asarray(X).swapaxes(1, 2), ohe_axis=-1, alphabet=letters_of)
    variables: dict[str, Any] = {
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
