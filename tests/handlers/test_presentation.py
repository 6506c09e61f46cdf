from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from bot import errors
from bot.domain.deploy.gates import not_open
from handlers.presentation import PRESENTATIONS, incident, presentation_of, sentence_of
from tests.builders import a_deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def error_classes(root: type[errors.NomatronError] = errors.NomatronError) -> Iterator[type[errors.NomatronError]]:
    yield root
    for each in root.__subclasses__():
        yield from error_classes(each)


def reason_codes() -> set[str]:
    """The literal first argument of every ``refuse(...)`` and ``Reason(...)`` in the source."""
    found = set()
    for folder in ("bot/domain", "bot/operations", "bot/gateways", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"refuse", "Reason"} and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        found.add(str(first.value))
    return found


def test_every_error_has_a_presentation() -> None:
    assert {each.code for each in error_classes()} <= set(PRESENTATIONS)


def test_every_refusal_has_a_presentation() -> None:
    acts = {
        not_open(a_deploy(), act).codes[0] for act in ("approve", "retract", "reject", "withdraw", "replan", "replace")
    }
    codes = reason_codes() | acts

    assert len(codes) > 40
    assert codes <= set(PRESENTATIONS), codes - set(PRESENTATIONS)


def test_a_presentation_fits_every_surface() -> None:
    for code, shown in PRESENTATIONS.items():
        assert 200 <= shown.status < 600, code
        assert code == "replayed" or shown.emoji.startswith(":"), code
        assert (shown.exit == 0) == (shown.status < 400), code


def test_what_people_are_told_about_a_failure() -> None:
    assert "nothing was recorded" in (sentence_of(errors.StoreBusy("x")) or "")
    assert "may or may not be recorded" in (sentence_of(errors.AmbiguousCommit("x")) or "")
    assert sentence_of(errors.IllegalTransition("x")) is None
    assert presentation_of("of-no-kind").status == 500
    assert len({incident() for _ in range(20)}) > 1
