"""What a training finds out about its own speed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from eugene.train._progress import say

logger = logging.getLogger("eugene.train")


@dataclass
class Notes:
    """Remarks, each said once, and figures that the run keeps.

    Attributes
    ----------
    spoken : bool
        Whether remarks are shown as the lines of the epochs are; otherwise they go to the log.
    remarks : list of str
        What was said.
    figures : dict
        Plain numbers and words by name.
    """

    spoken: bool = False
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def remark(self, line: str) -> None:
        """Keep a sentence and say it.

        Parameters
        ----------
        line : str
            Said once, however often it comes.
        """
        if line in self.remarks:
            return
        self.remarks.append(line)
        if self.spoken:
            say(line)
        else:
            logger.info("%s", line)

    def plain(self) -> dict[str, object]:
        """Return figures and remarks as plain values; empty where there is nothing to tell."""
        told = {"remarks": list(self.remarks)} if self.remarks else {}
        return {**self.figures, **told}
