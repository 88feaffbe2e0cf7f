"""Removal of the part of a gradient that leaves the space of one-hot sequences."""

from __future__ import annotations

import torch

from seqexplainer._inputs import ArrayLike, as_sequences


def gradient_correction(gradients: ArrayLike) -> torch.Tensor:
    """Return gradients minus their mean over the letters at every position.

    One-hot columns always sum to one, so a gradient that moves all letters together says nothing
    about sequences. It is removed before gradients are multiplied by a sequence; it must not be
    applied to DeepLIFT or mutagenesis.

    Parameters
    ----------
    gradients : ndarray or Tensor, shape (n_seqs, n_letters, length)
        Gradients of an output with respect to one-hot sequences.

    Returns
    -------
    Tensor, shape (n_seqs, n_letters, length)
        Corrected gradients.

    Notes
    -----
    Majdandzic et al. 2023, doi:10.1186/s13059-023-02956-3.

    Examples
    --------
    >>> gradient_correction(torch.tensor([[[1.0], [2.0], [3.0], [6.0]]]))[0, :, 0]
    tensor([-2., -1.,  0.,  3.])
    """
    tensor = as_sequences(gradients, "gradients")
    return tensor - tensor.mean(dim=1, keepdim=True)
