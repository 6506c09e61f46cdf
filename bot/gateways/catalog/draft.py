"""The catalog folder before it is checked: YAML trees that know their lines, and the texts of the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateways.catalog.issues import Issue
from bot.gateways.catalog.templates import TemplateText, read_template
from bot.gateways.catalog.tree import Node, parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MAIN = "nomatron.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All files of a folder. A section of the wrong type reads as empty, because ``form`` reports it."""

    main: Node
    files: tuple[Node, ...]
    texts: Mapping[str, TemplateText]

    @property
    def groups(self) -> Mapping[str, Node]:
        """Groups by name."""
        return self.main.entries("groups")

    @property
    def clusters(self) -> Mapping[str, Node]:
        """Clusters by name."""
        return self.main.entries("clusters")

    @property
    def templates(self) -> Mapping[str, Node]:
        """Templates by name; ``texts`` also has each one whose file could be read."""
        return self.main.entries("templates")

    @property
    def environments(self) -> dict[str, Node]:
        """Environments by name; the first one if two share a name."""
        return by_name(self.main.items("environments"))

    @property
    def service_list(self) -> tuple[Node, ...]:
        """Every service of every file, in order."""
        return tuple(service for file in (self.main, *self.files) for service in file.items("services"))

    @property
    def services(self) -> dict[str, Node]:
        """Services by name; the first one if two share a name."""
        return by_name(self.service_list)

    def placements(self) -> Iterator[tuple[str, Node, str, Node]]:
        """Each service in each of its environments: its name and node, the environment's name, the placement's node."""
        for name, service in self.services.items():
            for environment, placed in service.entries("environments").items():
                yield name, service, environment, placed

    def settable(self, service: Node) -> Iterator[tuple[str, Node]]:
        """The variables that a request may set, each with the node that names it."""
        for item in service.items("settable"):
            named = item.get("name") or item
            if named.text is not None:
                yield named.text, named

    def template_names(self, service: Node) -> set[str]:
        """The templates that a service uses in any of its environments."""
        return {template_name(service, placed) for placed in service.entries("environments").values()} - {""}


def by_name(nodes: Iterable[Node]) -> dict[str, Node]:
    """The mappings that have a ``name``, keyed by it and in order; the first one if two share a name."""
    found: dict[str, Node] = {}
    for node in nodes:
        name = node.get("name")
        if name and name.text is not None:
            found.setdefault(name.text, node)
    return found


def template_name(service: Node, placed: Node) -> str:
    """The template of a service in one environment: the placement's, else the service's; empty if neither is text."""
    chosen = placed.get("template") or service.get("template")
    return (chosen and chosen.text) or ""


def read_draft(folder: Path) -> tuple[Draft | None, tuple[Node, ...], list[Issue]]:
    """The folder's draft, every YAML tree that could be read, and the issues so far.

    There is no draft if a file is not YAML at all: with half a catalog, correct names would look unknown.
    """
    if not (folder / MAIN).is_file():
        return None, (), [Issue(MAIN, 1, f"{folder / MAIN} does not exist; name the folder that has {MAIN} in it")]
    issues = list(_misplaced_files(folder))
    trees: list[Node] = []
    paths = [folder / MAIN, *sorted(folder.glob("services/*.yaml"))]
    for path in paths:
        tree, found = _read_tree(folder, path)
        issues += found
        trees += [tree] if tree else []
    if len(trees) < len(paths):
        return None, tuple(trees), issues
    texts, found = _texts(folder, trees[0])
    return Draft(main=trees[0], files=tuple(trees[1:]), texts=texts), tuple(trees), issues + found


def _read_tree(folder: Path, path: Path) -> tuple[Node | None, list[Issue]]:
    file = path.relative_to(folder).as_posix()
    try:
        return parse_tree(file, path.read_bytes())
    except OSError as error:
        return None, [Issue(file, 1, f"this file cannot be read ({error.strerror}); correct its permissions")]


def _texts(folder: Path, main: Node) -> tuple[dict[str, TemplateText], list[Issue]]:
    texts: dict[str, TemplateText] = {}
    issues: list[Issue] = []
    for name, entry in main.entries("templates").items():
        found = read_template(folder, name, entry)
        if isinstance(found, TemplateText):
            texts[name] = found
        elif found:
            issues.append(found)
    return texts, issues


def _misplaced_files(folder: Path) -> Iterator[Issue]:
    """YAML files that look like part of the catalog but are not read: Nomatron reports them, and never ignores them."""
    patterns = ("nomatron.yml", "services/**/*.yml", "services/**/*.yaml")
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        if path.suffix != ".yaml" or path.parent != folder / "services":
            file = path.relative_to(folder).as_posix()
            yield Issue(
                file,
                1,
                "this file is not part of the catalog, because only nomatron.yaml and services/NAME.yaml are read; "
                "rename it, or move it out of the folder",
            )
