"""Letters of a sequence in another order, as seqgra shuffles them."""

from __future__ import annotations

import random
from collections import deque
from itertools import pairwise

from eugene.errors import EugeneError


class Shuffler:
    """Shuffles letters as seqgra does, from Python's generator and that of C.

    Words of two letters and more are kept by uShuffle: a random walk along all words of the
    sequence that ends in the last of them. Its numbers are those of ``rand`` of the GNU C library.

    Parameters
    ----------
    python : random.Random
        Draws where single letters are counted.
    seed : int
        Of the numbers of C, 0 to 2**31 - 1.

    Raises
    ------
    EugeneError
        If C has no such seed.

    References
    ----------
    Jiang et al. 2008, https://doi.org/10.1186/1471-2105-9-192

    Examples
    --------
    >>> import random
    >>> Shuffler(random.Random(1), 7).shuffled("ACGTTGCAACGTGGGTACCA", 2)
    'ACACCGTGGGCACGTTGTAA'
    """

    def __init__(self, python: random.Random, seed: int) -> None:
        if not 0 <= seed < 2**31:
            raise EugeneError(f"compat='seqgra': a seed of shuffles is below 2**31, got {seed}")
        self._python = python
        state = [seed or 1]
        for _ in range(30):
            state.append(16807 * state[-1] % 2147483647)
        state += state[:3]
        self._state = deque(state[-31:], maxlen=31)
        for _ in range(310):
            self._number()

    def _number(self) -> int:
        """Return the next number of C, from 0 to 2**31 - 1."""
        new = (self._state[0] + self._state[28]) % 2**32
        self._state.append(new)
        return new >> 1

    def _permute(self, listed: list[int], count: int) -> None:
        for i in range(count - 1, 0, -1):
            j = self._number() % (i + 1)
            listed[i], listed[j] = listed[j], listed[i]

    def shuffled(self, letters: str, k: int) -> str:
        """Return letters in another order.

        Parameters
        ----------
        letters : str
        k : int
            Counts of words of so many letters stay.

        Returns
        -------
        str
        """
        if k <= 1:
            listed = list(letters)
            self._python.shuffle(listed)
            return "".join(listed)
        if k >= len(letters):
            return letters
        number: dict[str, int] = {}
        words = [letters[i : i + k - 1] for i in range(len(letters) - k + 2)]
        path = [number.setdefault(word, len(number)) for word in words]
        after: list[list[int]] = [[] for _ in number]
        for one, other in pairwise(path):
            after[one].append(other)
        end = path[-1]
        way_out = self._ways_out(after, end)
        for word, followers in enumerate(after):
            count = len(followers)
            if word != end:
                chosen, count = way_out[word], count - 1
                followers[count], followers[chosen] = followers[chosen], followers[count]
            self._permute(followers, count)
        used, here, last = [0] * len(after), path[0], [word[-1] for word in number]
        made = [words[0]]
        while used[here] < len(after[here]):
            used[here] += 1
            here = after[here][used[here] - 1]
            made.append(last[here])
        return "".join(made)

    def _ways_out(self, after: list[list[int]], end: int) -> list[int]:
        """Return the step from each word that leads to the end, by loop-erased random walks."""
        way_out, arrives = [0] * len(after), [False] * len(after)
        arrives[end] = True
        for begin in range(len(after)):
            word = begin
            while not arrives[word]:
                way_out[word] = self._number() % len(after[word])
                word = after[word][way_out[word]]
            word = begin
            while not arrives[word]:
                arrives[word] = True
                word = after[word][way_out[word]]
        return way_out
