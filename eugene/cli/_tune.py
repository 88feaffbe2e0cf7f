"""Search of hyper-parameters."""

from __future__ import annotations

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import begun, load_config, printed, spoken


def tune(call: Call) -> int:
    """Search, and print the table of the trials.

    Parameters
    ----------
    call : Call
        The file or folder, options and overrides.

    Returns
    -------
    int
        0.
    """
    named = call.config_file is not None
    config = load_config(call, searched=True) if named else begun(call, searched=True)
    if printed(call, config):
        return 0
    from eugene.tune import run
    from eugene.tune._results import result_lines

    with spoken(call):
        folder = run(
            config,
            overwrite=call.has("overwrite"),
            resume=call.has("resume"),
            progress=call.progress,
        )
    for line in result_lines(folder):
        say(line)
    return 0
