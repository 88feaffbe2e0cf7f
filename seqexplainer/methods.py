"""Attribution methods: one table of what each needs, gives and defaults to.

Whatever has to know something of a method asks here. Nothing heavy is imported before a method
is used, so that a command line can list them.

A method of your own is a function of two or three arguments, and works wherever a name does::

    def gradient_times_two(function, X):
        X = X.requires_grad_()
        return 2 * torch.autograd.grad(function(X).sum(), X)[0]

    se.attribute(model, X, gradient_times_two)
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import torch

    Compute: TypeAlias = Callable[..., torch.Tensor]

DEFAULT = "deep_lift_shap"
"""Name of the method that is taken where none is given."""

_CAPTUM = "captum."


@dataclass(frozen=True)
class Method:
    """An attribution method.

    Attributes
    ----------
    name : str
        Name that callers give, and that variables and files are called by.
    compute : str or callable
        ``function(explained, X)`` or, if it compares with references,
        ``function(explained, X, references)``, or where it can be imported from
        (``"module:function"``). ``explained`` is called on a batch ``(n, n_letters, length)`` and
        returns the explained number of each row, shape (n,); it takes several copies of the rows
        of X as well, those of one row next to each other. X has shape
        ``(n, n_letters, length)``, references ``(n, k, n_letters, length)``. What comes back has
        the shape of X: the contribution of each letter if it were there; with references it has
        their shape and holds multipliers. More keywords are options of the method.
    summary : str
        One sentence.
    label : str
        Name in titles; by default the name, spaces for underscores.
    aliases : tuple of str
        Other names, EUGENe's among them.
    default_reference : str
        What sequences are compared with where nothing is said.
    references : bool
        Whether sequences are compared with references.
    delta : bool
        Whether attributions should add up to a difference of outputs, which is then measured.
    tolerance : float
        Largest delta that passes, as a share of the mean difference of outputs.
    gradient : bool
        Whether it gives gradients, from which the mean over the letters is taken away.
    hypothetical : bool
        Whether it says what a letter would contribute that is not there.
    effects : bool
        Whether it knows the effect of every substitution.
    whole : bool
        Whether it goes through the sequences by itself, instead of being given batches.
    counted : {"there", "all", "absolute"}
        What of it says how important a position is: the letters that are there, all letters of a
        gradient as it comes, or their absolute values.

    Examples
    --------
    >>> find("DeepLift").default_reference, find("ism").effects
    ('zero', True)
    """

    name: str
    compute: str | Compute
    summary: str = ""
    label: str = ""
    aliases: tuple[str, ...] = ()
    default_reference: str = "dinuc_shuffle"
    references: bool = False
    delta: bool = False
    tolerance: float = 1e-3
    gradient: bool = False
    hypothetical: bool = True
    effects: bool = False
    whole: bool = False
    counted: Literal["there", "all", "absolute"] = "there"

    @property
    def title(self) -> str:
        """Name in titles."""
        return self.label or self.name.replace("_", " ")

    def load(self) -> Compute:
        """Return the function that computes it."""
        found: Compute = _loaded(self.compute) if isinstance(self.compute, str) else self.compute
        return found

    def options(self) -> tuple[str, ...]:
        """Return the names of the options that its function takes."""
        parameters = inspect.signature(self.load()).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    def bound(self, options: Mapping[str, object]) -> Compute:
        """Return its function with those of the options that it takes."""
        own = self.options()
        return partial(self.load(), **{k: v for k, v in options.items() if k in own})


_ATTRIBUTE = "seqexplainer.attribute"
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "deep_lift_shap",
            f"{_ATTRIBUTE}._deeplift:deep_lift",
            "Mean DeepLIFT over references, which approaches Shapley values.",
            label="DeepLIFT/SHAP",
            aliases=("DeepLiftShap", "deepliftshap"),
            references=True,
            delta=True,
        ),
        Method(
            "deep_lift",
            f"{_ATTRIBUTE}._deeplift:deep_lift",
            "Difference from one reference, followed back through every operation.",
            label="DeepLIFT",
            aliases=("DeepLift", "deeplift", "deep-lift"),
            references=True,
            default_reference="zero",
            delta=True,
        ),
        Method(
            "integrated_gradients",
            f"{_ATTRIBUTE}._gradient:integrated_gradients",
            "Gradient integrated from a reference to the sequence.",
            aliases=("IntegratedGradients", "integrated-gradients"),
            references=True,
            default_reference="zero",
            delta=True,
            tolerance=1e-2,
        ),
        Method(
            "gradient_shap",
            f"{_ATTRIBUTE}._gradient:gradient_shap",
            "Gradient at random points between references and the sequence.",
            label="GradientSHAP",
            aliases=("GradientShap",),
            references=True,
        ),
        Method(
            "gradient",
            f"{_ATTRIBUTE}._gradient:gradient",
            "Gradient with respect to the sequence, with its sign.",
            gradient=True,
            counted="all",
        ),
        Method(
            "saliency",
            f"{_ATTRIBUTE}._gradient:gradient",
            "Gradient with respect to the sequence, whose size is the importance of a position.",
            aliases=("Saliency",),
            gradient=True,
            counted="absolute",
        ),
        Method(
            "input_x_gradient",
            f"{_ATTRIBUTE}._gradient:gradient",
            "Gradient times the sequence.",
            label="input × gradient",
            aliases=("InputXGradient", "gradient-x-input"),
            gradient=True,
        ),
        Method(
            "smoothgrad",
            f"{_ATTRIBUTE}._gradient:smooth_gradient",
            "Mean gradient over noisy copies of the sequence.",
            label="SmoothGrad",
            aliases=("SmoothGrad", "smooth-grad"),
            gradient=True,
            counted="all",
        ),
        Method(
            "guided_backprop",
            f"{_ATTRIBUTE}._gradient:guided_backprop",
            "Gradient that passes a ReLU only where both it and its input are positive.",
            aliases=("GuidedBackprop", "guided-backprop"),
            gradient=True,
            counted="all",
        ),
        Method(
            "deconvolution",
            f"{_ATTRIBUTE}._gradient:deconvolution",
            "Gradient that passes a ReLU where it is positive.",
            aliases=("Deconvolution", "deconv"),
            gradient=True,
            counted="all",
        ),
        Method(
            "grad_cam",
            f"{_ATTRIBUTE}._captum:grad_cam",
            "Filters of the last convolution, weighted by their mean gradient.",
            label="Grad-CAM",
            aliases=("GradCam", "grad-cam"),
            hypothetical=False,
            whole=True,
        ),
        Method(
            "saturation_mutagenesis",
            f"{_ATTRIBUTE}._ism:substitutions",
            "Effect of every substitution.",
            aliases=("NaiveISM", "ism", "in_silico_mutagenesis"),
            effects=True,
            whole=True,
        ),
        Method(
            "deletion",
            f"{_ATTRIBUTE}._ism:deletion",
            "What is lost without a position, the gap closed.",
            hypothetical=False,
            whole=True,
        ),
        Method(
            "occlusion",
            f"{_ATTRIBUTE}._ism:occlusion",
            "What is lost where a position holds no letter.",
            hypothetical=False,
            whole=True,
        ),
        Method(
            "sis",
            f"{_ATTRIBUTE}._ism:sufficient_subsets",
            "Whether a position is in a sufficient input subset.",
            label="sufficient input subsets",
            aliases=("sufficient_input_subsets",),
            hypothetical=False,
            whole=True,
        ),
    )
}
"""The methods that can be named."""

ALIASES: dict[str, str] = {
    alias: method.name for method in METHODS.values() for alias in method.aliases
}
"""Other names of the methods."""


def _loaded(place: str) -> Any:
    """Return what stands at a place such as ``"module:function"``."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def find(method: str | Compute | Method) -> Method:
    """Return a method by name, by other name, or made of a function.

    Parameters
    ----------
    method : str, callable or Method
        ``"captum.<Name>"`` is the class of that name in `captum.attr`. A function that has an
        argument ``references`` compares with references.

    Returns
    -------
    Method

    Raises
    ------
    InputError
        If there is no such method.

    Examples
    --------
    >>> find("NaiveISM").name
    'saturation_mutagenesis'
    >>> find(lambda function, X: X).references
    False
    """
    if isinstance(method, Method):
        return method
    if callable(method):
        takes = "references" in inspect.signature(method).parameters
        name = getattr(method, "__name__", type(method).__name__)
        return Method(name, method, references=takes)
    if str(method).startswith(_CAPTUM):
        made: Method = _loaded(f"{_ATTRIBUTE}._captum:method_of")(method.removeprefix(_CAPTUM))
        return made
    from seqexplainer._inputs import check_choice

    name = str(ALIASES.get(method, method))
    return METHODS[check_choice(name, tuple(METHODS), "method")]
