"""The pages say what the code does: every list on them that can be compared is."""

from __future__ import annotations

import contextlib
import re
import types
import typing
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from bot.__main__ import VERBS, main
from bot.domain.access import Permission
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.domain.deploy.message import STATE_WORDS
from bot.gateways.blocks.card import buttons as decide
from bot.gateways.catalog import NOT_ENFORCED, read
from bot.gateways.catalog.schema import CatalogFile
from bot.gateways.slack.manifest import scopes
from bot.settings import Settings
from handlers.slack.actions import MENU
from handlers.slack.command.parser import REQUEST
from handlers.slack.verbs.table import AVAILABLE, LATER
from tests.handlers.slack.bolt import registered
from tests.source import PACKAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands between a heading and the next one of its level or above."""
    level = heading.count("#")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no {heading}"
    lines, fenced = [], False
    for line in rest.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if not fenced and re.match(rf"#{{1,{level}}} ", line):
            break
        lines.append(line)
    return "".join(lines)


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables by the code in their first cell; several codes are several rows."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        first, *rest = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| `") else [""]
        for name in re.findall(r"`([^`]+)`", first):
            assert name not in found, f"{name} is there twice"
            found[name] = rest
    return found


# --- engine.md -------------------------------------------------------------------------------------------------------


def test_the_state_diagram_is_the_table_of_transitions() -> None:
    drawing = page("engine.md").partition("```mermaid\n")[2].partition("```")[0]
    arrows = re.findall(r"(?m)^ +(\S+) --> (\S+?)(?:: (.+))?$", drawing)
    drawn = {(start, end) for start, end, _ in arrows}

    table = {(status.name, to.name) for status, targets in TRANSITIONS.items() for to in targets}
    ends = {(status.name, "[*]") for status in Status if not status.open}
    assert drawn == table | ends | {("[*]", "PLANNING")}
    assert len(arrows) == len(drawn)
    assert [arrow for arrow in arrows if arrow[1] != "[*]" and not arrow[2]] == []


def test_every_type_of_event_has_a_row() -> None:
    assert set(rows(section(page("engine.md"), "## Audit events"))) == {kind.value for kind in EventType}


# --- settings.md, cli.md ---------------------------------------------------------------------------------------------


def test_every_setting_has_a_row_with_its_default() -> None:
    first, _, besides = page("settings.md").partition("Besides these:")
    told = {name: cells[0].strip("`") for name, cells in rows(first).items()}

    assert told == {str(field.alias): _default(field.default) for field in Settings.model_fields.values()}
    assert set(rows(besides)) == {"DATABASE_URL"}
    assert "`token_env`" in besides


def _default(value: Any) -> str:
    plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return str(plain) if plain not in ("", ()) else "none"


def test_every_verb_of_the_command_line_has_a_section() -> None:
    assert re.findall(r"(?m)^## nomatron (\S+)$", page("cli.md")) == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_is_told(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = _help(capsys, verb)
    # what `audit` does is said by the commands that it has
    commands = re.findall(r"(?m)^  ([a-z]+) ", printed.partition("\ncommands:\n")[2])
    printed += "".join(_help(capsys, verb, command) for command in commands)

    part = section(page("cli.md"), f"## nomatron {verb}")
    told = {name for name in rows(part) if name.startswith("--")}
    assert told == set(re.findall(r"(?m)^ +(--[a-z-]+)", printed))
    assert re.findall(rf"(?m)^### nomatron {verb} (\S+)$", part) == commands


def _help(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return capsys.readouterr().out


# --- catalog.md ------------------------------------------------------------------------------------------------------


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key that the files may have, by its path; those not enforced without what is in them."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield path
        if path not in NOT_ENFORCED:
            for part in _parts(field.annotation):
                yield from keys(part, f"{path}.")


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in {list, dict, typing.Union, types.UnionType, typing.Annotated}:
        return [part for each in typing.get_args(annotation) for part in _parts(each)]
    return []


def test_every_key_has_a_row_and_what_is_not_enforced_is_told_apart() -> None:
    enforced, heading, not_yet = section(page("catalog.md"), "## Keys").partition("### Known, and not enforced yet")

    assert heading
    assert set(rows(not_yet)) == NOT_ENFORCED
    assert set(rows(enforced)) == set(keys(CatalogFile)) - NOT_ENFORCED


def test_a_key_without_a_default_is_told_to_be_required() -> None:
    told = {name for name, cells in rows(section(page("catalog.md"), "## Keys")).items() if not cells[0]}

    # one of two, which no single field says
    assert told - {"groups.usergroup", "groups.users"} == set(_required(CatalogFile, ""))


def _required(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        if field.is_required():
            yield path
        if path not in NOT_ENFORCED:
            for part in _parts(field.annotation):
                yield from _required(part, f"{path}.")


def test_every_permission_is_named() -> None:
    listed = page("catalog.md").partition("Permissions are a closed list: ")[2].partition(". ")[0]

    assert set(re.findall(r"`([a-z-]+)`", listed)) == {permission.value for permission in Permission}


def test_the_smallest_catalog_has_no_errors(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for text in re.findall(r"(?ms)^```(?:yaml|hcl)\n(.*?)^```", section(page("catalog.md"), "## The smallest one")):
        (tmp_path / text.partition("\n")[0].removeprefix("# ")).write_text(text, "utf-8")

    reading = read(tmp_path)

    assert reading.errors == ()
    assert reading.catalog is not None


# --- slack.md --------------------------------------------------------------------------------------------------------


def test_every_command_has_a_row() -> None:
    told = rows(section(page("slack.md"), "## Commands"))

    verbs = {form.split()[1] for form in told if form.startswith("/deploy")}
    assert verbs == {*AVAILABLE, "SERVICE"} - {REQUEST}


def test_every_verb_that_is_to_come_is_named() -> None:
    listed = page("slack.md").partition("aren't available yet: ")[2].partition(". ")[0]

    assert set(re.findall(r"`([a-z-]+)`", listed)) == LATER.keys()


def test_every_state_has_its_word_and_its_name() -> None:
    told = re.findall(r"(?m)^\| ([A-Z][a-z ]+) \| `([a-z]+)` \|$", page("slack.md"))

    assert {status: word for word, status in told} == {status.value: word for status, word in STATE_WORDS.items()}


def test_every_button_and_menu_entry_has_a_row() -> None:
    told = re.findall(r"(?m)^\| [^|`]+ \| `(deploy\.[a-z]+)` \| `(?:([a-z]+) )?D-n:PLAN` \|", page("slack.md"))

    assert {action for action, _ in told} == {name for name in registered().actions if name.startswith("deploy.")}
    assert {verb for action, verb in told if action == decide.MENU} == MENU.keys()
    assert {verb for action, verb in told if action != decide.MENU} == {""}


def test_every_button_of_a_page_is_named() -> None:
    assert set(re.findall(r"`(page\.[a-z]+)`", page("slack.md"))) == {
        name for name in registered().actions if name.startswith("page.")
    }


def test_every_scope_has_a_row() -> None:
    assert [name for name in rows(page("slack.md")) if name in scopes()] == list(dict.fromkeys(_scope_rows()))
    assert set(_scope_rows()) == set(scopes())


def _scope_rows() -> list[str]:
    return list(rows(page("slack.md").partition("| scope | for |")[2]))


# --- nomad.md, slack-platform.md -------------------------------------------------------------------------------------


def test_every_fact_that_the_source_cites_has_its_heading() -> None:
    sources = [path for folder in (*PACKAGES, "bench", "tests") for path in (ROOT / folder).rglob("*.py")]
    # a citation may go over two lines, each with a mark of comments before it
    cited = {
        (name, " ".join(heading.replace("#", " ").split()))
        for path in sources
        for name, heading in re.findall(r'docs/([a-z-]+)\.md,[\s#]+"([^"]+)"', path.read_text("utf-8"))
    }

    pages = {name: set(re.findall(r"(?m)^#+ (.+)$", page(f"{name}.md"))) for name, _ in cited}
    assert {"nomad", "slack-platform"} <= pages.keys()
    assert [(name, heading) for name, heading in sorted(cited) if heading not in pages[name]] == []


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    links = re.findall(r"\]\((?!https?://)([^)#]*)(#[^)]+)?\)", text)
    missing = [target for target, _ in links if not (path.parent / target).exists()]
    astray = [
        f"{target}{anchor}"
        for target, anchor in links
        if anchor and target not in missing and anchor[1:] not in _anchors(path.parent / target if target else path)
    ]

    assert missing == []
    assert astray == []


def _anchors(path: Path) -> set[str]:
    """The names by which GitHub links to the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.+)$", path.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(path: Path) -> None:
    tops = "bot|handlers|store|jobspec|sandbox|tests|docs|examples|bench"
    named = re.findall(rf"`((?:{tops})/[a-z0-9_./-]*)`", path.read_text("utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []


# --- README.md, flows.md ---------------------------------------------------------------------------------------------


def test_the_readme_begins_with_the_two_commands_and_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.partition("```sh\n")[2].partition("```")[0]

    assert [line.partition("#")[0].strip() for line in block.splitlines()] == ["make sandbox", "make test"]
    assert [each.name for each in (ROOT / "docs").glob("*.md") if f"(docs/{each.name})" not in readme] == []


def test_the_map_of_the_readme_has_the_rooms_that_there_are() -> None:
    drawn: dict[str, set[str]] = {}
    ring = ""
    for line in section((ROOT / "README.md").read_text("utf-8"), "## Map").split("```")[1].splitlines():
        ring = ring if line.startswith(" ") else line.partition(" ")[0]
        drawn.setdefault(ring, set()).update(re.findall(r"(?<!\S)([a-z]+)/(?!\S)", line))
    del drawn[""]

    assert [ring for ring in drawn if not (ROOT / ring.rstrip(",")).is_dir()] == []
    for ring in ("bot/domain", "bot/operations"):
        assert drawn[ring] == {each.parent.name for each in (ROOT / ring).glob("*/__init__.py")}


def test_every_hop_of_the_flows_is_where_the_page_says() -> None:
    hops = re.findall(r"(?m)^\| `([^`]+\.py)` \| ([^|]+) \|", page("flows.md"))
    named = [(path, name) for path, names in hops for name in re.findall(r"`(\w+)`", names)]

    assert len(named) >= len(hops) > 0
    assert [(path, name) for path, name in named if not _defines(ROOT / path, name)] == []


def _defines(path: Path, name: str) -> bool:
    return (
        path.exists() and re.search(rf"(?m)^\s*(?:async )?(?:def|class) {name}\b", path.read_text("utf-8")) is not None
    )
