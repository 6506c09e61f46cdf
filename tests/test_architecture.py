"""The conventions that a reviewer would otherwise have to remember."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot import errors
from bot.__main__ import VERBS
from bot.errors import NomatronError
from bot.gateways.slack.manifest import COMMAND, manifest
from handlers.presentation import PRESENTATIONS
from tests.handlers.slack.bolt import registered
from tests.source import PACKAGES, ROOT, calls, functions, imports, trees

if TYPE_CHECKING:
    from collections.abc import Iterator


# --- imports ---------------------------------------------------------------------------------------------------------


def test_the_domain_is_the_standard_library_and_itself() -> None:
    foreign = {
        (path, name)
        for path, tree in trees("bot/domain").items()
        for name in imports(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(("bot.domain", "bot.errors"))
    }

    assert foreign == set()


def test_every_library_that_is_imported_is_a_dependency_and_every_dependency_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[\[<>=]", each)[0] for each in project["dependencies"]}
    provided = packages_distributions()
    names = {name.split(".")[0] for tree in trees().values() for name in imports(tree)}
    # parts of aiohttp and pydantic under names of their own, and what is there for type checkers alone
    foreign = names - set(sys.stdlib_module_names) - {*PACKAGES, "yarl", "pydantic_core", "_typeshed"}
    providers = {name: {each.lower().replace("_", "-") for each in provided[name]} for name in foreign}

    assert {name for name, projects in providers.items() if not declared & projects} == set()
    # zoneinfo loads the one if the system has no time zones, SQLAlchemy the other for a database on PostgreSQL
    assert declared - set().union(*providers.values()) == {"tzdata", "asyncpg"}


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_verb_of_the_command_line_names_is_there(verb: str) -> None:
    # loaded by name, so no linter sees it
    assert callable(getattr(importlib.import_module(VERBS[verb].module), VERBS[verb].function))


def test_only_the_settings_and_the_sandbox_read_the_environment() -> None:
    readers = {
        path
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }

    assert {path for path in readers if not path.startswith("sandbox/")} == {"bot/settings.py"}


# --- sizes and edges -------------------------------------------------------------------------------------------------


def test_functions_stay_small() -> None:
    long = {
        f"{path}:{function.lineno} {function.name}": _lines(function)
        for path, tree in _measured()
        for function in functions(tree)
        if _lines(function) > 50
    }

    assert long == {}


def test_files_stay_small() -> None:
    sizes = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path, _ in _measured()}

    assert {path: size for path, size in sizes.items() if size > 400} == {}


def test_folders_stay_small() -> None:
    modules = Counter(str(Path(path).parent) for path, _ in _measured() if not path.endswith("/__init__.py"))

    assert {folder: number for folder, number in modules.items() if number > 16} == {}


def _measured() -> Iterator[tuple[str, ast.Module]]:
    """Every module but the migrations: a revision is history, and is never split."""
    return ((path, tree) for path, tree in trees().items() if not path.startswith("store/migrations/"))


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_everything_is_caught_only_at_the_edges_of_the_process() -> None:
    catching = {
        path
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and {None, "Exception", "BaseException"} & _caught(node)
    }

    edges = {
        "handlers/slack/app.py",
        "handlers/slack/guard.py",
        "handlers/slack/respond.py",
        "handlers/watch.py",
        "handlers/web/health.py",
        "handlers/work.py",
    }
    assert catching == edges


def _caught(handler: ast.ExceptHandler) -> set[str | None]:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {getattr(each, "id", "") if each else None for each in caught}


def test_every_state_is_entered_and_left_by_the_one_table() -> None:
    # a status that is written past `advance` would be written past the table
    written = {
        path
        for path, tree in trees("bot", "handlers").items()
        for call in calls(tree, "replace")
        if any(keyword.arg == "status" for keyword in call.keywords)
    }
    assert written == {"bot/domain/deploy/deploy.py", "bot/domain/deploy/follow.py"}


def test_a_deploy_is_moved_in_one_place() -> None:
    movers = {path for path, tree in trees("bot", "handlers", "store").items() for _ in calls(tree, "advance")}

    assert movers == {"bot/operations/deploys/transitions.py"}


# --- codes -----------------------------------------------------------------------------------------------------------


def test_every_error_and_refusal_code_has_a_presentation_and_back() -> None:
    broken = {error.code for error in _errors(NomatronError)}

    assert broken | _refusal_codes() == set(PRESENTATIONS)


def test_the_tree_of_errors_is_drawn_in_full() -> None:
    drawn = errors.__doc__ or ""

    assert [error.__name__ for error in _errors(NomatronError) if error.__name__ not in drawn] == []


def _errors(root: type[NomatronError]) -> Iterator[type[NomatronError]]:
    """The errors of ``bot.errors``; refinements elsewhere share their parent's code."""
    yield root
    for each in root.__subclasses__():
        if each.__module__ == "bot.errors":
            yield from _errors(each)


def _refusal_codes() -> set[str]:
    """The first argument of every ``refuse(...)`` and ``Reason(...)``.

    A code that is put together from a parameter (``f"cannot-{act}"``) is filled from every call of that function.
    """
    found: set[str] = set()
    for path, tree in trees("bot", "handlers").items():
        if path.startswith("sandbox/"):
            continue
        inner = {id(call): function for function in functions(tree) for call in calls(function, "refuse", "Reason")}
        for call in calls(tree, "refuse", "Reason"):
            found |= _codes(call.args[0], inner.get(id(call)), f"{path}:{call.lineno}")
    return found


def _codes(argument: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef | None, place: str) -> set[str]:
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    if isinstance(argument, ast.JoinedStr) and function is not None:
        before, part = argument.values
        assert isinstance(before, ast.Constant), place
        assert isinstance(part, ast.FormattedValue), place
        assert isinstance(part.value, ast.Name), place
        given = _given(function, part.value.id)
        assert given, place
        return {f"{before.value!s}{word}" for word in given}
    passed_on = isinstance(argument, ast.Attribute) and argument.attr == "code"
    # `refuse` itself hands its parameter on to `Reason`
    hands_on = function is not None and function.name == "refuse" and isinstance(argument, ast.Name)
    assert passed_on or hands_on, f"{place}: write the code where it can be read"
    return set()


def _given(function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> set[str]:
    """The texts that callers give for a parameter."""
    at = [argument.arg for argument in function.args.args].index(parameter)
    arguments = [call.args[at] for tree in trees("bot", "handlers").values() for call in calls(tree, function.name)]
    return {str(argument.value) for argument in arguments if isinstance(argument, ast.Constant)}


# --- Slack -----------------------------------------------------------------------------------------------------------


def test_nothing_calls_the_web_api_past_the_table() -> None:
    callers = {path for path, tree in trees("bot/gateways", "handlers").items() for _ in calls(tree, "api_call")}

    assert callers == {"bot/gateways/slack/connection.py"}


def test_the_manifest_names_every_way_in_that_is_served_and_no_other() -> None:
    document = manifest("https://nomatron.example.com")
    names = registered()

    assert [command["command"] for command in document["features"]["slash_commands"]] == names.commands == [COMMAND]
    assert document["settings"]["interactivity"]["is_enabled"] == bool(names.actions and names.views)
    # neither events nor shortcuts are served, so none is asked for
    assert "event_subscriptions" not in document["settings"]
    assert "shortcuts" not in document["features"]
