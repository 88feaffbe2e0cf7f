"""Measures of predicted profiles, under the names and on the tensors of EUGENe's private module."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.evaluate import jensen_shannon, multinomial_nll, row_pearson, row_spearman

Measure = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _tensor(values: NDArray[np.float64], like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


def _numbers(values: torch.Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().double().numpy()


def mnll(logps: torch.Tensor, true_counts: torch.Tensor) -> torch.Tensor:
    """Return the multinomial negative log-likelihood of counts.

    Parameters
    ----------
    logps : Tensor, shape (..., positions)
        Logs of predicted probabilities.
    true_counts : Tensor, shape (..., positions)
        Counts.

    Returns
    -------
    Tensor, shape (...)
        0 where nothing was counted, as EUGENe's.

    Examples
    --------
    >>> mnll(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[1.0, 0.0]])).round(decimals=4)
    tensor([0.6931])
    """
    return _tensor(
        np.nan_to_num(multinomial_nll(_numbers(true_counts), _numbers(logps.exp()))), logps
    )


def jensen_shannon_distance(logps: torch.Tensor, true_counts: torch.Tensor) -> torch.Tensor:
    """Return the Jensen-Shannon divergence in nats, which EUGENe called the distance.

    Parameters
    ----------
    logps, true_counts : Tensor, shape (..., positions)
        As of `mnll`.

    Returns
    -------
    Tensor, shape (...)
        The square of `eugene.evaluate.jensen_shannon`; NaN where nothing was counted.
    """
    return _tensor(jensen_shannon(_numbers(logps.exp()), _numbers(true_counts)) ** 2, logps)


def _by_row(
    figure: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    arr1: torch.Tensor,
    arr2: torch.Tensor,
) -> torch.Tensor:
    """Return a figure of each row, 0 where a row does not vary."""
    rows = [_numbers(a).reshape(-1, a.shape[-1]) for a in (arr1, arr2)]
    return _tensor(np.nan_to_num(figure(*rows)).reshape(arr1.shape[:-1]), arr1)


def pearson_corr(arr1: torch.Tensor, arr2: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation of the rows of two tensors.

    Parameters
    ----------
    arr1, arr2 : Tensor, shape (..., positions)
        Rows.

    Returns
    -------
    Tensor, shape (...)
        0 where a row does not vary.
    """
    return _by_row(row_pearson, arr1, arr2)


def spearman_corr(arr1: torch.Tensor, arr2: torch.Tensor) -> torch.Tensor:
    """Return Spearman's correlation of the rows of two tensors.

    Ties share the middle rank; EUGENe's ranked them by their place.

    Parameters
    ----------
    arr1, arr2 : Tensor, shape (..., positions)
        Rows.

    Returns
    -------
    Tensor, shape (...)
        0 where a row does not vary.
    """
    return _by_row(row_spearman, arr1, arr2)


def mean_squared_error(arr1: torch.Tensor, arr2: torch.Tensor) -> torch.Tensor:
    """Return the mean of squared differences of the rows of two tensors, of shape (...).

    Parameters
    ----------
    arr1, arr2 : Tensor, shape (..., positions)
        Rows.
    """
    return ((arr1 - arr2) ** 2).mean(-1)


def smooth_gaussian1d(x: torch.Tensor, kernel_sigma: float, kernel_width: int) -> torch.Tensor:
    """Smooth the last axis with a Gaussian, zeros beyond the ends.

    Parameters
    ----------
    x : Tensor, shape (n, channels, positions)
        What is smoothed.
    kernel_sigma : float
        Standard deviation in positions.
    kernel_width : int
        Positions of the kernel.

    Returns
    -------
    Tensor, as ``x``
        `eugene.evaluate.smooth_profiles` keeps flat profiles flat up to the ends.
    """
    at = torch.arange(kernel_width, dtype=x.dtype, device=x.device) - (kernel_width - 1) / 2
    kernel = torch.exp(-0.5 * (at / kernel_sigma) ** 2)
    weight = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)
    return torch.nn.functional.conv1d(x, weight, groups=x.shape[1], padding="same")


def batched_smoothed_function(
    logps: torch.Tensor,
    true_counts: torch.Tensor,
    f: Measure,
    smooth_predictions: bool = False,
    smooth_true: bool = False,
    kernel_sigma: float = 7,
    kernel_width: int = 81,
    exponentiate_logps: bool = False,
    batch_size: int = 200,
) -> torch.Tensor:
    """Return a measure of smoothed profiles.

    Parameters
    ----------
    logps, true_counts : Tensor, shape (n, channels, positions)
        As of `mnll`.
    f : callable
        Takes both, and gives (n, channels).
    smooth_predictions, smooth_true : bool
        What is smoothed.
    kernel_sigma, kernel_width
        As of `smooth_gaussian1d`.
    exponentiate_logps : bool
        Give ``f`` probabilities instead of their logs.
    batch_size : int
        Rows at a time.

    Returns
    -------
    Tensor, shape (n, channels)
    """
    parts = []
    how = (kernel_sigma, kernel_width)
    rows = (torch.split(part, batch_size) for part in (logps, true_counts))
    for logs, counts in zip(*rows, strict=True):
        shown = smooth_gaussian1d(logs.exp(), *how) if smooth_predictions else logs.exp()
        seen = smooth_gaussian1d(counts, *how) if smooth_true else counts
        plain = logs if not smooth_predictions else shown.log()
        parts.append(f(shown if exponentiate_logps else plain, seen))
    return torch.cat(parts)


def calculate_performance_measures(
    logps: torch.Tensor,
    true_counts: torch.Tensor,
    pred_log_counts: torch.Tensor,
    kernel_sigma: float = 7,
    kernel_width: int = 81,
    smooth_true: bool = False,
    smooth_predictions: bool = False,
    measures: Sequence[str] | None = None,
) -> dict[str, torch.Tensor]:
    """Return the measures of predicted profiles and counts.

    Parameters
    ----------
    logps, true_counts : Tensor, shape (n, channels, positions)
        As of `mnll`.
    pred_log_counts : Tensor, shape (n, channels)
        Predicted ``ln(1 + counts)``.
    kernel_sigma, kernel_width, smooth_true, smooth_predictions
        As of `batched_smoothed_function`.
    measures : sequence of str, optional
        Which of profile_mnll, profile_jsd, profile_pearson, profile_spearman, count_pearson,
        count_spearman and count_mse; all by default.

    Returns
    -------
    dict of str to Tensor
        Of profiles (n, channels), of counts (channels,).
    """
    profiles: dict[str, tuple[Measure, bool, bool]] = {
        "profile_mnll": (mnll, False, False),
        "profile_jsd": (jensen_shannon_distance, smooth_true, False),
        "profile_pearson": (pearson_corr, smooth_true, True),
        "profile_spearman": (spearman_corr, smooth_true, True),
    }
    counts: dict[str, Measure] = {
        "count_pearson": pearson_corr,
        "count_spearman": spearman_corr,
        "count_mse": mean_squared_error,
    }
    wanted = [*profiles, *counts] if measures is None else list(measures)
    observed = true_counts.sum(-1).log1p()
    found = {}
    for name in wanted:
        if name in profiles:
            f, smoothed, plain = profiles[name]
            found[name] = batched_smoothed_function(
                logps, true_counts, f, smooth_predictions, smoothed, kernel_sigma, kernel_width,
                plain,
            )  # fmt: skip
        else:
            found[name] = counts[name](pred_log_counts.T, observed.T)
    return found
