"""The catalog folder as it was read and before it is judged: trees with their lines, and the templates' texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateways.catalog.findings import Finding
from bot.gateways.catalog.templates import TemplateText, read_template
from bot.gateways.catalog.tree import Node, grow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MAIN = "nomatron.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All files of a folder. Sections of the wrong form read as empty: the form is judged elsewhere."""

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
        """Templates by name; those with a readable file are in ``texts`` too."""
        return self.main.entries("templates")

    @property
    def environments(self) -> dict[str, Node]:
        """Environments by name; of two with one name the first."""
        return by_name(self.main.items("environments"))

    @property
    def service_list(self) -> tuple[Node, ...]:
        """Every service of every file, in order."""
        return tuple(service for file in (self.main, *self.files) for service in file.items("services"))

    @property
    def services(self) -> dict[str, Node]:
        """Services by name; of two with one name the first."""
        return by_name(self.service_list)

    def placements(self) -> Iterator[tuple[str, Node, str, Node]]:
        """Each service in each of its environments: its name and node, the environment's name, the placement's node."""
        for name, service in self.services.items():
            for environment, placed in service.entries("environments").items():
                yield name, service, environment, placed

    def template_names(self, service: Node) -> set[str]:
        """The templates that a service is rendered from in any of its environments."""
        return {template_name(service, placed) for placed in service.entries("environments").values()} - {""}


def by_name(nodes: Iterable[Node]) -> dict[str, Node]:
    """Mappings with a ``name`` by it, in order; the first of each name."""
    found: dict[str, Node] = {}
    for node in nodes:
        name = node.get("name")
        if name and name.text is not None:
            found.setdefault(name.text, node)
    return found


def template_name(service: Node, placed: Node) -> str:
    """The template's name in a placement: its own, else the service's; empty where neither is text."""
    chosen = placed.get("template") or service.get("template")
    return (chosen and chosen.text) or ""


def read_draft(folder: Path) -> tuple[Draft | None, tuple[Node, ...], list[Finding]]:
    """The folder's draft, every YAML tree that could be read, and what is wrong so far.

    There is no draft where some file is not YAML at all: half a catalog would make whole names look unknown.
    """
    if not (folder / MAIN).is_file():
        return None, (), [Finding(MAIN, 1, f"there is no {folder / MAIN}; name the folder that holds {MAIN}")]
    findings = list(_misplaced(folder))
    trees: list[Node] = []
    paths = [folder / MAIN, *sorted(folder.glob("services/*.yaml"))]
    for path in paths:
        tree, found = _grown(folder, path)
        findings += found
        trees += [tree] if tree else []
    if len(trees) < len(paths):
        return None, tuple(trees), findings
    texts, found = _texts(folder, trees[0])
    return Draft(main=trees[0], files=tuple(trees[1:]), texts=texts), tuple(trees), findings + found


def _grown(folder: Path, path: Path) -> tuple[Node | None, list[Finding]]:
    file = path.relative_to(folder).as_posix()
    try:
        return grow(file, path.read_bytes())
    except OSError as error:
        return None, [Finding(file, 1, f"cannot be read ({error.strerror}); mend the file or its permissions")]


def _texts(folder: Path, main: Node) -> tuple[dict[str, TemplateText], list[Finding]]:
    texts: dict[str, TemplateText] = {}
    findings: list[Finding] = []
    for name, entry in main.entries("templates").items():
        found = read_template(folder, name, entry)
        if isinstance(found, TemplateText):
            texts[name] = found
        elif found:
            findings.append(found)
    return texts, findings


def _misplaced(folder: Path) -> Iterator[Finding]:
    """YAML that looks like ours and would be passed over: nothing is there and ignored."""
    patterns = ("nomatron.yml", "services/**/*.yml", "services/**/*.yaml")
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        if path.suffix != ".yaml" or path.parent != folder / "services":
            file = path.relative_to(folder).as_posix()
            yield Finding(file, 1, "this file is not read; move it to services/NAME.yaml, or put it elsewhere")
