"""Test rows of a run by the classes or ranges of a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eugene.errors import EugeneError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eugene.evaluate._strata import Strata
    from eugene.runs._run import Run


def strata_of(
    run: Run, rows: NDArray[np.int64], strata: Strata | None
) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Return variable -> label -> which of the rows are in that stratum.

    Parameters
    ----------
    run : Run
        Its data have the variables.
    rows : ndarray of int64, shape (n,)
        The rows that are parted.
    strata : str, list of str, mapping or None
        Variables, perhaps with their numbers of bins.

    Returns
    -------
    dict
        Places within ``rows``.

    Raises
    ------
    ConfigError
        If a variable has too many values, or bins without numbers.
    """
    import numpy as np

    from eugene.evaluate._strata import listed_strata, stratify
    from seqdata.schema import decode

    found = {}
    for name, bins in listed_strata(strata).items():
        variable = run.data.ds[name]
        coded = "flag_values" in variable.attrs
        values = np.asarray(decode(variable) if coded else variable.to_numpy())
        try:
            found[name] = stratify(values[rows], bins, name=name)
        except EugeneError as error:
            raise run.config.fail("$.evaluate.strata", str(error)) from error
    return found
