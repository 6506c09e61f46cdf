"""YAML as a tree that knows its lines: plain JSON kinds only, and every trouble in a file reported at once."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bot.domain.canonical import LARGEST_INTEGER
from bot.gateways.catalog.findings import Finding, shortened

LARGEST_FILE = 1024 * 1024
MOST_NODES = 50_000

Content = str | int | float | bool | None | tuple["Node", ...] | Mapping[str, "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands: for a mapping's entry the line of its key, for a list's item its first line.

    Lookups are forgiving: what is absent or of another kind reads as empty, because the form is judged elsewhere.
    """

    file: str
    line: int
    content: Content

    def finding(self, message: str) -> Finding:
        """Something to mend at this place."""
        return Finding(self.file, self.line, message)

    @property
    def text(self) -> str | None:
        """The text, where this is one."""
        return self.content if isinstance(self.content, str) else None

    def get(self, key: str) -> Node | None:
        """A mapping's entry."""
        return self.content.get(key) if isinstance(self.content, Mapping) else None

    def entries(self, key: str) -> Mapping[str, Node]:
        """What a mapping's entry maps, where it is a mapping itself."""
        found = self.get(key)
        return found.content if found and isinstance(found.content, Mapping) else {}

    def items(self, key: str) -> tuple[Node, ...]:
        """What a mapping's entry lists, where it is a list."""
        found = self.get(key)
        return found.content if found and isinstance(found.content, tuple) else ()

    def texts(self, key: str) -> Iterator[tuple[str, Node]]:
        """The texts that a mapping's entry lists, each with its place."""
        return ((node.text, node) for node in self.items(key) if node.text is not None)

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at that path, or the last one on the way that is there."""
        node = self
        for part in path:
            found: Node | None = None
            if isinstance(part, str):
                found = node.get(part)
            elif isinstance(node.content, tuple) and part < len(node.content):
                found = node.content[part]
            if found is None:
                break
            node = found
        return node

    def plain(self) -> Any:
        """The value as JSON kinds, without places."""
        if isinstance(self.content, Mapping):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.plain() for node in self.content]
        return self.content


def grow(file: str, data: bytes) -> tuple[Node | None, list[Finding]]:
    """The tree of one YAML document and what is wrong with it; no tree where it is not YAML at all."""
    if len(data) > LARGEST_FILE:
        return None, [Finding(file, 1, f"this file has more than {LARGEST_FILE} bytes; split it")]
    grower = _Grower(file)
    try:
        text = data.decode("utf-8-sig")
        root = YAML(typ="safe", pure=True).compose(io.StringIO(text))
        tree = Node(file, 1, None) if root is None else grower.node(root, 1)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return None, [Finding(file, line, "this is not UTF-8; save the file as UTF-8")]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "this is not YAML"
        line = mark.line + 1 if mark else 1
        return None, [Finding(file, line, f"not YAML: {problem}; mend the syntax, the rest is judged after that")]
    except YAMLError as error:
        return None, [Finding(file, 1, f"not YAML: {str(error).splitlines()[0]}; mend the syntax")]
    except RecursionError:
        return None, [Finding(file, 1, "nested too deeply to be read; flatten it")]
    return tree, grower.findings


@dataclass(slots=True)
class _Grower:
    """Walks one composed document; remembers what is open, so that an alias to itself is found."""

    file: str
    findings: list[Finding] = field(default_factory=list)
    grown: int = 0
    ancestors: set[int] = field(default_factory=set)

    def node(self, found: Any, line: int) -> Node:
        self.grown += 1
        if id(found) in self.ancestors:
            return self._refused(line, "an alias holds itself; write the value out")
        if self.grown > MOST_NODES:
            return self._refused(line, f"this file unfolds to more than {MOST_NODES} values; write less, or split it")
        self.ancestors.add(id(found))
        try:
            return Node(self.file, line, self._content(found, line))
        finally:
            self.ancestors.discard(id(found))

    def _content(self, found: Any, line: int) -> Content:
        match found:
            case SequenceNode(tag="tag:yaml.org,2002:seq"):
                return tuple(self.node(each, each.start_mark.line + 1) for each in found.value)
            case MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(found)
            case ScalarNode():
                return self._scalar(found, line)
            case _:
                return self._refused(line, f"the tag {found.tag} is not known here; take it out").content

    def _mapping(self, found: MappingNode) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key, value in found.value:
            line = key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                self._refused(line, "merge keys (`<<`) are not read; write the keys out")
            elif not isinstance(key, ScalarNode) or key.tag not in _TEXTS:
                self._refused(line, f"a key must be text, not {shortened(key.value)}; put it in quotes")
            elif key.value in entries:
                first = entries[key.value].line
                self._refused(line, f"`{key.value}` is set twice (first on line {first}); keep one of them")
            elif not _storable(key.value) or not key.value.isascii():
                self._refused(line, f"the key {shortened(key.value)} is not plain ASCII; rename it")
            elif key.value == "$float":
                # the form in which records keep a number with a fraction
                self._refused(line, "the key `$float` is reserved; rename it")
            else:
                entries[key.value] = self.node(value, line)
        return entries

    def _scalar(self, found: ScalarNode, line: int) -> Content:
        try:
            value = _scalar(found)
        except ValueError as error:
            return self._refused(line, str(error)).content
        return value

    def _refused(self, line: int, message: str) -> Node:
        finding = Finding(self.file, line, message)
        if finding not in self.findings:
            self.findings.append(finding)
        return Node(self.file, line, None)


# A date is text here: Nomad and JSON know none.
_TEXTS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"})


def _scalar(found: ScalarNode) -> Content:
    value = str(found.value)
    match str(found.tag).removeprefix("tag:yaml.org,2002:"):
        case "str" | "timestamp":
            return _text(value)
        case "null":
            return None
        case "bool" if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        case "int":
            return _integer(value)
        case "float":
            return _float(value)
        case _:
            raise ValueError(f"{shortened(value)} is of a kind that is not read here; put it in quotes if it is text")


def _text(text: str) -> str:
    if not _storable(text):
        raise ValueError("this text holds a NUL or half a character, which no database keeps; take it out")
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    try:
        # base 10 first: in YAML 1.2 a leading zero is no octal
        number = int(digits) if digits.lstrip("+-").isdecimal() else int(digits, 0)
    except ValueError:
        raise ValueError(f"{shortened(text)} is no whole number; put it in quotes if it is text") from None
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(f"{shortened(text)} is too large for JSON's numbers; put it in quotes")
    return number


def _float(text: str) -> float:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{shortened(text)} is no number that JSON can say; write a finite one, or put it in quotes")
    return number


def _storable(text: str) -> bool:
    """Whether any database keeps it: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
