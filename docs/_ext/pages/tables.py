"""Tables of what can be had by name: networks, published weights, curated data."""

from __future__ import annotations

import re

from pages._markdown import code, page, plain, table

FOLDER = "reference/made"


def _doi(text: str) -> str:
    """Return a DOI, or a work with its address, as a link, and other text as it is."""
    if text.startswith("10."):
        return f"[{text}](https://doi.org/{text})"
    said = re.fullmatch(r"(.+), (https://\S+)", text)
    return f"[{plain(said[1])}]({said[2]})" if said else plain(text)


def zoo() -> str:
    """Return the page of networks: what `eugene zoo list` prints, and the weights there are."""
    from eugene.cli._zoo import ZOO_HEADER, zoo_rows
    from eugene.models import list_weights, model_card

    rows = [[code(name), *map(plain, words), _doi(paper)] for name, *words, paper in zoo_rows()]
    weights = []
    for name in list_weights():
        card = model_card(name)
        measured = card.measured
        figure = f"{measured.metric} {measured.value:g} ({measured.data})" if measured else ""
        weights.append([code(name), code(card.model), plain(card.licence), plain(figure)])
    intro = (
        "Sizes are those of the published configuration, counted when this page was made; "
        "`eugene zoo check` holds them against the published counts, `eugene zoo show NAME` prints "
        "the layers. What is the same everywhere, and how weights are loaded, is told in "
        "[The zoo](../../explain/zoo.md); arguments are listed with the "
        "[keys of `model`](yaml/model.md)."
    )
    return page(
        "Networks and weights",
        intro,
        table(ZOO_HEADER, rows),
        "## Published weights",
        table(["weights", "network", "licence", "measured with them here"], weights),
    )


def datasets() -> str:
    """Return the page of curated data: an overview, then each with its source and options."""
    from seqdata import datasets as curated

    every = [curated.info(str(name)) for name in curated.list()["name"]]
    overview = [
        [
            f"[`{one['name']}`](#{str(one['name']).lower().replace('_', '-')})",
            plain(one["kind"]),
            plain(one["task"]),
        ]
        for one in every
    ]
    parts = []
    for one in every:
        told = [["source", plain(one["source"])], ["citation", plain(one["citation"])]]
        told += [["DOI", _doi(str(one["doi"]))]] if one["doi"] else []
        told += [["licence", plain(one["licence"])]]
        options = one["options"]
        assert isinstance(options, dict)
        told += [
            [code(f"{key}="), f"default {code(option['default'])}" + _choices(option["choices"])]
            for key, option in options.items()
        ]
        parts += [f"## `{one['name']}`", plain(one["description"]), table(["", ""], told)]
    intro = (
        "`eugene datasets list` prints them, `eugene datasets info NAME` tells all about one, "
        "`eugene datasets get NAME` or `sd.datasets.get(NAME)` fetches it once, checks its sum and "
        "keeps it in the cache. `EUGENE_OFFLINE=1` keeps the network out; `EUGENE_MIRRORS` names "
        "other places, also folders."
    )
    return page("Curated data", intro, table(["name", "kind", "task"], overview), *parts)


def _choices(choices: object) -> str:
    listed = list(choices) if isinstance(choices, list | tuple) else []
    return f"; one of {', '.join(map(code, listed))}" if listed else ""


def pages() -> dict[str, str]:
    """Return the pages of networks and of curated data."""
    return {f"{FOLDER}/zoo.md": zoo(), f"{FOLDER}/datasets.md": datasets()}
