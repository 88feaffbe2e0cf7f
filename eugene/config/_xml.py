"""XML of definitions: read safely, checked against a schema, and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from eugene.config._loader import Document
from eugene.errors import ConfigError, Problem, did_you_mean

Schema = Mapping[str, tuple[tuple[str, ...], tuple[str, ...] | None]]
"""Which elements and attributes there may be in each; None for attributes of any name."""


@dataclass
class Node:
    """An element of XML, and where it begins.

    Attributes
    ----------
    tag : str
    line : int
        From 1; 0 for one that is to be written.
    given : dict of str to str
        Attributes; those of namespaces are left out.
    children : list of Node
    words : str
        Text between them.
    """

    tag: str
    line: int
    given: dict[str, str]
    children: list[Node] = field(default_factory=list)
    words: str = ""

    def all(self, tag: str) -> list[Node]:
        """Return the elements of a name within it."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Node:
        """Return the first element of a name within it, an empty one where there is none."""
        found = self.all(tag)
        return found[0] if found else Node(tag, self.line, {})

    @property
    def text(self) -> str:
        """The words without blanks around them."""
        return self.words.strip()


def parse_xml(data: bytes, source: str) -> Node:
    """Parse XML; document types are refused, so that no entity can grow or reach outside.

    Parameters
    ----------
    data : bytes
    source : str
        Name of the file.

    Returns
    -------
    Node
        The outermost element.

    Raises
    ------
    ConfigError
        If it is no XML, or has a document type.

    Examples
    --------
    >>> parse_xml(b"<a><b id='1'> x </b></a>", "x.xml").first("b").text
    'x'
    """
    parser = expat.ParserCreate()
    root = Node("", 0, {})
    stack = [root]

    def start(tag: str, given: dict[str, str]) -> None:
        own = {key: value for key, value in given.items() if ":" not in key and key != "xmlns"}
        node = Node(tag, parser.CurrentLineNumber, own)
        stack[-1].children.append(node)
        stack.append(node)

    def end(_: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].words += text

    def refuse(name: str, *_: object) -> None:
        message = (
            f"has a document type ({name}), with which a file can grow without bound or read other "
            "files: take the line with <!DOCTYPE out"
        )
        where = f"{source}:{parser.CurrentLineNumber}"
        raise ConfigError([Problem("$", message, where)])

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = f"is no XML: {expat.ErrorString(error.code)} (column {error.offset + 1})"
        raise ConfigError([Problem("$", message, f"{source}:{error.lineno}")]) from error
    return root.children[0]


class Reading:
    """Turns elements into values of a plain tree, and keeps their lines.

    Parameters
    ----------
    source : str
        Name of the file.
    schema : Schema
        What there may be.
    many : set of str
        Elements that may be there more than once.

    Attributes
    ----------
    document : Document
        The tree that is made, its places and problems.
    """

    def __init__(self, source: str, schema: Schema, many: set[str]) -> None:
        self.document = Document(source=source)
        self._schema, self._many = schema, many

    def begin(self, data: bytes, tag: str, what: str) -> Node:
        """Parse a file whose outermost element has to be one, and check it against the schema.

        Parameters
        ----------
        data : bytes
        tag : str
            What it begins with.
        what : str
            What it is, for messages.

        Returns
        -------
        Node
            The outermost element.

        Raises
        ------
        ConfigError
            If it is no XML, has a document type, or begins with something else.
        """
        root = parse_xml(data, self.document.source)
        if root.tag != tag:
            message = f"begins with <{root.tag}>, expected <{tag}>: no {what}"
            raise ConfigError([Problem("$", message, f"{self.document.source}:{root.line}")])
        self.check(root)
        self.at("$", root)
        return root

    def general(self, root: Node, keys: Mapping[str, str], *, always: bool) -> None:
        """Read the id, the seed and words of ``<general>`` into the tree.

        Parameters
        ----------
        root : Node
        keys : mapping of str to str
            Elements, and what each is called in the tree.
        always : bool
            Whether an element that is not there counts as an empty one.
        """
        general, tree = root.first("general"), self.document.tree
        tree["id"] = general.given.get("id", "")
        self.at("$.id", general)
        for tag, key in keys.items():
            if always or general.all(tag):
                tree[key] = general.first(tag).text
            self.at(f"$.{key}", general.first(tag))
        if general.all("seed"):
            node = general.first("seed")
            tree["seed"] = self.whole(node, node.text, "the seed")
            self.at("$.seed", node)

    def at(self, path: str, node: Node) -> str:
        """Keep the line of a value, and return its path."""
        self.document.places[path] = f"{self.document.source}:{node.line}"
        return path

    def wrong(self, node: Node, message: str) -> None:
        """Note a mistake."""
        where = f"{self.document.source}:{node.line}"
        self.document.problems.append(Problem(f"<{node.tag}>", message, where))

    def check(self, node: Node) -> None:
        """Note elements and attributes that are not of the language, and twice what is one."""
        inside, given = self._schema[node.tag]
        for key in node.given:
            if given is not None and key not in given:
                hint = did_you_mean(key, given, listed=10)
                self.wrong(node, f"has no attribute {key!r}{hint}")
        seen: set[str] = set()
        for child in node.children:
            if child.tag not in inside:
                hint = did_you_mean(child.tag, inside, listed=10)
                self.wrong(child, f"is unknown within <{node.tag}>{hint}")
                continue
            if child.tag in seen and child.tag not in self._many:
                self.wrong(child, f"is there twice within <{node.tag}>")
            seen.add(child.tag)
            self.check(child)
        if not inside and node.children:
            self.wrong(node, "has elements within it, expected words")
        if node.children and node.text:
            self.wrong(node, f"has words beside its elements: {node.text.split()[0]!r}")

    def number(self, node: Node, text: str, what: str) -> float:
        """Return a number; 0 where it is none, which is noted."""
        try:
            return float(text)
        except ValueError:
            self.wrong(node, f"{what} is {text!r}, expected a number")
            return 0.0

    def whole(self, node: Node, text: str, what: str) -> int:
        """Return a whole number; 0 where it is none, which is noted."""
        try:
            return int(text)
        except ValueError:
            self.wrong(node, f"{what} is {text!r}, expected a whole number")
            return 0


def element(tag: str, *inside: object, **given: object) -> Node:
    """Make an element to be written: nodes and words within it, attributes that are not None.

    Examples
    --------
    >>> xml_text(element("a", element("b", 3, id="x"))).splitlines()[1:]
    ['<a>', '  <b id="x">3</b>', '</a>']
    """
    own = {key: str(value) for key, value in given.items() if value is not None}
    node = Node(tag, 0, own, [one for one in inside if isinstance(one, Node)])
    node.words = "".join(str(one) for one in inside if not isinstance(one, Node))
    return node


def xml_text(root: Node) -> str:
    """Write an element and all within it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _written(root, lines, "")
    return "\n".join(lines) + "\n"


def _written(node: Node, lines: list[str], indent: str) -> None:
    head = "".join(f" {key}={quoteattr(value)}" for key, value in node.given.items())
    if node.children:
        lines.append(f"{indent}<{node.tag}{head}>")
        for one in node.children:
            _written(one, lines, indent + "  ")
        lines.append(f"{indent}</{node.tag}>")
    elif node.words:
        lines.append(f"{indent}<{node.tag}{head}>{escape(node.words)}</{node.tag}>")
    else:
        lines.append(f"{indent}<{node.tag}{head}/>")
