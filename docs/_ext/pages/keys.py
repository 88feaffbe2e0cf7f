"""Every key that a YAML file of a run may have, from the signatures that check the files."""

from __future__ import annotations

from collections.abc import Iterator

from eugene.config import registries, schema
from eugene.config._keys import Key, keys_of_block
from eugene.config._layout import NAMED, Block, common_keys
from eugene.config._registry import Registry
from eugene.config.marks import ArgumentsOf
from pages._markdown import code, page, plain, table, toctree

FOLDER = "reference/made/yaml"
_LIST = "[]"


def _row(key: Key) -> list[str]:
    """Return the row of a key: name, type, default, meaning."""
    words = [plain(key.text)]
    handed = key.parameter.mark(ArgumentsOf)
    if handed is not None and ":" in handed.target:
        words.append(f"Its keys are the arguments of `{handed.target.replace(':', '.')}`.")
    needed = key.parameter.required and not key.default
    default = "*needed*" if needed else code(key.default)
    return [code(key.parameter.name), plain(key.expected), default, " ".join(words)]


def key_table(keys: list[Key]) -> str:
    """Return the table of the keys of one mapping."""
    return table(["key", "type", "default", "meaning"], map(_row, keys))


def _place(keys: tuple[str, ...], *, many: bool) -> str:
    """Return how a place of the file is written: ``data.targets[]``."""
    return ".".join(keys) + (_LIST if many else "")


def choices() -> dict[str, Registry]:
    """Return, by the place in the file, where the thing that is named there is looked up."""
    return {_place(keys, many=many): registry for keys, registry, many in NAMED}


def _choice(place: str, registry: Registry, known: set[str]) -> Iterator[str]:
    """Yield the part of a page on what can be named at a place."""
    yield f"## `{place}`: {registry.kind}s\n"
    for name in registry.entered:
        block = Block((), {"name": name}, registry)
        others = [alias for alias, chief in registry.aliases.items() if chief == name]
        yield f"### `{name}`\n"
        yield plain(registry.summary(name)) + "\n"
        if others:
            yield f"Also called {', '.join(map(code, others))}.\n"
        keys = [key for key in keys_of_block(block) if key.parameter.name not in {"name", *known}]
        filled = sorted(
            p.name for p in registry.parameters(name) if p.name in registry.filled - known
        )
        if keys:
            yield key_table(keys)
        if filled:
            listed = ", ".join(map(code, filled))
            yield f"Filled in by the program where the file leaves them out: {listed}.\n"
        if registry.signature(name).accepts_any:
            yield "It takes other keys as well and hands them on.\n"


def _section(parameter: str) -> Iterator[str]:
    """Yield the parts of the page of one section."""
    common = [Key(parameter, p, Key.shown(p)) for p in common_keys(parameter)]
    if common:
        yield f"## Keys of `{parameter}`\n"
        yield key_table(common)
    known = {key.parameter.name for key in common}
    for place, registry in choices().items():
        if place.partition(".")[0].removesuffix(_LIST) == parameter:
            yield from _choice(place, registry, known if place == parameter else set())


def _interpret() -> Iterator[str]:
    """Yield a part a step that ``interpret`` may ask for."""
    for step in schema.interpret_steps():
        yield f"## `interpret.{step}`\n"
        yield plain(registries.STEPS.summary(step)) + "\n"
        keys = [Key(step, p, Key.shown(p)) for p in schema.parameters(f"interpret.{step}")]
        yield key_table(keys) if keys else "It takes no keys.\n"


def _others() -> Iterator[str]:
    """Yield the names that stand as words or lists of words inside other keys."""
    placed = {registry.kind for _, registry, _ in NAMED} | {"step"}
    for registry in (*registries.REGISTRIES.values(), registries.TASKS):
        if registry.kind not in placed:
            yield from _choice(f"any key that takes a {registry.kind}", registry, set())


def sections() -> dict[str, str]:
    """Return the page of each section of a file by its name."""
    found = {}
    for parameter in schema.TOP:
        parts = list(_interpret() if parameter.name == "interpret" else _section(parameter.name))
        if parts:
            title = f"`{parameter.name}`"
            found[parameter.name] = page(title, plain(parameter.description), "\n".join(parts))
    return found


def pages() -> dict[str, str]:
    """Return the pages on YAML files: the top, a page a section, and other names."""
    of_section = sections()
    top = key_table([Key("", p, Key.shown(p)) for p in schema.TOP])
    intro = (
        "A run is one YAML file. Sections are mappings; where a thing is chosen, `name` says "
        "which, and its arguments stand beside it. A word alone is short for a mapping with that "
        "name: `model: cnn`. Every key can be given in the shell as well: "
        "`--trainer.max_epochs 5`. `eugene VERB --config FILE.yaml --help` prints the keys of one "
        "file, and a mistake is refused with its line before anything is imported."
    )
    listed = toctree([*of_section, "names"], "maxdepth: 1")
    index = page("YAML files", intro, "## Keys at the top", top, listed)
    names = page("Names within other keys", "\n".join(_others()))
    return {
        f"{FOLDER}/index.md": index,
        f"{FOLDER}/names.md": names,
        **{f"{FOLDER}/{name}.md": text for name, text in of_section.items()},
    }
