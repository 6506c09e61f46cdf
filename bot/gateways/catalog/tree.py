"""Reads YAML into a tree that knows its lines: JSON types only, and all issues of a file reported at once."""

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
from bot.gateways.catalog.issues import Issue, quote

LARGEST_FILE = 1024 * 1024
MOST_NODES = 50_000

Content = str | int | float | bool | None | tuple["Node", ...] | Mapping[str, "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its file and line: the line of the key in a mapping, the first line of an item in a list.

    Lookups never fail: a missing entry, or one of another type, reads as empty, because ``form`` reports it.
    """

    file: str
    line: int
    content: Content

    def issue(self, message: str) -> Issue:
        """An issue at this line."""
        return Issue(self.file, self.line, message)

    @property
    def text(self) -> str | None:
        """The value if it is text, else None."""
        return self.content if isinstance(self.content, str) else None

    def get(self, key: str) -> Node | None:
        """The entry with this key; None if there is none, or this is no mapping."""
        return self.content.get(key) if isinstance(self.content, Mapping) else None

    def entries(self, key: str) -> Mapping[str, Node]:
        """The entries of the mapping with this key; empty if there is none."""
        found = self.get(key)
        return found.content if found and isinstance(found.content, Mapping) else {}

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of the list with this key; empty if there is none."""
        found = self.get(key)
        return found.content if found and isinstance(found.content, tuple) else ()

    def texts(self, key: str) -> Iterator[tuple[str, Node]]:
        """The items of the list with this key that are text, each with its node."""
        return ((node.text, node) for node in self.items(key) if node.text is not None)

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at that path, or the last node on the way to it that exists."""
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
        """The value as plain JSON types, without lines."""
        if isinstance(self.content, Mapping):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.plain() for node in self.content]
        return self.content


def parse_tree(file: str, data: bytes) -> tuple[Node | None, list[Issue]]:
    """The tree of one YAML document, and its issues; None for the tree if it is not YAML at all."""
    if len(data) > LARGEST_FILE:
        return None, [Issue(file, 1, f"this file is larger than {LARGEST_FILE} bytes; split it")]
    builder = _TreeBuilder(file)
    try:
        text = data.decode("utf-8-sig")
        root = YAML(typ="safe", pure=True).compose(io.StringIO(text))
        tree = Node(file, 1, None) if root is None else builder.node(root, 1)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return None, [Issue(file, line, "the file is not UTF-8; save it as UTF-8")]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "this is not YAML"
        line = mark.line + 1 if mark else 1
        return None, [Issue(file, line, f"not YAML: {problem}; correct the syntax, then check again for other errors")]
    except YAMLError as error:
        return None, [Issue(file, 1, f"not YAML: {str(error).splitlines()[0]}; correct the syntax")]
    except RecursionError:
        return None, [Issue(file, 1, "the YAML is nested too deeply; flatten it")]
    return tree, builder.issues


@dataclass(slots=True)
class _TreeBuilder:
    """Walks one YAML document. It remembers the ancestors of a node, to notice an alias that contains itself."""

    file: str
    issues: list[Issue] = field(default_factory=list)
    count: int = 0
    ancestors: set[int] = field(default_factory=set)

    def node(self, found: Any, line: int) -> Node:
        self.count += 1
        if id(found) in self.ancestors:
            return self._reject(line, "this alias contains itself; write the value out")
        if self.count > MOST_NODES:
            return self._reject(line, f"this file has more than {MOST_NODES} values, aliases included; split it")
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
                return self._reject(line, f"unknown tag {found.tag}; remove it").content

    def _mapping(self, found: MappingNode) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key, value in found.value:
            line = key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                self._reject(line, "merge keys (`<<`) are not supported; write the keys out")
            elif not isinstance(key, ScalarNode) or key.tag not in _TEXTS:
                self._reject(line, f"a key must be text, not {quote(key.value)}; put it in quotes")
            elif key.value in entries:
                first = entries[key.value].line
                self._reject(line, f"`{key.value}` is set twice (first on line {first}); remove one of them")
            elif not _storable(key.value) or not key.value.isascii():
                self._reject(line, f"the key {quote(key.value)} is not plain ASCII; rename it")
            elif key.value == "$float":
                # stored records write a number with a fraction under this key
                self._reject(line, "the key `$float` is reserved; rename it")
            else:
                entries[key.value] = self.node(value, line)
        return entries

    def _scalar(self, found: ScalarNode, line: int) -> Content:
        try:
            value = _scalar(found)
        except ValueError as error:
            return self._reject(line, str(error)).content
        return value

    def _reject(self, line: int, message: str) -> Node:
        issue = Issue(self.file, line, message)
        if issue not in self.issues:
            self.issues.append(issue)
        return Node(self.file, line, None)


# A date is read as text, because neither JSON nor Nomad has dates.
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
            raise ValueError(f"{quote(value)} has an unsupported type; put it in quotes if it is text")


def _text(text: str) -> str:
    if not _storable(text):
        raise ValueError("this text contains a NUL or half a character, which a database cannot store; remove it")
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    try:
        # base 10 first, because in YAML 1.2 a leading zero does not mean octal
        number = int(digits) if digits.lstrip("+-").isdecimal() else int(digits, 0)
    except ValueError:
        raise ValueError(f"{quote(text)} is not a whole number; put it in quotes if it is text") from None
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(f"{quote(text)} is too large for a JSON number; put it in quotes")
    return number


def _float(text: str) -> float:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{quote(text)} cannot be written in JSON; write a finite number, or put it in quotes")
    return number


def _storable(text: str) -> bool:
    """Whether every database can store the text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
